/** Statements on runs and their counts. */
import { type ExpressionBuilder, sql } from "kysely";
import type { RunOutcome, RunStatus } from "../model.ts";
import { prepared, statement } from "../../store/mod.ts";
import { countDay, removeEmptyDays, walkStart } from "./run_days.ts";
import { chunks, type Db, type RunCountRow, type RunRow, type SchedulesTables } from "./tables.ts";

/** Written out, because an index is for runs of this status: a value would have every statement compiled at each call. */
const RUNNING = sql.lit("running" as const);

export async function insertRuns(db: Db, rows: readonly RunRow[]): Promise<void> {
  for (const part of chunks(rows, 250)) await db.insertInto("runs").values(part).execute();
}

const begin = prepared<SchedulesTables, unknown, { id: string; at: string }>((db, { id, at }) =>
  db.updateTable("runs").set({ outcome: "running", started_at: at }).where("id", "=", id)
    .where("outcome", "=", "queued")
);

/** Starts a queued run; false when it is not waiting any more. */
export async function beginRun(db: Db, id: string, at: string): Promise<boolean> {
  return (await begin(db, { id, at })).numAffectedRows === 1n;
}

/** What is known of a run when it ends. */
export interface RunEnd {
  status: RunStatus;
  outcome: RunOutcome;
  completed_at: string;
  backup_id: string | null;
  backup_size_bytes: number | null;
  source_bytes: number | null;
  warning_count: number;
  error_message: string | null;
}

const end = prepared<SchedulesTables, RunRow, RunEnd & { id: string }>((db, end) =>
  db.updateTable("runs").set({
    status: end.status,
    outcome: end.outcome,
    completed_at: end.completed_at,
    backup_id: end.backup_id,
    backup_size_bytes: end.backup_size_bytes,
    source_bytes: end.source_bytes,
    warning_count: end.warning_count,
    error_message: end.error_message,
  }).where("id", "=", end.id).where("status", "=", RUNNING).returningAll()
);

/** Ends a run once and counts it; undefined when it has ended already. */
export async function endRun(db: Db, id: string, how: RunEnd): Promise<RunRow | undefined> {
  const [row] = (await end(db, { ...how, id })).rows;
  if (row === undefined) return undefined;
  await countRuns(db, row, 1);
  return row;
}

const count = prepared<SchedulesTables, unknown, RunCountRow>((
  db,
  { schedule_id, server_id, status, runs },
) =>
  db.insertInto("run_counts").values({ schedule_id, server_id, status, runs }).onConflict((conflict) =>
    conflict.columns(["schedule_id", "server_id", "status"])
      .doUpdateSet((eb) => ({ runs: eb("run_counts.runs", "+", eb.ref("excluded.runs")) }))
  )
);

async function countRuns(
  db: Db,
  run: Pick<RunRow, "schedule_id" | "server_id" | "status" | "started_at">,
  change: number,
): Promise<void> {
  const { schedule_id, server_id, status } = run;
  await count(db, { schedule_id, server_id, status, runs: change });
  await countDay(db, run, change);
}

/** Removes a run that waits, as if it had never been asked for; false when it has begun. */
export async function removeQueuedRun(db: Db, id: string): Promise<boolean> {
  const removed = await db.deleteFrom("runs").where("id", "=", id).where("outcome", "=", "queued")
    .executeTakeFirst();
  return removed.numDeletedRows === 1n;
}

/** The run of an attempt; undefined when there was none, or when it is forgotten. */
export function runOfAttempt(
  db: Db,
  scheduleId: string,
  dueAt: string,
  attempt: number,
): Promise<RunRow | undefined> {
  return db.selectFrom("runs").selectAll().where("schedule_id", "=", scheduleId).where("due_at", "=", dueAt)
    .where("attempt", "=", attempt).executeTakeFirst();
}

/** Runs queued or under way, oldest first. */
export function openRuns(db: Db, scheduleIds?: readonly string[]): Promise<RunRow[]> {
  let query = db.selectFrom("runs").selectAll().where("status", "=", RUNNING);
  if (scheduleIds !== undefined) query = query.where("schedule_id", "in", scheduleIds);
  return query.orderBy("queued_at").execute();
}

