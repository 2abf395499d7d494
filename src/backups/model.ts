/** Backups as records: the published catalogue entry, what is asked and answered, and the rules. */
import { z } from "zod";
import { HoldfastError } from "../lib/errors.ts";
import type { Artifact, Engine } from "./engine.ts";

export const BACKUP_TYPES = ["scheduled", "manual", "pre_update"] as const;
export const BACKUP_STATUSES = ["completed", "failed"] as const;

/** A catalogue entry, as the API and the command line show it. */
export const Backup = z.object({
  id: z.string(),
  backup_id: z.string().describe("Same as id, under the name logs use"),
  server_id: z.number().int().nullable(),
  schedule_id: z.string().nullable(),
  run_id: z.string().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  engine: z.string(),
  backup_type: z.enum(BACKUP_TYPES),
  status: z.enum(BACKUP_STATUSES).describe(
    "failed: the artifact exists, but is incomplete or was not as it should be",
  ),
  path: z.string(),
  file_path: z.string().describe("Same as path"),
  size_bytes: z.number().int().nullable(),
  sha256: z.string().nullable(),
  source_bytes: z.number().int().nullable(),
  item_count: z.number().int().nullable(),
  skipped_count: z.number().int(),
  created_at: z.string().describe("When making it began: what changed since may not be in it"),
  verified_at: z.string().nullable(),
  verified_ok: z.boolean().nullable(),
  verify_detail: z.string().nullable().describe(
    "What the last verification found, or why the backup is failed",
  ),
  missing_since: z.string().nullable(),
  changed_at: z.string().nullable().describe(
    "Since when the artifact is known to differ from what was written",
  ),
  trashed_at: z.string().nullable().describe("Since when it is in the trash; null when it is not"),
}).meta({ id: "Backup" });
export type Backup = z.infer<typeof Backup>;

/** Which catalogue entries are wanted. */
export const BackupFilter = z.strictObject({
  server: z.string().min(1).optional().describe("Only of this server (name or id)"),
  server_id: z.int().positive().optional().describe("Only of the server with this id"),
  schedule: z.string().min(1).optional().describe("Only of this schedule (name, server/name or id)"),
  schedule_id: z.string().min(1).optional().describe("Only of the schedule with this id, deleted or not"),
  status: z.enum(BACKUP_STATUSES).optional().describe("Only with this status"),
  limit: z.int().min(1).max(10_000).default(1000).describe("At most so many, newest first"),
  offset: z.int().min(0).default(0).describe("Leave out so many of the newest"),
});
export type BackupFilter = z.output<typeof BackupFilter>;

/** What a verification answers. */
export const BackupVerification = z.object({
  backup_id: z.string(),
  name: z.string(),
  path: z.string(),
  ok: z.boolean(),
  problems: z.array(z.string()).describe("One sentence each; empty when ok"),
  size_bytes: z.number().int().nullable(),
  sha256: z.string().nullable(),
  item_count: z.number().int().nullable(),
  verified_at: z.string(),
}).meta({ id: "BackupVerification" });
export type BackupVerification = z.output<typeof BackupVerification>;

/** How a restore is wanted. */
export const RestoreFields = z.strictObject({
  to: z.string().min(1).optional().describe(
    "Directory to restore into, as an absolute path; made when missing",
  ),
  into: z.string().min(1).optional()
    .describe("Instead of a directory: database to restore into, made when missing (postgres, mysql)"),
  patterns: z.array(z.string().min(1)).default([])
    .describe("Only what matches these glob patterns; paths begin at the root that `backups contents` shows"),
  force: z.boolean().default(false).describe("Overwrite files that exist, or what a database holds"),
  owners: z.boolean().default(false).describe("Restore owners and groups too; needs the privilege to"),
  outside_links: z.boolean().default(false)
    .describe("Also make symbolic links that lead out of the directory"),
});
export type RestoreFields = z.output<typeof RestoreFields>;

