/** Looking into a backup: what is in it, without restoring anything. */
import { z } from "zod";
import type { Caller } from "../lib/operation.ts";
import type { ArtifactEntry } from "./engine.ts";
import { globMatcher, plainPath } from "./engines/archive/glob.ts";
import { Meter } from "./engines/tools/meter.ts";
import type { IdentityFields } from "./identity.ts";
import type { Backup } from "./model.ts";
import { type Parts, stored, workContext } from "./parts.ts";

const KINDS = ["file", "directory", "symlink", "hardlink", "other"] as const;

/** Which entries are wanted. */
export const ContentsFields = z.strictObject({
  patterns: z.array(z.string().min(1)).default([])
    .describe("Only what matches these glob patterns, as `backups restore` takes them"),
  limit: z.int().min(1).max(10_000).default(1000).describe("At most so many, in the order of the backup"),
  offset: z.int().min(0).default(0).describe("Leave out so many of the first"),
});
export type ContentsFields = z.output<typeof ContentsFields>;

/** What is in a backup, as far as it was asked for. */
export const BackupContents = z.object({
  backup_id: z.string(),
  name: z.string(),
  path: z.string().describe("Of the artifact"),
  entries: z.array(z.object({
    path: z.string().describe("As patterns of a restore mean it: from the root of the backup"),
    kind: z.enum(KINDS).describe("other: no file by itself, such as a table of a dump"),
    size_bytes: z.number().int(),
    modified_at: z.string().nullable().describe("Null where nobody knows"),
    link_target: z.string().nullable(),
  })),
  next_offset: z.number().int().nullable().describe("Where it goes on; null when these are the last"),
}).meta({ id: "BackupContents" });
export type BackupContents = z.output<typeof BackupContents>;

/**
 * Reads the entries one after the other, keeps those that were asked for, and stops behind the last of them. Errors: what
 * keeps the artifact from being read, `invalid` for a pattern that is none.
 */
export async function contentsOf(
  parts: Parts,
  backup: Backup,
  { patterns, limit, offset, ...identity }: ContentsFields & IdentityFields,
  caller: Caller,
): Promise<BackupContents> {
  const engine = parts.engines.get(backup.engine);
  const isMeant = patterns.length === 0 ? () => true : globMatcher(patterns);
  const context = workContext(parts, caller);
  const meter = new Meter(context);
  const total = backup.item_count === null ? {} : { total_items: backup.item_count };
  const entries: BackupContents["entries"] = [];
  let [read, matched] = [0, 0];
  let next_offset: number | null = null;
  for await (const entry of engine.list(await stored(parts, backup, identity), context)) {
    meter.report({ phase: "check", done_bytes: 0, done_items: ++read, ...total });
    const path = plainPath(entry.path);
    if (!isMeant(path) || matched++ < offset) continue;
    if (entries.length === limit) {
      next_offset = offset + limit;
      break;
    }
    entries.push(shown(entry, path));
  }
  return { backup_id: backup.id, name: backup.name, path: backup.path, entries, next_offset };
}

function shown({ kind, size_bytes, mtime, link_target }: ArtifactEntry, path: string) {
  return {
    // A root that has no name of its own.
    path: path === "" ? "." : path,
    kind,
    size_bytes,
    modified_at: mtime === "" ? null : mtime,
    link_target: link_target ?? null,
  };
}
