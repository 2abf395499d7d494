/** Statements on schedules and on the dated revisions of schedules and scheduler. */
import { prepared, statement } from "../../store/mod.ts";
import type {
  Db,
  ScheduleRevisionRow,
  ScheduleRow,
  SchedulerRevisionRow,
  SchedulesTables,
} from "./tables.ts";

export async function insertSchedule(db: Db, row: ScheduleRow): Promise<void> {
  await db.insertInto("schedules").values(row).execute();
}

export async function updateSchedule(db: Db, id: string, values: Partial<ScheduleRow>): Promise<void> {
  await db.updateTable("schedules").set(values).where("id", "=", id).execute();
}

const touch = prepared<SchedulesTables, ScheduleRow, { id: string; at: string }>((db, { id, at }) =>
  db.updateTable("schedules").set({ last_run_at: at }).where("id", "=", id).returningAll()
);

/** Notes when a schedule was run last, and gives it as it is now. */
export async function touchSchedule(db: Db, id: string, at: string): Promise<ScheduleRow | undefined> {
  return (await touch(db, { id, at })).rows[0];
}

const byId = statement<SchedulesTables, ScheduleRow, string>(
  "id",
  (db: Db, id: string) => db.selectFrom("schedules").selectAll().where("id", "=", id),
);

/** The schedule of that id, deleted or not. */
export async function scheduleById(db: Db, id: string): Promise<ScheduleRow | undefined> {
  return (await byId(db, id))[0];
}

export function schedulesByIds(db: Db, ids: readonly string[]): Promise<ScheduleRow[]> {
  return db.selectFrom("schedules").selectAll().where("id", "in", ids).execute();
}

/** Enabled schedules that follow one of these. Asked without `enabled`, whose index would lead through them all. */
export async function followersOf(db: Db, ids: readonly string[]): Promise<ScheduleRow[]> {
  const rows = await db.selectFrom("schedules").selectAll().where("run_after", "in", ids)
    .where("deleted_at", "is", null).execute();
  return rows.filter((row) => row.enabled === 1);
}

/** Names of schedules that follow this one, enabled or not. */
export async function followerNames(db: Db, id: string): Promise<string[]> {
  const rows = await db.selectFrom("schedules").select("name").where("run_after", "=", id)
    .where("deleted_at", "is", null).orderBy("name").execute();
  return rows.map((row) => row.name);
}

/** Schedules of that name that are not deleted, at most one per server. */
export function schedulesByName(db: Db, name: string): Promise<ScheduleRow[]> {
  return db.selectFrom("schedules").selectAll().where("name", "=", name).where("deleted_at", "is", null)
    .orderBy("server_id").execute();
}

/** Schedules that are not deleted, by name; `servers` null is all servers. */
export function listSchedules(db: Db, servers: readonly number[] | null): Promise<ScheduleRow[]> {
  let query = db.selectFrom("schedules").selectAll().where("deleted_at", "is", null);
  if (servers !== null) query = query.where("server_id", "in", servers);
  return query.orderBy("name").orderBy("server_id").execute();
}

/** Number of schedules that are not deleted, and of those that are enabled. */
export async function countSchedules(
  db: Db,
  servers: readonly number[] | null,
): Promise<{ total: number; enabled: number }> {
  let query = db.selectFrom("schedules").select(({ fn }) => [
    fn.countAll<number>().as("total"),
    fn.sum<number | null>("enabled").as("enabled"),
  ]).where("deleted_at", "is", null);
  if (servers !== null) query = query.where("server_id", "in", servers);
  const row = await query.executeTakeFirstOrThrow();
  return { total: Number(row.total), enabled: Number(row.enabled ?? 0) };
}

/**
 * Enabled schedules with a due instant up to `now` that has no row yet. The latest come first: they can still start,
 * while a long list of instants that passed during a week of downtime can wait.
 */
export function dueSchedules(db: Db, now: string, limit: number): Promise<ScheduleRow[]> {
  return db.selectFrom("schedules").selectAll().where("enabled", "=", 1).where("next_run_at", "<=", now)
    .orderBy("next_run_at", "desc").limit(limit).execute();
}

/** Moves a schedule's first unaccounted instant on; false when somebody else did. */
export async function advanceSchedule(
  db: Db,
  id: string,
  from: string,
  to: string | null,
): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable("schedules").set({ next_run_at: to })
    .where("id", "=", id).where("enabled", "=", 1).where("next_run_at", "=", from).executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** The earliest first unaccounted instant of all enabled schedules. */
export async function earliestDue(db: Db): Promise<string | null> {
  const row = await db.selectFrom("schedules").select("next_run_at").where("enabled", "=", 1)
    .where("next_run_at", "is not", null).orderBy("next_run_at").limit(1).executeTakeFirst();
  return row?.next_run_at ?? null;
}

export async function insertScheduleRevision(db: Db, row: Omit<ScheduleRevisionRow, "id">): Promise<void> {
  await db.insertInto("schedule_revisions").values(row).execute();
}

export async function insertSchedulerRevision(db: Db, row: Omit<SchedulerRevisionRow, "id">): Promise<void> {
  await db.insertInto("scheduler_revisions").values(row).execute();
}

/** Starts and stops of the scheduler, oldest first; few, because people make them. */
export function schedulerRevisions(db: Db): Promise<SchedulerRevisionRow[]> {
  return db.selectFrom("scheduler_revisions").selectAll().orderBy("id").execute();
}
