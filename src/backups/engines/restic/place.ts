/** Moving a restored tree to its place. Both are in one file system, so every move is a rename. */
import { chmod, lchown } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";
import type { RestoreRequest } from "../../engine.ts";
import { linkLeaves } from "../archive/safe-path.ts";

const MAX_WARNINGS = 1000;

/** What is to be moved where. */
export interface Placing {
  /** Holds the tree, below the paths it was backed up from. */
  scratch: string;
  /** A real path. */
  target: string;
  /** What was backed up, as absolute paths. */
  paths: readonly string[];
  selected(path: string): boolean;
  request: Pick<RestoreRequest, "owners" | "outside_links" | "force">;
}

/** Moves what is selected; what is not may be in the tree too. Returns what was refused. */
export async function placeTree(placing: Placing, signal: AbortSignal): Promise<string[]> {
  const placer = new Placer(placing, signal);
  for (const path of placing.paths) await placer.root(namesOf(path));
  return placer.warnings();
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

class Placer {
  readonly #placing: Placing;
  readonly #signal: AbortSignal;
  readonly #warnings: string[] = [];
  #warned = 0;

  constructor(placing: Placing, signal: AbortSignal) {
    [this.#placing, this.#signal] = [placing, signal];
  }

  warnings(): string[] {
    const more = this.#warned - this.#warnings.length;
    return more === 0 ? this.#warnings : [...this.#warnings, `${more} more entries were not restored`];
  }

  async root(names: string[]): Promise<void> {
    const from = join(this.#placing.scratch, ...names);
    if (await lstat(from) === undefined) return;
    const kept = await this.#prune(from, names);
    if (!kept) return;
    // Directories above what was backed up are in no snapshot of it: they are made private.
    let parent = this.#placing.target;
    for (const name of names.slice(0, -1)) parent = await this.#parent(join(parent, name));
    if (names.length === 0) await this.#mergeDirectory(from, parent);
    else await this.#merge(from, join(parent, names.at(-1)!));
  }

  /** Removes from the tree what is not to be restored, and tidies what is; false when nothing is left of it. */
  async #prune(path: string, names: string[]): Promise<boolean> {
    this.#signal.throwIfAborted();
    const info = await Deno.lstat(path);
    const wanted = this.#placing.selected(names.join("/"));
    let kept = wanted;
    if (info.isDirectory) {
      for (const { name } of await Array.fromAsync(Deno.readDir(path))) {
        if (await this.#prune(join(path, name), [...names, name])) kept = true;
      }
      // Removing something inside has changed the time, which restic had restored.
      if (kept && info.mtime !== null) await Deno.utime(path, info.mtime, info.mtime);
    } else if (wanted && info.isSymlink && !await this.#isWelcome(path, names)) kept = false;
    if (kept) await this.#own(path, info);
    else await Deno.remove(path, { recursive: true });
    return kept;
  }

  async #isWelcome(path: string, names: string[]): Promise<boolean> {
    if (this.#placing.request.outside_links === true) return true;
    const text = await Deno.readLink(path);
    if (!linkLeaves(names, text)) return true;
    this.#warn(`"${names.join("/")}" is not restored: it is a link that leads out of the target`);
    return false;
  }

  /** restic gives everything the owner it had where it may; unless that is asked for, all is ours. */
  async #own(path: string, info: Deno.FileInfo): Promise<void> {
    const [uid, gid] = [Deno.uid(), Deno.gid()];
    if (this.#placing.request.owners || uid === null || gid === null) return;
    if (info.uid === uid && info.gid === gid) return;
    await lchown(path, uid, gid);
    // A set-id bit is a power of the owner it was given by, and of nobody else.
    if (!info.isSymlink) await chmod(path, (info.mode ?? 0) & 0o1777);
  }

  async #parent(path: string): Promise<string> {
    const info = await lstat(path);
    if (info === undefined) await Deno.mkdir(path, { mode: 0o700 });
    else if (!info.isDirectory) {
      const what = info.isSymlink ? "a link, and nothing is written through links" : "not a directory";
      throw new HoldfastError("conflict", `Cannot restore below "${path}": it is ${what}`);
    }
    return path;
  }

  async #merge(from: string, to: string): Promise<void> {
    this.#signal.throwIfAborted();
    const [source, there] = [await Deno.lstat(from), await lstat(to)];
    if (there?.isDirectory && source.isDirectory) return await this.#mergeDirectory(from, to);
    if (there?.isDirectory) return this.#warn(`"${to}" is not restored: a directory has its place`);
    if (there !== undefined && !this.#placing.request.force) {
      return this.#warn(`"${to}" is not restored: a file has appeared in its place`);
    }
    // A rename replaces a file or a link, but no file by a directory.
    if (there !== undefined && source.isDirectory) await Deno.remove(to);
    await Deno.rename(from, to);
  }

  async #mergeDirectory(from: string, to: string): Promise<void> {
    const info = await Deno.lstat(from);
    for (const { name } of await Array.fromAsync(Deno.readDir(from))) {
      await this.#merge(join(from, name), join(to, name));
    }
    if (to === this.#placing.target) return;
    await chmod(to, (info.mode ?? 0o700) & 0o7777);
    if (info.mtime !== null) await Deno.utime(to, info.mtime, info.mtime);
  }

  #warn(text: string): void {
    this.#warned++;
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(text);
  }
}

async function lstat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
