/**
 * Opening what others put into a folder: only regular files, and never through a symbolic link.
 *
 * Somebody who may write to a deposit must not be able to have another file read, hashed or copied in its place. The
 * folder is judged by name and by where it leads; the file is opened without following a link and judged once it is open.
 */
import fs from "node:fs";
import { join } from "node:path";

/** Why a file is not to be touched. */
export class Untouchable extends Error {}

/** What tells one state of a file from another. */
export interface Print {
  size: number;
  /** Milliseconds since the epoch. */
  modified_ms: number;
  inode: number;
}

/** An open file, closed by `using`. */
export class OpenFile implements Disposable {
  constructor(readonly fd: number, readonly print: Print) {}

  /** What the file is now. */
  printNow(): Print {
    return printOf(fs.fstatSync(this.fd));
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.fd);
  }
}

export function isSamePrint(a: Print, b: Print): boolean {
  return a.size === b.size && a.modified_ms === b.modified_ms && a.inode === b.inode;
}

// A pipe or a device would wait for somebody; without a flag for it a system takes 0.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** Opens a regular file; undefined when there is none. Throws {@linkcode Untouchable} for anything else. */
export function openRegular(path: string): OpenFile | undefined {
  if (printRegular(path) === undefined) return undefined;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new Untouchable(reasonOf(error));
  }
  const stat = fs.fstatSync(fd);
  if (stat.isFile()) return new OpenFile(fd, printOf(stat));
  fs.closeSync(fd);
  throw new Untouchable("it is no regular file");
}

/** What a regular file is now, without opening it; undefined when there is none. Throws {@linkcode Untouchable}. */
export function printRegular(path: string): Print | undefined {
  let stat: fs.Stats;
  try {
    stat = fs.lstatSync(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw new Untouchable(reasonOf(error));
  }
  if (stat.isSymbolicLink()) throw new Untouchable("it is a symbolic link");
  if (!stat.isFile()) throw new Untouchable("it is no regular file");
  return printOf(stat);
}

/** True for a directory that is no symbolic link. Throws {@linkcode Untouchable} for one, and where that cannot be known. */
export function isRealDirectory(path: string): boolean {
  try {
    const stat = fs.lstatSync(path);
    if (stat.isSymbolicLink()) throw new Untouchable(`"${path}" is a symbolic link`);
    return stat.isDirectory();
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error instanceof Untouchable ? error : new Untouchable(`"${path}": ${reasonOf(error)}`);
  }
}

/** A directory below a root, judged name by name; undefined when it is not there. Throws {@linkcode Untouchable}. */
export function directoryBelow(root: string, names: readonly string[]): string | undefined {
  let path = root;
  for (const name of names) {
    path = join(path, name);
    if (!isRealDirectory(path)) return undefined;
  }
  return path;
}

function printOf(stat: fs.Stats): Print {
  return { size: stat.size, modified_ms: Math.trunc(stat.mtimeMs), inode: stat.ino };
}

function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The system's word for an error, `ENOSPC`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it is not there",
  ENOTDIR: "it is no directory",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EIO: "the disk answers with an error",
  ENOSPC: "no space is left",
  EDQUOT: "the quota is used up",
  EROFS: "the file system is read-only",
  ELOOP: "it is a symbolic link",
  ENAMETOOLONG: "its name is too long",
};

/** What a system error means to a person. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return REASONS[codeOf(error)] ?? message;
}
