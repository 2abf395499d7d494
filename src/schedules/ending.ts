/** The end of a run: its row, its count and its due instant change together, once. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { type Outcome, type RunResult, statusOf } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import type { RunEnding } from "./performance.ts";
import { policiesOf } from "./policies.ts";
import { endRun, insertRuns } from "./queries/runs.ts";
import { followersOf, scheduleById } from "./queries/schedules.ts";
import type { Db, RunRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrence, postponeOccurrence } from "./queries/waiting.ts";
import { queuedRun } from "./queued_run.ts";
import { isRepeated, pauseMs } from "./retry.ts";
import { settleInstant, settlementOf } from "./settle.ts";

/** What is known of a run that ends, besides how. */
export interface EndFacts {
  /** False for one that never left the queue. */
  begun: boolean;
  warnings: number;
  /** What becomes of its instant when that is not told by the run: it is superseded. */
  outcome?: Outcome;
}

/** A run with its schedule, to be queued. */
export interface QueuedRun {
  row: RunRow;
  schedule: ScheduleRow;
  /** True when its instant is caught up. */
  late: boolean;
}

/** What was recorded. */
export interface RecordedEnd {
  run: RunRow;
  /** True when an instant waits now for its next attempt, or waits no longer for this run. */
  more: boolean;
  /** Runs of schedules that follow, after a run by hand; their rows are stored as queued. */
  following: QueuedRun[];
}

/** Records how a run ended; undefined when it had ended already. */
export async function recordEnd(
  { database, clock, fault }: SchedulesOptions,
  runId: string,
  ending: RunEnding,
  facts: EndFacts,
): Promise<RecordedEnd | undefined> {
  const now = clock.now();
  const recorded = await database.grouped(async (tx) => {
    const run = await endRun(tablesOf<SchedulesTables>(tx), runId, {
      status: statusOf(ending.outcome),
      outcome: ending.outcome,
      completed_at: iso(now),
      backup_id: ending.backup?.id ?? null,
      backup_size_bytes: ending.backup?.size_bytes ?? null,
      source_bytes: ending.backup?.source_bytes ?? null,
      warning_count: facts.warnings,
      error_message: ending.error,
    });
    if (run === undefined) return undefined;
    const more = run.due_at !== null && await endInstant(tx, run, run.due_at, ending, facts, now);
    const isFollowed = run.due_at === null && ending.outcome === "success";
    const following = isFollowed ? await startFollowing(tx, run, now) : [];
    await fault?.("end-written");
    return { run, more, following };
  });
  await fault?.("end-committed");
  return recorded;
}

/** Settles the instant of a run or makes it wait for its next attempt; true when there is something to start. */
async function endInstant(
  tx: Transaction<unknown>,
  run: RunRow,
  dueAt: string,
  ending: RunEnding,
  facts: EndFacts,
  now: number,
): Promise<boolean> {
  const db = tablesOf<SchedulesTables>(tx);
  const instant = await openOccurrence(db, run.schedule_id, dueAt);
  if (instant?.run_id !== run.id) return false;
  if (facts.outcome !== undefined) {
    const settlement = { outcome: facts.outcome, result: null, reason: ending.error };
    return (await settleInstant(tx, instant.id, settlement, iso(now))).released;
  }
  const pause = facts.begun ? await pauseAfter(db, run.schedule_id, instant.attempt, ending.outcome) : null;
  if (pause !== null) {
    await postponeOccurrence(db, instant.id, { attempt: instant.attempt + 1, not_before: iso(now + pause) });
    return true;
  }
  const result = { result: ending.outcome, reason: ending.error, begun: facts.begun };
  return (await settleInstant(tx, instant.id, settlementOf(result, instant), iso(now))).released;
}

/** Milliseconds until the next attempt; null when there is none. */
async function pauseAfter(
  db: Db,
  scheduleId: string,
  attempt: number,
  result: RunResult,
): Promise<number | null> {
  if (result === "success" || result === "cancelled") return null;
  const schedule = await scheduleById(db, scheduleId);
  if (schedule === undefined || schedule.enabled === 0) return null;
  const policies = policiesOf(schedule.policies);
  return isRepeated(policies, attempt, result) ? pauseMs(policies, attempt) : null;
}

/** A run by hand that succeeds starts the schedules that follow, as a due one does; nothing was due, so the ledger has no row of it. */
async function startFollowing(tx: Transaction<unknown>, run: RunRow, now: number): Promise<QueuedRun[]> {
  const db = tablesOf<SchedulesTables>(tx);
  const queued = (await followersOf(db, [run.schedule_id])).map((schedule) => ({
    schedule,
    late: false,
    row: queuedRun({
      schedule_id: schedule.id,
      server_id: schedule.server_id,
      trigger: "manual",
      due_at: null,
      attempt: 1,
      queued_at: iso(now),
      created_by: run.created_by,
      requested_by: run.requested_by,
    }),
  }));
  await insertRuns(db, queued.map(({ row }) => row));
  return queued;
}
