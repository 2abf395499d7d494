/** Taking back a start that never happened, so that the next process can make it. */
import type { Transaction } from "kysely";
import { tablesOf } from "../store/mod.ts";
import type { SchedulesOptions } from "./options.ts";
import { type Policies, policiesOf } from "./policies.ts";
import { removeQueuedRun, runOfAttempt } from "./queries/runs.ts";
import { scheduleById } from "./queries/schedules.ts";
import type { OccurrenceRow, RunRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrence, takeBackOccurrence } from "./queries/waiting.ts";

/**
 * Makes the instant of a queued run wait again and removes the run, when its policies want it started later: a further
 * attempt always, a first one that would be caught up. False when they do not.
 */
export function takeBack({ database, clock }: SchedulesOptions, run: RunRow): Promise<boolean> {
  const dueAt = run.due_at;
  if (dueAt === null) return Promise.resolve(false);
  return database.transaction(async (tx) => {
    const db = tablesOf<SchedulesTables>(tx);
    const instant = await openOccurrence(db, run.schedule_id, dueAt);
    if (instant?.run_id !== run.id || !await isWanted(tx, instant, clock.now())) return false;
    if (!await removeQueuedRun(db, run.id)) return false;
    const before = await runOfAttempt(db, run.schedule_id, dueAt, instant.attempt - 1);
    const late = instant.attempt === 1 ? 1 : instant.late;
    await takeBackOccurrence(db, instant.id, { run_id: before?.id ?? null, late });
    return true;
  });
}

/** Whether an instant that never began, or waits for a further attempt, is still to be started by a later process. */
export async function isWanted(
  tx: Transaction<unknown>,
  instant: OccurrenceRow,
  now: number,
): Promise<boolean> {
  const schedule = await scheduleById(tablesOf<SchedulesTables>(tx), instant.schedule_id);
  if (schedule === undefined || schedule.enabled === 0) return false;
  return instant.attempt > 1 || isCaughtUp(policiesOf(schedule.policies), instant.due_at, now);
}

function isCaughtUp(policies: Policies, dueAt: string, now: number): boolean {
  return policies.catch_up !== "none" && now - Date.parse(dueAt) <= policies.catch_up_window_seconds * 1000;
}
