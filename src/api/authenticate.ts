/**
 * Who is calling, as far as a request tells: its address behind trusted proxies, and its credentials.
 */
import { BlockList, isIP } from "node:net";
import type { Identity } from "../lib/caller.ts";

/** How a request came in. */
export interface Peer {
  /** `socket`: the Unix socket, whose file mode is the authorisation. */
  via: "tcp" | "socket";
  address: string | null;
}

/** Checks credentials; no credentials make an anonymous caller. Errors: `unauthenticated`. */
export type Authenticate = (credentials: {
  authorization?: string;
  apiKey?: string;
  address: string | null;
}) => Promise<Identity>;

/**
 * The client's address: the peer's own, or behind trusted proxies the nearest hop of `X-Forwarded-For` that is none of
 * them. Hops before that one are what the client claims, and count for nothing.
 */
export function clientAddress(
  peer: string | null,
  forwardedFor: string | null,
  trusted: BlockList | null,
): string | null {
  if (trusted === null || peer === null || forwardedFor === null || !isTrusted(trusted, peer)) return peer;
  let client = peer;
  for (const text of forwardedFor.split(",").reverse()) {
    const hop = text.trim().replace(/^\[(.*)\](?::\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
    if (isIP(hop) === 0) break;
    client = hop;
    if (!isTrusted(trusted, hop)) break;
  }
  return client;
}

/** The networks whose `X-Forwarded-For` counts, or null when none does. */
export function trustedProxies(networks: readonly string[]): BlockList | null {
  if (networks.length === 0) return null;
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return list;
}

function isTrusted(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}
