/** When a job is due: the calendar of schedules, read from a job's own words. Pure; instants are milliseconds. */
import { z } from "zod";
import { instantsBetween, nextAfter, type Rule, ruleOf } from "../schedules/mod.ts";
import type { JobRow } from "./queries/tables.ts";

/** What says when a job is due. */
export type DueFields = Pick<
  JobRow,
  | "backup_frequency"
  | "expected_hour_utc"
  | "expected_minute_utc"
  | "days_of_week"
  | "day_of_month"
  | "expected_date"
  | "cron_expression"
  | "timezone"
  | "created_at"
>;

/** How long before and after a due instant something still belongs to it. */
export interface Windows {
  /** `monitor.report_window_minutes`, in milliseconds. */
  reportMs: number;
  /** `monitor.grace_minutes`, in milliseconds, for jobs without their own. */
  graceMs: number;
}

const DAY_MS = 86_400_000;
const Days = z.array(z.int());

/** The five fields a job's words stand for; undefined for one that is due once. */
export function expressionOf(job: DueFields): string | undefined {
  if (job.cron_expression !== null) return job.cron_expression;
  const at = `${job.expected_minute_utc} ${job.expected_hour_utc}`;
  const days = Days.parse(JSON.parse(job.days_of_week));
  const weekdays = days.length === 0 ? "*" : days.join(",");
  switch (job.backup_frequency) {
    case "daily":
      return `${at} * * ${weekdays}`;
    case "weekly":
      // Without a day a week begins on Sunday, as in the published table of intervals.
      return `${at} * * ${days.length === 0 ? "0" : weekdays}`;
    case "monthly":
      return `${at} ${job.day_of_month ?? 1} * *`;
    case "hourly":
      return `${job.expected_minute_utc} * * * ${weekdays}`;
    case "once":
      return undefined;
  }
}

/** A schedule that follows another one: when it is due stands in its ledger only. */
export const AFTER = "@after";

/** Undefined where nothing says beforehand when a job is due. */
function rule(job: DueFields): Rule | { kind: "once"; at: number } | undefined {
  const expression = expressionOf(job);
  if (expression === AFTER) return undefined;
  const created = Date.parse(job.created_at);
  if (expression !== undefined) return ruleOf(expression, job.timezone ?? "UTC", created);
  const time = (job.expected_hour_utc * 60 + job.expected_minute_utc) * 60_000;
  if (job.expected_date !== null) return { kind: "once", at: Date.parse(job.expected_date) + time };
  const day = Math.floor(created / DAY_MS) * DAY_MS + time;
  return { kind: "once", at: day >= created ? day : day + DAY_MS };
}

/** The first due instant at or after `from`, or null when there is none. */
export function nextDue(job: DueFields, from: number): number | null {
  const when = rule(job);
  if (when === undefined) return null;
  if (when.kind === "once") return when.at >= from ? when.at : null;
  return nextAfter(when, from - 1);
}

/** Due instants from `from` to `to`, both included, at most `limit`. */
export function duesBetween(job: DueFields, from: number, to: number, limit = Infinity): number[] {
  const when = rule(job);
  if (when === undefined) return [];
  if (when.kind === "once") return when.at >= from && when.at <= to ? [when.at] : [];
  return instantsBetween(when, from - 1, to, limit);
}

/** How far back the due instant before another is looked for: the shortest span that has one is the one that counts. */
const SPANS_MS = [1 / 24, 1, 8, 32, 400].map((days) => days * DAY_MS);

/** The due instant before another, or null when there is none. */
export function previousDue(job: DueFields, due: number): number | null {
  for (const span of SPANS_MS) {
    const before = duesBetween(job, due - span, due - 1).at(-1);
    if (before !== undefined) return before;
  }
  return null;
}

/** How long after a due instant it is given up. */
export function graceMs(job: Pick<JobRow, "grace_seconds">, { graceMs }: Windows): number {
  return job.grace_seconds === null ? graceMs : job.grace_seconds * 1000;
}

/** Most instants of a window that are looked at: a window of a day, each minute. */
const MOST = 3000;

/**
 * The due instant that something which ended at `at` belongs to: the nearest one, no further away than the report
 * window, or than the grace period for what comes late. Null when none is near.
 */
export function nearestDue(
  job: DueFields & Pick<JobRow, "grace_seconds">,
  at: number,
  windows: Windows,
): number | null {
  const late = Math.max(windows.reportMs, graceMs(job, windows));
  const near = duesBetween(job, at - late, at + windows.reportMs, MOST);
  return near.reduce<number | null>(
    (best, due) => best === null || Math.abs(due - at) < Math.abs(best - at) ? due : best,
    null,
  );
}
