/** The service of schedules: the verbs on them; runs, scheduler and ledger are parts of it. */
import type { BackedUpSchedule } from "../backups/mod.ts";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import { backedUp } from "./backed_up.ts";
import { Changes } from "./changes.ts";
import { scheduleRecord } from "./definition.ts";
import { Dispatcher, type TickReport } from "./dispatcher.ts";
import { EventHub } from "./events.ts";
import { Feed } from "./feed.ts";
import { findPastSchedule, findSchedule } from "./find.ts";
import { pathOf } from "./following.ts";
import { type Horizon, pruneHistory } from "./history.ts";
import { Ledger } from "./ledger.ts";
import type { BackupSchedule, BackupScheduleLog, ScheduleCreate, ScheduleUpdate } from "./model.ts";
import type { ScheduledServer, SchedulesOptions } from "./options.ts";
import { Open } from "./overlap.ts";
import { RunAbort } from "./performance.ts";
import { policiesOf } from "./policies.ts";
import { type ProofInput, prove } from "./proof.ts";
import type { LedgerReport } from "./report.ts";
import { ownObstacle } from "./decide.ts";
import { type ComingInstant, comingInstants, instantsAtChanges } from "./preview.ts";
import { insertRuns, lastOutcome, lastOutcomes, type NamedRun } from "./queries/runs.ts";
import { countSchedules, listSchedules } from "./queries/schedules.ts";
import type { ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrence } from "./queries/waiting.ts";
import { queuedRun } from "./queued_run.ts";
import { settleLeftovers } from "./recovery.ts";
import { scheduleRule } from "./rule.ts";
import { Runner } from "./runner.ts";
import { RunReader } from "./run_reader.ts";
import { Scheduler } from "./scheduler.ts";
import { giveUp } from "./settle.ts";
import { scheduleStatistics, statistics, type StatisticsInput } from "./statistician.ts";
import type { ScheduleReport, Statistics } from "./statistics.ts";

/** A run that was asked for. */
export interface TriggeredRun {
  run_id: string;
  schedule_id: string;
  status: "running";
}

export class Schedules {
  readonly runs: RunReader;
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly runner: Runner;
  /** What happens to runs, as it happens. */
  readonly events = new EventHub();
  readonly feed: Feed;
  readonly #options: SchedulesOptions;
  readonly #dispatcher: Dispatcher;
  readonly #changes: Changes;
  #ready: Promise<void> | undefined;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.runner = new Runner(options, this.events);
    this.#dispatcher = new Dispatcher(options, this.runner);
    this.runs = new RunReader(options, this.runner, this.events);
    this.scheduler = new Scheduler(options, this.#dispatcher, this.runner);
    this.ledger = new Ledger(options);
    this.#changes = new Changes(options, this.#dispatcher, this.runner);
    this.feed = new Feed(options, this.events, this.runner);
  }

  /**
   * Settles, once, what a killed process left open. Every write waits for it; the daemon calls it at start. The
   * process must hold the data directory's lock.
   */
  settleAtStart(): Promise<void> {
    return this.#ready ??= settleLeftovers(this.#options).then(() => {});
  }

  /** What each minute asks: claims what is due and starts it. */
  async tick(): Promise<TickReport> {
    await this.settleAtStart();
    return await this.#dispatcher.tick();
  }

  /** When the last tick began, in milliseconds; null before the first. */
  get lastTickAt(): number | null {
    return this.#dispatcher.lastTickAt;
  }

