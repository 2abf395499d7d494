/**
 * Jobs of Veeam servers that are expected: each due instant is judged by the sessions that began since the deadline before it.
 *
 * What is known of sessions is what `veeam.sync` has read. So a deadline counts when the server was read after it; while it is
 * not, the instant waits and that the server is not read is told, once for all its jobs.
 */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import type { ReadServer, VeeamSession, VeeamSource } from "../veeam/mod.ts";
import { MESSAGES } from "./deadlines.ts";
import type { Decision } from "./decide.ts";
import { graceMs, nextDue, previousDue } from "./due.ts";
import { OPEN_STATES } from "./finding_model.ts";
import { aboutJob, type Code } from "./findings.ts";
import { GOOD_STATUSES } from "./model.ts";
import { type Parts, tables } from "./parts.ts";
import { entryAt } from "./queries/entries.ts";
import { listFindings } from "./queries/findings.ts";
import { jobById, jobsOfWay, updateJob } from "./queries/jobs.ts";
import type { Db, FindingRow, JobRow, MonitorTables } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { record } from "./recorder.ts";

/** Instants of one job that are judged in a tick: a daemon that was away for long catches up in pieces. */
const MOST = 200;
const DAY_MS = 86_400_000;
/** Jobs named in what is told of a server. */
const MAX_NAMES = 20;

/** Judges the instants of every Veeam job that is expected, and tells which servers they wait for. */
export async function judgeVeeam(parts: Parts): Promise<void> {
  const servers = await parts.veeam.servers();
  const jobs = await jobsOfWay(tables(parts), "veeam");
  for (const job of jobs) {
    const synced = serverOf(servers, job)?.synced_at ?? null;
    if (synced !== null) await judgeJob(parts, job, Date.parse(synced));
  }
  const isLate = jobs.some((job) => serverOf(servers, job)?.is_late !== false);
  if (isLate || (await openUnread(tables(parts))).length > 0) await tellUnread(parts, servers);
}

function serverOf(servers: ReadonlyMap<string, ReadServer>, job: JobRow): ReadServer | undefined {
  return servers.get(job.veeam_server ?? "");
}

async function judgeJob(parts: Parts, job: JobRow, readAt: number): Promise<void> {
  // What ended late takes back that it was missed.
  if (job.last_due_at !== null && !GOOD_STATUSES.includes(job.current_status)) {
    await judgeInstant(parts, job, Date.parse(job.last_due_at), readAt);
  }
  let due = job.next_due_at === null ? null : Date.parse(job.next_due_at);
  for (let i = 0; due !== null && i < MOST; i++) {
    await judgeInstant(parts, job, due, readAt);
    if (due + graceMs(job, parts.windows) > readAt) return;
    due = nextDue(job, due + 1);
  }
}

/** Records what is known of an instant, and goes on to the next one when its deadline is over. */
async function judgeInstant(parts: Parts, job: JobRow, due: number, readAt: number): Promise<void> {
  const grace = graceMs(job, parts.windows);
  const deadline = due + grace;
  const before = previousDue(job, due);
  const after = before === null ? due - DAY_MS : before + grace;
  const sessions = await parts.veeam.sessions(sourceOf(job), { after: iso(after), until: iso(deadline) });
  const judged = decideSessions(sessions, deadline, readAt);
  if (judged === undefined) return;
  const { decision, ended_at } = judged;
  await parts.database.transaction(async (tx) => {
    const db = tablesOf<MonitorTables>(tx);
    const current = await jobById(db, job.id);
    if (current === undefined) return;
    const known = await entryAt(db, job.id, iso(due));
    const isKnown = known?.status === decision.status && known.message === decision.message &&
      known.ended_at === ended_at;
    const evidence = { way: "veeam" as const, ended_at, report_key: null, file: null, detail: {} };
    if (!isKnown) await record(parts, tx, current, iso(due), decision, evidence);
    // Somebody may have changed when it is due since it was looked at.
    if (deadline > readAt || current.next_due_at !== iso(due)) return;
    const next = nextDue(job, due + 1);
    await updateJob(db, job.id, {
      next_due_at: next === null ? null : iso(next),
      next_deadline_at: next === null ? null : iso(next + grace),
    });
  });
}

function sourceOf({ veeam_server, veeam_job, veeam_job_id }: JobRow): VeeamSource {
  return { server: veeam_server ?? "", job: veeam_job ?? "", job_id: veeam_job_id };
}

