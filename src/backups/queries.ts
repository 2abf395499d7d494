/** Every statement on the tables of the catalogue. */
import type { Selectable, Updateable } from "kysely";
import { z } from "zod";
import { Backup } from "./model.ts";
import type { BackupRow, BackupsTables, Db, MakeRow } from "./tables.ts";

export type { BackupsTables, Db };

/** Conditions of a list; what is absent does not limit. */
export interface BackupConditions {
  server_ids?: readonly number[];
  schedule_id?: string;
  status?: string;
  /** True: only those in the trash; else only those that are not. */
  trashed?: boolean;
  limit: number;
  offset: number;
}

/** Newest first. */
export async function listBackups(db: Db, wanted: BackupConditions): Promise<Backup[]> {
  if (wanted.server_ids?.length === 0) return [];
  const some = wanted.trashed === true ? existing(db).where("trashed_at", "is not", null) : live(db);
  let query = some.orderBy("created_at", "desc").orderBy("id", "desc");
  if (wanted.server_ids !== undefined) query = query.where("server_id", "in", wanted.server_ids);
  if (wanted.schedule_id !== undefined) query = query.where("schedule_id", "=", wanted.schedule_id);
  if (wanted.status !== undefined) query = query.where("status", "=", wanted.status);
  return (await query.limit(wanted.limit).offset(wanted.offset).execute()).map(fromRow);
}

/** All of a schedule that are not in the trash, newest first. */
export async function backupsOfSchedule(db: Db, scheduleId: string): Promise<Backup[]> {
  const query = live(db).where("schedule_id", "=", scheduleId);
  return (await query.orderBy("created_at", "desc").orderBy("id", "desc").execute()).map(fromRow);
}

/** The entry with this id, also in the trash. */
export async function backupById(db: Db, id: string): Promise<Backup | undefined> {
  const row = await existing(db).where("id", "=", id).executeTakeFirst();
  return row && fromRow(row);
}

/** Those a person may mean: with this name, or with an id that begins so. */
export async function backupsLike(db: Db, ref: string): Promise<Backup[]> {
  const named = existing(db).where("name", "=", ref).orderBy("id").limit(AMBIGUOUS);
  const found = await named.execute();
  if (found.length > 0 || !/^[0-9a-f]{4,}$/.test(ref)) return found.map(fromRow);
  // "g" follows the last hexadecimal digit.
  const prefixed = existing(db).where("id", ">=", ref).where("id", "<", `${ref}g`).orderBy("id").limit(
    AMBIGUOUS,
  );
  return (await prefixed.execute()).map(fromRow);
}

/** Enough to say that a reference is ambiguous, and to name some. */
const AMBIGUOUS = 5;

/** What is not deleted, in order of the ids, from behind one of them; in the trash too. */
export async function existingBackups(db: Db, after: string, limit: number): Promise<Backup[]> {
  return (await existing(db).where("id", ">", after).orderBy("id").limit(limit).execute()).map(fromRow);
}

/** Backups whose artifact was found missing or changed. */
export async function troubledBackups(db: Db): Promise<Backup[]> {
  const query = live(db).where((eb) =>
    eb.or([eb("missing_since", "is not", null), eb("changed_at", "is not", null)])
  );
  return (await query.orderBy("id").execute()).map(fromRow);
}

/**
 * Ids of what nobody has read since an instant, read longest ago first. What is missing or known to be bad is left out:
 * reading it again tells nothing new.
 */
