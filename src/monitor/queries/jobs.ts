/** Statements on expected jobs. */
import type { Insertable, Updateable } from "kysely";
import { preparedRows, statement } from "../../store/mod.ts";
import type { JobStatus, Way } from "../model.ts";
import {
  type Db,
  DUE_COLUMNS,
  type DueJob,
  type JobRow,
  type JobTable,
  type MonitorTables,
} from "./tables.ts";

/** Which jobs to list; `null` fields do not count. */
export interface JobFilter {
  status?: JobStatus | undefined;
  agent?: string | undefined;
  company?: string | undefined;
  city?: string | undefined;
  database?: string | undefined;
  way?: Way | undefined;
  skip: number;
  limit: number;
}

/** Jobs by id. */
export function listJobs(db: Db, filter: JobFilter): Promise<JobRow[]> {
  let query = db.selectFrom("monitor_jobs").selectAll();
  if (filter.status !== undefined) query = query.where("current_status", "=", filter.status);
  if (filter.agent !== undefined) query = query.where("agent_id_responsible", "=", filter.agent);
  if (filter.company !== undefined) query = query.where("company_name", "=", filter.company);
  if (filter.city !== undefined) query = query.where("city", "=", filter.city);
  if (filter.database !== undefined) query = query.where("database_name", "=", filter.database);
  if (filter.way !== undefined) query = query.where("way", "=", filter.way);
  return query.orderBy("id").offset(filter.skip).limit(filter.limit).execute();
}

/** Every job that is expected. */
export function activeJobs(db: Db): Promise<JobRow[]> {
  return db.selectFrom("monitor_jobs").selectAll().where("is_active", "=", 1).orderBy("id").execute();
}

const byId = statement<MonitorTables, JobRow, number>(
  -1,
  (db: Db, id: number) => db.selectFrom("monitor_jobs").selectAll().where("id", "=", id),
);

export async function jobById(db: Db, id: number): Promise<JobRow | undefined> {
  return (await byId(db, id))[0];
}

/** What every job is called. */
export function jobNames(
  db: Db,
): Promise<Pick<JobRow, "id" | "company_name" | "city" | "neighborhood" | "database_name" | "year">[]> {
  return db.selectFrom("monitor_jobs")
    .select(["id", "company_name", "city", "neighborhood", "database_name", "year"]).orderBy("id").execute();
}

export function jobsByIds(db: Db, ids: readonly number[]): Promise<JobRow[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return db.selectFrom("monitor_jobs").selectAll().where("id", "in", ids).execute();
}

const among = preparedRows<MonitorTables, { id: number }, { id: number }>((db: Db, jobs) =>
  db.selectFrom("monitor_jobs").select("id").where("id", "in", jobs.map(({ id }) => id))
);

/** Which of these jobs there are. */
export async function jobsThere(db: Db, ids: Iterable<number>): Promise<Set<number>> {
  const rows = await among(db, Array.from(ids, (id) => ({ id })));
  return new Set(rows.map((row) => row.id));
}

const reported = statement<MonitorTables, JobRow, string>(
  "id of an agent",
  (db: Db, agentId: string) =>
    db.selectFrom("monitor_jobs").selectAll().where("agent_id_responsible", "=", agentId)
      .where("way", "=", "report").where("is_active", "=", 1).orderBy("id"),
);

/** Active jobs of an agent that show themselves by reports. */
export function reportedJobs(db: Db, agentId: string): Promise<JobRow[]> {
  return reported(db, agentId);
}

export function jobsOfWay(db: Db, way: Way): Promise<JobRow[]> {
  return db.selectFrom("monitor_jobs").selectAll().where("way", "=", way).where("is_active", "=", 1)
    .orderBy("id").execute();
}

/** Jobs whose deadline has passed, the longest overdue first. */
export function jobsPastDeadline(
  db: Db,
  { now, ways, limit }: { now: string; ways: readonly Way[]; limit: number },
): Promise<DueJob[]> {
  return db.selectFrom("monitor_jobs").select(DUE_COLUMNS).where("next_deadline_at", "<=", now)
    .where("way", "in", ways).orderBy("next_deadline_at").orderBy("id").limit(limit).execute();
}

/** Whom jobs of these agents tell whose deadline has passed, and how many jobs that are. */
export async function waitingOfAgents(
  db: Db,
  agentIds: readonly string[],
  now: string,
): Promise<(Pick<JobRow, "agent_id_responsible" | "notification_recipients"> & { count: number })[]> {
  if (agentIds.length === 0) return [];
  const rows = await db.selectFrom("monitor_jobs")
    .select((eb) => ["agent_id_responsible", "notification_recipients", eb.fn.countAll().as("count")])
    .where("next_deadline_at", "<=", now).where("agent_id_responsible", "in", agentIds)
    .where("way", "=", "report").groupBy(["agent_id_responsible", "notification_recipients"]).execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

export async function insertJob(db: Db, row: Insertable<JobTable>): Promise<number> {
  const { id } = await db.insertInto("monitor_jobs").values(row).returning("id").executeTakeFirstOrThrow();
  return id;
}

export async function updateJob(db: Db, id: number, changes: Updateable<JobTable>): Promise<void> {
  await db.updateTable("monitor_jobs").set(changes).where("id", "=", id).execute();
}

/** Changes many jobs alike. */
export async function updateJobs(
  db: Db,
  ids: readonly number[],
  changes: Updateable<JobTable>,
): Promise<void> {
  await db.updateTable("monitor_jobs").set(changes).where("id", "in", ids).execute();
}

export async function deleteJob(db: Db, id: number): Promise<void> {
  await db.deleteFrom("monitor_jobs").where("id", "=", id).execute();
}

export async function jobByIdentity(db: Db, identity: string): Promise<JobRow | undefined> {
  return await db.selectFrom("monitor_jobs").selectAll().where("identity", "=", identity).executeTakeFirst();
}
