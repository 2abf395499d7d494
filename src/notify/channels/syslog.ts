/**
 * Syslog (RFC 5424) over UDP (RFC 5426), TCP with octet counting (RFC 6587) or the datagram socket of this host.
 *
 * None of them says that a message arrived: over TCP it counts as delivered when the connection took it, over UDP when it
 * was sent.
 */
import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { messageOf } from "../../lib/errors.ts";
import type { Item, Message } from "../message.ts";
import { type Channel, type ChannelOptions, DeliveryError, needed, shorten } from "./channel.ts";

/** Facility "daemon"; severities of RFC 5424, table 2. */
const FACILITY = 3;
const SEVERITIES = { info: 6, warning: 4, critical: 2 } as const;
/** Every receiver should take this much (RFC 5426, section 3.2). */
const MAX_BYTES = 2048;
/** The number for private use in documents (RFC 5612): Holdfast has none of its own. */
const ELEMENT = "holdfast@32473";

export function syslogChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const url = needed(options, "url", settings.url);
  return {
    name,
    kind: "syslog",
    async send(message, signal) {
      for (const item of message.items) {
        const line = formatLine(item, message);
        try {
          await transmit(url, line, signal);
        } catch (error) {
          signal.throwIfAborted();
          throw new DeliveryError(`Cannot reach channel "${name}" at ${url}: ${messageOf(error)}`, {
            refused: false,
          });
        }
      }
    },
  };
}

async function transmit(url: string, line: Uint8Array, signal: AbortSignal): Promise<void> {
  const [, transport, rest = ""] = /^(\w+):\/\/(.+)$/.exec(url) ?? [];
  if (transport === "unix") {
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: "" });
    return await sendOnce(socket, line, { transport: "unixpacket", path: rest });
  }
  const [, host = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(rest) ?? [];
  const hostname = (await lookup(host)).address;
  if (transport === "udp") {
    const socket = Deno.listenDatagram({
      transport: "udp",
      hostname: isIPv6(hostname) ? "::" : "0.0.0.0",
      port: 0,
    });
    return await sendOnce(socket, line, { transport: "udp", hostname, port: Number(port) });
  }
  using connection = await Deno.connect({ hostname, port: Number(port), signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await writeAll(connection, frame(line));
    await connection.closeWrite();
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function sendOnce(socket: Deno.DatagramConn, line: Uint8Array, to: Deno.Addr): Promise<void> {
  try {
    await socket.send(line, to);
  } finally {
    socket.close();
  }
}

function frame(line: Uint8Array): Uint8Array {
  const count = new TextEncoder().encode(`${line.length} `);
  const framed = new Uint8Array(count.length + line.length);
  framed.set(count);
  framed.set(line, count.length);
  return framed;
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

function formatLine(item: Item, { title, sections, instance, key }: Message): Uint8Array {
  const priority = FACILITY * 8 + (item.kind === "recovered" ? SEVERITIES.info : SEVERITIES[item.severity]);
  const head = [
    `<${priority}>1`,
    item.at,
    ascii(instance, 255),
    "holdfast",
    String(Deno.pid),
    ascii(item.kind, 32),
    element({ key, alert: item.alert, code: item.code, subject: item.subject.name, ...item.facts }),
  ].join(" ");
  const detail = sections[0]?.detail;
  const text = detail === null || detail === undefined ? title : `${title}: ${detail}`;
  const bytes = new TextEncoder().encode(`${head} \ufeff${shorten(text, 800)}`);
  return bytes.length <= MAX_BYTES ? bytes : whole(bytes.subarray(0, MAX_BYTES));
}

/** Cut bytes without half a character at the end. */
function whole(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(bytes).replace(/\ufffd+$/, ""));
}

/** A field of the head: printable ASCII without blanks. */
function ascii(text: string, length: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, "-").slice(0, length) || "-";
}

/** Values a line can carry beside its text. */
const MAX_PARAMS = 12;

function element(values: Record<string, string | number | boolean | null>): string {
  const params = Object.entries(values).filter(([, value]) => value !== null).slice(0, MAX_PARAMS)
    .map(([name, value]) => {
      const text = shorten(String(value), 80).replaceAll(/[\\"\]]/g, "\\$&").replaceAll(/\p{Cc}/gu, " ");
      return ` ${ascii(name, 32).replaceAll(/[="\]]/g, "-")}="${text}"`;
    });
  return `[${ELEMENT}${params.join("")}]`;
}
