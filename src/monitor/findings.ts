/**
 * Findings: opening, seeing again, recovering, and telling of it, all in the transaction of whoever judged.
 *
 * What a job is (missing, failed and so on) is one alert, `job:ID`, whose finding changes its code; what is wrong beside
 * that (drift, vanished, a silent agent) is an alert of its own. A change is told once, whatever judges it again.
 */
import type { Transaction } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import type { AlertEvent, AlertSink, Severity } from "../notify/mod.ts";
import { tablesOf } from "../store/mod.ts";
import {
  insertFindings,
  knownByKey,
  type KnownFinding,
  type NewFinding,
  openOfJobs,
  seeAgain,
  type SeenFinding,
  unmute,
  updateFinding,
} from "./queries/findings.ts";
import type { Db, DueJob, FindingRow, MonitorTables } from "./queries/tables.ts";
import { jobName, Recipients } from "./records.ts";

/** What a finding is about, in words of its own. */
export interface Found {
  alert: string;
  code: Code;
  subject: { kind: string; id: string; name: string };
  job_id: number | null;
  entry_id: number | null;
  agent_id: string | null;
  /** A sentence without full stop. */
  detail: string;
  facts: Facts;
  recipients: readonly string[];
  /** Names this occurrence: seeing it twice tells once. */
  occurrence: string;
  /** False when another finding says it. */
  tell: boolean;
  severity?: Severity;
}

/** What another slice finds, in words of its own. */
export type Foreign = Omit<Found, "code" | "severity"> & { code: string; severity: Severity };

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** Every kind of finding with how bad it is, unless it says so itself. */
export const CODES = {
  missing: "critical",
  overdue: "critical",
  failed: "critical",
  transfer_integrity_failed: "critical",
  hash_mismatch: "critical",
  too_small: "critical",
  unchanged: "warning",
  drift: "warning",
  vanished: "critical",
  silent_agent: "critical",
  unread: "critical",
  unreadable: "critical",
  refused_report: "warning",
  too_long: "warning",
  capacity: "warning",
} as const satisfies Record<string, Severity>;
export type Code = keyof typeof CODES;

/** The alert of what a job is. */
export function jobAlert(jobId: number): string {
  return `job:${jobId}`;
}

/** The alert of something beside that. */
export function besideAlert(jobId: number, code: Code): string {
  return `job:${jobId}:${code}`;
}

export class Findings {
  readonly #clock: Clock;
  readonly #notify: AlertSink;

  constructor(clock: Clock, notify: AlertSink) {
    this.#clock = clock;
    this.#notify = notify;
  }

  /** Opens a finding, or notes that it was seen again. */
  async report(tx: Transaction<unknown>, found: Found): Promise<void> {
    await this.reportAll(tx, [found]);
  }

  /** As {@linkcode report}, for many that are about different subjects. */
  async reportAll(tx: Transaction<unknown>, all: readonly Found[]): Promise<void> {
    const db = tablesOf<MonitorTables>(tx);
    const known = await knownByKey(db, all.map(openKey));
    const fresh = all.filter((found) => !known.has(openKey(found)));
    await this.#replaceOthers(db, fresh);
    const now = iso(this.#clock.now());
    const rows = await insertFindings(db, fresh.map((found) => rowOf(found, now)));
    const added = new Map(rows.map((row) => [row.open_key, row]));
    const again = all.flatMap((found) => {
      const before = known.get(openKey(found));
      return before === undefined ? [] : [seenAgain(before, found, now)];
    });
    await seeAgain(db, again);
    await unmute(db, [...known.values()].filter((row) => isSilenceOver(row, now)).map(({ id }) => id));
    for (const found of all) {
      if (!found.tell) continue;
      const before = known.get(openKey(found));
      const row = before ?? added.get(openKey(found));
      const quiet = row === undefined || (row.state === "muted" && !isSilenceOver(row, now));
      if (!quiet) await this.#notify.enqueue(tx, eventOf(row, found, before !== undefined));
    }
  }

  /** On one alert a finding of another code takes the place of the one before; the alert stays open. */
  async #replaceOthers(db: Db, fresh: readonly Found[]): Promise<void> {
    const jobs = fresh.flatMap((found) => found.job_id ?? []);
    if (jobs.length === 0) return;
    const alerts = new Set(fresh.map((found) => found.alert));
    const now = iso(this.#clock.now());
    for (const row of await openOfJobs(db, jobs)) {
      if (!alerts.has(row.alert)) continue;
      await replace(db, row, now);
    }
  }

  /** Ends open findings because what they say is over; whoever was told of them is told of that. */
  async recover(
    tx: Transaction<unknown>,
    rows: readonly FindingRow[],
    why: { detail: string; recipients: readonly string[]; facts?: Facts; by?: string },
  ): Promise<void> {
    await this.end(tx, rows, why.by);
    for (const row of rows) {
      if (row.told === 0) continue;
      await this.#notify.enqueue(tx, {
        key: `finding:${row.id}:recovered`,
        kind: "recovered",
        alert: row.alert,
        code: "ok",
        severity: row.severity,
        subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
        detail: why.detail,
        ...(why.by === undefined ? {} : { by: why.by }),
        facts: why.facts ?? {},
        recipients: why.recipients,
      });
    }
  }

  /** Ends open findings, by themselves or by whom; whoever calls tells of it. */
  async end(tx: Transaction<unknown>, rows: readonly FindingRow[], by?: string): Promise<void> {
    const db = tablesOf<MonitorTables>(tx);
    const now = iso(this.#clock.now());
    for (const { id } of rows) {
      await updateFinding(db, id, {
        open_key: null,
        state: by === undefined ? "recovered" : "resolved",
        ended_at: now,
        ended_by: by ?? "system",
      });
    }
  }

  /** Tells whoever reminds and escalates that somebody knows, until an instant or for good. */
  async quiet(
    tx: Transaction<unknown>,
    row: FindingRow,
    occurrence: string,
    until: string | null,
  ): Promise<void> {
    if (row.told === 0) return;
    await this.#notify.enqueue(tx, {
      key: `finding:${row.id}:${occurrence}`,
      kind: "acknowledged",
      alert: row.alert,
      code: row.code,
      severity: row.severity,
      subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
      ...(until === null ? {} : { until }),
    });
  }
}

