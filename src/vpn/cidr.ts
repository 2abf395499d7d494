/** Networks in CIDR form as ranges of numbers, to tell whether they overlap. */
import { isIP } from "node:net";

/** A network: its first and last address. */
export interface Cidr {
  family: 4 | 6;
  first: bigint;
  last: bigint;
}

/** Reads `10.0.0.0/8` or `2001:db8::/32`; undefined when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [, address = "", bitsText = ""] = match;
  const family = isIP(address);
  const width = family === 6 ? 128 : 32;
  const bits = Number(bitsText);
  if (family === 0 || bits > width) return undefined;
  const size = 1n << BigInt(width - bits);
  const number = family === 6 ? numberOf6(address) : numberOf4(address);
  const first = number - number % size;
  return { family: family === 6 ? 6 : 4, first, last: first + size - 1n };
}

/** True when the networks share an address. */
export function overlap(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** True when the address stands at the start of the network: `10.0.0.1/8` does not. */
export function isNetworkAddress(text: string): boolean {
  const cidr = parseCidr(text);
  const [address = ""] = text.split("/");
  if (cidr === undefined) return false;
  return (cidr.family === 6 ? numberOf6(address) : numberOf4(address)) === cidr.first;
}

function numberOf4(address: string): bigint {
  return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function numberOf6(address: string): bigint {
  // An IPv4 address at the end stands for two groups.
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    groups.push(...Array<string>(8 - groups.length - after.length).fill("0"), ...after);
  }
  return groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}
