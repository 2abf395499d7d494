/**
 * Keeping a good file: copied, read back, and only then given its name.
 *
 * Every version has a name of its own and never changes: `20260302T130000Z_shop.sql.zst`, with its checksum beside it
 * in a form that `sha256sum -c` reads. Keeping the same file again finds it there, so a crash at any point is mended by
 * doing it again.
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { HoldfastError } from "../../lib/errors.ts";
import { requireName } from "../template.ts";
import { sideFileOf } from "./examine.ts";
import { hashFile } from "./hash.ts";
import { isRealDirectory, type OpenFile, openRegular, reasonOf, Untouchable } from "./open.ts";

/** A file to keep. */
export interface KeepRequest {
  /** Where it is, and what it was when it was judged. */
  path: string;
  size_bytes: number;
  sha256: string;
  /** Where good files are kept, an existing directory; the names below it. */
  root: string;
  directories: readonly string[];
  /** `20260302T130000Z`; the first part of the name. */
  stamp: string;
  /** In milliseconds. */
  now: number;
}

/** What became of it. `retry`: it may work later. */
export type Kept = { ok: true; path: string; modified_ms: number } | {
  ok: false;
  reason: string;
  retry: boolean;
};

const MODE = { directory: 0o750, file: 0o640 };
/** Versions of one file for one instant. */
const MAX_VERSIONS = 100;

/** Keeps a file. Throws nothing. */
export function keepFile(request: KeepRequest): Kept {
  try {
    const directory = makeDirectories(request.root, request.directories);
    using source = openRegular(request.path);
    if (source === undefined) throw new Untouchable("the file is not there any more");
    if (source.print.size !== request.size_bytes) {
      throw new Untouchable("the file has changed since it was judged");
    }
    removeLeftovers(directory, request.now);
    const target = nameFor(directory, request);
    if (!target.kept) copy(source, target.path, request);
    writeSideFile(target.path, request.sha256);
    syncDirectory(directory);
    return { ok: true, path: target.path, modified_ms: Math.trunc(fs.statSync(target.path).mtimeMs) };
  } catch (error) {
    // What is wrong with the file itself stays wrong; a disk gets room again.
    const isFinal = error instanceof Untouchable || error instanceof HoldfastError;
    return { ok: false, reason: reasonOf(error), retry: !isFinal };
  }
}

/** Makes the directories a template names, refusing links on the way. */
function makeDirectories(root: string, names: readonly string[]): string {
  // That the root itself is a link is its owner's business; below it there are none.
  if (!fs.statSync(root).isDirectory()) throw new Error(`"${root}" is no directory`);
  let path = root;
  for (const name of names) {
    path = join(path, requireName(name, "keep a file"));
    if (isRealDirectory(path)) continue;
    fs.mkdirSync(path, { mode: MODE.directory });
    syncDirectory(dirname(path));
  }
  return path;
}

/** A copy that is under way is written to all the time, or read back; one so old was left by a crash. */
const LEFTOVER_MS = 86_400_000;

/** Removes copies that were never ended, which nobody would miss and nothing else removes. */
function removeLeftovers(directory: string, now: number): void {
  for (const name of fs.readdirSync(directory)) {
    if (!/^\.[0-9a-f]{12}\.partial$/.test(name)) continue;
    const path = join(directory, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && now - stat.mtimeMs > LEFTOVER_MS) fs.rmSync(path, { force: true });
  }
}

/** The first free name, or that of the same file kept before. */
function nameFor(
  directory: string,
  { path, stamp, sha256, size_bytes }: KeepRequest,
): { path: string; kept: boolean } {
  for (let version = 1; version <= MAX_VERSIONS; version++) {
    const name = `${stamp}${version === 1 ? "" : `.${version}`}_${basename(path)}`;
    requireName(sideFileOf(name), "keep a file");
    const target = join(directory, name);
    using present = openRegular(target);
    if (present === undefined) return { path: target, kept: false };
    if (present.print.size === size_bytes && hashFile(present.fd).sha256 === sha256) {
      return { path: target, kept: true };
    }
  }
  throw new Untouchable(`there are ${MAX_VERSIONS} versions of it for that instant`);
}

function copy(source: OpenFile, target: string, { sha256 }: KeepRequest): void {
  const partial = join(dirname(target), `.${randomBytes(6).toString("hex")}.partial`);
  const fd = fs.openSync(partial, "wx+", MODE.file);
  try {
    try {
      const read = hashFile(source.fd, (piece) => {
        for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done, piece.length - done);
      });
      if (read.sha256 !== sha256) throw new Untouchable("the file has changed since it was judged");
      fs.fsyncSync(fd);
      if (hashFile(fd).sha256 !== sha256) throw new Error("the copy is not what was copied");
      const seconds = source.print.modified_ms / 1000;
      fs.futimesSync(fd, seconds, seconds);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(partial, target);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
}

/** Written beside and renamed, so that there is none or a whole one. */
function writeSideFile(path: string, sha256: string): void {
  const partial = join(dirname(path), `.${randomBytes(6).toString("hex")}.partial`);
  fs.writeFileSync(partial, `${sha256}  ${basename(path)}\n`, { flag: "wx", mode: MODE.file });
  fs.renameSync(partial, sideFileOf(path));
}

function syncDirectory(path: string): void {
  const fd = fs.openSync(path, "r");
  try {
    fs.fsyncSync(fd);
  } catch {
    // Some file systems cannot do that for a directory.
  } finally {
    fs.closeSync(fd);
  }
}
