/**
 * Deadlines: each due instant that nothing came for ends as `missing`, whether or not anybody ever reports.
 *
 * Whatever is read from the deposit is judged by a scan that began after the deadline, so that what lay there while
 * nobody looked is not called missing; a scan that does not come is waited for only so long.
 */
import { setImmediate } from "node:timers";
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { expressionOf, graceMs, nextDue } from "./due.ts";
import { aboutJob, type Found, jobAlert, jobFacts, namesOf, recipientsOf } from "./findings.ts";
import type { Way } from "./model.ts";
import type { Parts } from "./parts.ts";
import { insertMissing, judgedInstants, type MissingEntry } from "./queries/entries.ts";
import { jobsPastDeadline, updateJobs, waitingOfAgents } from "./queries/jobs.ts";
import { agentsById } from "./queries/sources.ts";
import type { Db, DueJob, MonitorTables } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { mainCode } from "./recorder.ts";

/** Jobs in one transaction, which takes some 30 ms: as many as there are rows in one statement. */
const PAGE = 512;
/** Instants of one job that are written at once: a daemon that was away for long catches up in pieces. */
const MOST_INSTANTS = 200;
/** A scan, or a reading of a Veeam server, is waited for this long; then a deadline counts although nobody looked. */
export const PATIENCE_MS = 10 * 60_000;

/** Whether the deposit was looked at. */
export interface Scanned {
  /** When the last scan that is over began; null before the first. */
  at: number | null;
  /** When this process began to wait for one. */
  since: number;
}

/** Judges deadlines that have passed; returns how many instants were missed. */
export async function judgeDeadlines(parts: Parts, scanned: Scanned): Promise<number> {
  const now = parts.clock.now();
  const givenUp = now - scanned.since >= PATIENCE_MS ? now - PATIENCE_MS : 0;
  const looked = parts.settings.deposit_root === null ? now : Math.max(scanned.at ?? 0, givenUp);
  return await judgeWays(parts, ["ping"], now) +
    await judgeWays(parts, ["report", "file"], Math.min(now, looked));
}

