/**
 * Jobs of Veeam servers that are expected: each due instant is judged by the sessions that ended for it.
 *
 * A session ends for the first due instant whose deadline it keeps, unless it is late for the one before: up to the report
 * window after that one's deadline, as long as the next instant is not nearer. So each session counts once: what ends late
 * takes back that its own instant was missed, and the next one waits for a session of its own; what ends later still is for
 * the next one, whenever it began.
 *
 * What is known of sessions is what `veeam.sync` has read. So a deadline counts when the server was read after it; while it is
 * not, the instant waits and that the server is not read is told, once for all its jobs.
 */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import type { ReadServer, VeeamSession, VeeamSource } from "../veeam/mod.ts";
import { MESSAGES, PATIENCE_MS } from "./deadlines.ts";
import type { Decision } from "./decide.ts";
import { graceMs, nextDue, previousDue } from "./due.ts";
import { OPEN_STATES } from "./finding_model.ts";
import { type Code, namesOf, recipientsOf } from "./findings.ts";
import { GOOD_STATUSES } from "./model.ts";
import { type Parts, tables } from "./parts.ts";
import { entryAt } from "./queries/entries.ts";
import { listFindings } from "./queries/findings.ts";
import { jobById, jobsOfWay, updateJob } from "./queries/jobs.ts";
import type { Db, FindingRow, JobRow, MonitorTables } from "./queries/tables.ts";
import { record } from "./recorder.ts";

/** Instants of one job that are judged in a tick: a daemon that was away for long catches up in pieces. */
const MOST = 200;
const DAY_MS = 86_400_000;

export class VeeamJudge {
  readonly #parts: Parts;
  /** By job: the reading, and the version of the job, by which all its instants were judged. */
  #judged = new Map<number, string>();
  /** By server: when this process first saw that it was not read for too long. */
  #lateSince = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Judges the instants of every Veeam job that is expected, and tells which servers they wait for. */
  async tick(): Promise<void> {
    const parts = this.#parts;
    const servers = await parts.veeam.servers();
    const jobs = await jobsOfWay(tables(parts), "veeam");
    const judged = new Map<number, string>();
    for (const job of jobs) {
      const synced = serverOf(servers, job)?.synced_at ?? null;
      if (synced === null) continue;
      // The same reading says the same of the same job.
      const by = `${synced} ${job.updated_at}`;
      if (this.#judged.get(job.id) === by || await judgeJob(parts, job, Date.parse(synced))) {
        judged.set(job.id, by);
      }
    }
    this.#judged = judged;
    await this.#tellServers(jobs, servers);
  }

