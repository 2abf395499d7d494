/**
 * The tick: gives every due instant its row in the ledger, and its run when it may start.
 *
 * A batch claims in one transaction: the schedule's `next_run_at` moves on by a conditional update, the instants
 * before it get rows under a unique key, and the runs of those that start are stored as queued. So two ticks, two
 * dispatchers or a crash at any point cannot start an instant twice or lose one.
 */
import { getLogger } from "@logtape/logtape";
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { tablesOf } from "../store/mod.ts";
import { instantsBetween, nextAfter, type Rule } from "./calendar.ts";
import { scheduleRule } from "./rule.ts";
import { decide, GRACE_MS, ownObstacle, type Situation, type Verdict } from "./decide.ts";
import { newId, type SchedulesOptions } from "./options.ts";
import { policiesOf } from "./policies.ts";
import {
  giveRun,
  insertOccurrences,
  type NewOccurrence,
  openOccurrences,
  settleOccurrence,
} from "./queries/ledger.ts";
import { insertRuns, openRuns } from "./queries/runs.ts";
import { advanceSchedule, dueSchedules, schedulerRevisions } from "./queries/schedules.ts";
import type { OccurrenceRow, RunRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { queuedRun } from "./queued_run.ts";
import type { Runner } from "./runner.ts";

/** Schedules claimed in one transaction, and rows it may write; the event loop waits that long. */
const BATCH_SCHEDULES = 100;
const BATCH_ROWS = 1000;
/** A running check that takes longer than this, in milliseconds, counts as "not running". */
const CHECK_LIMIT_MS = 60_000;

const logger = getLogger(["holdfast", "schedules"]);

/** What one tick did. */
export interface TickReport {
  /** Instants that got their row. */
  claimed: number;
  /** Of those, the ones that may start. */
  starting: number;
}

/** A claimed instant that may start, with its schedule. */
interface Claim {
  occurrence: OccurrenceRow;
  schedule: ScheduleRow;
}

/** What a transaction claimed. */
interface Claimed {
  rows: number;
  runs: RunRow[];
  /** Claims whose server is to be asked first. */
  unsure: Claim[];
  /** False when more may be waiting. */
  done: boolean;
}

export class Dispatcher {
  readonly #options: SchedulesOptions;
  readonly #runner: Runner;
  readonly #bootAt: number;
  readonly #checks = new Set<Promise<void>>();
  #ticking: Promise<unknown> = Promise.resolve();
  #lastTickAt: number | null = null;

  constructor(options: SchedulesOptions, runner: Runner) {
    this.#options = options;
    this.#runner = runner;
    this.#bootAt = options.clock.now();
  }

  /** When the last tick began, in milliseconds; null before the first. */
  get lastTickAt(): number | null {
    return this.#lastTickAt;
  }

  /** Claims everything due by now and starts what may start. Ticks wait for each other. */
  tick(): Promise<TickReport> {
    return this.#alone(() => {
      this.#lastTickAt = this.#options.clock.now();
      return this.#claimAll(0);
    });
  }

  /** Gives instants their rows that are too late to start, and starts nothing: for a process that does not dispatch. */
  settlePassed(): Promise<TickReport> {
    return this.#alone(() => this.#claimAll(GRACE_MS + 1));
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#ticking.then(work, work);
    this.#ticking = next;
    return next;
  }

  async #claimAll(olderThanMs: number): Promise<TickReport> {
    const report = { claimed: 0, starting: 0 };
    for (let done = false; !done;) {
      const claimed = await this.#options.database.transaction(async (tx) => {
        const claimed = await this.#claimBatch(tx, olderThanMs);
        await this.#options.fault?.("claim-written");
        return claimed;
      });
      await this.#options.fault?.("claim-committed");
      done = claimed.done;
      report.claimed += claimed.rows;
      report.starting += claimed.runs.length + claimed.unsure.length;
      this.#runner.enqueue(claimed.runs);
      this.#askServers(claimed.unsure);
      // A turn of the event loop between transactions: requests are answered while thousands are claimed.
      if (!done) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return report;
  }

  async #claimBatch(tx: Transaction<unknown>, olderThanMs: number): Promise<Claimed> {
    const now = this.#options.clock.now();
    const db = tablesOf<SchedulesTables>(tx);
    const due = await dueSchedules(db, iso(now - olderThanMs), BATCH_SCHEDULES);
    if (due.length === 0) return { rows: 0, runs: [], unsure: [], done: true };
    const claimed = await this.#claim(tx, due, { closing: null, budget: BATCH_ROWS, olderThanMs });
    return { ...claimed, done: due.length < BATCH_SCHEDULES && claimed.done };
  }

  /** Settles, in the caller's transaction, what passed of a schedule that is being changed or taken away. */
  async close(tx: Transaction<unknown>, schedule: ScheduleRow, reason: string): Promise<void> {
    if (schedule.next_run_at === null) return;
    await this.#claim(tx, [schedule], { closing: reason, budget: Infinity, olderThanMs: 0 });
  }

  async #claim(
    tx: Transaction<unknown>,
    due: readonly ScheduleRow[],
    how: { closing: string | null; budget: number; olderThanMs: number },
  ): Promise<Claimed> {
    const now = this.#options.clock.now();
    const db = tablesOf<SchedulesTables>(tx);
    const stoppedAt = await stops(db);
    const active = await activeRuns(db, due.map((schedule) => schedule.id));
    const schedules = new Map<string, ScheduleRow>();
    const wanted: NewOccurrence[] = [];
    let done = true;
    for (const schedule of due) {
      if (wanted.length >= how.budget) {
        done = false;
        break;
      }
      const first = schedule.next_run_at!;
      const rule = scheduleRule(schedule);
      // From the stored instant itself, so that none between it and now is passed over.
      const instants = instantsBetween(
        rule,
        Date.parse(first) - 1,
        now - how.olderThanMs,
        how.budget - wanted.length,
      );
      const next = nextAfter(rule, instants.at(-1) ?? Date.parse(first) - 1);
      const more = next !== null && next <= now;
      if (more && next <= now - how.olderThanMs) done = false;
      if (!await advanceSchedule(db, schedule.id, first, next === null ? null : iso(next))) continue;
      schedules.set(schedule.id, schedule);
      const policies = { ...policiesOf(schedule.policies), timezone: schedule.timezone };
      const situation: Situation = {
        now,
        bootAt: this.#bootAt,
        policies,
        stoppedAt,
        more,
        newest: policies.catch_up === "latest"
          ? newestStartable(rule, first, now, { policies, stoppedAt })
          : null,
        activeRun: active.get(schedule.id) ?? null,
        closing: how.closing,
      };
      wanted.push(...decide(instants, situation).map((verdict) => occurrenceOf(schedule, verdict, now)));
    }
    const rows = await insertOccurrences(tx, wanted);
    const claims = rows.filter((row) => row.state !== "settled")
      .map((occurrence) => ({ occurrence, schedule: schedules.get(occurrence.schedule_id)! }));
    const runs = claims.flatMap(({ occurrence }) => occurrence.run_id === null ? [] : [runOf(occurrence)]);
    await insertRuns(db, runs);
    const unsure = claims.filter(({ occurrence }) => occurrence.run_id === null);
    return { rows: rows.length, runs, unsure, done };
  }

  /** Asks each server once for all its claims. In the background: a server that does not answer holds up no tick. */
  #askServers(claims: readonly Claim[]): void {
    for (const [serverId, group] of Map.groupBy(claims, ({ schedule }) => schedule.server_id)) {
      const check = this.#askServer(serverId, group).catch((error) =>
        logger.error("Cannot start what is due on server {server_id}: {error}", {
          server_id: serverId,
          error,
        })
      ).finally(() => this.#checks.delete(check));
      this.#checks.add(check);
    }
  }

  async #askServer(serverId: number, claims: readonly Claim[]): Promise<void> {
    const obstacle = await this.#obstacle(serverId);
    const at = iso(this.#options.clock.now());
    const runs = await this.#options.database.transaction(async (tx) => {
      const db = tablesOf<SchedulesTables>(tx);
      const runs: RunRow[] = [];
      for (const { occurrence } of claims) {
        if (obstacle !== null) {
          await settleOccurrence(tx, { id: occurrence.id }, {
            outcome: "skipped",
            result: null,
            reason: obstacle,
          }, at);
          continue;
        }
        const runId = newId();
        if (await giveRun(db, occurrence.id, runId)) runs.push(runOf({ ...occurrence, run_id: runId }));
      }
      await insertRuns(db, runs);
      return runs;
    });
    this.#runner.enqueue(runs);
  }

  /** Why nothing can be backed up on a server now; null when it is running. */
  async #obstacle(serverId: number): Promise<string | null> {
    try {
      const { running, detail } = await this.#options.servers.isRunning(
        serverId,
        AbortSignal.timeout(CHECK_LIMIT_MS),
      );
      return running ? null : `server not running: ${detail}`;
    } catch (error) {
      return `server not running: ${messageOf(error)}`;
    }
  }

  /** Resolves when no server is being asked any more. */
  async settled(): Promise<void> {
    await this.#ticking.catch(() => {});
    while (this.#checks.size > 0) await Promise.all(this.#checks);
  }
}

