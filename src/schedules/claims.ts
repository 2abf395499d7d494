/**
 * Claiming: every passed instant gets its row, in one transaction per batch.
 *
 * The schedule's `next_run_at` moves on by a conditional update, the instants before it get rows under a unique key,
 * and the runs of those that start are stored as queued. So two ticks, two dispatchers or a crash at any point cannot
 * start an instant twice or lose one.
 */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { instantsBetween, nextAfter, type Rule } from "./calendar.ts";
import { decide, ownObstacle, type Situation, type Verdict } from "./decide.ts";
import type { QueuedRun } from "./ending.ts";
import { claimFollowing, closeFollower } from "./following.ts";
import { newId } from "./options.ts";
import { type Policies, policiesOf } from "./policies.ts";
import { insertOccurrences, type NewOccurrence } from "./queries/ledger.ts";
import { insertRuns } from "./queries/runs.ts";
import { advanceSchedule, dueSchedules, schedulerRevisions } from "./queries/schedules.ts";
import type { Db, OccurrenceRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { queuedRun } from "./queued_run.ts";
import { Open, type Pushed } from "./overlap.ts";
import { scheduleRule } from "./rule.ts";

/** Schedules claimed in one transaction, and rows it may write; the event loop waits that long. */
const BATCH_SCHEDULES = 100;
const BATCH_ROWS = 1000;

/** A claimed instant that may start, with its schedule. */
export interface Claim {
  occurrence: OccurrenceRow;
  schedule: ScheduleRow;
}

/** What a transaction claimed. */
export interface Claimed extends Pushed {
  /** Instants that got their row. */
  rows: number;
  runs: QueuedRun[];
  /** Claims whose server is to be asked first. */
  unsure: Claim[];
  /** False when more may be waiting. */
  done: boolean;
}

/** How to claim. */
interface How {
  now: number;
  /** When this process began. */
  bootAt: number;
  /** Instants younger than this are left alone. */
  olderThanMs: number;
  /** False in a process that starts nothing: what is to be caught up waits for one that does. */
  starts: boolean;
  closing: string | null;
  budget: number;
}

/** Claims a batch of what is due, in the caller's transaction. */
export async function claimBatch(
  tx: Transaction<unknown>,
  how: Pick<How, "now" | "bootAt" | "olderThanMs" | "starts">,
): Promise<Claimed> {
  const due = await dueSchedules(
    tablesOf<SchedulesTables>(tx),
    iso(how.now - how.olderThanMs),
    BATCH_SCHEDULES,
  );
  if (due.length === 0) return { rows: 0, runs: [], unsure: [], done: true, dropped: [], cancelled: [] };
  const claimed = await claim(tx, due, { ...how, closing: null, budget: BATCH_ROWS });
  return { ...claimed, done: due.length < BATCH_SCHEDULES && claimed.done };
}

/** Settles, in the caller's transaction, what passed of a schedule that is being changed or taken away. */
export async function closeSchedule(
  tx: Transaction<unknown>,
  schedule: ScheduleRow,
  reason: string,
  { now, bootAt }: Pick<How, "now" | "bootAt">,
): Promise<void> {
  if (schedule.enabled === 0) return;
  if (schedule.run_after !== null) return await closeFollower(tx, schedule, reason, now);
  if (schedule.next_run_at === null) return;
  const how = { now, bootAt, olderThanMs: 0, starts: false, closing: reason, budget: Infinity };
  await claim(tx, [schedule], how);
}

async function claim(tx: Transaction<unknown>, due: readonly ScheduleRow[], how: How): Promise<Claimed> {
  const { now } = how;
  const db = tablesOf<SchedulesTables>(tx);
  const stoppedAt = await stops(db);
  const open = await Open.of(db, due.map((schedule) => schedule.id));
  const schedules = new Map<string, ScheduleRow>();
  const wanted: NewOccurrence[] = [];
  let done = true;
  for (const schedule of due) {
    if (wanted.length >= how.budget) {
      done = false;
      break;
    }
    const first = Date.parse(schedule.next_run_at!);
    const rule = scheduleRule(schedule);
    // From the stored instant itself, so that none between it and now is passed over.
    const instants = instantsBetween(rule, first - 1, now - how.olderThanMs, how.budget - wanted.length);
    const next = nextAfter(rule, instants.at(-1) ?? first - 1);
    const more = next !== null && next <= now;
    if (more && next <= now - how.olderThanMs) done = false;
    const from = schedule.next_run_at!;
    if (!await advanceSchedule(db, schedule.id, from, next === null ? null : iso(next))) continue;
    schedules.set(schedule.id, schedule);
    const policies = { ...policiesOf(schedule.policies), timezone: schedule.timezone };
    const verdicts = decide(instants, {
      now,
      bootAt: how.bootAt,
      policies,
      stoppedAt,
      more,
      newest: newestStartable(rule, first, now, { policies, stoppedAt }),
      activeRun: open.activeRun(schedule.id, policies),
      closing: how.closing,
    });
    wanted.push(...verdicts.map((verdict) => occurrenceOf(schedule, verdict, how)));
    if (verdicts.some((verdict) => verdict.start)) open.makeWay(schedule.id, policies, instants.at(-1)!);
  }
  const pushed = await open.settle(tx, now);
  const rows = await insertOccurrences(tx, wanted);
  const following = await claimFollowing(tx, rows, schedules, now);
  const starting = how.starts ? rows.filter((row) => row.state !== "settled") : [];
  const claims = starting.map((occurrence) => ({
    occurrence,
    schedule: schedules.get(occurrence.schedule_id)!,
  }));
  const runs = claims.filter(({ occurrence }) => occurrence.run_id !== null).map((claim) =>
    queuedOf(claim, now)
  );
  await insertRuns(db, runs.map(({ row }) => row));
  const unsure = claims.filter(({ occurrence }) => occurrence.run_id === null);
  return { rows: rows.length + following, runs, unsure, done, ...pushed };
}

/** The latest passed instant from `first` on that nothing but time keeps from starting; only `latest` asks for it. */
function newestStartable(
  rule: Rule,
  first: number,
  now: number,
  situation: Pick<Situation, "stoppedAt"> & { policies: Policies & { timezone: string } },
): number | null {
  const { catch_up, catch_up_window_seconds: window } = situation.policies;
  if (catch_up !== "latest") return null;
  return instantsBetween(rule, Math.max(first, now - window * 1000) - 1, now)
    .findLast((due) => ownObstacle(situation, due) === null) ?? null;
}

/** Whether the scheduler was stopped at an instant, by its dated revisions. */
export async function stops(db: Db): Promise<(instant: number) => boolean> {
  const revisions = (await schedulerRevisions(db)).map((row) => ({
    at: Date.parse(row.at),
    running: row.running,
  }));
  return (instant) => revisions.findLast((revision) => revision.at <= instant)?.running === 0;
}

function occurrenceOf(schedule: ScheduleRow, verdict: Verdict, { now, starts }: How): NewOccurrence {
  const row = {
    schedule_id: schedule.id,
    server_id: schedule.server_id,
    due_at: iso(verdict.due),
    result: null,
    claimed_at: iso(now),
    attempt: 1,
    not_before: null,
    awaits: null,
  };
  if (!verdict.start) {
    const { outcome, reason } = verdict;
    return { ...row, state: "settled", outcome, reason, run_id: null, settled_at: row.claimed_at, late: 0 };
  }
  const open = { ...row, outcome: null, reason: null, settled_at: null, late: verdict.late ? 1 : 0 };
  return schedule.only_when_running === 1 || !starts
    ? { ...open, state: "claimed", run_id: null }
    : { ...open, state: "running", run_id: newId() };
}

/** The run of a claimed instant, as it is asked for at `now`. */
export function queuedOf({ occurrence, schedule }: Claim, now: number): QueuedRun {
  const row = queuedRun({
    ...(occurrence.run_id === null ? {} : { id: occurrence.run_id }),
    schedule_id: occurrence.schedule_id,
    server_id: occurrence.server_id,
    trigger: "schedule",
    due_at: occurrence.due_at,
    attempt: occurrence.attempt,
    queued_at: iso(now),
    created_by: 0,
    requested_by: "system:schedules-dispatch",
  });
  return { row, schedule, late: occurrence.late === 1 };
}
