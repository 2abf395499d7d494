/** IPv4 addresses, networks and ranges as numbers, for pools and for what is taken on a router. */
import { isIPv4 } from "node:net";

/** First and last of something counted, both included. */
export type Range = readonly [first: number, last: number];

/** An address as a number; undefined when the text is none. */
export function toNumber(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A number as an address. */
export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** First and last address of a network such as `10.20.0.0/24`; undefined for another text or with host bits set. */
export function networkRange(text: string): Range | undefined {
  const [, base = "", bits = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const first = toNumber(base);
  if (first === undefined || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  return first % size === 0 ? [first, first + size - 1] : undefined;
}

/** Addresses of a network that a host can have: without its first and last, where there are more than two. */
export function hostRange(text: string): Range | undefined {
  const range = networkRange(text);
  if (range === undefined) return undefined;
  return range[1] - range[0] < 3 ? range : [range[0] + 1, range[1] - 1];
}

/** `A`, `A-B` or a network as a range; undefined for anything else. */
export function addressRange(text: string): Range | undefined {
  const [from = "", to] = text.split("-");
  const first = toNumber(from.trim());
  if (to === undefined) return first === undefined ? networkRange(text) : [first, first];
  const last = toNumber(to.trim());
  return first === undefined || last === undefined || first > last ? undefined : [first, last];
}

export function contains([first, last]: Range, value: number): boolean {
  return value >= first && value <= last;
}

/** True when `inner` lies wholly in `outer`. */
export function within(inner: Range, outer: Range): boolean {
  return inner[0] >= outer[0] && inner[1] <= outer[1];
}

export function overlap(a: Range, b: Range): boolean {
  return a[0] <= b[1] && b[0] <= a[1];
}

/** `32000-33000` or `443`; undefined for what is no port or range of ports. */
export function portRange(text: string): Range | undefined {
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return first >= 1 && last <= 65_535 && first <= last ? [first, last] : undefined;
}

/** How many values lie in ranges that may overlap. */
export function sizeOf(ranges: readonly Range[]): number {
  let [size, end] = [0, -1];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    size += Math.max(0, last - Math.max(first, end + 1) + 1);
    end = Math.max(end, last);
  }
  return size;
}
