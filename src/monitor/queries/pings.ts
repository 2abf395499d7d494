/** Statements on pings and the runs they begin. */
import type { Insertable } from "kysely";
import { preparedRows } from "../../store/mod.ts";
import type { Db, MonitorTables, PingRow, PingTable } from "./tables.ts";

type RunRow = MonitorTables["monitor_runs"];

/** Jobs that can be pinged. */
export async function pingIds(db: Db): Promise<{ id: number; ping_id: string }[]> {
  const rows = await db.selectFrom("monitor_jobs").select(["id", "ping_id"]).where("ping_id", "is not", null)
    .execute();
  return rows.flatMap(({ id, ping_id }) => ping_id === null ? [] : [{ id, ping_id }]);
}

export type NewPing = Omit<Insertable<PingTable>, "id" | "counted" | "due_at">;

export async function insertPings(db: Db, rows: readonly NewPing[]): Promise<void> {
  await insertRows(db, rows);
}

const insertRows = preparedRows<MonitorTables, unknown, NewPing>((db: Db, rows) =>
  db.insertInto("monitor_pings").values(rows.map((row) => ({
    job_id: row.job_id,
    at: row.at,
    signal: row.signal,
    exit_code: row.exit_code,
    run_id: row.run_id,
    address: row.address,
    body: row.body,
    cut: row.cut,
    judged: row.judged,
  })))
);

/** Pings in the order they came. */
export function unjudgedPings(db: Db, limit: number): Promise<PingRow[]> {
  return db.selectFrom("monitor_pings").selectAll().where("judged", "=", 0).orderBy("id").limit(limit)
    .execute();
}

/** What became of a ping. */
export type Counted = Pick<PingRow, "counted" | "due_at">;

export async function markJudged(db: Db, id: number, counted: Counted): Promise<void> {
  await db.updateTable("monitor_pings").set({ judged: 1, ...counted }).where("id", "=", id).execute();
}

/** Pings of a job, the newest first. */
export function listPings(db: Db, jobId: number, page: { skip: number; limit: number }): Promise<PingRow[]> {
  return db.selectFrom("monitor_pings").selectAll().where("job_id", "=", jobId).orderBy("id", "desc")
    .offset(page.skip).limit(page.limit).execute();
}

/** A run that is started again under the same id begins anew. */
export async function beginRun(db: Db, row: RunRow): Promise<void> {
  const { started_at, too_long_at } = row;
  await db.insertInto("monitor_runs").values(row)
    .onConflict((conflict) => conflict.columns(["job_id", "run_id"]).doUpdateSet({ started_at, too_long_at }))
    .execute();
}

/** Ends a run; returns when it began, undefined when nobody said. */
export async function endRun(db: Db, jobId: number, runId: string): Promise<string | undefined> {
  const [row] = await db.deleteFrom("monitor_runs").where("job_id", "=", jobId).where("run_id", "=", runId)
    .returning("started_at").execute();
  return row?.started_at;
}

export function overlongRuns(db: Db, now: string): Promise<RunRow[]> {
  return db.selectFrom("monitor_runs").selectAll().where("too_long_at", "<=", now).orderBy("too_long_at")
    .limit(500).execute();
}

export async function setTooLong(db: Db, jobId: number, runId: string, at: string | null): Promise<void> {
  await db.updateTable("monitor_runs").set({ too_long_at: at }).where("job_id", "=", jobId)
    .where("run_id", "=", runId).execute();
}

/** Forgets pings of before, and runs nobody ended. */
export async function forgetPings(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("monitor_pings").where("at", "<", before).executeTakeFirst();
  await db.deleteFrom("monitor_runs").where("started_at", "<", before).execute();
  return Number(result.numDeletedRows);
}
