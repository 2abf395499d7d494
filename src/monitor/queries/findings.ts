/** Statements on findings. An open one has a key that no other open one has. */
import { type Insertable, sql, type Updateable } from "kysely";
import { preparedRows, statement } from "../../store/mod.ts";
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

/** What has to be known of a finding that is seen again. */
export type KnownFinding = Pick<FindingRow, "id" | "open_key" | "state" | "muted_until">;

/** As {@linkcode findingsByKey}, for the many of a tick. */
export async function knownByKey(db: Db, keys: readonly string[]): Promise<Map<string, KnownFinding>> {
  const rows = await known(db, keys.map((key) => ({ key })));
  return new Map(rows.map((row) => [row.open_key ?? "", row]));
}

const known = preparedRows<MonitorTables, KnownFinding, { key: string }>((db: Db, keys) =>
  db.selectFrom("monitor_findings").select(["id", "open_key", "state", "muted_until"])
    .where("open_key", "in", keys.map(({ key }) => key))
);

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

/** A finding as it is when it opens. */
export type NewFinding =
  & Pick<Insertable<FindingTable>, "open_key" | "alert" | "code" | "severity" | "state" | "subject_kind">
  & Pick<
    Insertable<FindingTable>,
    "subject_id" | "subject_name" | "job_id" | "entry_id" | "agent_id" | "detail"
  >
  & Pick<Insertable<FindingTable>, "facts" | "told" | "count" | "opened_at" | "last_seen_at">;

/** Adds findings; what is returned is in no order. */
export function insertFindings(db: Db, rows: readonly NewFinding[]): Promise<KnownFinding[]> {
  return insertRows(db, rows);
}

const insertRows = preparedRows<MonitorTables, KnownFinding, NewFinding>((db: Db, rows) =>
  db.insertInto("monitor_findings").values(rows.map((row) => ({
    open_key: row.open_key,
    alert: row.alert,
    code: row.code,
    severity: row.severity,
    state: row.state,
    subject_kind: row.subject_kind,
    subject_id: row.subject_id,
    subject_name: row.subject_name,
    job_id: row.job_id,
    entry_id: row.entry_id,
    agent_id: row.agent_id,
    detail: row.detail,
    facts: row.facts,
    told: row.told,
    count: row.count,
    opened_at: row.opened_at,
    last_seen_at: row.last_seen_at,
  }))).returning(["id", "open_key", "state", "muted_until"])
);

export async function updateFinding(db: Db, id: number, changes: Updateable<FindingTable>): Promise<void> {
  await db.updateTable("monitor_findings").set(changes).where("id", "=", id).execute();
}

/** What changes in a finding that is seen again. */
export type SeenFinding = Pick<
  FindingRow,
  "id" | "last_seen_at" | "entry_id" | "detail" | "facts" | "severity" | "told"
>;

/** Writes findings that were seen again; in a tick in which everything is missing there are thousands. */
export async function seeAgain(db: Db, rows: readonly SeenFinding[]): Promise<void> {
  await updateSeen(db, rows);
}

// The types of the first row count for all; PostgreSQL would take the values for texts.
const updateSeen = preparedRows<MonitorTables, unknown, SeenFinding>((db: Db, rows) =>
  db.with("seen(id, last_seen_at, entry_id, detail, facts, severity, told)", () => {
    const values = rows.map((row) =>
      sql`(cast(${row.id} as integer), ${row.last_seen_at}, cast(${row.entry_id} as integer), ${row.detail},
        ${row.facts}, ${row.severity}, cast(${row.told} as integer))`
    );
    return sql<SeenFinding>`(values ${sql.join(values)})`;
  }).updateTable("monitor_findings").from("seen").set((eb) => ({
    count: eb("monitor_findings.count", "+", 1),
    last_seen_at: eb.ref("seen.last_seen_at"),
    entry_id: eb.ref("seen.entry_id"),
    detail: eb.ref("seen.detail"),
    facts: eb.ref("seen.facts"),
    severity: eb.ref("seen.severity"),
    // Once told, it stays so.
    told: eb.case().when("seen.told", "=", 1).then(1).else(eb.ref("monitor_findings.told")).end(),
  })).whereRef("monitor_findings.id", "=", "seen.id")
);

/** Opens those again whose silence is over. */
export async function unmute(db: Db, ids: readonly number[]): Promise<void> {
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    await db.updateTable("monitor_findings").set({ state: "open", muted_until: null })
      .where("id", "in", ids.slice(i, i + AT_ONCE)).execute();
  }
}

/** Forgets findings that ended before. */
export async function forgetFindings(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("monitor_findings").where("ended_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