/** Another finding takes the place of this one; the alert stays open. */
export async function replace(db: Db, row: FindingRow, now: string): Promise<void> {
  await updateFinding(db, row.id, { open_key: null, state: "replaced", ended_at: now, ended_by: "system" });
}

/** What changes in a finding that was seen again. */
export function seenAgain(before: KnownFinding, found: Found | Foreign, now: string): SeenFinding {
  return {
    id: before.id,
    last_seen_at: now,
    entry_id: found.entry_id,
    detail: found.detail,
    facts: JSON.stringify(found.facts),
    severity: severityOf(found),
    told: found.tell ? 1 : 0,
  };
}

/** True when the time that a finding was to be silent is over. */
export function isSilenceOver({ state, muted_until }: KnownFinding, now: string): boolean {
  return state === "muted" && (muted_until === null || muted_until <= now);
}

function severityOf(found: Found | Foreign): Severity {
  return found.severity ?? CODES[found.code];
}

function openKey({ alert, code }: Pick<Foreign, "alert" | "code">): string {
  return `${alert} ${code}`;
}

/** The row of a finding that is seen for the first time. */
export function rowOf(found: Found | Foreign, now: string): NewFinding {
  return {
    open_key: openKey(found),
    alert: found.alert,
    code: found.code,
    severity: severityOf(found),
    state: "open" as const,
    subject_kind: found.subject.kind,
    subject_id: found.subject.id,
    subject_name: found.subject.name,
    job_id: found.job_id,
    entry_id: found.entry_id,
    agent_id: found.agent_id,
    detail: found.detail,
    facts: JSON.stringify(found.facts),
    told: found.tell ? 1 : 0,
    count: 1,
    opened_at: now,
    last_seen_at: now,
  };
}

function eventOf(row: KnownFinding, found: Found, again: boolean): AlertEvent {
  return {
    key: again ? `finding:${row.id}:${found.occurrence}` : `finding:${row.id}`,
    kind: "finding",
    alert: found.alert,
    code: found.code,
    severity: found.severity ?? CODES[found.code],
    subject: found.subject,
    detail: found.detail,
    facts: found.facts,
    recipients: found.recipients,
  };
}

/** What findings about a job have in common. */
export function aboutJob(job: DueJob, name: string) {
  return {
    subject: { kind: "job", id: String(job.id), name },
    job_id: job.id,
    agent_id: job.agent_id_responsible === "" ? null : job.agent_id_responsible,
    recipients: Recipients.parse(JSON.parse(job.notification_recipients)),
  };
}

/** Who is told what is about several jobs at once, each address once. */
export function recipientsOf(jobs: readonly Pick<DueJob, "notification_recipients">[]): string[] {
  return [...new Set(jobs.flatMap((job) => Recipients.parse(JSON.parse(job.notification_recipients))))];
}

/** Jobs named in what is about several. */
const MAX_NAMES = 20;

/** As a sentence lists them: the first ones, and how many more; `others` are not among them. */
export function namesOf(jobs: readonly DueJob[], others = 0): string {
  const shown = jobs.slice(0, MAX_NAMES).map(jobName).join(", ");
  const more = Math.max(0, jobs.length - MAX_NAMES) + others;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** The facts every message about a job has. */
export function jobFacts(job: DueJob): Facts {
  return {
    job_id: job.id,
    database: job.database_name,
    agent: job.agent_id_responsible || null,
    company: job.company_name || null,
    city: job.city || null,
  };
}
