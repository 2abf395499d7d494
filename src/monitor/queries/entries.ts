/** Statements on entries: one row for each due instant that was judged. */
import type { Insertable, Updateable } from "kysely";
import { preparedRows } from "../../store/mod.ts";
import type { EntryStatus } from "../report.ts";
import { HISTORY } from "../statistics.ts";
import type { Db, EntryRow, EntryTable, MonitorTables } from "./tables.ts";

/** Which entries to list. */
export interface EntryFilter {
  job_id?: number | undefined;
  status?: EntryStatus | undefined;
  agent?: string | undefined;
  company?: string | undefined;
  city?: string | undefined;
  database?: string | undefined;
  skip: number;
  limit: number;
}

/** Entries, the newest first. */
export function listEntries(db: Db, filter: EntryFilter): Promise<EntryRow[]> {
  let query = db.selectFrom("monitor_entries").selectAll();
  if (filter.job_id !== undefined) query = query.where("expected_job_id", "=", filter.job_id);
  if (filter.status !== undefined) query = query.where("status", "=", filter.status);
  if (filter.agent !== undefined) query = query.where("agent_id", "=", filter.agent);
  if (filter.company !== undefined) query = query.where("company_name", "=", filter.company);
  if (filter.city !== undefined) query = query.where("city", "=", filter.city);
  if (filter.database !== undefined) query = query.where("database_name", "=", filter.database);
  // Of one job the instants are in order; the row's number would have to be sorted.
  const ordered = filter.job_id === undefined ? query.orderBy("id", "desc") : query.orderBy("due_at", "desc");
  return ordered.offset(filter.skip).limit(filter.limit).execute();
}

