/** Rebuilding the catalogue from the manifests that lie beside artifacts. */
import { basename } from "node:path";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { ManifestFacts } from "./engine.ts";
import { requireRights } from "./engines.ts";
import { newId } from "./maker.ts";
import { Backup, type ImportResult } from "./model.ts";
import { onDisk, type Parts, tables, workContext } from "./parts.ts";
import * as queries from "./queries.ts";
import type { BackupsTables } from "./queries.ts";

/** What an import may be told beyond the place. */
export interface ImportHow {
  /** Limits it to some artifacts. */
  wanted?: (facts: ManifestFacts) => boolean;
  /** Limits it to those of one engine. */
  engine?: string;
  /** How a place is reached that is not on this host; imported backups keep them. */
  options?: unknown;
}

/**
 * Takes every artifact of a directory (not below it), or of a place elsewhere, into the catalogue that is not there yet.
 * Doing it again changes nothing. Errors: `not_found` and `invalid` for the directory, `forbidden`, and of the place.
 */
export async function importDirectory(
  parts: Parts,
  directory: string,
  caller: Caller,
  { wanted = () => true, engine: only, options }: ImportHow = {},
): Promise<ImportResult> {
  const isHere = !isRemote(directory);
  if (isHere) {
    await parts.engines.judgePath(directory, caller);
    await requireDirectory(directory);
  }
  const result: ImportResult = { imported: [], known: 0, problems: [] };
  const reaching = parts.engines.all.filter((engine) => !isHere && engine.places !== undefined);
  for (const engine of reaching) requireRights(engine, options ?? {}, caller);
  const reach = isHere ? undefined : { options, context: workContext(parts, caller) };
  for (const engine of parts.engines.all.filter(({ kind }) => only === undefined || kind === only)) {
    for await (const found of engine.discover?.(directory, reach) ?? []) {
      if ("problem" in found) {
        result.problems.push(found);
      } else if (wanted(found)) {
        await importInto(result, parts, engine.kind, found, caller, reach?.options);
      }
    }
  }
  return result;
}

/** One artifact that cannot be used must not keep the others out. */
async function importInto(
  result: ImportResult,
  parts: Parts,
  engine: string,
  facts: ManifestFacts,
  caller: Caller,
  options: unknown,
): Promise<void> {
  try {
    const backup = await importOne(parts, engine, facts, caller, options);
    if (backup === undefined) result.known++;
    else result.imported.push(backup);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind === "unavailable" || error.kind === "exhausted") {
      throw error;
    }
    result.problems.push({ path: facts.path, problem: error.message });
  }
}

/** The new or revived entry; undefined when the artifact is known. */
async function importOne(
  parts: Parts,
  engine: string,
  facts: ManifestFacts,
  caller: Caller,
  options: unknown,
): Promise<Backup | undefined> {
  // A link beside a manifest could lead anywhere.
  if (!isRemote(facts.path)) await parts.engines.judgePath(facts.path, caller);
  const id = text(facts.labels.backup_id);
  const earlier = id === null ? undefined : await queries.anyBackup(tables(parts), id);
  const moved = earlier !== undefined && (earlier.deleted || await onDisk(earlier.path) === "missing");
  const serverId = await serverOf(parts, facts);
  return await parts.database.change(caller, async (change) => {
    const db = change.tables<BackupsTables>();
    if (await queries.backupByPath(db, facts.path) !== undefined) return undefined;
    // A copy of an artifact that is still in its place is a backup of its own, and none of the schedule's: it must not
    // push out another one.
    const copied = id !== null && earlier !== undefined && !moved;
    const own = id === null || copied ? newId() : id;
    const entry = entryOf(own, serverId, engine, facts);
    if (copied) Object.assign(entry, { schedule_id: null, description: `Copy of backup ${id}` });
    if (moved) await queries.reviveBackup(db, own, facts.path);
    else await queries.insertBackup(db, entry, options);
    const backup = await queries.backupById(db, own);
    change.audit({ target: `backups/${own}`, before: null, after: backup ?? null, outcome: "imported" });
    return backup;
  });
}

/** True for a place that is not on this host: `s3://bucket/prefix`. */
function isRemote(place: string): boolean {
  return /^[a-z][a-z0-9]*:\/\//.test(place);
}

/** Ids of servers mean nothing in another database, and could give a stranger's data to a limited user. */
async function serverOf(parts: Parts, { labels }: ManifestFacts): Promise<number | null> {
  const name = text(labels.server_name);
  if (name === null) return null;
  try {
    return (await parts.findServer(name)).id;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "not_found") return null;
    throw error;
  }
}

function entryOf(id: string, serverId: number | null, engine: string, facts: ManifestFacts): Backup {
  const type = Backup.shape.backup_type.safeParse(facts.labels.backup_type);
  return {
    id,
    backup_id: id,
    server_id: serverId,
    schedule_id: text(facts.labels.schedule_id),
    run_id: text(facts.labels.run_id),
    name: text(facts.labels.backup_name) ?? basename(facts.path),
    description: null,
    engine,
    backup_type: type.success ? type.data : "manual",
    status: facts.incomplete ? "failed" : "completed",
    path: facts.path,
    file_path: facts.path,
    size_bytes: facts.size_bytes,
    sha256: facts.sha256,
    source_bytes: facts.source_bytes,
    item_count: facts.item_count,
    skipped_count: facts.skipped_count,
    created_at: text(facts.labels.started_at) ?? facts.created_at,
    verified_at: null,
    verified_ok: null,
    verify_detail: facts.incomplete
      ? `Incomplete: ${facts.skipped_count} of the source could not be kept`
      : null,
    missing_since: null,
    changed_at: null,
    trashed_at: null,
  };
}

function text(label: string | number | null | undefined): string | null {
  return typeof label === "string" && label !== "" ? label : null;
}

async function requireDirectory(path: string): Promise<void> {
  const refuse = (kind: "not_found" | "invalid", reason: string, cause?: unknown) => {
    throw new HoldfastError(kind, `Cannot import "${path}": ${reason}`, { cause });
  };
  try {
    if (!(await Deno.stat(path)).isDirectory) refuse("invalid", "it is not a directory");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      refuse("not_found", "it does not exist", error);
    }
    if (error instanceof Deno.errors.PermissionDenied) refuse("invalid", "permission denied", error);
    if (error instanceof Deno.errors.NotCapable) refuse("invalid", messageOf(error), error);
    throw error;
  }
}