/** A run with the name of its schedule. */
export type NamedRun = RunRow & { schedule_name: string };

function named(db: Db) {
  return db.selectFrom("runs").innerJoin("schedules", "schedules.id", "runs.schedule_id")
    .selectAll("runs").select("schedules.name as schedule_name");
}

export function runById(db: Db, id: string): Promise<NamedRun | undefined> {
  return named(db).where("runs.id", "=", id).executeTakeFirst();
}

/** Enough to say that the beginning of an id is ambiguous, and to name some. */
const AMBIGUOUS = 5;

/** Runs of these servers (null: of all) whose id begins so; none when it is too short, or no beginning of an id. */
export async function runsLike(db: Db, ref: string, servers: readonly number[] | null): Promise<NamedRun[]> {
  if (!/^[0-9a-f]{4,}$/.test(ref)) return [];
  // "g" follows the last hexadecimal digit.
  const query = named(db).where("runs.id", ">=", ref).where("runs.id", "<", `${ref}g`);
  const visible = servers === null ? query : query.where("runs.server_id", "in", servers);
  return await visible.orderBy("runs.id").limit(AMBIGUOUS).execute();
}

/** Which runs to page through. */
export interface RunFilter {
  servers: readonly number[] | null;
  schedule_id: string | undefined;
  status?: RunStatus | undefined;
  outcome?: RunOutcome | undefined;
  /** Instants between which they began, both included. */
  from?: string | undefined;
  to?: string | undefined;
  /** In a line or in the error message. */
  text?: string | undefined;
}

/** Conditions that no count is kept for. */
function isNarrow({ status, outcome, from, to, text }: RunFilter): boolean {
  return [status, outcome, from, to, text].some((value) => value !== undefined);
}

/** What of a filter is about the run itself. */
function narrowed(filter: RunFilter) {
  return (eb: ExpressionBuilder<SchedulesTables, "runs">) => {
    const { servers, schedule_id, status, outcome, from, to, text } = filter;
    // What is looked for is taken as it stands.
    const like = `%${(text ?? "").replaceAll(/[\\%_]/g, "\\$&")}%`;
    return eb.and([
      ...(servers === null ? [] : [eb("runs.server_id", "in", servers)]),
      ...(schedule_id === undefined ? [] : [eb("runs.schedule_id", "=", schedule_id)]),
      ...(status === undefined ? [] : [eb("runs.status", "=", status)]),
      ...(outcome === undefined ? [] : [eb("runs.outcome", "=", outcome)]),
      ...(from === undefined ? [] : [eb("runs.started_at", ">=", from)]),
      ...(to === undefined ? [] : [eb("runs.started_at", "<=", to)]),
      ...(text === undefined ? [] : [eb.or([
        sql<boolean>`lower(runs.error_message) like lower(${like}) escape '\\'`,
        eb.exists(
          eb.selectFrom("run_lines").select("run_lines.seq").whereRef("run_lines.run_id", "=", "runs.id")
            .where(sql<boolean>`lower(run_lines.text) like lower(${like}) escape '\\'`),
        ),
      ])]),
    ]);
  };
}

/** Number of runs, from the counts of ended ones and the few that are open. */
export async function totalRuns(db: Db, filter: RunFilter): Promise<number> {
  if (isNarrow(filter)) {
    const counted = await db.selectFrom("runs").select(({ fn }) => fn.countAll<number>().as("runs"))
      .where(narrowed(filter)).executeTakeFirstOrThrow();
    return Number(counted.runs);
  }
  let ended = db.selectFrom("run_counts").select(({ fn }) => fn.sum<number | null>("runs").as("runs"));
  let open = db.selectFrom("runs").select(({ fn }) => fn.countAll<number>().as("runs"))
    .where("status", "=", RUNNING);
  if (filter.servers !== null) {
    ended = ended.where("server_id", "in", filter.servers);
    open = open.where("server_id", "in", filter.servers);
  }
  if (filter.schedule_id !== undefined) {
    ended = ended.where("schedule_id", "=", filter.schedule_id);
    open = open.where("schedule_id", "=", filter.schedule_id);
  }
  const [a, b] = [await ended.executeTakeFirstOrThrow(), await open.executeTakeFirstOrThrow()];
  return Number(a.runs ?? 0) + Number(b.runs);
}