async function judgeWays(parts: Parts, ways: readonly Way[], upTo: number): Promise<number> {
  let missed = 0;
  // Its jobs fill many pages, and an agent that says nothing is told once.
  const told = new Set<string>();
  for (;;) {
    const limits = { now: iso(upTo), ways, limit: PAGE };
    const page = await parts.database.transaction(async (tx) => {
      const jobs = await jobsPastDeadline(tablesOf<MonitorTables>(tx), limits);
      return jobs.length === 0 ? undefined : await judgePage(parts, tx, jobs, upTo, told);
    });
    if (page === undefined) return missed;
    missed += page.missed;
    for (const alert of page.silent) told.add(alert);
    // Others take their turn between two pages: pings must not wait for thousands of deadlines.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function judgePage(
  parts: Parts,
  tx: Transaction<unknown>,
  jobs: readonly DueJob[],
  upTo: number,
  told: ReadonlySet<string>,
): Promise<{ missed: number; silent: string[] }> {
  const db = tablesOf<MonitorTables>(tx);
  const at = iso(parts.clock.now());
  const dues = new Dues();
  const passed = jobs.map((job) => ({ job, ...passedInstants(parts, dues, job, upTo) }));
  const earliest = jobs.reduce((least, job) => job.next_due_at! < least ? job.next_due_at! : least, at);
  const judged = await judgedInstants(db, jobs.map((job) => job.id), earliest);
  const missed = passed.flatMap(({ job, instants }) =>
    instants.filter((due) => !judged.has(`${job.id} ${due}`)).map((due) => ({ job, due }))
  );
  const ids = await insertMissing(db, missed.map(({ job, due }) => missingEntry(job, due, at)));
  const last = new Map(missed.map(({ job, due }) => [job.id, due]));
  const changes = passed.map(({ job, next }) => {
    const due = last.get(job.id);
    const isNewest = due !== undefined && (job.last_due_at === null || due > job.last_due_at);
    return {
      id: job.id,
      next_due_at: next === null ? null : dues.textOf(next),
      next_deadline_at: next === null ? null : dues.textOf(next + graceMs(job, parts.windows)),
      last_checked_at_utc: at,
      ...(isNewest
        ? { last_due_at: due, last_failed_backup_utc: at, current_status: "missing" as const }
        : {}),
    };
  });
  // Most jobs of a page are due at the same instants: they are moved on together.
  for (const alike of Map.groupBy(changes, ({ id: _, ...values }) => JSON.stringify(values)).values()) {
    const { id: _, ...values } = alike[0]!;
    await updateJobs(db, alike.map(({ id }) => id), values);
  }
  for (const _ of missed) parts.recorded("missing");
  const newest = missed.filter(({ job, due }) => last.get(job.id) === due);
  const silent = await tellMissing(parts, tx, { missed: newest, ids, upTo }, told);
  return { missed: missed.length, silent };
}

/** Next due instants, worked out once for all jobs that are due alike. */
class Dues {
  readonly #known = new Map<string, number | null>();
  readonly #texts = new Map<number, string>();

  /** An instant as text. */
  textOf(at: number): string {
    let text = this.#texts.get(at);
    if (text === undefined) this.#texts.set(at, text = iso(at));
    return text;
  }

  after(job: DueJob, at: number): number | null {
    const expression = expressionOf(job);
    // What happens once, or every so often since it was made, is a job's own.
    if (expression === undefined || expression.startsWith("@every")) return nextDue(job, at + 1);
    const key = `${at} ${job.timezone ?? ""} ${expression}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const next = nextDue(job, at + 1);
    this.#known.set(key, next);
    return next;
  }
}

/** Instants whose deadline has passed, and the first one after them. */
function passedInstants(
  parts: Parts,
  dues: Dues,
  job: DueJob,
  upTo: number,
): { instants: string[]; next: number | null } {
  const instants: string[] = [];
  const grace = graceMs(job, parts.windows);
  let next: number | null = Date.parse(job.next_due_at!);
  while (next !== null && next + grace <= upTo && instants.length < MOST_INSTANTS) {
    instants.push(dues.textOf(next));
    next = dues.after(job, next);
  }
  return { instants, next };
}

function missingEntry(job: DueJob, due_at: string, at: string): MissingEntry {
  return {
    expected_job_id: job.id,
    due_at,
    status: "missing",
    message: MESSAGES[job.way],
    way: job.way,
    agent_id: job.agent_id_responsible,
    company_name: job.company_name,
    city: job.city,
    database_name: job.database_name,
    at,
    created_at: at,
    previous_hash: job.previous_successful_hash_global,
    detail: "{}",
    promotion: "none",
  };
}

/** What is said of an instant that nothing came for. */
export const MESSAGES: Record<Way, string> = {
  report: "no report came in time",
  file: "no file came in time",
  ping: "no ping came in time",
  schedule: "no run ended in time",
  veeam: "no session of it came in time",
};

/** The newest instants that were missed, their entries, and up to when deadlines count. */
interface Missed {
  missed: readonly { job: DueJob; due: string }[];
  ids: ReadonlyMap<string, number>;
  upTo: number;
}

/**
 * One alert per job; the jobs of an agent that says nothing at all are told as one, under the agent's name, unless `told`
 * has its alert. Returns which agents were.
 */
async function tellMissing(
  parts: Parts,
  tx: Transaction<unknown>,
  { missed, ids, upTo }: Missed,
  told: ReadonlySet<string>,
): Promise<string[]> {
  const reported = missed.filter(({ job }) => job.way === "report");
  const agents = await agentsById(
    tablesOf<MonitorTables>(tx),
    [...new Set(reported.map(({ job }) => job.agent_id_responsible))],
  );
  const isSilent = ({ job, due }: { job: DueJob; due: string }) => {
    if (job.way !== "report") return false;
    const seen = agents.get(job.agent_id_responsible)?.last_report_at;
    return seen === undefined || Date.parse(seen) < Date.parse(due) - parts.windows.reportMs;
  };
  const found: Found[] = missed.map((one) => {
    const { job, due } = one;
    const id = ids.get(`${job.id} ${due}`) ?? null;
    return {
      ...aboutJob(job, jobName(job)),
      alert: jobAlert(job.id),
      code: mainCode({ status: "missing", way: job.way }),
      entry_id: id,
      detail: MESSAGES[job.way],
      facts: {
        ...jobFacts(job),
        job_status: "missing",
        entry_id: id,
        due_at: due,
        last_good_at: job.last_successful_backup_utc,
      },
      occurrence: `due:${due}`,
      tell: !isSilent(one),
    };
  });
  await parts.findings.reportAll(tx, found);
  const silent = await silentAgents(
    tablesOf<MonitorTables>(tx),
    missed.filter((one) => isSilent(one) && !told.has(agentAlert(one.job))),
    upTo,
  );
  await parts.findings.reportAll(tx, silent);
  return silent.map(({ alert }) => alert);
}

function agentAlert(job: DueJob): string {
  return `agent:${job.agent_id_responsible}`;
}

/** One for each agent; who hears of it are those of all its jobs that are missing, also of those on the pages to come. */
async function silentAgents(
  db: Db,
  missed: readonly { job: DueJob; due: string }[],
  upTo: number,
): Promise<Found[]> {
  const byAgent = Map.groupBy(missed, ({ job }) => job.agent_id_responsible);
  const waiting = await waitingOfAgents(db, [...byAgent.keys()], iso(upTo));
  return [...byAgent].map(([agent, jobs]) => {
    const rows = jobs.map(({ job }) => job);
    const others = waiting.filter((row) => row.agent_id_responsible === agent);
    const due = jobs.reduce((latest, one) => one.due > latest ? one.due : latest, "");
    return {
      alert: agentAlert(rows[0]!),
      code: "silent_agent",
      subject: { kind: "agent", id: agent, name: agent },
      job_id: null,
      entry_id: null,
      agent_id: agent,
      detail: `it sent no report at all; missing: ${
        namesOf(rows, others.reduce((sum, { count }) => sum + count, 0))
      }`,
      facts: { agent, due_at: due },
      recipients: recipientsOf([...rows, ...others]),
      occurrence: `due:${due}`,
      tell: true,
    };
  });
}
