/**
 * Writing entries below a target directory.
 *
 * The archive is not trusted. Each directory on the way to an entry is looked at without following links and has
 * to be a real one; files are made new, never opened, so nothing is written through a link, a hard link or a
 * device that the archive or anyone else put there. What is refused becomes a warning.
 */
import { chmodSync, closeSync, constants, lchownSync, lutimesSync, openSync, writeSync } from "node:fs";
import { messageOf } from "../../../lib/errors.ts";
import type { RestoreRequest } from "../../engine.ts";
import { plainPath } from "./glob.ts";
import { linkLeaves, safeNames } from "./safe-path.ts";
import type { TarHeader, TarReader } from "./tar-decode.ts";
import { codeOf } from "./system-errors.ts";

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const MAX_WARNINGS = 1000;
/** Errors after which nothing further can be written. */
const FATAL = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

const UNSUPPORTED: Record<string, string> = {
  "3": "devices are not",
  "4": "devices are not",
  "6": "named pipes are not",
  "S": "GNU's sparse format is not supported",
};

/** Why one entry is not restored. */
class Refused extends Error {}

/** Writes one entry after the other. */
export class EntryWriter {
  items = 0;
  bytes = 0;
  #target: string;
  #createdTarget: boolean;
  #request: RestoreRequest;
  #warnings: string[] = [];
  #warned = 0;
  #directories: { path: string; header: TarHeader }[] = [];
  /** Directories of the archive that are not selected, should something below them be: the current branch only. */
  #parents = new Map<string, TarHeader>();
  /** Content written under another name than its own, for the hard links to it. */
  #moved = new Map<string, string>();
  /** The directory that was last found to be real, all the way from the target. */
  #sure: string;

  constructor(target: string, createdTarget: boolean, request: RestoreRequest) {
    this.#target = target === "/" ? "" : target;
    [this.#createdTarget, this.#request] = [createdTarget, request];
    this.#sure = this.#target;
  }

  warnings(): string[] {
    const more = this.#warned - this.#warnings.length;
    return more === 0
      ? this.#warnings
      : [...this.#warnings, `${more} more entries were not or not wholly restored`];
  }

  /** Restores an entry; what is wrong with it alone becomes a warning. `onPiece` may throw to stop. */
  async entry(header: TarHeader, tar: TarReader, onPiece: () => void): Promise<void> {
    try {
      await this.#write(header, tar, onPiece);
      this.items++;
    } catch (error) {
      const code = codeOf(error);
      if (!(error instanceof Refused) && (code === undefined || FATAL.has(code))) throw error;
      this.#warn(`"${header.path}" is not restored: ${messageOf(error)}`);
    }
  }

  /** Restores a file that is not selected under the name of a selected hard link to it. */
  async entryAs(link: string, header: TarHeader, tar: TarReader, onPiece: () => void): Promise<void> {
    this.#moved.set(plainPath(header.path), link);
    await this.entry({ ...header, path: link }, tar, onPiece);
    // Counted when the link itself comes.
    this.items--;
  }

  /** Remembers a directory that is not selected, for the mode it gets if something below it is restored. */
  noteParent(path: string, header: TarHeader): void {
    for (const known of this.#parents.keys()) if (!path.startsWith(known + "/")) this.#parents.delete(known);
    this.#parents.set(path, header);
  }

  /** Gives directories their modes and times; last, as writing below them changes both. */
  finishDirectories(): void {
    for (const { path, header } of this.#directories.reverse()) this.#finish(path, header);
  }

  async #write(header: TarHeader, tar: TarReader, onPiece: () => void): Promise<void> {
    if (header.garbled.has("path")) throw new Refused("its name is not UTF-8");
    if (header.garbled.has("link")) throw new Refused("what it links to is not UTF-8");
    const names = this.#names(header.path);
    if (names.length === 0) {
      if (this.#createdTarget) this.#directories.push({ path: this.#target, header });
      return;
    }
    const path = this.#under(names.slice(0, -1), true) + "/" + names.at(-1);
    switch (header.kind) {
      case "directory":
        return this.#directory(path, header);
      case "symlink":
        return this.#symlink(path, names, header);
      case "hardlink":
        return this.#hardlink(path, header);
      case "file":
        return await this.#file(path, header, tar, onPiece);
      case "other":
        throw new Refused(UNSUPPORTED[header.flag] ?? `its kind is unknown (type "${header.flag}")`);
    }
  }

  #names(path: string): string[] {
    const names = safeNames(path);
    if (!Array.isArray(names)) throw new Refused(names.refused);
    return names;
  }

  /** The directory `names` below the target, after making sure that no part of it is a link. */
  #under(names: string[], create: boolean): string {
    const whole = [this.#target, ...names].join("/");
    if (whole === this.#sure) return whole;
    let path = this.#target;
    for (const [index, name] of names.entries()) {
      path += "/" + name;
      const info = lstat(path);
      if (info === null && create) this.#makeParent(path, names.slice(0, index + 1).join("/"));
      else if (info === null) throw new Refused(`"${path}" does not exist`);
      else if (info.isSymlink) throw new Refused(`"${path}" is a link, and nothing is written through links`);
      else if (!info.isDirectory) throw new Refused(`"${path}" is not a directory`);
    }
    return this.#sure = whole;
  }

  #makeParent(path: string, name: string): void {
    // Private unless the archive says otherwise: an unknown parent may have protected what is below.
    Deno.mkdirSync(path, { mode: 0o700 });
    const header = this.#parents.get(name);
    if (header !== undefined) this.#directories.push({ path, header });
  }

  #directory(path: string, header: TarHeader): void {
    const info = lstat(path);
    if (info?.isSymlink) throw new Refused("a link has its place");
    if (info !== null && !info.isDirectory) this.#clear(path);
    if (!info?.isDirectory) Deno.mkdirSync(path, { mode: 0o700 });
    this.#directories.push({ path, header });
  }

  #symlink(path: string, names: string[], header: TarHeader): void {
    if (this.#target !== "" && !this.#request.outside_links && linkLeaves(names, header.link)) {
      throw new Refused(`a link to "${header.link}", which leads out of the target`);
    }
    this.#clear(path);
    Deno.symlinkSync(header.link, path);
    this.#finish(path, header);
  }

  #hardlink(path: string, header: TarHeader): void {
    const names = this.#names(this.#moved.get(plainPath(header.link)) ?? header.link);
    const source = this.#under(names.slice(0, -1), false) + "/" + names.at(-1);
    if (source === path) return;
    const info = lstat(source);
    if (info === null || !info.isFile) {
      throw new Refused(`a hard link to "${header.link}", which was not restored`);
    }
    this.#clear(path);
    Deno.linkSync(source, path);
  }