/**
 * A page of runs, newest first. Keys are found in an index alone, from the nearer end, and where days are counted from the
 * day the page begins on, so that a page in the middle of a million costs as little as the first.
 */
export async function pageRuns(
  db: Db,
  filter: RunFilter,
  page: { limit: number; offset: number; total: number },
): Promise<NamedRun[]> {
  const limit = Math.min(page.limit, page.total - page.offset);
  if (limit <= 0) return [];
  const fromEnd = page.total - page.offset - limit;
  const [order, offset] = fromEnd < page.offset ? ["asc", fromEnd] as const : ["desc", page.offset] as const;
  const counted = offset > 0 && filter.schedule_id === undefined && !isNarrow(filter);
  const start = counted ? await walkStart(db, filter.servers, order, offset) : undefined;
  let keys = db.selectFrom("runs").select("id").where(narrowed(filter));
  if (start !== undefined) keys = keys.where("started_at", order === "asc" ? ">=" : "<", start.at);
  keys = keys.orderBy("started_at", order).orderBy("id", order).limit(limit).offset(start?.offset ?? offset);
  return await named(db).where("runs.id", "in", keys).orderBy("runs.started_at", "desc")
    .orderBy("runs.id", "desc").execute();
}

const newestEnd = statement<SchedulesTables, Pick<RunRow, "outcome">, string>(
  "id",
  (db: Db, id: string) =>
    db.selectFrom("runs").select("outcome").where("schedule_id", "=", id).where("status", "!=", RUNNING)
      .orderBy("started_at", "desc").orderBy("id", "desc").limit(sql.lit(1)),
);

/** How the newest run of a schedule that has ended did. Asked with every read of a schedule. */
export async function lastOutcome(db: Db, scheduleId: string): Promise<RunOutcome | undefined> {
  return (await newestEnd(db, scheduleId))[0]?.outcome;
}

/** The same of all schedules that these servers have, null for all, by the schedule's id. */
export async function lastOutcomes(
  db: Db,
  servers: readonly number[] | null,
): Promise<ReadonlyMap<string, RunOutcome>> {
  let query = db.selectFrom("schedules").select(({ selectFrom }) => [
    "schedules.id",
    selectFrom("runs").select("runs.outcome").whereRef("runs.schedule_id", "=", "schedules.id")
      .where("runs.status", "!=", RUNNING).orderBy("runs.started_at", "desc").orderBy("runs.id", "desc")
      .limit(1).as("outcome"),
  ]).where("schedules.deleted_at", "is", null);
  if (servers !== null) query = query.where("schedules.server_id", "in", servers);
  const rows = await query.execute();
  return new Map(rows.flatMap(({ id, outcome }) => outcome === null ? [] : [[id, outcome] as const]));
}

/** Start and end of the latest successful runs of a schedule. */
export function recentSuccesses(
  db: Db,
  scheduleId: string,
  limit: number,
): Promise<{ started_at: string; completed_at: string | null }[]> {
  return db.selectFrom("runs").select(["started_at", "completed_at"]).where("schedule_id", "=", scheduleId)
    .where("outcome", "=", "success").orderBy("started_at", "desc").limit(limit).execute();
}

/** Removes up to `limit` ended runs from before an instant, with their lines and counts; returns how many. */
export async function removeRuns(db: Db, before: string, limit: number): Promise<number> {
  const old = await db.selectFrom("runs").select("id").where("started_at", "<", before)
    .where("status", "!=", "running").orderBy("started_at").limit(limit).execute();
  const ids = old.map((row) => row.id);
  if (ids.length === 0) return 0;
  await db.deleteFrom("run_lines").where("run_id", "in", ids).execute();
  const removed = await db.deleteFrom("runs").where("id", "in", ids)
    .returning(["schedule_id", "server_id", "status", "started_at"]).execute();
  for (const row of removed) await countRuns(db, row, -1);
  await removeEmptyDays(db);
  return removed.length;
}
