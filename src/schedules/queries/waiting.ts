/**
 * Statements on instants that are not settled yet. They are few among many, and have indexes of their own; the word in
 * those indexes is written out, because a value that may be another at each call hides them.
 */
import { sql } from "kysely";
import { prepared, statement } from "../../store/mod.ts";
import { type Db, type OccurrenceRow, type SchedulesTables } from "./tables.ts";

const SETTLED = sql.lit("settled" as const);

/** Instants not settled yet, of these schedules or of all, the oldest first. */
export async function openOccurrences(db: Db, scheduleIds?: readonly string[]): Promise<OccurrenceRow[]> {
  let query = db.selectFrom("occurrences").selectAll().where("state", "!=", SETTLED);
  if (scheduleIds !== undefined) query = query.where("schedule_id", "in", scheduleIds);
  // Sorted here: asked for in order, a database may walk through all there ever were, which are in that order.
  return (await query.execute()).sort((a, b) => a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : 0);
}

const ofInstant = prepared<SchedulesTables, OccurrenceRow, { id: string; due: string }>((db, { id, due }) =>
  db.selectFrom("occurrences").selectAll().where("schedule_id", "=", id).where("due_at", "=", due)
);

/** The open instant of a schedule; undefined when it is settled. */
export async function openOccurrence(
  db: Db,
  scheduleId: string,
  dueAt: string,
): Promise<OccurrenceRow | undefined> {
  const [row] = (await ofInstant(db, { id: scheduleId, due: dueAt })).rows;
  return row?.state === "settled" ? undefined : row;
}

/** Claimed instants that nothing but a dispatcher keeps from starting, the oldest first. */
export function readyOccurrences(db: Db, now: string): Promise<OccurrenceRow[]> {
  return db.selectFrom("occurrences").selectAll().where("state", "!=", SETTLED)
    .where("state", "=", sql.lit("claimed" as const)).where("awaits", "is", null)
    .where((eb) => eb.or([eb("not_before", "is", null), eb("not_before", "<=", now)]))
    .orderBy("due_at").execute();
}

/** When the next pause between attempts ends. */
export async function earliestPause(db: Db): Promise<string | null> {
  const row = await db.selectFrom("occurrences").select(({ fn }) =>
    fn.min<string | null>("not_before").as("at")
  ).where("state", "!=", SETTLED).executeTakeFirst();
  return row?.at ?? null;
}

const awaiting = statement<SchedulesTables, OccurrenceRow, string>(
  "id",
  (db: Db, id: string) => db.selectFrom("occurrences").selectAll().where("awaits", "=", id),
);

/** Instants that wait for the same instant of a schedule. */
export async function followingOccurrences(
  db: Db,
  scheduleId: string,
  dueAt: string,
): Promise<OccurrenceRow[]> {
  return (await awaiting(db, scheduleId)).filter((row) => row.due_at === dueAt);
}

/** Lets an instant start that waited for another. */
export async function releaseOccurrence(db: Db, id: number): Promise<void> {
  await db.updateTable("occurrences").set({ awaits: null }).where("id", "=", id).execute();
}

/** Gives a claimed instant its run; false when it no longer waits for one. */
export async function giveRun(db: Db, id: number, runId: string): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable("occurrences")
    .set({ state: "running", run_id: runId, not_before: null })
    .where("id", "=", id).where("state", "=", "claimed").executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Makes an instant wait for its next attempt. */
export async function postponeOccurrence(
  db: Db,
  id: number,
  next: { attempt: number; not_before: string },
): Promise<void> {
  await db.updateTable("occurrences").set({ state: "claimed", ...next }).where("id", "=", id).execute();
}

/** Makes an instant wait for a start again whose run never began. */
export async function takeBackOccurrence(
  db: Db,
  id: number,
  back: { run_id: string | null; late: number },
): Promise<void> {
  await db.updateTable("occurrences").set({ state: "claimed", ...back }).where("id", "=", id).execute();
}
