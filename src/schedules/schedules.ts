/** The service of schedules: the verbs on them; runs, scheduler and ledger are parts of it. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import { type Change, isUniqueViolation } from "../store/mod.ts";
import { nextAfter } from "./calendar.ts";
import { changedColumns, engineColumns, ruleColumns, scheduleRecord } from "./definition.ts";
import { Dispatcher, type TickReport } from "./dispatcher.ts";
import { EventHub } from "./events.ts";
import { findPastSchedule, findSchedule } from "./find.ts";
import { type Horizon, pruneHistory } from "./history.ts";
import { Ledger } from "./ledger.ts";
import type { BackupSchedule, BackupScheduleLog, ScheduleCreate, ScheduleUpdate } from "./model.ts";
import { newId, type ScheduledServer, type SchedulesOptions } from "./options.ts";
import { RunAbort } from "./perform.ts";
import { type ComingInstant, comingInstants } from "./preview.ts";
import { openOccurrences } from "./queries/ledger.ts";
import { insertRuns, openRuns } from "./queries/runs.ts";
import {
  countSchedules,
  insertSchedule,
  insertScheduleRevision,
  listSchedules,
  scheduleById,
  updateSchedule,
} from "./queries/schedules.ts";
import type { ScheduleRevisionRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { queuedRun } from "./queued_run.ts";
import { settleLeftovers } from "./recovery.ts";
import { scheduleRule } from "./rule.ts";
import { Runner } from "./runner.ts";
import { RunReader } from "./run_reader.ts";
import { Scheduler } from "./scheduler.ts";

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
  readonly #options: SchedulesOptions;
  readonly #dispatcher: Dispatcher;
  #ready: Promise<void> | undefined;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.runner = new Runner(options, this.events);
    this.#dispatcher = new Dispatcher(options, this.runner);
    this.runs = new RunReader(options, this.runner, this.events);
    this.scheduler = new Scheduler(options, this.#dispatcher, this.runner);
    this.ledger = new Ledger(options);
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
    await this.#dispatcher.settled();
    await this.runner.idle();
  }

  /** Waits for runs as long as settings allow, then ends them as interrupted; at once when `now` aborts. */
  async shutdown(now?: AbortSignal): Promise<void> {
    await this.runner.shutdown(this.#options.settings.shutdown_grace_seconds * 1000, now);
    await this.#dispatcher.settled();
    await this.runner.idle();
  }

  /** Schedules of the caller's servers, by name. Errors: `not_found`, `forbidden` for a server asked for. */
  async list(input: { server_id?: number | string | undefined }, caller: Caller): Promise<BackupSchedule[]> {
    const asked = input.server_id === undefined ? null : await this.#options.servers.resolve(input.server_id);
    if (asked !== null) requireServer(caller, asked.id);
    const rows = await listSchedules(this.#tables(), asked === null ? caller.servers : [asked.id]);
    const servers = new Map<number, ScheduledServer | null>();
    for (const id of new Set(rows.map((row) => row.server_id))) {
      servers.set(id, await this.#options.servers.glance(id));
    }
    return rows.map((row) => scheduleRecord(row, servers.get(row.server_id) ?? null));
  }

  /** One schedule, by id, name or `server/name`. Errors: `not_found`, `conflict` when ambiguous, `forbidden`. */
  async get(ref: string, caller: Caller): Promise<BackupSchedule> {
    return await this.#record(await findSchedule(this.#options, ref, caller));
  }

  /** Creates a schedule. Errors: `invalid`, `not_found` for the server, `conflict` for the name, `forbidden`. */
  async create(input: ScheduleCreate, caller: Caller): Promise<BackupSchedule> {
    await this.settleAtStart();
    const server = await this.#options.servers.resolve(input.server_id);
    requireServer(caller, server.id);
    const rule = ruleColumns(input, { cron_expression: null, timezone: this.#options.settings.timezone });
    const engine = await engineColumns(this.#options, input, null, server, caller);
    const now = this.#options.clock.now();
    const row: ScheduleRow = {
      id: newId(),
      server_id: server.id,
      name: input.name,
      description: input.description,
      enabled: input.enabled ? 1 : 0,
      ...rule,
      anchor_at: iso(now),
      max_backups: input.max_backups,
      only_when_running: input.only_when_running ? 1 : 0,
      backup_type: input.backup_type,
      ...(engine ?? NO_ENGINE),
      policies: "{}",
      created_at: iso(now),
      updated_at: iso(now),
      created_by: caller.id,
      last_run_at: null,
      next_run_at: null,
      deleted_at: null,
    };
    row.next_run_at = dueAfter(row, now);
    await this.#change(caller, row.name, server, async (change) => {
      await insertSchedule(change.tables(), row);
      await this.#revise(change, "create", row, caller);
      change.audit({ target: `schedules/${row.id}`, before: null, after: scheduleRecord(row, server) });
    });
    return scheduleRecord(row, server);
  }

  /** Changes the fields that are given. Errors: as {@linkcode create} and {@linkcode get}. */
  async update(ref: string, input: ScheduleUpdate, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    const server = await this.#options.servers.resolve(input.server_id ?? known.server_id);
    requireServer(caller, server.id);
    const engine = await engineColumns(this.#options, input, known, server, caller);
    const moved = input.server_id === undefined ? {} : { server_id: server.id };
    const values = { ...changedColumns(input, known), ...moved, ...engine };
    return await this.#alter(known, server, "update", values, caller);
  }

  /** Lets a schedule run from its next due instant on. Errors: as {@linkcode get}. */
  async enable(ref: string, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    return await this.#alter(known, await this.#serverOf(known), "enable", { enabled: 1 }, caller);
  }

  /** Keeps a schedule from running; a run under way goes on. Errors: as {@linkcode get}. */
  async disable(ref: string, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    return await this.#alter(known, await this.#serverOf(known), "disable", { enabled: 0 }, caller);
  }

  /** Removes a schedule and frees its name; its ledger, logs and backups stay. Errors: as {@linkcode get}. */
  async delete(ref: string, caller: Caller): Promise<null> {
    const known = await findSchedule(this.#options, ref, caller);
    const deleted_at = iso(this.#options.clock.now());
    await this.#alter(known, await this.#serverOf(known), "delete", { enabled: 0, deleted_at }, caller);
    return null;
  }

  async #alter(
    known: ScheduleRow,
    server: ScheduledServer | null,
    kind: Exclude<ScheduleRevisionRow["change"], "create">,
    values: Partial<ScheduleRow>,
    caller: Caller,
  ): Promise<BackupSchedule> {
    await this.settleAtStart();
    // A process that does not dispatch may find years of passed instants: they go in small transactions first.
    await this.#dispatcher.settlePassed();
    return await this.#change(caller, values.name ?? known.name, server, async (change) => {
      const db = change.tables<SchedulesTables>();
      const before = await scheduleById(db, known.id);
      if (before === undefined || before.deleted_at !== null) {
        throw new HoldfastError("not_found", `Cannot find schedule "${known.name}": it was deleted just now`);
      }
      const now = this.#options.clock.now();
      const after: ScheduleRow = { ...before, ...values, updated_at: iso(now) };
      const newRule = after.cron_expression !== before.cron_expression || after.timezone !== before.timezone;
      if (newRule) after.anchor_at = iso(now);
      if (newRule || after.enabled !== before.enabled) {
        await this.#dispatcher.close(change.tx, before, `${CLOSING[kind]} before it could start`);
        after.next_run_at = dueAfter(after, now);
      }
      await updateSchedule(db, known.id, after);
      await this.#revise(change, kind, after, caller);
      change.audit({
        target: `schedules/${known.id}`,
        before: scheduleRecord(before, server),
        after: kind === "delete" ? null : scheduleRecord(after, server),
      });
      return scheduleRecord(after, server);
    });
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
      const waiting = await openOccurrences(db, [schedule.id]);
      if (waiting.length + (await openRuns(db, [schedule.id])).length > 0) {
        throw refuse("already running", `follow it with: holdfast schedules logs --schedule ${schedule.id}`);
      }
      const run = queuedRun({
        schedule_id: schedule.id,
        server_id: schedule.server_id,
        trigger: "manual",
        due_at: null,
        queued_at: iso(this.#options.clock.now()),
        created_by: caller.id,
        requested_by: caller.name,
      });
      await insertRuns(db, [run]);
      change.audit({ target: `schedules/${schedule.id}`, after: { run_id: run.id } });
      return run;
    });
    this.runner.enqueue([run]);
    return { run_id: run.id, schedule_id: schedule.id, status: "running" };
  }

  /** Ends a run, politely. Errors: `conflict` when it has ended, `not_found`, `forbidden`. */
  async cancel(runId: string, caller: Caller): Promise<BackupScheduleLog> {
    const run = await this.runs.find(runId, caller);
    const cancelled = await this.runner.cancel(
      runId,
      new RunAbort("cancelled", `cancelled by ${caller.name}`),
    );
    if (!cancelled) {
      throw new HoldfastError("conflict", `Cannot cancel run "${runId}": it has ended (${run.outcome})`);
    }
    const ended = await this.runs.get(runId, caller);
    await this.#options.database.change(caller, (change) => {
      change.audit({
        target: `runs/${runId}`,
        before: { outcome: run.outcome },
        after: { outcome: ended.outcome },
      });
      return Promise.resolve();
    });
    return ended;
  }

  /** The coming instants, of a disabled schedule too. Errors: as {@linkcode get}. */
  async next(ref: string, count: number, caller: Caller): Promise<ComingInstant[]> {
    const schedule = await findSchedule(this.#options, ref, caller);
    return comingInstants({ rule: scheduleRule(schedule), after: this.#options.clock.now(), count });
  }

  /** The schedule a reference means, also a deleted one by its id; for other parts of the program. Errors: as `get`. */
  async find(ref: string, caller: Caller): Promise<{ id: string; server_id: number; max_backups: number }> {
    return await findPastSchedule(this.#options, ref, caller);
  }

  /** Schedules of a server that are not deleted. */
  async countOnServer(serverId: number): Promise<number> {
    return (await countSchedules(this.#tables(), [serverId])).total;
  }

  /** Forgets ended runs and their lines from before an instant. */
  prune(horizon: Horizon): Promise<{ runs: number; run_lines: number }> {
    return pruneHistory(this.#options.database, horizon);
  }

  async #change<T>(
    caller: Caller,
    name: string,
    server: ScheduledServer | null,
    work: (change: Change) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#options.database.change(caller, work);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const where = server === null ? "" : ` on server "${server.name}"`;
      throw new HoldfastError(
        "conflict",
        `Cannot use schedule name "${name}": there is one of that name${where}`,
        {
          cause: error,
        },
      );
    }
  }

  async #revise(
    change: Change,
    kind: ScheduleRevisionRow["change"],
    row: ScheduleRow,
    caller: Caller,
  ): Promise<void> {
    await insertScheduleRevision(change.tables<SchedulesTables>(), {
      schedule_id: row.id,
      at: row.updated_at,
      change: kind,
      enabled: row.enabled,
      cron_expression: row.cron_expression,
      timezone: row.timezone,
      anchor_at: row.anchor_at,
      policies: row.policies,
      changed_by: caller.name,
    });
  }

  async #record(row: ScheduleRow): Promise<BackupSchedule> {
    return scheduleRecord(row, await this.#serverOf(row));
  }

  #serverOf(row: ScheduleRow): Promise<ScheduledServer | null> {
    return this.#options.servers.glance(row.server_id);
  }

  #tables() {
    return this.#options.database.tables<SchedulesTables>();
  }
}

const NO_ENGINE = { engine: null, engine_options: null, engine_authority: null };

const CLOSING = {
  update: "the schedule was changed",
  enable: "the schedule was enabled anew",
  disable: "the schedule was disabled",
  delete: "the schedule was deleted",
};

function dueAfter(row: ScheduleRow, now: number): string | null {
  if (row.enabled === 0) return null;
  const next = nextAfter(scheduleRule(row), now);
  return next === null ? null : iso(next);
}