export async function entryById(db: Db, id: number): Promise<EntryRow | undefined> {
  return await db.selectFrom("monitor_entries").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function entryAt(db: Db, jobId: number, dueAt: string): Promise<EntryRow | undefined> {
  return await db.selectFrom("monitor_entries").selectAll().where("expected_job_id", "=", jobId)
    .where("due_at", "=", dueAt).executeTakeFirst();
}

/** Instants of these jobs from `from` on that have an entry, as `job due_at`. */
export async function judgedInstants(db: Db, jobIds: readonly number[], from: string): Promise<Set<string>> {
  if (jobIds.length === 0) return new Set();
  const rows = await db.selectFrom("monitor_entries").select(["expected_job_id", "due_at"])
    .where("expected_job_id", "in", jobIds).where("due_at", ">=", from).execute();
  return new Set(rows.map((row) => `${row.expected_job_id} ${row.due_at}`));
}

export async function insertEntry(db: Db, row: Insertable<EntryTable>): Promise<number> {
  const { id } = await db.insertInto("monitor_entries").values(row).returning("id").executeTakeFirstOrThrow();
  return id;
}

/** Adds entries of instants that nothing came for; an instant that has an entry keeps it. Returns the ids by `job due_at`. */
export async function insertMissing(db: Db, rows: readonly MissingEntry[]): Promise<Map<string, number>> {
  const added = await insertRows(db, rows);
  return new Map(added.map((row) => [`${row.expected_job_id} ${row.due_at}`, row.id]));
}

export type MissingEntry =
  & Pick<EntryRow, "expected_job_id" | "due_at" | "status" | "message" | "way" | "agent_id" | "company_name">
  & Pick<EntryRow, "city" | "database_name" | "at" | "created_at" | "previous_hash" | "detail" | "promotion">;

const insertRows = preparedRows<
  MonitorTables,
  Pick<EntryRow, "id" | "expected_job_id" | "due_at">,
  MissingEntry
>((db: Db, rows) =>
  db.insertInto("monitor_entries").values(rows.map((row) => ({
    expected_job_id: row.expected_job_id,
    due_at: row.due_at,
    status: row.status,
    message: row.message,
    way: row.way,
    agent_id: row.agent_id,
    company_name: row.company_name,
    city: row.city,
    database_name: row.database_name,
    at: row.at,
    created_at: row.created_at,
    previous_hash: row.previous_hash,
    detail: row.detail,
    promotion: row.promotion,
  }))).onConflict((conflict) => conflict.columns(["expected_job_id", "due_at"]).doNothing())
    .returning(["id", "expected_job_id", "due_at"])
);

export async function updateEntry(db: Db, id: number, changes: Updateable<EntryTable>): Promise<void> {
  await db.updateTable("monitor_entries").set(changes).where("id", "=", id).execute();
}

/** Jobs with an instant from `from` on that is missing; those of schedules not. */
export async function jobsMissingAfter(db: Db, from: string): Promise<number[]> {
  // Asked each minute, and nearly always there is none: by the instant alone, which has an index.
  const any = await db.selectFrom("monitor_entries").select("id").where("due_at", ">=", from).limit(1)
    .execute();
  if (any.length === 0) return [];
  const rows = await db.selectFrom("monitor_entries").select("expected_job_id").distinct()
    .where("due_at", ">=", from).where("status", "=", "missing").where("way", "!=", "schedule").execute();
  return rows.map((row) => row.expected_job_id);
}

/** Removes that nothing came for instants of a job from `from` on; what a report did not have stays missing. */
export async function deleteMissingAfter(db: Db, jobId: number, from: string): Promise<void> {
  await db.deleteFrom("monitor_entries").where("expected_job_id", "=", jobId).where("due_at", ">=", from)
    .where("status", "=", "missing").where("ended_at", "is", null).execute();
}

export async function newestEntry(db: Db, jobId: number): Promise<EntryRow | undefined> {
  return await db.selectFrom("monitor_entries").selectAll().where("expected_job_id", "=", jobId)
    .orderBy("due_at", "desc").limit(1).executeTakeFirst();
}

/** Sizes of the good entries of a job before an instant, the newest first. */
export async function goodSizes(
  db: Db,
  jobId: number,
  { before, from }: { before: string; from: string | null },
): Promise<number[]> {
  const rows = await db.selectFrom("monitor_entries").select("backup_size_bytes")
    .where("expected_job_id", "=", jobId).where("due_at", "<", before)
    .$if(from !== null, (query) => query.where("due_at", ">=", from!))
    .where("status", "in", ["ok", "unchanged"]).where("backup_size_bytes", "is not", null)
    .orderBy("due_at", "desc").limit(HISTORY).execute();
  return rows.flatMap((row) => row.backup_size_bytes ?? []);
}

/** The newest good entry of a job before an instant. */
export async function lastGoodBefore(db: Db, jobId: number, before: string): Promise<EntryRow | undefined> {
  return await db.selectFrom("monitor_entries").selectAll().where("expected_job_id", "=", jobId)
    .where("due_at", "<", before).where("status", "in", ["ok", "unchanged"]).where(
      "backup_hash",
      "is not",
      null,
    )
    .orderBy("due_at", "desc").limit(1).executeTakeFirst();
}

/** Entries whose good file was not kept yet. */
export function pendingEntries(db: Db): Promise<EntryRow[]> {
  return db.selectFrom("monitor_entries").selectAll().where("promotion", "=", "pending").orderBy("id")
    .limit(10_000).execute();
}

/** The last good entry of each active job whose file is known. */
export async function watchedEntries(db: Db): Promise<EntryRow[]> {
  return await db.selectFrom("monitor_jobs")
    .innerJoin("monitor_entries", "monitor_entries.id", "monitor_jobs.last_good_entry_id")
    .selectAll("monitor_entries").where("monitor_jobs.is_active", "=", 1)
    .where("monitor_entries.file_path", "is not", null).orderBy("monitor_entries.id").execute();
}

/** Entries due within, by instant: a day of the board. */
export function entriesDueBetween(db: Db, from: string, to: string): Promise<EntryRow[]> {
  return db.selectFrom("monitor_entries").selectAll().where("due_at", ">=", from).where("due_at", "<", to)
    .orderBy("due_at").orderBy("id").execute();
}

/**
 * Forgets entries that were due before. The last good one of a job stays, and so does each whose file is kept, in the trash
 * or yet to be kept: nobody else knows of that file, and it would stay for ever.
 */
export async function forgetEntries(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("monitor_entries").where("due_at", "<", before)
    .where("promotion", "in", ["none", "failed"])
    .where(
      "id",
      "not in",
      (eb) =>
        eb.selectFrom("monitor_jobs").select("last_good_entry_id").where("last_good_entry_id", "is not", null)
          .$castTo<{ last_good_entry_id: number }>(),
    ).executeTakeFirst();
  return Number(result.numDeletedRows);
}