  /** Resolves when nothing is being decided, queued or run. */
  async idle(): Promise<void> {
    do {
      await this.#dispatcher.settled();
      await this.runner.idle();
    } while (!this.#dispatcher.quiet || this.runner.active.size > 0);
  }

  /** Waits for runs as long as settings allow, then ends them as interrupted; at once when `now` aborts. */
  async shutdown(now?: AbortSignal): Promise<void> {
    this.#dispatcher.stop();
    await this.runner.shutdown(this.#options.settings.shutdown_grace_seconds * 1000, now);
    await this.#dispatcher.settled();
    await this.runner.idle();
  }

  /** Schedules of the caller's servers, by name. Errors: `not_found`, `forbidden` for a server asked for. */
  async list(input: { server_id?: number | string | undefined }, caller: Caller): Promise<BackupSchedule[]> {
    const asked = input.server_id === undefined ? null : await this.#options.servers.resolve(input.server_id);
    if (asked !== null) requireServer(caller, asked.id);
    const of = asked === null ? caller.servers : [asked.id];
    const rows = await listSchedules(this.#tables(), of);
    const outcomes = await lastOutcomes(this.#tables(), of);
    const servers = new Map<number, ScheduledServer | null>();
    for (const id of new Set(rows.map((row) => row.server_id))) {
      servers.set(id, await this.#options.servers.glance(id));
    }
    return await Promise.all(rows.map(async (row) => {
      const path = row.run_after === null ? [] : await pathOf(this.#tables(), row);
      const server = servers.get(row.server_id) ?? null;
      return scheduleRecord(row, { server, path, last: outcomes.get(row.id) });
    }));
  }

  /** One schedule, by id, name or `server/name`. Errors: `not_found`, `conflict` when ambiguous, `forbidden`. */
  async get(ref: string, caller: Caller): Promise<BackupSchedule> {
    return await this.#record(await findSchedule(this.#options, ref, caller));
  }

  /** Creates a schedule. Errors: `invalid`, `not_found` for the server, `conflict` for the name, `forbidden`. */
  async create(input: ScheduleCreate, caller: Caller): Promise<BackupSchedule> {
    await this.settleAtStart();
    return await this.#changes.create(input, caller);
  }

  /** Changes the fields that are given. Errors: as {@linkcode create} and {@linkcode get}. */
  async update(ref: string, input: ScheduleUpdate, caller: Caller): Promise<BackupSchedule> {
    await this.settleAtStart();
    return await this.#changes.update(ref, input, caller);
  }

  /** Lets a schedule run from its next due instant on. Errors: as {@linkcode get}. */
  async enable(ref: string, caller: Caller): Promise<BackupSchedule> {
    await this.settleAtStart();
    return await this.#changes.enable(ref, caller);
  }

  /** Keeps a schedule from running; a run under way goes on, what waits is settled. Errors: as {@linkcode get}. */
  async disable(ref: string, caller: Caller): Promise<BackupSchedule> {
    await this.settleAtStart();
    return await this.#changes.disable(ref, caller);
  }

  /** Removes a schedule and frees its name; its ledger, logs and backups stay. Errors: as {@linkcode get}, `conflict` when others follow it. */
  async delete(ref: string, caller: Caller): Promise<null> {
    await this.settleAtStart();
    return await this.#changes.delete(ref, caller);
  }

  /** Runs a schedule now. Errors: `conflict` when it is disabled or already running, and as {@linkcode get}. */
  async trigger(ref: string, caller: Caller): Promise<TriggeredRun> {
    const schedule = await findSchedule(this.#options, ref, caller);
    await this.settleAtStart();
    const refuse = (reason: string, hint: string) =>
      new HoldfastError("conflict", `Cannot start run "${schedule.name}": ${reason}`, { hint });
    if (schedule.enabled === 0) throw refuse("the schedule is disabled", "enable it first");
    if (this.runner.closing) {
      throw new HoldfastError("unavailable", `Cannot start run "${schedule.name}": Holdfast is stopping`);
    }
    const run = await this.#options.database.change(caller, async (change) => {
      const db = change.tables<SchedulesTables>();
      const policies = policiesOf(schedule.policies);
      const active = (await Open.of(db, [schedule.id])).activeRun(schedule.id, policies);
      if (active !== null && policies.overlap !== "allow") {
        throw refuse("already running", `follow it with: holdfast schedules logs --schedule ${schedule.id}`);
      }
      const run = queuedRun({
        schedule_id: schedule.id,
        server_id: schedule.server_id,
        trigger: "manual",
        due_at: null,
        attempt: 1,
        queued_at: iso(this.#options.clock.now()),
        created_by: caller.id,
        requested_by: caller.name,
      });
      await insertRuns(db, [run]);
      change.audit({ target: `schedules/${schedule.id}`, after: { run_id: run.id } });
      return run;
    });
    this.runner.enqueue([{ row: run, schedule, late: false }]);
    return { run_id: run.id, schedule_id: schedule.id, status: "running" };
  }

  /** Ends a run, politely. Errors: `conflict` when it has ended, `not_found`, `forbidden`. */
  async cancel(ref: string, caller: Caller): Promise<BackupScheduleLog> {
    const run = await this.runs.find(ref, caller);
    const reason = `cancelled by ${caller.name}`;
    const cancelled = await this.runner.cancel(run.id, new RunAbort("cancelled", reason)) ||
      await this.#cancelFurther(run, reason);
    if (!cancelled) {
      throw new HoldfastError("conflict", `Cannot cancel run "${run.id}": it has ended (${run.outcome})`);
    }
    const ended = await this.runs.get(run.id, caller);
    await this.#options.database.change(caller, (change) => {
      change.audit({
        target: `runs/${run.id}`,
        before: { outcome: run.outcome },
        after: { outcome: ended.outcome },
      });
      return Promise.resolve();
    });
    return ended;
  }

  /** Ends the wait for the attempt after a run; false when none waits. */
  async #cancelFurther(run: NamedRun, reason: string): Promise<boolean> {
    if (run.due_at === null) return false;
    await this.settleAtStart();
    const instant = await openOccurrence(this.#tables(), run.schedule_id, run.due_at);
    if (instant?.state !== "claimed" || instant.run_id !== run.id) return false;
    const at = iso(this.#options.clock.now());
    const { rows } = await this.#options.database.transaction((tx) =>
      giveUp(tx, instant, "skipped", reason, at)
    );
    return rows.length > 0;
  }

  /**
   * The coming instants, of a disabled schedule too; with `changes` those around the next changes of the clocks.
   * Errors: as {@linkcode get}.
   */
  async next(
    ref: string,
    { count, clock_changes = false }: { count: number; clock_changes?: boolean },
    caller: Caller,
  ): Promise<ComingInstant[]> {
    const schedule = await findSchedule(this.#options, ref, caller);
    const path = await pathOf(this.#tables(), schedule);
    const policies = { ...policiesOf(schedule.policies), timezone: schedule.timezone };
    const remark = (instant: number) => {
      const obstacle = ownObstacle({ policies, stoppedAt: () => false }, instant);
      return obstacle === null
        ? path[0] === undefined ? null : `when "${path[0].name}" has succeeded`
        : `skipped: ${obstacle}`;
    };
    const rule = scheduleRule(path.at(-1) ?? schedule);
    const preview = { rule, after: this.#options.clock.now(), count, remark };
    return clock_changes ? instantsAtChanges(preview) : comingInstants(preview);
  }

  /** The schedule a reference means, also a deleted one by its id; for the catalogue of backups. Errors: as `get`. */
  async find(ref: string, caller: Caller): Promise<BackedUpSchedule> {
    return backedUp(await findPastSchedule(this.#options, ref, caller));
  }

  /** Every schedule that is not deleted, as the catalogue of backups has to know it. */
  async backedUp(): Promise<BackedUpSchedule[]> {
    return (await listSchedules(this.#tables(), null)).map(backedUp);
  }

  /**
   * Proves the ledger of a period. What passed is settled first, where this process may write. Errors: `invalid` for a
   * period that ends before it begins, `forbidden` for a caller that does not see every server.
   */
  async verifyLedger(input: ProofInput, caller: Caller): Promise<LedgerReport> {
    requireServer(caller, null);
    const now = this.#options.clock.now();
    const { readonly } = this.#options.database;
    const dispatching = !readonly && this.lastTickAt !== null;
    if (!readonly) await this.settleAtStart();
    if (dispatching) await this.#dispatcher.tick();
    else if (!readonly) await this.#dispatcher.settlePassed();
    return await prove(this.#options, input, now, dispatching);
  }

  /** How schedules have done in a period. Errors: `not_found`, `forbidden`, `invalid`. */
  statistics(input: StatisticsInput, caller: Caller): Promise<Statistics> {
    return statistics(this.#options, input, caller);
  }

  /** The same of one schedule, deleted or not. Errors: as {@linkcode statistics}. */
  scheduleStatistics(
    schedule: string,
    input: Pick<StatisticsInput, "from" | "to">,
    caller: Caller,
  ): Promise<ScheduleReport> {
    return scheduleStatistics(this.#options, schedule, input, caller);
  }

  /** Schedules of a server that are not deleted. */
  async countOnServer(serverId: number): Promise<number> {
    return (await countSchedules(this.#tables(), [serverId])).total;
  }

  /** Forgets ended runs and their lines from before an instant. */
  prune(horizon: Horizon): Promise<{ runs: number; run_lines: number }> {
    return pruneHistory(this.#options.database, horizon);
  }

  async #record(row: ScheduleRow): Promise<BackupSchedule> {
    const server = await this.#options.servers.glance(row.server_id);
    const last = await lastOutcome(this.#tables(), row.id);
    return scheduleRecord(row, { server, path: await pathOf(this.#tables(), row), last });
  }

  #tables() {
    return this.#options.database.tables<SchedulesTables>();
  }
}