/** The latest passed instant from `first` on that nothing but time keeps from starting. */
function newestStartable(
  rule: Rule,
  first: string,
  now: number,
  situation: Pick<Situation, "policies" | "stoppedAt">,
): number | null {
  const windowStart = now - situation.policies.catch_up_window_seconds * 1000;
  return instantsBetween(rule, Math.max(Date.parse(first), windowStart) - 1, now)
    .findLast((due) => ownObstacle(situation, due) === null) ?? null;
}

/** Whether the scheduler was stopped at an instant, by its dated revisions. */
async function stops(db: Parameters<typeof schedulerRevisions>[0]): Promise<(instant: number) => boolean> {
  const revisions = (await schedulerRevisions(db)).map((row) => ({
    at: Date.parse(row.at),
    running: row.running,
  }));
  return (instant) => revisions.findLast((revision) => revision.at <= instant)?.running === 0;
}

/** For each schedule the run, or the instant waiting for one, that is under way. */
async function activeRuns(
  db: Parameters<typeof openRuns>[0],
  scheduleIds: readonly string[],
): Promise<Map<string, string>> {
  const waiting = (await openOccurrences(db, scheduleIds)).map((row) =>
    [row.schedule_id, row.run_id ?? row.due_at] as const
  );
  const running = (await openRuns(db, scheduleIds)).map((row) => [row.schedule_id, row.id] as const);
  return new Map([...waiting, ...running]);
}

function occurrenceOf(schedule: ScheduleRow, verdict: Verdict, now: number): NewOccurrence {
  const row = {
    schedule_id: schedule.id,
    server_id: schedule.server_id,
    due_at: iso(verdict.due),
    result: null,
    claimed_at: iso(now),
  };
  if (!verdict.start) {
    const { outcome, reason } = verdict;
    return { ...row, state: "settled", outcome, reason, run_id: null, settled_at: row.claimed_at };
  }
  const open = { ...row, outcome: null, reason: null, settled_at: null };
  return schedule.only_when_running === 1
    ? { ...open, state: "claimed", run_id: null }
    : { ...open, state: "running", run_id: newId() };
}

function runOf(occurrence: OccurrenceRow): RunRow {
  return queuedRun({
    ...(occurrence.run_id === null ? {} : { id: occurrence.run_id }),
    schedule_id: occurrence.schedule_id,
    server_id: occurrence.server_id,
    trigger: "schedule",
    due_at: occurrence.due_at,
    queued_at: occurrence.claimed_at,
    created_by: 0,
    requested_by: "system:schedules-dispatch",
  });
}
