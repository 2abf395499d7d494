/** Statements on findings. An open one has a key that no other open one has. */
import type { Insertable, Updateable } from "kysely";
import { statement } from "../../store/mod.ts";
import {
  type Db,
  type FindingRow,
  type FindingState,
  type FindingTable,
  type MonitorTables,
  OPEN_STATES,
} from "./tables.ts";

/** Values in one statement. */
const AT_ONCE = 400;
const INSERT_ROWS = 200;

/** Which findings to list. */
export interface FindingFilter {
  states?: readonly FindingState[] | undefined;
  code?: string | undefined;
  job_id?: number | undefined;
  agent?: string | undefined;
  skip: number;
  limit: number;
}

/** Findings, the newest first. */
export function listFindings(db: Db, filter: FindingFilter): Promise<FindingRow[]> {
  let query = db.selectFrom("monitor_findings").selectAll();
  if (filter.states !== undefined) query = query.where("state", "in", filter.states);
  if (filter.code !== undefined) query = query.where("code", "=", filter.code);
  if (filter.job_id !== undefined) query = query.where("job_id", "=", filter.job_id);
  if (filter.agent !== undefined) query = query.where("agent_id", "=", filter.agent);
  return query.orderBy("id", "desc").offset(filter.skip).limit(filter.limit).execute();
}

/** Every finding that has not ended. */
export function openFindings(db: Db): Promise<FindingRow[]> {
  return db.selectFrom("monitor_findings").selectAll().where("state", "in", OPEN_STATES).orderBy("id")
    .execute();
}

/** Those about one kind of subject; the many about jobs are not read for a few about artifacts. */
export function openAbout(db: Db, subjectKind: string): Promise<FindingRow[]> {
  return db.selectFrom("monitor_findings").selectAll().where("state", "in", OPEN_STATES)
    .where("subject_kind", "=", subjectKind).orderBy("id").execute();
}

export async function findingById(db: Db, id: number): Promise<FindingRow | undefined> {
  return await db.selectFrom("monitor_findings").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Open findings with one of these keys. */
export async function findingsByKey(db: Db, keys: readonly string[]): Promise<Map<string, FindingRow>> {
  const found = new Map<string, FindingRow>();
  for (let i = 0; i < keys.length; i += AT_ONCE) {
    const rows = await db.selectFrom("monitor_findings").selectAll()
      .where("open_key", "in", keys.slice(i, i + AT_ONCE)).execute();
    for (const row of rows) found.set(row.open_key ?? "", row);
  }
  return found;
}

/** Open findings of one alert. */
export function openOfAlert(db: Db, alert: string): Promise<FindingRow[]> {
  // An open key begins with its alert; the range lets its index find them.
  return db.selectFrom("monitor_findings").selectAll().where("open_key", ">=", `${alert} `)
    .where("open_key", "<", `${alert}!`).where("alert", "=", alert).orderBy("id").execute();
}

const ofJob = statement<MonitorTables, FindingRow, number>(
  -1,
  (db: Db, jobId: number) =>
    db.selectFrom("monitor_findings").selectAll().where("job_id", "=", jobId)
      .where("open_key", "is not", null).orderBy("id"),
);

/** Open findings of a job. */
export function openOfJob(db: Db, jobId: number): Promise<FindingRow[]> {
  return ofJob(db, jobId);
}

/** Open findings of these jobs. */
export async function openOfJobs(db: Db, jobIds: readonly number[]): Promise<FindingRow[]> {
  const rows: FindingRow[] = [];
  for (let i = 0; i < jobIds.length; i += AT_ONCE) {
    rows.push(
      ...await db.selectFrom("monitor_findings").selectAll()
        .where("job_id", "in", jobIds.slice(i, i + AT_ONCE)).where("open_key", "is not", null).execute(),
    );
  }
  return rows;
}

const ofAgent = statement<MonitorTables, FindingRow, string>(
  "id of an agent",
  (db: Db, agentId: string) =>
    // By their states, of which there is an index, so that the history is not read.
    db.selectFrom("monitor_findings").selectAll().where("state", "in", OPEN_STATES)
      .where("agent_id", "=", agentId).orderBy("id"),
);

/** Open findings of an agent. */
export function openOfAgent(db: Db, agentId: string): Promise<FindingRow[]> {
  return ofAgent(db, agentId);
}

export async function insertFindings(
  db: Db,
  rows: readonly Insertable<FindingTable>[],
): Promise<FindingRow[]> {
  const added: FindingRow[] = [];
  for (let i = 0; i < rows.length; i += INSERT_ROWS) {
    added.push(
      ...await db.insertInto("monitor_findings").values(rows.slice(i, i + INSERT_ROWS)).returningAll()
        .execute(),
    );
  }
  return added;
}

export async function updateFinding(db: Db, id: number, changes: Updateable<FindingTable>): Promise<void> {
  await db.updateTable("monitor_findings").set(changes).where("id", "=", id).execute();
}

/** Writes findings that were seen again; in a tick in which everything is missing there are thousands. */
export async function seeAgain(db: Db, rows: readonly FindingRow[]): Promise<void> {
  for (let i = 0; i < rows.length; i += INSERT_ROWS) {
    await db.insertInto("monitor_findings").values(rows.slice(i, i + INSERT_ROWS))
      .onConflict((conflict) =>
        conflict.column("id").doUpdateSet((eb) => ({
          count: eb.ref("excluded.count"),
          last_seen_at: eb.ref("excluded.last_seen_at"),
          entry_id: eb.ref("excluded.entry_id"),
          detail: eb.ref("excluded.detail"),
          facts: eb.ref("excluded.facts"),
          severity: eb.ref("excluded.severity"),
          told: eb.ref("excluded.told"),
          state: eb.ref("excluded.state"),
          muted_until: eb.ref("excluded.muted_until"),
        }))
      ).execute();
  }
}

/** Forgets findings that ended before. */
export async function forgetFindings(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("monitor_findings").where("ended_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
