/** Comparing what a restore wrote with what the artifact says it holds. */
import { join } from "node:path";
import { HoldfastError } from "../lib/errors.ts";
import { formatSize } from "../lib/size.ts";
import type { ArtifactEntry } from "./engine.ts";

/** Differences named; more are counted. */
const NAMED = 5;

/** What the comparison found. */
export interface Comparison {
  ok: boolean;
  detail: string;
}

/** Looks at each entry of the artifact on disk: kind, size, time, what links say. */
export async function compareRestored(
  entries: AsyncIterable<ArtifactEntry>,
  target: string,
  signal: AbortSignal,
): Promise<Comparison> {
  const different: string[] = [];
  let [compared, bytes, differences] = [0, 0, 0];
  for await (const entry of entries) {
    signal.throwIfAborted();
    if (entry.kind === "other") continue;
    compared++;
    if (entry.kind === "file") bytes += entry.size_bytes;
    const difference = await differenceOf(entry, join(target, entry.path));
    if (difference === null) continue;
    differences++;
    if (different.length < NAMED) different.push(`"${entry.path}" ${difference}`);
  }
  if (differences === 0) {
    const detail = compared === 0
      ? "it lists no files of its own"
      : `${compared} entries with ${formatSize(bytes)} are as the artifact says`;
    return { ok: true, detail };
  }
  const more = differences - different.length;
  return { ok: false, detail: different.join("; ") + (more > 0 ? `; and ${more} more` : "") };
}

async function differenceOf(entry: ArtifactEntry, path: string): Promise<string | null> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return "is not there";
    }
    throw new HoldfastError("unavailable", `Cannot look at "${path}"`, { cause: error });
  }
  switch (entry.kind) {
    case "directory":
      return info.isDirectory ? null : "is no directory";
    case "symlink": {
      if (!info.isSymlink) return "is no symbolic link";
      if (entry.link_target === undefined) return null;
      const says = await Deno.readLink(path);
      return says === entry.link_target ? null : `leads to "${says}", not to "${entry.link_target}"`;
    }
    case "hardlink":
      return info.isFile ? null : "is no file";
    case "file":
      if (!info.isFile) return "is no file";
      return info.size === entry.size_bytes ? null : `has ${info.size} bytes, not ${entry.size_bytes}`;
    case "other":
      return null;
  }
}