  async #file(path: string, header: TarHeader, tar: TarReader, onPiece: () => void): Promise<void> {
    this.#clear(path);
    const file = openSync(path, CREATE_FLAGS, 0o600);
    try {
      for (let piece = await tar.piece(); piece !== null; piece = await tar.piece()) {
        for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
        this.bytes += piece.length;
        onPiece();
      }
    } catch (error) {
      Deno.removeSync(path);
      throw error;
    } finally {
      closeSync(file);
    }
    this.#finish(path, header);
  }

  /** Makes room for an entry. What exists by now may be replaced, but no directory with all it holds. */
  #clear(path: string): void {
    const info = lstat(path);
    if (info?.isDirectory) throw new Refused("a directory has its place");
    if (info !== null) Deno.removeSync(path);
  }

  /** Owner, mode and times of something just made; what the system refuses is a warning. */
  #finish(path: string, header: TarHeader): void {
    let owned = header.uid === Deno.uid() && header.gid === Deno.gid();
    if (this.#request.owners) {
      owned = this.#attempt(header, "owner", () => lchownSync(path, header.uid, header.gid));
    }
    if (header.kind !== "symlink") {
      // A set-id bit is a power of the owner it was given by, and of nobody else.
      const mode = owned ? header.mode : header.mode & 0o1777;
      this.#attempt(header, "mode", () => chmodSync(path, mode));
    }
    this.#attempt(header, "time", () => setTime(path, header));
  }

  #attempt(header: TarHeader, what: string, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.#warn(`"${header.path}" is restored without its ${what}: ${messageOf(error)}`);
      return false;
    }
  }

  #warn(text: string): void {
    if (this.#warned++ < MAX_WARNINGS) this.#warnings.push(text);
  }
}

function setTime(path: string, { kind, mtime }: TarHeader): void {
  const time = new Date(mtime);
  if (kind === "symlink") return lutimesSync(path, time, time);
  try {
    Deno.utimeSync(path, time, time);
  } catch {
    // Deno 2.7 cannot set a fraction of a second before 1970.
    const whole = new Date(Math.floor(mtime / 1000) * 1000);
    Deno.utimeSync(path, whole, whole);
  }
}

function lstat(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
