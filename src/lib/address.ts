/** What network addresses are: public (the guard against being used to reach what only this host can), this host's, one customer's. */
import { BlockList, isIP } from "node:net";

export { isLoopbackAddress } from "./loopback.ts";

/** Ranges that are not public (IANA special-purpose registries for IPv4 and IPv6). */
const SPECIAL: readonly [string, number, "ipv4" | "ipv6"][] = [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.0.2.0", 24, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["198.51.100.0", 24, "ipv4"],
  ["203.0.113.0", 24, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["240.0.0.0", 4, "ipv4"],
  // With ::, ::1 and the IPv4 addresses that were once written so.
  ["::", 96, "ipv6"],
  ["64:ff9b::", 96, "ipv6"],
  ["64:ff9b:1::", 48, "ipv6"],
  ["100::", 64, "ipv6"],
  ["2001:db8::", 32, "ipv6"],
  // 6to4 holds an IPv4 address, any one; nobody is reached by it any more (RFC 7526).
  ["2002::", 16, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
];

const special = new BlockList();
for (const [address, bits, family] of SPECIAL) special.addSubnet(address, bits, family);

/** True for an address of the public internet; IPv4 inside IPv6 is judged as IPv4. */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? mappedHex(bare);
  if (mapped !== undefined) return isPublicAddress(mapped);
  const family = isIP(bare);
  return family !== 0 && !special.check(bare, family === 6 ? "ipv6" : "ipv4");
}

/** `::ffff:7f00:1` is 127.0.0.1 in another coat. */
function mappedHex(address: string): string | undefined {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (match === null) return undefined;
  const [high, low] = [parseInt(match[1]!, 16), parseInt(match[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/**
 * What counts as one address when requests are counted: an IPv4 address, or the /64 network of an IPv6 one, since
 * each customer has all of a /64 (RFC 6177). Anything else is itself; no address is "local".
 */
export function addressGroup(address: string | null): string {
  if (address === null) return "local";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const bare = address.split("%")[0] ?? "";
  if (isIP(bare) !== 6) return address;
  const [head = "", tail] = bare.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  if (tail !== undefined) groups.push(...Array<string>(8 - groups.length - after.length).fill("0"), ...after);
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":") + "::/64";
}