/** Where a restore goes. Errors: `invalid` unless it is one place, and one that the engine knows. */
export function destinationOf(
  fields: Pick<RestoreFields, "to" | "into">,
  engine: Pick<Engine, "kind" | "restoresInto">,
): { target: string; into?: string } {
  const { to, into } = fields;
  const refuse = (path: string, message: string, hint?: string): never => {
    const errors = [{ path, message }];
    throw new HoldfastError("invalid", `Cannot restore: ${message}`, {
      errors,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (into === undefined) {
    const into = engine.restoresInto === true ? ", or a database with --into NAME" : "";
    return {
      target: to ?? refuse("to", "say where to: a directory is needed", `name one with --to DIR${into}`),
    };
  }
  if (to !== undefined) refuse("into", "it goes into a directory or into a database, not both");
  if (engine.restoresInto !== true) refuse("into", `backups of engine "${engine.kind}" go into a directory`);
  return { target: "", into };
}

/** What a restore answers. */
export const RestoreResult = z.object({
  backup_id: z.string().nullable(),
  path: z.string(),
  to: z.string().describe("The directory, or the database"),
  item_count: z.number().int(),
  restored_bytes: z.number().int(),
  warnings: z.array(z.string()),
}).meta({ id: "RestoreResult" });
export type RestoreResult = z.output<typeof RestoreResult>;

/** `1 item`, `2 items`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** What pruning a schedule decided and did. */
export const PruneResult = z.object({
  schedule_id: z.string(),
  max_backups: z.number().int(),
  rules: z.record(z.string(), z.number().int()).describe("What was asked to be kept"),
  dry_run: z.boolean(),
  waiting: z.string().nullable().describe("Why nothing is removed for now; null when nothing waits"),
  decisions: z.array(z.object({
    backup_id: z.string(),
    name: z.string(),
    status: z.enum(BACKUP_STATUSES),
    created_at: z.string(),
    size_bytes: z.number().int().nullable(),
    keep: z.boolean(),
    reason: z.string(),
  })).describe("Newest first"),
  removed: z.array(z.string()).describe("Ids of what was removed"),
  trashed: z.array(z.string()).describe(
    "Ids of what is in the trash now; they are among the removed ones too",
  ),
  freed_bytes: z.number().int(),
  problems: z.array(z.string()).describe("What could not be removed, and why"),
}).meta({ id: "PruneResult" });
export type PruneResult = z.output<typeof PruneResult>;

/** What emptying the trash did. */
export const EmptiedTrash = z.object({
  removed: z.array(z.string()).describe("Ids of what is gone for good"),
  freed_bytes: z.number().int(),
  problems: z.array(z.string()).describe("What could not be removed, and why"),
}).meta({ id: "EmptiedTrash" });
export type EmptiedTrash = z.output<typeof EmptiedTrash>;

/** What an import found. */
export const ImportResult = z.object({
  imported: z.array(Backup).describe("New in the catalogue, or found again"),
  known: z.number().int().describe("Artifacts that were in the catalogue already"),
  problems: z.array(z.object({ path: z.string(), problem: z.string() })),
}).meta({ id: "ImportResult" });
export type ImportResult = z.output<typeof ImportResult>;

/** Bytes of a name that file systems surely take, with room for endings: they allow 255. */
const NAME_LENGTH = 80;

/** `nightly-20260102T020000Z-3f9c01ab`: safe on any file system, and never given twice. `now` in milliseconds. */
export function artifactName(title: string, now: number, id: string): string {
  const safe = title.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9._-]+/g, "-").slice(
    0,
    NAME_LENGTH,
  )
    .replace(/^[-.]+|[-.]+$/g, "");
  const instant = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${safe === "" ? "backup" : safe}-${instant}-${id.slice(0, 8)}`;
}

/** What is on disk where an artifact should be. `elsewhere`: its path is no file of this host. */
export type OnDisk = { size_bytes: number; mtime_ms: number } | "missing" | "elsewhere";

/** File systems keep times in steps of up to two seconds, and of the tick before now. */
const MTIME_STEP_MS = 2000;

/**
 * What speaks against an artifact that an engine reported as made: a success needs an artifact that is newer than
 * the run and not empty. `startedMs` by the same clock that stamps files.
 */
export function artifactProblems(
  artifact: Pick<Artifact, "path" | "size_bytes">,
  disk: OnDisk,
  startedMs: number,
): string[] {
  if (disk === "elsewhere") {
    return artifact.size_bytes > 0 ? [] : [`Artifact "${artifact.path}" is empty`];
  }
  if (disk === "missing") return [`Artifact "${artifact.path}" is not there`];
  if (disk.size_bytes === 0) return [`Artifact "${artifact.path}" is empty`];
  const problems: string[] = [];
  if (disk.size_bytes !== artifact.size_bytes) {
    problems.push(
      `Artifact "${artifact.path}" has ${disk.size_bytes} bytes, but ${artifact.size_bytes} were written`,
    );
  }
  const olderMs = startedMs - MTIME_STEP_MS - disk.mtime_ms;
  if (olderMs > 0) {
    problems.push(
      `Artifact "${artifact.path}" is older than the run that made it: an old file, or a wrong clock on its file server`,
    );
  }
  return problems;
}
