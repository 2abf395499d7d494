/** How schedules have done over a period: what is told, and the rules that work it out. */
import { z } from "zod";
import type { RunOutcome } from "./model.ts";

const Count = z.int().min(0);
const Seconds = z.number().nullable();
const Bytes = z.number().nullable();

const figures = {
  runs: Count.describe("Runs that ended in the period, each attempt for itself"),
  successes: Count,
  failures: Count.describe("Failed, timed out, interrupted or refused"),
  cancelled: Count.describe("Ended by somebody; they count for no rate"),
  success_rate: z.number().nullable().describe("Successes among those that were not cancelled, 0 to 1"),
  duration_median_seconds: Seconds.describe("Of successful runs"),
  duration_p95_seconds: Seconds.describe("19 of 20 successful runs took no longer"),
  size_last_bytes: Bytes.describe("Size of the newest backup"),
  size_median_bytes: Bytes,
  size_total_bytes: z.number().describe("Of all backups made in the period, kept or not"),
  growth_bytes_per_day: Bytes.describe(
    "From the first backup of the period to its last; null with fewer than two",
  ),
  last_good_at: z.string().nullable().describe(
    "When the newest successful run ended, also before the period",
  ),
  expected: Count.describe("Due instants in the period, worked out anew from the revisions"),
  accounted: Count.describe("Of those, with an outcome or under way"),
  unaccounted: Count,
};

/** How one schedule has done. */
export const ScheduleStatistics = z.object({
  schedule_id: z.string(),
  schedule_name: z.string(),
  server_id: z.int(),
  ...figures,
  streak: z.int().describe(
    "Runs in a row, the newest first: positive when they succeeded, negative when they failed",
  ),
  longest_success_streak: Count,
  recent: z.array(z.object({
    started_at: z.string(),
    outcome: z.string(),
    duration_seconds: Seconds,
    size_bytes: Bytes,
  })).describe("The newest runs of the period, at most 30, oldest first"),
}).meta({ id: "ScheduleStatistics" });
export type ScheduleStatistics = z.output<typeof ScheduleStatistics>;

/** How a schedule has done in a period of its own. */
export const ScheduleReport = ScheduleStatistics.extend({ from: z.string(), to: z.string() })
  .meta({ id: "ScheduleReport" });
export type ScheduleReport = z.output<typeof ScheduleReport>;

/** How all have done together, and each. */
export const Statistics = z.object({
  from: z.string(),
  to: z.string(),
  ...figures,
  schedules: z.array(ScheduleStatistics).describe(
    "Those that ran or were due in the period, deleted ones too",
  ),
}).meta({ id: "BackupStatistics" });
export type Statistics = z.output<typeof Statistics>;

/** An ended run, as far as it counts. */
export interface EndedRun {
  started_at: string;
  completed_at: string;
  outcome: RunOutcome;
  backup_size_bytes: number | null;
}

const RECENT = 30;
const DAY_MS = 86_400_000;

/** The value that a share of sorted values does not exceed (nearest rank); null without values. */
export function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** What runs come to; oldest first. */
export function figuresOf(runs: readonly EndedRun[]) {
  const good = runs.filter(({ outcome }) => outcome === "success");
  const cancelled = runs.filter(({ outcome }) => outcome === "cancelled").length;
  const judged = runs.length - cancelled;
  const durations = good.map(durationOf).sort((a, b) => a - b);
  const sized = good.flatMap(({ backup_size_bytes: size, started_at }) =>
    size === null ? [] : [{ size, started_at }]
  );
  const sizes = sized.map(({ size }) => size).sort((a, b) => a - b);
  return {
    runs: runs.length,
    successes: good.length,
    failures: judged - good.length,
    cancelled,
    success_rate: judged === 0 ? null : good.length / judged,
    duration_median_seconds: percentile(durations, 0.5),
    duration_p95_seconds: percentile(durations, 0.95),
    size_last_bytes: sized.at(-1)?.size ?? null,
    size_median_bytes: percentile(sizes, 0.5),
    size_total_bytes: sizes.reduce((sum, size) => sum + size, 0),
    growth_bytes_per_day: growthOf(sized),
  };
}

/** A clock that was set back meanwhile leaves no way to tell. */
function growthOf(sized: readonly { size: number; started_at: string }[]): number | null {
  const [first, last] = [sized[0], sized.at(-1)];
  if (first === undefined || last === undefined || sized.length < 2) return null;
  const days = (Date.parse(last.started_at) - Date.parse(first.started_at)) / DAY_MS;
  return days > 0 ? (last.size - first.size) / days : null;
}

function durationOf({ started_at, completed_at }: EndedRun): number {
  return Math.max(0, Date.parse(completed_at) - Date.parse(started_at)) / 1000;
}

/** Runs in a row at the end, negative for failures, and the longest row of successes. Cancelled ones neither end nor prolong one. */
export function streaksOf(runs: readonly EndedRun[]): { streak: number; longest_success_streak: number } {
  let [streak, longest] = [0, 0];
  for (const { outcome } of runs) {
    if (outcome === "cancelled") continue;
    const good = outcome === "success";
    streak = good ? Math.max(0, streak) + 1 : Math.min(0, streak) - 1;
    longest = Math.max(longest, streak);
  }
  return { streak, longest_success_streak: longest };
}

/** The newest runs, as they are told. */
export function recentOf(runs: readonly EndedRun[]): ScheduleStatistics["recent"] {
  return runs.slice(-RECENT).map((run) => ({
    started_at: run.started_at,
    outcome: run.outcome,
    duration_seconds: durationOf(run),
    size_bytes: run.backup_size_bytes,
  }));
}

const BARS = "▁▂▃▄▅▆▇█";

/** Values as a line of bars, the largest one full; what is null leaves a gap. */
export function sparkline(values: readonly (number | null)[]): string {
  const largest = Math.max(0, ...values.flatMap((value) => value ?? []));
  return values.map((value) => {
    if (value === null) return " ";
    const height = largest === 0 ? 0 : Math.round(value / largest * (BARS.length - 1));
    return BARS[height];
  }).join("");
}
