/**
 * Knocking on an address that a person named, without becoming a way into the network.
 *
 * The name is resolved once and the connection goes to the address that was judged, so a name that changes
 * between two look-ups gains nothing. Of an answer only the status is read; redirects are not followed.
 */
import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import { messageOf } from "../lib/errors.ts";

/** Addresses that are no server: metadata services of clouds, "this network", multicast, reserved. */
const NEVER = new BlockList();
NEVER.addSubnet("0.0.0.0", 8, "ipv4");
NEVER.addSubnet("169.254.0.0", 16, "ipv4");
NEVER.addSubnet("224.0.0.0", 3, "ipv4");
NEVER.addAddress("::", "ipv6");
NEVER.addSubnet("fe80::", 10, "ipv6");
NEVER.addSubnet("ff00::", 8, "ipv6");
NEVER.addAddress("fd00:ec2::254", "ipv6");

/** True for an address a running check may connect to. */
export function isProbeable(address: string): boolean {
  return !NEVER.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** A connection to the first address of a host that accepts one. Rejects with a sentence. */
export async function connectTo(host: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  let problem = `${host} has no address that may be checked`;
  for (const address of await addressesOf(host)) {
    if (!isProbeable(address)) continue;
    try {
      return await Deno.connect({ hostname: address, port, signal });
    } catch (error) {
      signal.throwIfAborted();
      problem = `Port ${port} of ${host} does not answer: ${messageOf(error)}`;
    }
  }
  throw new Error(problem);
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map((found) => found.address);
  } catch {
    throw new Error(`Host "${host}" is not known`);
  }
}

/** Bytes in which an answer must have shown its status line. */
const STATUS_LINE_BYTES = 4096;

/** The status with which an address answers a GET. Rejects with a sentence. */
export async function statusOf(url: URL, signal: AbortSignal): Promise<number> {
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const plain = await connectTo(host, Number(url.port || (secure ? 443 : 80)), signal);
  using connection = secure ? await Deno.startTls(plain, { hostname: host }) : plain;
  const close = () => connection.close();
  // Closing is the only way to end a read that nobody answers.
  signal.addEventListener("abort", close, { once: true });
  try {
    const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
      "User-Agent: holdfast\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(head));
    const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r\n]/.exec(await firstLine(connection)) ?? [];
    if (status === undefined) throw new Error(`${url} does not answer in HTTP`);
    return Number(status);
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function firstLine(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let text = "";
  while (!text.includes("\n") && text.length < STATUS_LINE_BYTES) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}
