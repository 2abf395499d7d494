/** The scheduler as people see and control it: status, start, stop. */
import { iso } from "../lib/clock.ts";
import type { Caller } from "../lib/operation.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { SchedulerJob, SchedulerStatus } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { estimateEnd, percentOf } from "./progress.ts";
import {
  countSchedules,
  insertSchedulerRevision,
  schedulerRevisions,
  schedulesByIds,
} from "./queries/schedules.ts";
import type { RunRow, SchedulesTables } from "./queries/tables.ts";
import type { Runner } from "./runner.ts";

const TICK_MS = 60_000;

export class Scheduler {
  readonly #options: SchedulesOptions;
  readonly #dispatcher: Dispatcher;
  readonly #runner: Runner;

  constructor(options: SchedulesOptions, dispatcher: Dispatcher, runner: Runner) {
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#runner = runner;
  }

  /** State of the scheduler, with the jobs of the caller's servers. */
  async status(caller: Caller): Promise<SchedulerStatus> {
    const { total, enabled } = await countSchedules(this.#tables(), caller.servers);
    const last = this.#dispatcher.lastTickAt;
    const running = last !== null && !await this.isStopped();
    const jobs = await this.#jobs(caller);
    return {
      running,
      total_schedules: total,
      active_schedules: enabled,
      queued_jobs: jobs.filter((job) => job.status === "pending").length,
      last_check_at: last === null ? null : iso(last),
      next_check_at: running ? iso((Math.floor(last / TICK_MS) + 1) * TICK_MS) : null,
      current_jobs: jobs,
    };
  }

  async #jobs(caller: Caller): Promise<SchedulerJob[]> {
    const visible = (row: RunRow) => caller.servers === null || caller.servers.includes(row.server_id);
    const active = [...this.#runner.active.values()].filter((run) => visible(run.row));
    for (const run of active) await this.#runner.lookUpUsual(run);
    const queued = this.#runner.queued.filter(visible);
    const ids = [...new Set([...active.map((run) => run.row), ...queued].map((row) => row.schedule_id))];
    const rows = ids.length === 0 ? [] : await schedulesByIds(this.#tables(), ids);
    const names = new Map(rows.map((row) => [row.id, row.name]));
    const base = (row: RunRow) => ({
      id: row.id,
      schedule_id: row.schedule_id,
      schedule_name: names.get(row.schedule_id) ?? "",
      server_id: row.server_id,
    });
    const now = this.#options.clock.now();
    const reasons = queued.length === 0 ? new Map<string, string>() : this.#runner.waitingFor();
    return [
      ...active.map((run): SchedulerJob => {
        const end = estimateEnd(run, now);
        return {
          ...base(run.row),
          status: "running",
          started_at: iso(run.startedAt),
          waiting_for: null,
          phase: run.progress?.phase ?? null,
          progress_percentage: percentOf(run.progress),
          estimated_completion_at: end,
          estimated_completion: end,
        };
      }),
      ...queued.map((row): SchedulerJob => ({
        ...base(row),
        status: "pending",
        started_at: row.started_at,
        waiting_for: reasons.get(row.id) ?? null,
        phase: null,
        progress_percentage: null,
        estimated_completion_at: null,
        estimated_completion: null,
      })),
    ];
  }

  /** Starts due instants again from now on; those of the time between are skipped. */
  async start(caller: Caller): Promise<SchedulerStatus> {
    await this.#record(true, caller);
    // What passed while stopped gets its rows now; only a scheduler that ticks may start anything.
    if (this.#dispatcher.lastTickAt !== null) await this.#dispatcher.tick();
    return await this.status(caller);
  }

  /** Lets runs finish and starts no further ones, after a restart of the program either. */
  async stop(caller: Caller): Promise<SchedulerStatus> {
    await this.#record(false, caller);
    return await this.status(caller);
  }

  /** Starts a stopped scheduler, and looks at once for what is due. */
  restart(caller: Caller): Promise<SchedulerStatus> {
    return this.start(caller);
  }

  async #record(running: boolean, caller: Caller): Promise<void> {
    if (await this.isStopped() !== running) return;
    const at = iso(this.#options.clock.now());
    await this.#options.database.change(caller, async (change) => {
      await insertSchedulerRevision(change.tables<SchedulesTables>(), {
        at,
        running: running ? 1 : 0,
        changed_by: caller.name,
      });
      change.audit({ target: "scheduler", before: { running: !running }, after: { running } });
    });
  }

  /** True while a person has stopped the scheduler; one that nobody ever stopped is running. */
  async isStopped(): Promise<boolean> {
    return (await schedulerRevisions(this.#tables())).at(-1)?.running === 0;
  }

  #tables() {
    return this.#options.database.tables<SchedulesTables>();
  }
}
