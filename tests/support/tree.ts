/** Trees of files for tests: made from a description, and compared down to modes, times and links. */
import { Buffer } from "node:buffer";
import { lutimesSync } from "node:fs";
import { dirname, join } from "node:path";

/** One node of a tree. `mtime` in milliseconds since the epoch; modes as in `chmod`. */
export type Node =
  | { content: string | Uint8Array; mode?: number; mtime?: number }
  /** Content that looks like half text, half noise, the same for the same seed. */
  | { size: number; seed?: number; mode?: number; mtime?: number }
  /** A file that is one hole of this many bytes, with a few bytes at its end. */
  | { hole: number; mode?: number; mtime?: number }
  | { directory: true; mode?: number; mtime?: number }
  | { symlink: string; mtime?: number }
  /** Another name for the file at this path of the tree. */
  | { hardlink: string };

/** Paths below the root, each with what is there; a string is a file's content. Parents are made as needed. */
export type TreeSpec = Record<string, Node | string>;

/** A time that no file gets by itself, different for each `index`, with milliseconds. */
export function oddTime(index: number): number {
  return Date.UTC(2019, 2, 4, 5, 6, 7) + index * 86_400_123 + 7;
}

/** Makes the tree below `root`, which is created when missing. Synchronous calls, as trees can be large. */
export function makeTree(root: string, spec: TreeSpec): Promise<void> {
  Deno.mkdirSync(root, { recursive: true });
  const made = new Set<string>();
  const nodes = Object.entries(spec).map(([path, node]) => ({
    path: join(root, path),
    node: typeof node === "string" ? { content: node } : node,
  }));
  for (const { path, node } of nodes) {
    const directory = "directory" in node ? path : dirname(path);
    if (!made.has(directory)) Deno.mkdirSync(directory, { recursive: true });
    made.add(directory);
    if ("content" in node) writeContent(path, node.content);
    else if ("size" in node) writeSized(path, node.size, node.seed ?? 1);
    else if ("hole" in node) writeHole(path, node.hole);
    else if ("symlink" in node) Deno.symlinkSync(node.symlink, path);
  }
  for (const { path, node } of nodes) if ("hardlink" in node) Deno.linkSync(join(root, node.hardlink), path);
  // Modes and times last and innermost first: making something changes the time of what it is in.
  for (const { path, node } of nodes.sort((a, b) => b.path.length - a.path.length)) {
    if ("mode" in node && node.mode !== undefined) Deno.chmodSync(path, node.mode);
    if (!("mtime" in node) || node.mtime === undefined) continue;
    const time = new Date(node.mtime);
    if ("symlink" in node) lutimesSync(path, time, time);
    else Deno.utimeSync(path, time, time);
  }
  return Promise.resolve();
}

/** A tree of everything that can be restored: odd names, long paths, modes, times and links of each kind. */
export function oddTree(): TreeSpec {
  const deep = Array.from({ length: 12 }, (_, i) => `a directory with a long name ${i}`).join("/");
  return {
    "plain.txt": { content: "plain\n", mtime: oddTime(0) },
    "empty": { content: "", mode: 0o600, mtime: oddTime(1) },
    "with space": { content: "1", mtime: oddTime(2) },
    "quote'and\"quote": { content: "2", mtime: oddTime(3) },
    "new\nline": { content: "3", mtime: oddTime(4) },
    "back\\slash": { content: "4", mtime: oddTime(5) },
    "emoji 🦕 and é and e\u0301": { content: "5", mtime: oddTime(6) },
    "-rf": { content: "6", mtime: oddTime(7) },
    "star * ? [x] {a,b}": { content: "7", mtime: oddTime(8) },
    " leading and trailing ": { content: "8", mtime: oddTime(9) },
    [`${"n".repeat(100)}`]: { content: "9", mtime: oddTime(10) },
    [`${"n".repeat(255)}`]: { content: "10", mtime: oddTime(11) },
    [`${deep}/at the end of a path of more than 300 characters`]: { content: "11", mtime: oddTime(12) },
    [`${deep}`]: { directory: true, mtime: oddTime(13) },
    "script": { content: "#!/bin/sh\n", mode: 0o755, mtime: oddTime(14) },
    "read only": { content: "12", mode: 0o444, mtime: oddTime(15) },
    "no bits": { content: "13", mode: 0o000, mtime: oddTime(16) },
    "set-id": { content: "14", mode: 0o6755, mtime: oddTime(17) },
    "old": { content: "15", mtime: -86_400_000 },
    "future": { content: "16", mtime: Date.UTC(2300, 0, 1) },
    "one block": { size: 512, mtime: oddTime(18) },
    "half a chunk": { size: 1_000_001, seed: 2, mtime: oddTime(19) },
    "over a chunk": { size: 3_000_001, seed: 3, mtime: oddTime(20) },
    "empty directory": { directory: true, mode: 0o711, mtime: oddTime(21) },
    "sticky": { directory: true, mode: 0o1777, mtime: oddTime(22) },
    "closed": { directory: true, mode: 0o500, mtime: oddTime(23) },
    "closed/inside": { content: "17", mtime: oddTime(24) },
    "links/to file": { symlink: "../plain.txt", mtime: oddTime(25) },
    "links/to directory": { symlink: "../sticky", mtime: oddTime(26) },
    "links/dangling": { symlink: "nothing here", mtime: oddTime(27) },
    "links/long": { symlink: `${"x".repeat(150)}/${"y".repeat(150)}`, mtime: oddTime(28) },
    "links/odd": { symlink: "with\nnew line and 🦕", mtime: oddTime(29) },
    "hard/one": { size: 70_000, seed: 4, mtime: oddTime(30) },
    "hard/two": { hardlink: "hard/one" },
    "hard/sub/three": { hardlink: "hard/one" },
    "zz last name of another": { hardlink: "plain.txt" },
  };
}

