/** The tick: claims what is due, asks servers, and starts what waited and may start now. */
import { getLogger } from "@logtape/logtape";
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { tablesOf } from "../store/mod.ts";
import { type Claim, claimBatch, type Claimed, closeSchedule, queuedOf } from "./claims.ts";
import { GRACE_MS } from "./decide.ts";
import type { QueuedRun } from "./ending.ts";
import { newId, type SchedulesOptions } from "./options.ts";
import { RunAbort } from "./performance.ts";
import { insertRuns } from "./queries/runs.ts";
import { earliestDue } from "./queries/schedules.ts";
import type { ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { earliestPause, giveRun } from "./queries/waiting.ts";
import { resumeWaiting } from "./resume.ts";
import type { Runner } from "./runner.ts";
import { giveUp } from "./settle.ts";

/** A running check that takes longer than this, in milliseconds, counts as "not running". */
const CHECK_LIMIT_MS = 60_000;
const TICK_MS = 60_000;

const logger = getLogger(["holdfast", "schedules"]);

/** What one tick did. */
export interface TickReport {
  /** Instants that got their row. */
  claimed: number;
  /** Of those, the ones that may start. */
  starting: number;
}

export class Dispatcher {
  readonly #options: SchedulesOptions;
  readonly #runner: Runner;
  readonly #bootAt: number;
  readonly #checks = new Set<Promise<void>>();
  /** Instants whose server is being asked. */
  readonly #asking = new Set<number>();
  #ticking: Promise<unknown> = Promise.resolve();
  #ticks = 0;
  #lastTickAt: number | null = null;
  #wake = new AbortController();

  constructor(options: SchedulesOptions, runner: Runner) {
    this.#options = options;
    this.#runner = runner;
    this.#bootAt = options.clock.now();
    runner.onMore = () => this.#resumeSoon();
  }

  /** When the last tick began, in milliseconds; null before the first. */
  get lastTickAt(): number | null {
    return this.#lastTickAt;
  }

  /** True while nothing is being claimed or asked. */
  get quiet(): boolean {
    return this.#ticks === 0 && this.#checks.size === 0;
  }

  /** Claims everything due by now and starts what may start. Ticks wait for each other. */
  tick(): Promise<TickReport> {
    return this.#alone(async () => {
      this.#lastTickAt = this.#options.clock.now();
      const report = await this.#claimAll(0, true);
      report.starting += await this.#resume();
      await this.#runner.look();
      await this.#sleepUntilNext();
      return report;
    });
  }

  /** Gives instants their rows that are too late to start, and starts nothing: for a process that does not dispatch. */
  settlePassed(): Promise<TickReport> {
    return this.#alone(() => this.#claimAll(GRACE_MS + 1, false));
  }

  /** Settles, in the caller's transaction, what passed of a schedule that is being changed or taken away. */
  async close(tx: Transaction<unknown>, schedule: ScheduleRow, reason: string): Promise<void> {
    await closeSchedule(tx, schedule, reason, { now: this.#options.clock.now(), bootAt: this.#bootAt });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#ticks++;
    const next = this.#ticking.then(work, work).finally(() => this.#ticks--);
    this.#ticking = next.catch(() => {});
    return next;
  }

  async #claimAll(olderThanMs: number, starts: boolean): Promise<TickReport> {
    const report = { claimed: 0, starting: 0 };
    for (let done = false; !done;) {
      const claimed = await this.#options.database.transaction(async (tx) => {
        const now = this.#options.clock.now();
        const claimed = await claimBatch(tx, { now, bootAt: this.#bootAt, olderThanMs, starts });
        await this.#options.fault?.("claim-written");
        return claimed;
      });
      await this.#options.fault?.("claim-committed");
      done = claimed.done;
      report.claimed += claimed.rows;
      report.starting += this.#start(claimed);
      // A turn of the event loop between transactions: requests are answered while thousands are claimed.
      if (!done) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return report;
  }

  /** Starts what waited: after another schedule, a pause between attempts, a restart. Returns how many. */
  async #resume(): Promise<number> {
    const { database, clock } = this.#options;
    const resumed = await database.transaction((tx) => resumeWaiting(tx, clock.now(), this.#asking));
    if (resumed.runs.length > 0) await this.#options.fault?.("resume-committed");
    return this.#start(resumed);
  }

  #start(
    { runs, unsure, dropped, cancelled }: Pick<Claimed, "runs" | "unsure" | "dropped" | "cancelled">,
  ): number {
    for (const runId of dropped) this.#runner.drop(runId);
    this.#runner.enqueue(runs);
    for (const { run_id, reason } of cancelled) {
      this.#runner.cancel(run_id, new RunAbort("cancelled", reason)).catch((error) =>
        logger.error("Cannot cancel run {run_id}: {error}", { run_id, error })
      );
    }
    this.#askServers(unsure);
    return runs.length + unsure.length;
  }

  /** Something may start between two ticks: the end of a run, or of a pause. */
  #resumeSoon(): void {
    if (this.#lastTickAt === null || this.#runner.closing) return;
    this.#alone(async () => {
      await this.#resume();
      await this.#sleepUntilNext();
    }).catch((error) => logger.error("Cannot start what waited: {error}", { error }));
  }

  /** Sets an alarm for what comes before the next tick: seconds of a jitter, a short pause between attempts. */
  async #sleepUntilNext(): Promise<void> {
    const { clock, database } = this.#options;
    const db = database.tables<SchedulesTables>();
    const now = clock.now();
    const nextTick = (Math.floor(now / TICK_MS) + 1) * TICK_MS;
    const times = [await earliestDue(db), await earliestPause(db)].filter((at) => at !== null).map(Date.parse)
      .filter((at) => at > now && at < nextTick);
    this.#wake.abort();
    if (times.length === 0 || this.#runner.closing) return;
    this.#wake = new AbortController();
    clock.sleep(Math.min(...times) - now, this.#wake.signal).then(() => this.tick(), () => {})
      .catch((error) => logger.error("Cannot start what is due: {error}", { error }));
  }

  /** Asks each server once for all its claims. In the background: a server that does not answer holds up no tick. */
  #askServers(claims: readonly Claim[]): void {
    for (const [serverId, group] of Map.groupBy(claims, ({ schedule }) => schedule.server_id)) {
      for (const { occurrence } of group) this.#asking.add(occurrence.id);
      const check = this.#askServer(serverId, group).catch((error) =>
        // They stay claimed: the next tick asks again.
        logger.error("Cannot start what is due on server {server_id}: {error}", {
          server_id: serverId,
          error,
        })
      ).finally(() => {
        for (const { occurrence } of group) this.#asking.delete(occurrence.id);
        this.#checks.delete(check);
      });
      this.#checks.add(check);
    }
  }

  async #askServer(serverId: number, claims: readonly Claim[]): Promise<void> {
    const obstacle = await this.#obstacle(serverId);
    const now = this.#options.clock.now();
    const runs = await this.#options.database.transaction(async (tx) => {
      const db = tablesOf<SchedulesTables>(tx);
      const runs: QueuedRun[] = [];
      for (const claim of claims) {
        if (obstacle !== null) {
          await giveUp(tx, claim.occurrence, "skipped", obstacle, iso(now));
          continue;
        }
        const occurrence = { ...claim.occurrence, run_id: newId() };
        if (await giveRun(db, occurrence.id, occurrence.run_id)) {
          runs.push(queuedOf({ ...claim, occurrence }, now));
        }
      }
      await insertRuns(db, runs.map(({ row }) => row));
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
    await this.#ticking;
    while (this.#checks.size > 0) await Promise.all(this.#checks);
  }

  /** Ends the alarm: the program is stopping. */
  stop(): void {
    this.#wake.abort();
  }
}
