/** Statements that only the proof of the ledger needs. */
import { type ChainTables, tablesOf } from "../../store/mod.ts";
import type { Kysely } from "kysely";
import { type Db, type OccurrenceRow, type ScheduleRevisionRow } from "./tables.ts";

/** Every revision of every schedule, in the order they were made. */
export function allRevisions(db: Db): Promise<ScheduleRevisionRow[]> {
  return db.selectFrom("schedule_revisions").selectAll().orderBy("id").execute();
}

/** Name and server of every schedule there ever was. */
export function allSchedules(db: Db): Promise<{ id: string; name: string; server_id: number }[]> {
  return db.selectFrom("schedules").select(["id", "name", "server_id"]).orderBy("name").orderBy("id")
    .execute();
}

/** Rows of a schedule after an instant up to and including another, at most `limit`, in order. */
export function occurrencesBetween(
  db: Db,
  scheduleId: string,
  from: string,
  to: string,
  limit: number,
): Promise<Pick<OccurrenceRow, "due_at" | "outcome" | "state">[]> {
  return db.selectFrom("occurrences").select(["due_at", "outcome", "state"]).where(
    "schedule_id",
    "=",
    scheduleId,
  )
    .where("due_at", ">", from).where("due_at", "<=", to).orderBy("due_at").limit(limit).execute();
}

/** Instants with more than one row, and attempts with more than one run. */
export async function duplicates(
  db: Db,
): Promise<{ schedule_id: string; due_at: string; attempt: number | null; rows: number }[]> {
  const rows = await db.selectFrom("occurrences").select(["schedule_id", "due_at"])
    .select(({ fn }) => fn.countAll<number>().as("rows")).groupBy(["schedule_id", "due_at"])
    .having(({ fn }) => fn.countAll(), ">", 1).execute();
  const runs = await db.selectFrom("runs").select(["schedule_id", "due_at", "attempt"])
    .select(({ fn }) => fn.countAll<number>().as("rows")).where("due_at", "is not", null)
    .groupBy(["schedule_id", "due_at", "attempt"]).having(({ fn }) => fn.countAll(), ">", 1).execute();
  return [
    ...rows.map((row) => ({ ...row, attempt: null, rows: Number(row.rows) })),
    ...runs.map((row) => ({ ...row, due_at: row.due_at ?? "", rows: Number(row.rows) })),
  ];
}

/** Contents of the summaries of what was forgotten. */
export async function summaries(db: Kysely<unknown>): Promise<string[]> {
  const rows = await tablesOf<ChainTables>(db).selectFrom("chain_summaries").select("content").orderBy("seq")
    .execute();
  return rows.map((row) => row.content);
}