export async function staleBackups(
  db: Db,
  before: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<string[]> {
  const rows = await existing(db).clearSelect().select(["id", "verified_at"]).where(
    "status",
    "=",
    "completed",
  )
    .where("missing_since", "is", null)
    .where((eb) => eb.or([eb("verified_ok", "is", null), eb("verified_ok", "=", 1)]))
    .where((eb) => eb.or([eb("verified_at", "is", null), eb("verified_at", "<", before)]))
    .orderBy(({ fn, val }) => fn.coalesce("verified_at", val(""))).orderBy("id").limit(limit).offset(offset)
    .execute();
  return rows.map((row) => row.id);
}

export async function backupByPath(db: Db, path: string): Promise<Backup | undefined> {
  const row = await existing(db).where("path", "=", path).executeTakeFirst();
  return row && fromRow(row);
}

/** The entry with this id, deleted or not, with the path it had. */
export async function anyBackup(db: Db, id: string): Promise<{ path: string; deleted: boolean } | undefined> {
  const row = await db.selectFrom("backups").select(["path", "deleted_at"]).where("id", "=", id)
    .executeTakeFirst();
  return row && { path: row.path, deleted: row.deleted_at !== null };
}

/** The options a backup was made with, as its engine parses them; undefined for imported ones. */
export async function optionsOf(db: Db, id: string): Promise<unknown> {
  const row = await db.selectFrom("backups").select("engine_options").where("id", "=", id).executeTakeFirst();
  return row === undefined || row.engine_options === null ? undefined : JSON.parse(row.engine_options);
}

export async function insertBackup(db: Db, backup: Backup, options?: unknown): Promise<void> {
  const { backup_id: _, file_path: __, verified_ok, ...row } = backup;
  await db.insertInto("backups").values({
    ...row,
    verified_ok: toInteger(verified_ok),
    deleting_since: null,
    deleted_at: null,
    deleted_reason: null,
    engine_options: options === undefined ? null : JSON.stringify(options),
  }).execute();
}

/** An artifact that was deleted or missing is there again, perhaps elsewhere. */
export async function reviveBackup(db: Db, id: string, path: string): Promise<void> {
  await update(db, id, {
    path,
    missing_since: null,
    changed_at: null,
    verified_at: null,
    verified_ok: null,
    verify_detail: null,
    deleting_since: null,
    deleted_at: null,
    deleted_reason: null,
    trashed_at: null,
  });
}

export async function markTrashed(db: Db, id: string, at: string, reason: string): Promise<void> {
  await update(db, id, { trashed_at: at, deleted_reason: reason });
}

export async function unmarkTrashed(db: Db, id: string): Promise<void> {
  await update(db, id, { trashed_at: null, deleted_reason: null });
}

/** What is in the trash since before an instant, of a schedule or of all, oldest first. */
export async function trashedBefore(db: Db, before: string, scheduleId?: string): Promise<Backup[]> {
  let query = existing(db).where("trashed_at", "<=", before);
  if (scheduleId !== undefined) query = query.where("schedule_id", "=", scheduleId);
  return (await query.orderBy("trashed_at").orderBy("id").execute()).map(fromRow);
}

export async function storeVerification(
  db: Db,
  id: string,
  found: Pick<Backup, "verified_at" | "verified_ok" | "verify_detail" | "missing_since" | "changed_at">,
): Promise<void> {
  await update(db, id, { ...found, verified_ok: toInteger(found.verified_ok) });
}

/** Stores what a look at an artifact found. */
export async function storeState(
  db: Db,
  id: string,
  found: Pick<Backup, "missing_since" | "changed_at">,
): Promise<void> {
  await update(db, id, found);
}

/** `reason` null keeps the one there is. */
export async function markDeleting(db: Db, id: string, at: string, reason: string | null): Promise<void> {
  await update(db, id, { deleting_since: at, ...(reason === null ? {} : { deleted_reason: reason }) });
}

export async function markDeleted(db: Db, id: string, at: string): Promise<void> {
  await update(db, id, { deleting_since: null, deleted_at: at });
}

export async function unmarkDeleting(db: Db, id: string): Promise<void> {
  await update(db, id, { deleting_since: null, deleted_reason: null });
}

/** Entries whose removal was begun and not finished. */
export async function halfDeleted(db: Db): Promise<Backup[]> {
  const query = db.selectFrom("backups").selectAll().where("deleting_since", "is not", null).orderBy("id");
  return (await query.execute()).map(fromRow);
}

/** Forgets entries that were deleted before an instant; returns how many. */
export async function purgeDeleted(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("backups").where("deleted_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** A backup in the making, with its directories. */
export interface Make extends Omit<MakeRow, "directories" | "engine_options"> {
  directories: string[];
  /** How places are reached that are not on this host; secrets are references. */
  options?: unknown;
}

export async function insertMake(db: Db, { options, ...make }: Make): Promise<void> {
  await db.insertInto("backup_makes").values({
    ...make,
    directories: JSON.stringify(make.directories),
    engine_options: options === undefined ? null : JSON.stringify(options),
  }).execute();
}

export async function deleteMake(db: Db, id: string): Promise<void> {
  await db.deleteFrom("backup_makes").where("id", "=", id).execute();
}

export async function listMakes(db: Db): Promise<Make[]> {
  const rows = await db.selectFrom("backup_makes").selectAll().orderBy("started_at").execute();
  return rows.map(({ engine_options, ...row }) => ({
    ...row,
    directories: z.array(z.string()).parse(JSON.parse(row.directories)),
    ...(engine_options === null ? {} : { options: JSON.parse(engine_options) }),
  }));
}

/** What is not deleted, and not being deleted. */
function existing(db: Db) {
  return db.selectFrom("backups").selectAll().where("deleted_at", "is", null).where(
    "deleting_since",
    "is",
    null,
  );
}

/** What counts as a backup: not in the trash either. */
function live(db: Db) {
  return existing(db).where("trashed_at", "is", null);
}

async function update(db: Db, id: string, values: Updateable<BackupRow>): Promise<void> {
  await db.updateTable("backups").set(values).where("id", "=", id).execute();
}

function toInteger(value: boolean | null): number | null {
  return value === null ? null : value ? 1 : 0;
}

const Words = Backup.pick({ backup_type: true, status: true });

function fromRow(row: Selectable<BackupRow>): Backup {
  const { deleting_since: _, deleted_at: __, deleted_reason: ___, engine_options: ____, ...backup } = row;
  return {
    ...backup,
    ...Words.parse(row),
    backup_id: row.id,
    file_path: row.path,
    verified_ok: row.verified_ok === null ? null : row.verified_ok === 1,
  };
}
