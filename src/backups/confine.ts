/**
 * Keeping paths that come over the network inside the directories an administrator allowed.
 *
 * A path is judged by where it really leads: links are resolved as far as the path exists. Between the judgement
 * and the use somebody with write access to an allowed root could still swap a directory for a link, so callers
 * judge again right before each use; what remains is the moment in between.
 */
import { basename, dirname, isAbsolute, join, normalize, sep } from "node:path";
import { HoldfastError } from "../lib/errors.ts";

/** Where paths may lie. */
export interface Confinement {
  /** Directories that contain all that may be touched; empty allows nothing. */
  allowed_roots: readonly string[];
  /** Holdfast's own directory, whose keys and database nobody may read or replace through a backup. */
  data_dir: string;
}

/**
 * Where a path really is, judged for a caller that is confined. Errors: `invalid` for a relative path or one with
 * `..`, `forbidden` outside the allowed roots, with the same words whether or not the path exists.
 */
export async function confine(path: string, confinement: Confinement): Promise<string> {
  requireAbsolute(path);
  const real = await resolveExisting(path);
  const roots = await Promise.all(confinement.allowed_roots.map(resolveExisting));
  if (real === undefined || !roots.some((root) => root !== undefined && isWithin(real, root))) {
    throw new HoldfastError("forbidden", `Cannot use "${path}": it is not inside backups.allowed_roots`, {
      code: "outside_allowed_roots",
      hint: "an administrator of this host can add a directory to backups.allowed_roots",
    });
  }
  const own = await resolveExisting(confinement.data_dir);
  if (own === undefined || isWithin(real, own) || isWithin(own, real)) {
    throw new HoldfastError("forbidden", `Cannot use "${path}": it holds Holdfast's own data directory`, {
      code: "data_directory",
    });
  }
  return real;
}

/** Refuses relative paths, and those that only look like the place they lead to. Errors: `invalid`. */
export function requireAbsolute(path: string): void {
  const refuse = (reason: string, hint: string) => {
    throw new HoldfastError("invalid", `Cannot use path "${path}": ${reason}`, { hint });
  };
  if (path.includes("\0")) refuse("it contains a NUL character", "leave it out");
  if (!isAbsolute(path)) {
    refuse("it is not absolute", "the API takes absolute paths; the command line makes them");
  }
  // "link/.." is not where it seems to be: the system resolves the link first.
  if (path.split(/[/\\]/).includes("..")) refuse('it contains ".."', `did you mean "${normalize(path)}"?`);
}

/** True when `path` is `root` or lies below it; both resolved. */
export function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The path with all links resolved that exist; what does not exist yet is appended. Undefined where that cannot be known. */
async function resolveExisting(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    // A link to nothing leads to wherever somebody puts something later.
    if (!absent || await isThere(path)) return undefined;
    const parent = dirname(path);
    if (parent === path) return undefined;
    const resolved = await resolveExisting(parent);
    return resolved === undefined ? undefined : join(resolved, basename(path));
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