  /** After a time in which nothing was read, at the start for one, a server has as long to be read as a scan has. */
  async #tellServers(jobs: readonly JobRow[], servers: ReadonlyMap<string, ReadServer>): Promise<void> {
    const now = this.#parts.clock.now();
    const late = jobs.filter((job) => serverOf(servers, job)?.is_late !== false);
    const names = new Set(late.map(({ veeam_server }) => veeam_server ?? ""));
    this.#lateSince = new Map([...names].map((name) => [name, this.#lateSince.get(name) ?? now]));
    const isWaitedFor = (name: string) => now - (this.#lateSince.get(name) ?? now) < PATIENCE_MS;
    if (names.size > 0 || (await openUnread(tables(this.#parts))).length > 0) {
      await tellUnread(this.#parts, servers, isWaitedFor);
    }
  }
}

function serverOf(servers: ReadonlyMap<string, ReadServer>, job: JobRow): ReadServer | undefined {
  return servers.get(job.veeam_server ?? "");
}

/** True when all instants that the reading says something of were judged. */
async function judgeJob(parts: Parts, job: JobRow, readAt: number): Promise<boolean> {
  // What ended late takes back that it was missed.
  if (
    job.last_due_at !== null && job.last_due_at !== job.next_due_at &&
    !GOOD_STATUSES.includes(job.current_status)
  ) {
    await judgeInstant(parts, job, Date.parse(job.last_due_at), readAt);
  }
  let due = job.next_due_at === null ? null : Date.parse(job.next_due_at);
  for (let i = 0; due !== null && i < MOST; i++) {
    await judgeInstant(parts, job, due, readAt);
    if (due + graceMs(job, parts.windows) > readAt) return true;
    due = nextDue(job, due + 1);
  }
  return due === null;
}

/** Records what is known of an instant, and goes on to the next one when its deadline is over. */
async function judgeInstant(parts: Parts, job: JobRow, due: number, readAt: number): Promise<void> {
  const grace = graceMs(job, parts.windows);
  const before = previousDue(job, due);
  const next = nextDue(job, due + 1);
  const range = {
    after: before === null ? due - DAY_MS : lateUntil(before + grace, due, parts.windows.reportMs),
    deadline: due + grace,
    until: lateUntil(due + grace, next, parts.windows.reportMs),
  };
  const sessions = await parts.veeam.sessions(sourceOf(job), {
    after: iso(range.after),
    until: iso(range.until),
  });
  const judged = decideSessions(sessions, range, readAt);
  if (judged === undefined) return;
  const { decision, ended_at } = judged;
  const isOver = range.deadline <= readAt && job.next_due_at !== null && iso(due) >= job.next_due_at;
  const known = await entryAt(tables(parts), job.id, iso(due));
  const isKnown = known?.status === decision.status && known.message === decision.message &&
    known.ended_at === ended_at;
  if (isKnown && !isOver) return;
  await parts.database.transaction(async (tx) => {
    const db = tablesOf<MonitorTables>(tx);
    const current = await jobById(db, job.id);
    if (current === undefined) return;
    const evidence = { way: "veeam" as const, ended_at, report_key: null, file: null, detail: {} };
    if (!isKnown) await record(parts, tx, current, iso(due), decision, evidence);
    // Somebody may have changed when it is due since it was looked at.
    if (!isOver || current.next_due_at !== iso(due)) return;
    await updateJob(db, job.id, {
      next_due_at: next === null ? null : iso(next),
      next_deadline_at: next === null ? null : iso(next + grace),
    });
  });
}

function sourceOf({ veeam_server, veeam_job, veeam_job_id }: JobRow): VeeamSource {
  return { server: veeam_server ?? "", job: veeam_job ?? "", job_id: veeam_job_id };
}

/** Until when what ends is late for a deadline: as long as the window, and not once the next instant is nearer. */
function lateUntil(deadline: number, next: number | null, windowMs: number): number {
  const half = next === null ? windowMs : (next - deadline) / 2;
  return deadline + Math.max(0, Math.min(windowMs, half));
}

/**
 * What sessions mean for a deadline, as far as they were read; undefined while nothing can be said. Those that ended after
 * `after` and up to `until` count: of several that ended in time the last one, and one that ends well later takes a failure
 * back. Pure.
 */
export function decideSessions(
  sessions: readonly VeeamSession[],
  { after, deadline, until }: { after: number; deadline: number; until: number },
  readAt: number,
): { decision: Decision; ended_at: string | null } | undefined {
  const ended = sessions.flatMap((session) => {
    const at = Date.parse(session.ended_at ?? "");
    return session.ended_at !== null && at > after && at <= until
      ? [{ ...session, ended_at: session.ended_at }]
      : [];
  }).sort((a, b) => Date.parse(a.ended_at) - Date.parse(b.ended_at));
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
  const hadBegun = sessions.some(({ created_at }) => Date.parse(created_at ?? "") <= deadline);
  const message = hadBegun ? "its session has not ended in time" : MESSAGES.veeam;
  return { decision: { status: "missing", message }, ended_at: null };
}

function isGood({ result }: VeeamSession): boolean {
  return result === "Success" || result === "Warning";
}

/** One finding for each server that instants wait for and that is not read, over when it is or nothing waits any more. */
async function tellUnread(
  parts: Parts,
  servers: ReadonlyMap<string, ReadServer>,
  isWaitedFor: (server: string) => boolean,
): Promise<void> {
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
      if (isWaitedFor(name) || open.some(({ subject_id }) => subject_id === name)) continue;
      await reportUnread(parts, tx, name, servers.get(name), concerned);
    }
    for (const row of open.filter(({ subject_id }) => !unread.has(subject_id))) {
      const concerned = jobs.filter(({ veeam_server }) => veeam_server === row.subject_id);
      const detail = concerned.length === 0 ? "no job of it is expected any more" : "it was read";
      await parts.findings.recover(tx, [row], { detail, recipients: recipientsOf(concerned) });
    }
  });
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
  const due = jobs.map((job) => job.next_due_at ?? "").sort()[0] ?? "";
  await parts.findings.report(tx, {
    alert: `veeam:${name}:unread`,
    code: CODE,
    subject: { kind: "veeam-server", id: name, name },
    job_id: null,
    entry_id: null,
    agent_id: null,
    detail: `${why}; not judged: ${namesOf(jobs)}`,
    facts: { server: name, last_read_at: read?.synced_at ?? null, due_at: due },
    recipients: recipientsOf(jobs),
    occurrence: `due:${due}`,
    tell: true,
  });
}