/**
 * What sessions mean for a deadline, as far as they were read; undefined while nothing can be said. Of several that ended in
 * time the last one counts; one that ends well later takes a failure back. Pure.
 */
export function decideSessions(
  sessions: readonly VeeamSession[],
  deadline: number,
  readAt: number,
): { decision: Decision; ended_at: string | null } | undefined {
  const ended = sessions.flatMap((session) =>
    session.ended_at === null ? [] : [{ ...session, ended_at: session.ended_at }]
  ).sort((a, b) => Date.parse(a.ended_at) - Date.parse(b.ended_at));
  const isLate = ({ ended_at }: { ended_at: string }) => Date.parse(ended_at) > deadline;
  const inTime = ended.findLast((session) => !isLate(session));
  const chosen = inTime !== undefined && isGood(inTime)
    ? inTime
    : ended.find((session) => isLate(session) && isGood(session)) ?? ended.at(-1);
  if (chosen !== undefined) {
    const { result, message, ended_at } = chosen;
    const why = message === null || message === "" || result === "Success" ? "" : `: ${message}`;
    const late = isLate(chosen) ? ", after the deadline" : "";
    return {
      decision: {
        status: isGood(chosen) ? "ok" : "failed",
        message: `its session ended with ${result ?? "no result"}${late}${why}`,
      },
      ended_at,
    };
  }
  if (readAt < deadline) return undefined;
  const message = sessions.length === 0 ? MESSAGES.veeam : "its session has not ended in time";
  return { decision: { status: "missing", message }, ended_at: null };
}

function isGood({ result }: VeeamSession): boolean {
  return result === "Success" || result === "Warning";
}

/** One finding for each server that instants wait for and that is not read, over when it is or nothing waits any more. */
async function tellUnread(parts: Parts, servers: ReadonlyMap<string, ReadServer>): Promise<void> {
  const now = iso(parts.clock.now());
  await parts.database.transaction(async (tx) => {
    const db = tablesOf<MonitorTables>(tx);
    const jobs = await jobsOfWay(db, "veeam");
    const waiting = jobs.filter((job) =>
      job.next_deadline_at !== null && job.next_deadline_at <= now &&
      serverOf(servers, job)?.is_late !== false
    );
    const unread = Map.groupBy(waiting, (job) => job.veeam_server ?? "");
    const open = await openUnread(db);
    for (const [name, concerned] of unread) {
      if (open.some(({ subject_id }) => subject_id === name)) continue;
      await reportUnread(parts, tx, name, servers.get(name), concerned);
    }
    for (const row of open.filter(({ subject_id }) => !unread.has(subject_id))) {
      const concerned = jobs.filter(({ veeam_server }) => veeam_server === row.subject_id);
      const detail = concerned.length === 0 ? "no job of it is expected any more" : "it was read";
      await parts.findings.recover(tx, [row], { detail, recipients: recipientsOf(concerned) });
    }
  });
}

function recipientsOf(jobs: readonly JobRow[]): string[] {
  return [...new Set(jobs.flatMap((job) => aboutJob(job, "").recipients))];
}

/** Beside what the slice tells itself of a server that cannot be read: this one says which backups wait for it. */
const CODE: Code = "unread";

function openUnread(db: Db): Promise<FindingRow[]> {
  return listFindings(db, { states: OPEN_STATES, code: CODE, skip: 0, limit: 1000 });
}

async function reportUnread(
  parts: Parts,
  tx: Transaction<unknown>,
  name: string,
  read: ReadServer | undefined,
  jobs: readonly JobRow[],
): Promise<void> {
  const why = read === undefined
    ? "it is not among veeam.servers"
    : `it was ${read.synced_at === null ? "never read" : `last read at ${read.synced_at}`}${
      read.error === null ? "" : ` (${read.error})`
    }`;
  const names = jobs.map(jobName);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  const due = jobs.map((job) => job.next_due_at ?? "").sort()[0] ?? "";
  await parts.findings.report(tx, {
    alert: `veeam:${name}:unread`,
    code: CODE,
    subject: { kind: "veeam-server", id: name, name },
    job_id: null,
    entry_id: null,
    agent_id: null,
    detail: `${why}; not judged: ${names.slice(0, MAX_NAMES).join(", ")}${more}`,
    facts: { server: name, last_read_at: read?.synced_at ?? null, due_at: due },
    recipients: recipientsOf(jobs),
    occurrence: `due:${due}`,
    tell: true,
  });
}
