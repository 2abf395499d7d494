/** Comparing a tree with its restored copy: names, kinds, contents, modes, times to the millisecond, link targets. */
import { createHash } from "node:crypto";
import { join } from "node:path";

/** What a comparison found. */
export interface Comparison {
  /** One sentence per difference. */
  differences: string[];
  files: number;
  bytes: number;
}

/** Compares two directories; the first one is what should be. */
export async function compareTrees(source: string, copy: string): Promise<Comparison> {
  const result: Comparison = { differences: [], files: 0, bytes: 0 };
  await compareEntry(source, copy, "", result);
  return result;
}

async function compareEntry(source: string, copy: string, path: string, result: Comparison): Promise<void> {
  const [a, b] = [join(source, path), join(copy, path)];
  const theirs = await Deno.lstat(b).catch(() => undefined);
  if (theirs === undefined) return void result.differences.push(`${path}: missing in the copy`);
  const ours = await Deno.lstat(a);
  const differ = (what: string) =>
    void result.differences.push(`${path === "" ? "." : path}: ${what} differs`);
  if (
    ours.isFile !== theirs.isFile || ours.isDirectory !== theirs.isDirectory ||
    ours.isSymlink !== theirs.isSymlink
  ) {
    return differ("kind");
  }
  if (ours.isSymlink) {
    if (await Deno.readLink(a) !== await Deno.readLink(b)) differ("link target");
    return;
  }
  if (ours.mode !== theirs.mode) differ("mode");
  if (ours.mtime?.getTime() !== theirs.mtime?.getTime()) differ("time");
  if (ours.isFile) {
    result.files++;
    result.bytes += ours.size;
    if (ours.size !== theirs.size || await hash(a) !== await hash(b)) differ("content");
    return;
  }
  if (!ours.isDirectory) return;
  const [names, found] = [await namesIn(a), await namesIn(b)];
  for (const extra of found.filter((name) => !names.includes(name))) {
    result.differences.push(`${join(path, extra)}: only in the copy`);
  }
  for (const name of names) await compareEntry(source, copy, join(path, name), result);
}

async function namesIn(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map((entry) => entry.name).sort();
}

async function hash(path: string): Promise<string> {
  const digest = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) digest.update(chunk);
  return digest.digest("hex");
}
