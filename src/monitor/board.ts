/** What people look at: the board of a day, a calendar of days, and one line that says whether all is well. */
import { iso } from "../lib/clock.ts";
import { duesBetween, graceMs } from "./due.ts";
import { GOOD_STATUSES } from "./model.ts";
import type { Board, BoardRow, BoardState, Calendar, Check } from "./board_model.ts";
import { type Parts, tables } from "./parts.ts";
import { entriesDueBetween } from "./queries/entries.ts";
import { openFindings } from "./queries/findings.ts";
import { activeJobs } from "./queries/jobs.ts";
import type { EntryRow, JobRow } from "./queries/tables.ts";
import { jobName } from "./records.ts";

const DAY_MS = 86_400_000;

/** Bad ones first, then what is awaited, then what is well. */
const ORDER: readonly BoardState[] = [
  "missing",
  "failed",
  "transfer_integrity_failed",
  "hash_mismatch",
  "overdue",
  "unchanged",
  "due",
  "ok",
];

/** All expected backups of a day (UTC), the worst first. */
export async function boardOf(parts: Parts, date: string | undefined): Promise<Board> {
  const day = date ?? iso(parts.clock.now()).slice(0, 10);
  const from = Date.parse(day);
  const rows = await rowsBetween(parts, from, from + DAY_MS);
  rows.sort((a, b) =>
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || compare(a.due_at, b.due_at) || compare(a.name, b.name)
  );
  const counts: Record<string, number> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  return { date: day, counts, rows };
}

/** The state of each job on each of some days. */
export async function calendarOf(
  parts: Parts,
  { from, days, job }: { from?: string | undefined; days: number; job?: number | undefined },
): Promise<Calendar> {
  const today = Math.floor(parts.clock.now() / DAY_MS) * DAY_MS;
  const first = from === undefined ? today - (days - 1) * DAY_MS : Date.parse(from);
  const dates = Array.from({ length: days }, (_, i) => iso(first + i * DAY_MS).slice(0, 10));
  const rows = await rowsBetween(parts, first, first + days * DAY_MS, job);
  const jobs = [...Map.groupBy(rows, (row) => row.job_id)].map(([job_id, own]) => {
    const byDay = Map.groupBy(own, (row) => row.due_at.slice(0, 10));
    return {
      job_id,
      name: own[0]?.name ?? "",
      days: dates.map((date) => {
        const those = byDay.get(date) ?? [];
        const states = those.map(({ state }) => state);
        return {
          date,
          due: those.length,
          good: states.filter((state) => GOOD_STATUSES.includes(state)).length,
          state: ORDER.find((state) => states.includes(state)) ?? null,
        };
      }),
    };
  });
  return { from: dates[0]!, days: dates, jobs: jobs.sort((a, b) => compare(a.name, b.name)) };
}

/** Instants of one job that are shown at most: each minute of a month would be no board. */
const MOST = 2000;

async function rowsBetween(parts: Parts, from: number, to: number, only?: number): Promise<BoardRow[]> {
  const jobs = (await activeJobs(tables(parts))).filter((job) => only === undefined || job.id === only);
  const entries = Map.groupBy(
    await entriesDueBetween(tables(parts), iso(from), iso(to)),
    (entry) => entry.expected_job_id,
  );
  return jobs.flatMap((job) => {
    const created = Date.parse(job.created_at);
    const own = new Map((entries.get(job.id) ?? []).map((entry) => [entry.due_at, entry]));
    // What a schedule is due at stands in its ledger; further on its expression says it.
    const begin = job.way === "schedule" ? Math.max(from, parts.clock.now()) : Math.max(from, created);
    const dues = duesBetween(job, begin, to - 1, MOST).map(iso);
    const instants = [...new Set([...own.keys(), ...dues])].sort();
    return instants.map((due_at) => rowOf(parts, job, due_at, own.get(due_at)));
  });
}

function rowOf(parts: Parts, job: JobRow, due_at: string, entry: EntryRow | undefined): BoardRow {
  const state = entry?.status ?? (Date.parse(due_at) <= parts.clock.now() ? "overdue" : "due");
  return {
    job_id: job.id,
    name: jobName(job),
    way: job.way,
    due_at,
    deadline_at: iso(Date.parse(due_at) + graceMs(job, parts.windows)),
    state,
    size_bytes: entry?.backup_size_bytes ?? null,
    message: entry?.message ?? null,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Findings named in the line. */
const NAMED = 5;

/** Looks at all jobs and findings; those somebody has acknowledged or muted count as known and not as bad. */
export async function checkAll(parts: Parts, { nagios }: { nagios: boolean }): Promise<Check> {
  const jobs = await activeJobs(tables(parts));
  const findings = (await openFindings(tables(parts))).filter((row) =>
    row.state === "open" || (row.muted_until !== null && row.muted_until <= iso(parts.clock.now()))
  );
  const good = jobs.filter((job) => GOOD_STATUSES.includes(job.current_status)).length;
  const unknown = jobs.filter((job) => job.current_status === "unknown").length;
  const counts = {
    jobs: jobs.length,
    good,
    unknown,
    bad: jobs.length - good - unknown,
    findings: findings.length,
  };
  const worst = findings.some((row) => row.severity === "critical")
    ? "critical"
    : findings.some((row) => row.severity === "warning")
    ? "warning"
    : jobs.length === 0
    ? "unknown"
    : "ok";
  const bad = findings.filter((row) => row.severity !== "info");
  const names = bad.slice(0, NAMED).map((row) => `${row.subject_name} ${row.code.replaceAll("_", " ")}`);
  const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : "";
  const what = jobs.length === 0 && bad.length === 0
    ? "nothing is expected"
    : bad.length === 0
    ? `${good} of ${jobs.length} good${unknown === 0 ? "" : `, ${unknown} not yet due`}`
    : `${names.join(", ")}${more}`;
  const line = nagios
    ? `BACKUP ${worst.toUpperCase()} - ${what} | ${performance(parts, jobs, counts)}`
    : `${worst}: ${what}`;
  return { state: worst, line, nagios, ...counts };
}

/** Performance data (Nagios plugin guidelines, section 2.6). */
function performance(
  parts: Parts,
  jobs: readonly JobRow[],
  counts: Omit<Check, "state" | "line" | "nagios">,
): string {
  const good = jobs.flatMap((job) => job.last_successful_backup_utc ?? []).map((at) => Date.parse(at));
  const oldest = good.length === 0 ? 0 : Math.max(0, (parts.clock.now() - Math.min(...good)) / 1000);
  return [
    `jobs=${counts.jobs}`,
    `good=${counts.good}`,
    `bad=${counts.bad};;0`,
    `unknown=${counts.unknown}`,
    `findings=${counts.findings};0`,
    `oldest_good=${Math.round(oldest)}s`,
  ].join(" ");
}
