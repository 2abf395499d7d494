/** What becomes of the instants of one schedule that have passed: a pure function of what is known at the tick. */
import { formatDuration } from "../lib/duration.ts";
import type { Outcome } from "./model.ts";

/** An instant may start this late, in milliseconds: two ticks, so that one lost tick loses no run. */
export const GRACE_MS = 120_000;

/** What is known when passed instants are judged; times in milliseconds. */
export interface Situation {
  now: number;
  /** When this process began. */
  bootAt: number;
  /** Whether the scheduler was stopped at an instant. */
  stoppedAt(instant: number): boolean;
  /** True when `instants` ends before now although more have passed. */
  more: boolean;
  /** The run that is still under way, if any. */
  activeRun: string | null;
  /** Why nothing may start any more: the schedule is being changed or taken away. */
  closing: string | null;
}

/** What becomes of an instant: it starts, or it is settled at once. */
export type Verdict = { due: number; start: true } | {
  due: number;
  start: false;
  outcome: Outcome;
  reason: string;
};

/** Judges passed instants, the oldest first. Only the latest may start: there is no catching up. */
export function decide(instants: readonly number[], situation: Situation): Verdict[] {
  return instants.map((due, index) =>
    judge(due, index === instants.length - 1 && !situation.more, situation)
  );
}

function judge(due: number, latest: boolean, situation: Situation): Verdict {
  const settle = (outcome: Outcome, reason: string): Verdict => ({ due, start: false, outcome, reason });
  if (situation.stoppedAt(due)) return settle("skipped", "scheduler stopped");
  const late = situation.now - due;
  if (!latest || late > GRACE_MS) {
    if (due < situation.bootAt) return settle("missed", "Holdfast was not running");
    return latest
      ? settle("missed", `the scheduler looked ${formatDuration(late / 1000)} late`)
      : settle("missed", "the scheduler looked too late: a newer instant was due already");
  }
  if (situation.stoppedAt(situation.now)) return settle("skipped", "scheduler stopped");
  if (situation.closing !== null) return settle("missed", situation.closing);
  if (situation.activeRun !== null) {
    return settle("skipped", `previous run still active: ${situation.activeRun}`);
  }
  return { due, start: true };
}