/**
 * What differs between two trees, a line each, empty when nothing does: names, kinds, content, modes, modification
 * times to the millisecond, link targets and which names are one file. The roots' own times and modes count too.
 */
export async function compareTrees(left: string, right: string): Promise<string[]> {
  const differences: string[] = [];
  const [a, b] = [snapshot(left), snapshot(right)];
  for (const [path, one] of a) {
    const other = b.get(path);
    if (other === undefined) differences.push(`only left: ${JSON.stringify(path)}`);
    else if (one.facts !== other.facts) {
      differences.push(`${JSON.stringify(path)}: ${one.facts} / ${other.facts}`);
    } else if (one.isFile && !await sameContent(join(left, path), join(right, path), one.size)) {
      differences.push(`${JSON.stringify(path)}: content differs`);
    }
  }
  for (const path of b.keys()) if (!a.has(path)) differences.push(`only right: ${JSON.stringify(path)}`);
  return differences;
}

interface Snapshot {
  facts: string;
  isFile: boolean;
  size: number;
}

function snapshot(root: string): Map<string, Snapshot> {
  const found = new Map<string, Snapshot>();
  const firstNames = new Map<string, string>();
  const visit = (path: string) => {
    const full = path === "" ? root : join(root, path);
    const info = Deno.lstatSync(full);
    const kind = info.isFile ? "file" : info.isDirectory ? "directory" : info.isSymlink ? "symlink" : "other";
    const facts = [kind, ((info.mode ?? 0) & 0o7777).toString(8), String(info.mtime?.getTime())];
    if (info.isFile) {
      facts.push(`${info.size} bytes`);
      const key = `${info.dev}:${info.ino}`;
      if (!firstNames.has(key)) firstNames.set(key, path);
      facts.push(`same file as ${JSON.stringify(firstNames.get(key))}`);
    }
    if (info.isSymlink) facts.push(JSON.stringify(Deno.readLinkSync(full)));
    found.set(path, { facts: facts.join(" "), isFile: info.isFile, size: info.size });
    if (!info.isDirectory) return;
    for (const name of [...Deno.readDirSync(full)].map((entry) => entry.name).sort()) {
      visit(path === "" ? name : `${path}/${name}`);
    }
  };
  visit("");
  return found;
}

async function sameContent(left: string, right: string, size: number): Promise<boolean> {
  if (size < 1 << 20) return equal(await Deno.readFile(left), await Deno.readFile(right));
  using a = Deno.openSync(left);
  using b = Deno.openSync(right);
  const [one, other] = [new Uint8Array(1 << 20), new Uint8Array(1 << 20)];
  while (true) {
    const [m, n] = [readFull(a, one), readFull(b, other)];
    if (m !== n || !equal(one.subarray(0, m), other.subarray(0, n))) return false;
    if (m === 0) return true;
  }
}

function readFull(file: Deno.FsFile, into: Uint8Array): number {
  let filled = 0;
  while (filled < into.length) {
    const count = file.readSync(into.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function writeContent(path: string, content: string | Uint8Array): void {
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
}

function writeSized(path: string, size: number, seed: number): void {
  using file = Deno.createSync(path);
  const chunk = new Uint8Array(1 << 20);
  for (let left = size, part = seed; left > 0; left -= chunk.length, part++) {
    fillMixed(chunk, part);
    const bytes = chunk.subarray(0, left);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  }
}

/** Bytes like those of real files, the same for the same seed: half words, a quarter records, a quarter noise. */
export function fillMixed(bytes: Uint8Array, seed: number): void {
  const next = xorshift(seed);
  for (let at = 0; at < bytes.length; at += STRETCH) {
    const stretch = bytes.subarray(at, at + STRETCH);
    const kind = next() & 3;
    if (kind === 3) { for (let i = 0; i < stretch.length; i++) stretch[i] = next() >>> 8; }
    else if (kind === 2) fillRecords(stretch, next);
    else fillWords(stretch, next);
  }
}

const STRETCH = 16 << 10;

function xorshift(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    return state ^= state << 5;
  };
}

const WORDS = Array.from({ length: 2048 }, (_, index) => {
  const next = xorshift(index + 1);
  const letters = Array.from({ length: 2 + (next() & 7) }, () => 0x61 + (next() >>> 16) % 26);
  return Uint8Array.from([...letters, 0x20]);
});

function fillWords(bytes: Uint8Array, next: () => number): void {
  for (let at = 0; at < bytes.length;) {
    // Common words are more common.
    const word = WORDS[((next() >>> 8) & 2047) & ((next() >>> 8) | 63)]!;
    bytes.set(word.subarray(0, bytes.length - at), at);
    at += word.length;
  }
}

/** Sixteen bytes each: a number that counts up, a few small ones, two random bytes. */
function fillRecords(bytes: Uint8Array, next: () => number): void {
  for (let at = 0; at < bytes.length; at++) {
    const column = at & 15;
    bytes[at] = column < 2 ? at >> 4 + 8 * column : column < 12 ? 0 : column < 14 ? next() & 7 : next() >>> 8;
  }
}

function writeHole(path: string, size: number): void {
  using file = Deno.createSync(path);
  file.truncateSync(size - 4);
  file.seekSync(0, Deno.SeekMode.End);
  file.writeSync(new TextEncoder().encode("end\n"));
}
