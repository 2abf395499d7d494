/**
 * What becomes of the instants of one schedule that have passed: a pure function of what is known at the tick.
 *
 * The questions are asked in this order, and the first that has an answer decides: was the scheduler stopped at the
 * instant; was the schedule paused, or outside its windows; is it too late, and then does catching up allow it; is
 * the scheduler stopped now, or the schedule being taken away; is the run before still active. What is left starts.
 */
import { formatDuration } from "../lib/duration.ts";
import { iso } from "../lib/clock.ts";
import type { Outcome } from "./model.ts";
import type { Policies } from "./policies.ts";
import { closedAt } from "./windows.ts";

/** An instant may start this late, in milliseconds: two ticks, so that one lost tick loses no run. */
export const GRACE_MS = 120_000;

/** The policies that decide over instants, and the zone their windows are read in. */
export type Deciding =
  & Pick<
    Policies,
    | "catch_up"
    | "catch_up_window_seconds"
    | "overlap"
    | "start_deadline_seconds"
    | "allowed_windows"
    | "blackout_windows"
    | "paused_until"
  >
  & { timezone: string };

/** What is known when passed instants are judged; times in milliseconds. */
export interface Situation {
  now: number;
  /** When this process began. */
  bootAt: number;
  policies: Deciding;
  /** Whether the scheduler was stopped at an instant. */
  stoppedAt(instant: number): boolean;
  /** True when `instants` ends before now although more have passed. */
  more: boolean;
  /** The latest of all passed instants that nothing but time keeps from starting, see {@linkcode ownObstacle}; null when there is none. */
  newest: number | null;
  /** The run that is still under way, if any. */
  activeRun: string | null;
  /** Why nothing may start any more: the schedule is being changed or taken away. */
  closing: string | null;
}

/** What becomes of an instant: it starts, late when it is caught up, or it is settled at once. */
export type Verdict = { due: number; start: true; late: boolean } | {
  due: number;
  start: false;
  outcome: Outcome;
  reason: string;
};

/** What keeps an instant from starting whatever the hour it is looked at, or null. */
export function ownObstacle(
  { policies, stoppedAt }: Pick<Situation, "policies" | "stoppedAt">,
  due: number,
): string | null {
  if (stoppedAt(due)) return "scheduler stopped";
  const { paused_until: paused } = policies;
  if (paused !== null && due < Date.parse(paused)) return `paused until ${paused}`;
  return closedAt(policies, due);
}

/** How late an instant may start without being caught up, in milliseconds. */
export function graceMs({ start_deadline_seconds: deadline }: Deciding): number {
  return deadline === null ? GRACE_MS : Math.min(GRACE_MS, deadline * 1000);
}

/** Judges passed instants, the oldest first. Without catching up only the latest may start. */
export function decide(instants: readonly number[], situation: Situation): Verdict[] {
  return instants.map((due, index) =>
    judge(due, index === instants.length - 1 && !situation.more, situation)
  );
}

function judge(due: number, latest: boolean, situation: Situation): Verdict {
  const { policies } = situation;
  const settle = (outcome: Outcome, reason: string): Verdict => ({ due, start: false, outcome, reason });
  const obstacle = ownObstacle(situation, due);
  if (obstacle !== null) return settle("skipped", obstacle);
  const lateMs = situation.now - due;
  const late = !latest || lateMs > graceMs(policies);
  if (late) {
    const why = lateReason(due, latest, situation);
    if (policies.catch_up === "none") return settle("missed", why);
    const window = policies.catch_up_window_seconds;
    if (lateMs > window * 1000) {
      return settle("missed", `${why}; older than the catch-up window of ${formatDuration(window)}`);
    }
    if (policies.catch_up === "latest" && situation.newest !== null && due < situation.newest) {
      return settle("superseded", `${why}; ${iso(situation.newest)} is newer`);
    }
  }
  if (situation.stoppedAt(situation.now)) return settle("skipped", "scheduler stopped");
  if (situation.closing !== null) return settle("missed", situation.closing);
  if (!late && policies.overlap === "skip" && situation.activeRun !== null) {
    return settle("skipped", `previous run still active: ${situation.activeRun}`);
  }
  return { due, start: true, late };
}

function lateReason(due: number, latest: boolean, { now, bootAt }: Situation): string {
  if (due < bootAt) return "Holdfast was not running";
  return latest
    ? `the scheduler looked ${formatDuration((now - due) / 1000)} late`
    : "the scheduler looked too late: a newer instant was due already";
}
