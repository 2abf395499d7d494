/** Runs what is due, as the queue lets it through. */
import { getLogger } from "@logtape/logtape";
import type { Progress } from "../backups/mod.ts";
import { iso } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { tablesOf } from "../store/mod.ts";
import { type EndFacts, type QueuedRun, recordEnd } from "./ending.ts";
import type { EventHub, LiveEvent } from "./events.ts";
import type { SchedulesOptions } from "./options.ts";
import { perform } from "./perform.ts";
import { RunAbort, type RunEnding } from "./performance.ts";
import { estimateEnd, medianDuration, percentOf } from "./progress.ts";
import { planOf } from "./plan.ts";
import { policiesOf } from "./policies.ts";
import { beginRun } from "./queries/runs.ts";
import { touchSchedule } from "./queries/schedules.ts";
import type { RunRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { RunQueue } from "./queue.ts";
import { RunLog } from "./run_log.ts";
import { takeBack } from "./take_back.ts";

const logger = getLogger(["holdfast", "schedules"]);

/** A run that has left the queue. */
export interface ActiveRun {
  row: RunRow;
  startedAt: number;
  progress: Progress | null;
  /** Median duration of past successes in milliseconds; undefined until somebody wants to know. */
  usualMs: number | null | undefined;
  controller: AbortController;
  log: RunLog;
  done: Promise<void>;
}

/** Pause before the end of a run is written again after the database failed, in milliseconds. */
const RETRY_MS = 10_000;

/** Told about each run that starts and ends. */
export interface RunListener {
  /** `delaySeconds` is the time from the due instant, or from the request, to the start. */
  started?(run: RunRow, delaySeconds: number): void;
  finished?(run: RunRow): void;
}

export class Runner {
  readonly #options: SchedulesOptions;
  readonly #hub: EventHub;
  readonly #queue: RunQueue<QueuedRun>;
  readonly #active = new Map<string, ActiveRun>();
  readonly #listeners: RunListener[] = [];
  readonly #closed = new AbortController();
  #idle: (() => void)[] = [];
  #dropped = Promise.resolve();
  /** Called when an instant waits for its next attempt, or waits no longer for the run that ended. */
  onMore: () => void = () => {};

  constructor(options: SchedulesOptions, hub: EventHub) {
    this.#options = options;
    this.#hub = hub;
    const { settings } = options;
    this.#queue = new RunQueue({
      get total() {
        return settings.max_concurrent_runs;
      },
      get per_server() {
        return settings.max_concurrent_runs_per_server === 0 ? null : settings.max_concurrent_runs_per_server;
      },
      group: (name) => settings.groups[name]?.max_concurrent_runs ?? 1,
    });
  }

  listen(listener: RunListener): void {
    this.#listeners.push(listener);
  }

  /** Runs that wait, in the order of their turns. */
  get queued(): readonly RunRow[] {
    return this.#queue.items.map(({ row }) => row);
  }

  /** How many runs wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  get active(): ReadonlyMap<string, ActiveRun> {
    return this.#active;
  }

  /** What each waiting run waits for, by its id. */
  waitingFor(): Map<string, string> {
    return this.#queue.reasons(this.#options.clock.now());
  }

  /** True while this process has the run, queued or active. */
  has(runId: string): boolean {
    return this.#active.has(runId) || this.#queue.items.some(({ row }) => row.id === runId);
  }

  /** True once the program is stopping: nothing starts any more. */
  get closing(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Takes runs whose rows are stored as queued. */
  enqueue(runs: readonly QueuedRun[]): void {
    for (const run of runs) {
      const { row } = run;
      this.#publish(row, { type: "state", run_id: row.id, state: "queued", at: row.queued_at });
      this.#queue.add(planOf(run), run);
    }
    if (this.closing) this.#dropped = this.#dropped.then(() => this.#dropQueue());
    else this.#fill();
  }

  /** Applies changed policies to what waits. */
  replan(schedule: ScheduleRow): void {
    this.#queue.replan(schedule.id, (run) => ({ ...run, schedule }), planOf);
    this.#fill();
  }

  /** Looks at what waits: time alone lets some start, and is up for others. */
  async look(): Promise<void> {
    for (const { item: { row, schedule }, reason } of this.#queue.expired(this.#options.clock.now())) {
      const limit = row.attempt === 1 ? "too late to start" : "too late for a further attempt";
      const ending = {
        outcome: "timed_out" as const,
        error: `${limit}: it waited for ${reason}`,
        backup: null,
      };
      logger.warning("Run {run_id} of {schedule}: {error}", {
        run_id: row.id,
        schedule: schedule.name,
        error: ending.error,
      });
      await this.#end(row, ending, { begun: false, warnings: 0 });
    }
    this.#fill();
  }

  #fill(): void {
    while (!this.closing) {
      const run = this.#queue.next(this.#options.clock.now());
      if (run === undefined) break;
      this.#start(run.row);
    }
    if (this.#active.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Forgets a queued run whose row has ended already. */
  drop(runId: string): void {
    const run = this.#queue.remove(runId);
    if (run !== undefined) this.#publish(run.row, { type: "ended", run_id: runId });
  }

  /** Ends what waits, or leaves it to the next process: the program is stopping. */
  async #dropQueue(): Promise<void> {
    const reason = new RunAbort("interrupted", "Holdfast stopped before the run began");
    for (const { row } of this.#queue.clear()) {
      if (await this.#insist(row, "wait", () => takeBack(this.#options, row)) === true) {
        this.#publish(row, { type: "ended", run_id: row.id });
      } else await this.#end(row, notBegun(reason), { begun: false, warnings: 0 });
    }
  }

  #start(row: RunRow): void {
    const { database, clock, settings } = this.#options;
    const log = new RunLog({
      database,
      clock,
      runId: row.id,
      maxLines: settings.max_log_lines,
      publish: (line) => this.#publish(row, { type: "line", ...line }),
    });
    const run: ActiveRun = {
      row,
      startedAt: clock.now(),
      progress: null,
      usualMs: undefined,
      controller: new AbortController(),
      log,
      done: Promise.resolve(),
    };
    this.#active.set(row.id, run);
    run.done = this.#run(run).catch((error) =>
      logger.error("Run {run_id} broke: {error}", { run_id: row.id, error })
    )
      .finally(() => {
        this.#active.delete(row.id);
        this.#queue.release(row.id);
        this.#fill();
      });
  }

  async #run(run: ActiveRun): Promise<void> {
    const schedule = await this.#begin(run);
    if (schedule === undefined) return;
    await this.#options.fault?.("run-begun");
    const ended = new AbortController();
    const limit = this.#limit(run, schedule, ended.signal);
    const ending = schedule.deleted_at === null
      ? await perform(this.#options, {
        run_id: run.row.id,
        trigger: run.row.trigger,
        due_at: run.row.due_at,
        attempt: run.row.attempt,
        schedule,
        log: run.log,
        signal: run.controller.signal,
        progress: (update) => this.#progress(run, update),
      })
      : notBegun(new RunAbort("cancelled", "the schedule was deleted"));
    ended.abort();
    await limit;
    await run.log.close();
    await this.#end(run.row, ending, { begun: schedule.deleted_at === null, warnings: run.log.warnings });
  }

  /** Ends an attempt that takes longer than its schedule allows. */
  async #limit(run: ActiveRun, schedule: ScheduleRow, ended: AbortSignal): Promise<void> {
    const { timeout_seconds: seconds } = policiesOf(schedule.policies);
    if (seconds === null) return;
    try {
      await this.#options.clock.sleep(seconds * 1000, ended);
      run.controller.abort(new RunAbort("timed_out", `it took longer than ${formatDuration(seconds)}`));
    } catch {
      // It ended in time.
    }
  }

  /** Marks the run as started, which only one process can; undefined when it is not waiting any more. */
  async #begin(run: ActiveRun): Promise<ScheduleRow | undefined> {
    const { row, startedAt } = run;
    const at = iso(startedAt);
    const schedule = await this.#insist(row, "start", () =>
      this.#options.database.grouped(async (tx) => {
        const db = tablesOf<SchedulesTables>(tx);
        if (!await beginRun(db, row.id, at)) return undefined;
        return await touchSchedule(db, row.schedule_id, at);
      }));
    if (schedule === undefined) return undefined;
    run.row = { ...row, outcome: "running", started_at: at };
    this.#publish(row, { type: "state", run_id: row.id, state: "running", at });
    const delay = (startedAt - Date.parse(row.due_at ?? row.queued_at)) / 1000;
    for (const listener of this.#listeners) listener.started?.(run.row, delay);
    logger.info("Run {run_id} of {schedule} started", { run_id: row.id, schedule: schedule.name });
    return schedule;
  }

  /** Looks up how long a run usually takes, for whoever wants an estimate. */
  async lookUpUsual(run: ActiveRun): Promise<void> {
    if (run.usualMs !== undefined) return;
    run.usualMs = null;
    run.usualMs = await medianDuration(this.#options.database.tables<SchedulesTables>(), run.row.schedule_id);
  }

  #progress(run: ActiveRun, update: Progress): void {
    run.progress = update;
    this.lookUpUsual(run).catch((error) => logger.warning("Cannot estimate a run: {error}", { error }));
    this.#publish(run.row, {
      type: "progress",
      run_id: run.row.id,
      phase: update.phase,
      done_bytes: update.done_bytes,
      total_bytes: update.total_bytes ?? null,
      done_items: update.done_items,
      total_items: update.total_items ?? null,
      progress_percentage: percentOf(update),
      estimated_completion_at: estimateEnd(run, this.#options.clock.now()),
    });
  }

  async #end(row: RunRow, ending: RunEnding, facts: EndFacts): Promise<void> {
    const ended = await this.#insist(
      row,
      "end",
      () => recordEnd(this.#options, row.id, ending, facts),
    );
    this.#publish(row, { type: "ended", run_id: row.id });
    if (ended === undefined) return;
    const { outcome, error_message: error } = ended.run;
    const end = { run_id: row.id, schedule_id: row.schedule_id, outcome, error };
    if (ended.run.status !== "failed") logger.info("Run {run_id} ended: {outcome}", end);
    else logger.warning("Run {run_id} of schedule {schedule_id} ended: {outcome}, {error}", end);
    for (const listener of this.#listeners) listener.finished?.(ended.run);
    this.enqueue(ended.following);
    if (ended.more) this.onMore();
  }

  /**
   * Writes to the database again and again while it cannot take it (a full disk). Undefined when the program
   * stops first: then the next start settles the run.
   */
  async #insist<T>(row: RunRow, what: string, write: () => Promise<T | undefined>): Promise<T | undefined> {
    for (;;) {
      const last = this.closing;
      try {
        return await write();
      } catch (error) {
        logger.error("Cannot record the {what} of run {run_id}: {error}", { what, run_id: row.id, error });
        if (last) return undefined;
        // A wait that is cut short by the shutdown leaves one more try.
        await this.#options.clock.sleep(RETRY_MS, this.#closed.signal).catch(() => {});
      }
    }
  }

  /** Ends a queued or active run; false when this process does not have it. Resolves when it has ended. */
  async cancel(runId: string, reason: RunAbort): Promise<boolean> {
    const waiting = this.#queue.remove(runId);
    if (waiting !== undefined) {
      await this.#end(waiting.row, notBegun(reason), { begun: false, warnings: 0 });
      this.#fill();
      return true;
    }
    const run = this.#active.get(runId);
    if (run === undefined) return false;
    run.controller.abort(reason);
    await run.done;
    return true;
  }

  /** Stores the waiting lines of a run, so that a reader finds all that were published. */
  async flush(runId: string): Promise<void> {
    await this.#active.get(runId)?.log.flush();
  }

  /** Waits up to `graceMs` for active runs, then ends them; queued ones do not start any more. */
  async shutdown(graceMs: number, now?: AbortSignal): Promise<void> {
    this.#closed.abort();
    await this.#dropQueue();
    const finished = new AbortController();
    const end = () => {
      for (const run of this.#active.values()) {
        run.controller.abort(new RunAbort("interrupted", "Holdfast was stopped during the run"));
      }
    };
    if (now?.aborted) end();
    now?.addEventListener("abort", end, { signal: finished.signal });
    const grace = this.#options.clock.sleep(graceMs, finished.signal).then(end, () => {});
    await this.idle();
    finished.abort();
    await grace;
    await this.#dropped;
  }

  /** Resolves when nothing is active, which is when nothing that waits can start yet. */
  idle(): Promise<void> {
    if (this.#active.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #publish(row: RunRow, event: LiveEvent): void {
    this.#hub.publish({ schedule_id: row.schedule_id, server_id: row.server_id, event });
  }
}

function notBegun(reason: RunAbort): RunEnding {
  return { outcome: reason.outcome, error: reason.message, backup: null };
}
