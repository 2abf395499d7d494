/** Reading ended runs for statistics. */
import type { EndedRun } from "../statistics.ts";
import type { Db } from "./tables.ts";

/** Ended runs of a schedule that began in a period (ISO instants, both included), oldest first. */
export async function endedRuns(db: Db, scheduleId: string, from: string, to: string): Promise<EndedRun[]> {
  const rows = await db.selectFrom("runs").select([
    "started_at",
    "completed_at",
    "outcome",
    "backup_size_bytes",
  ])
    .where("schedule_id", "=", scheduleId).where("started_at", ">=", from).where("started_at", "<=", to)
    .where("status", "!=", "running").orderBy("started_at").orderBy("id").execute();
  return rows.flatMap((row) => row.completed_at === null ? [] : [{ ...row, completed_at: row.completed_at }]);
}

/** When the newest successful run that began until an instant ended. */
export async function lastGood(db: Db, scheduleId: string, to: string): Promise<string | null> {
  const row = await db.selectFrom("runs").select("completed_at").where("schedule_id", "=", scheduleId)
    .where("outcome", "=", "success").where("started_at", "<=", to).orderBy("started_at", "desc").limit(1)
    .executeTakeFirst();
  return row?.completed_at ?? null;
}
