/** Statements on what is known of reports, of the agents that send them, and of disks. */
import type { Db, MonitorTables } from "./tables.ts";

const AT_ONCE = 500;

export type ReportRow = MonitorTables["monitor_reports"];
type AgentRow = MonitorTables["monitor_agents"];
type CapacityRow = MonitorTables["monitor_capacity"];

/** Which of these reports are known. */
export async function knownReports(db: Db, keys: readonly string[]): Promise<string[]> {
  const known: string[] = [];
  for (let i = 0; i < keys.length; i += AT_ONCE) {
    const rows = await db.selectFrom("monitor_reports").select("key")
      .where("key", "in", keys.slice(i, i + AT_ONCE)).execute();
    known.push(...rows.map((row) => row.key));
  }
  return known;
}

/** Those of these reports that are known; at most a few hundred at once. */
export async function reportsByKey(db: Db, keys: readonly string[]): Promise<ReportRow[]> {
  return await db.selectFrom("monitor_reports").selectAll().where("key", "in", keys).execute();
}

/** At most a few hundred at once. */
export async function saveReports(db: Db, rows: readonly ReportRow[]): Promise<void> {
  if (rows.length > 0) await db.insertInto("monitor_reports").values(rows).execute();
}

/** Notes a sign of life; `endedAt` null for a report that could not be read. */
export async function seeAgent(db: Db, agentId: string, at: string, endedAt: string | null): Promise<void> {
  await db.insertInto("monitor_agents")
    .values({ agent_id: agentId, last_report_at: at, last_report_ended_at: endedAt ?? at })
    .onConflict((conflict) =>
      conflict.column("agent_id").doUpdateSet({
        last_report_at: at,
        ...(endedAt === null ? {} : { last_report_ended_at: endedAt }),
      })
    ).execute();
}

export async function agentsById(db: Db, ids: readonly string[]): Promise<Map<string, AgentRow>> {
  const agents = new Map<string, AgentRow>();
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const rows = await db.selectFrom("monitor_agents").selectAll()
      .where("agent_id", "in", ids.slice(i, i + AT_ONCE)).execute();
    for (const row of rows) agents.set(row.agent_id, row);
  }
  return agents;
}

/** Notes how full a disk is; one sample an hour, the newest counts. */
export async function saveSample(db: Db, row: CapacityRow): Promise<void> {
  const { total_bytes, free_bytes } = row;
  await db.insertInto("monitor_capacity").values(row)
    .onConflict((conflict) => conflict.columns(["path", "at"]).doUpdateSet({ total_bytes, free_bytes }))
    .execute();
}

/** Samples of a disk since an instant, in order of time. */
export function samplesSince(db: Db, path: string, since: string): Promise<CapacityRow[]> {
  return db.selectFrom("monitor_capacity").selectAll().where("path", "=", path).where("at", ">=", since)
    .orderBy("at").execute();
}

/** Forgets reports and samples of before. A report that is forgotten is too old to be judged again. */
export async function forgetSources(db: Db, before: string): Promise<number> {
  const reports = await db.deleteFrom("monitor_reports").where("received_at", "<", before).executeTakeFirst();
  await db.deleteFrom("monitor_capacity").where("at", "<", before).execute();
  return Number(reports.numDeletedRows);
}
