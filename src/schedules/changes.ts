/** Changing schedules: every change settles what passed before it, and is a dated revision. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import { type Change, isUniqueViolation } from "../store/mod.ts";
import { nextAfter } from "./calendar.ts";
import { changedColumns, engineColumns, ruleColumns, scheduleRecord } from "./definition.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { findSchedule, requireOwnName } from "./find.ts";
import { pathOf, requireNoCircle } from "./following.ts";
import type { BackupSchedule, ScheduleCreate, ScheduleUpdate } from "./model.ts";
import { newId, type ScheduledServer, type SchedulesOptions } from "./options.ts";
import { NO_POLICIES, policiesOf, policiesText } from "./policies.ts";
import { policiesIn } from "./policy_input.ts";
import { lastOutcome } from "./queries/runs.ts";
import {
  followerNames,
  insertSchedule,
  insertScheduleRevision,
  scheduleById,
  updateSchedule,
} from "./queries/schedules.ts";
import type { ScheduleRevisionRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrences } from "./queries/waiting.ts";
import { scheduleRule } from "./rule.ts";
import type { Runner } from "./runner.ts";
import { giveUp } from "./settle.ts";

const NO_ENGINE = { engine: null, engine_options: null, engine_authority: null };

const CLOSING = {
  update: "the schedule was changed",
  enable: "the schedule was enabled anew",
  disable: "the schedule was disabled",
  delete: "the schedule was deleted",
};

export class Changes {
  readonly #options: SchedulesOptions;
  readonly #dispatcher: Dispatcher;
  readonly #runner: Runner;

  constructor(options: SchedulesOptions, dispatcher: Dispatcher, runner: Runner) {
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#runner = runner;
  }

  /** See `Schedules.create`. */
  async create(input: ScheduleCreate, caller: Caller): Promise<BackupSchedule> {
    const server = await this.#options.servers.resolve(input.server_id);
    requireServer(caller, server.id);
    await requireOwnName(this.#options, input.name);
    const unset = { cron_expression: null, timezone: this.#options.settings.timezone };
    const rule = ruleColumns(input, unset, input.run_after !== null);
    const policies = await policiesIn(this.#options, input, NO_POLICIES, rule.timezone, caller);
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
      policies: policiesText(policies),
      run_after: policies.run_after,
      created_at: iso(now),
      updated_at: iso(now),
      created_by: caller.id,
      last_run_at: null,
      next_run_at: null,
      deleted_at: null,
    };
    row.next_run_at = dueAfter(row, now);
    return await this.#change(caller, row.name, server, async (change) => {
      const db = change.tables<SchedulesTables>();
      await requireNoCircle(db, row);
      await insertSchedule(db, row);
      return await this.#revise(change, "create", null, row, server, caller);
    });
  }

  /** See `Schedules.update`. */
  async update(ref: string, input: ScheduleUpdate, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    const server = await this.#options.servers.resolve(input.server_id ?? known.server_id);
    requireServer(caller, server.id);
    if (input.name !== undefined && input.name !== known.name) {
      await requireOwnName(this.#options, input.name);
    }
    const before = policiesOf(known.policies);
    const policies = await policiesIn(this.#options, input, before, input.timezone ?? known.timezone, caller);
    const values = {
      ...changedColumns(input, known, policies),
      ...(input.server_id === undefined ? {} : { server_id: server.id }),
      ...await engineColumns(this.#options, input, known, server, caller),
    };
    const text = policiesText(policies);
    if (text !== known.policies) Object.assign(values, { policies: text, run_after: policies.run_after });
    return await this.#alter(known, server, "update", values, caller);
  }

  /** See `Schedules.enable`. */
  async enable(ref: string, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    return await this.#alter(known, await this.#serverOf(known), "enable", { enabled: 1 }, caller);
  }

  /** See `Schedules.disable`. */
  async disable(ref: string, caller: Caller): Promise<BackupSchedule> {
    const known = await findSchedule(this.#options, ref, caller);
    return await this.#alter(known, await this.#serverOf(known), "disable", { enabled: 0 }, caller);
  }

  /** See `Schedules.delete`. */
  async delete(ref: string, caller: Caller): Promise<null> {
    const known = await findSchedule(this.#options, ref, caller);
    const deleted_at = iso(this.#options.clock.now());
    await this.#alter(known, await this.#serverOf(known), "delete", { enabled: 0, deleted_at }, caller);
    return null;
  }

  async #alter(
    known: ScheduleRow,
    server: ScheduledServer | null,
    kind: keyof typeof CLOSING,
    values: Partial<ScheduleRow>,
    caller: Caller,
  ): Promise<BackupSchedule> {
    // A process that does not dispatch may find years of passed instants: they go in small transactions first.
    await this.#dispatcher.settlePassed();
    const { record, after } = await this.#change(
      caller,
      values.name ?? known.name,
      server,
      async (change) => {
        const db = change.tables<SchedulesTables>();
        const before = await scheduleById(db, known.id);
        if (before === undefined || before.deleted_at !== null) {
          throw new HoldfastError(
            "not_found",
            `Cannot find schedule "${known.name}": it was deleted just now`,
          );
        }
        if (kind === "delete") await requireNoFollowers(change, before);
        const now = this.#options.clock.now();
        const after: ScheduleRow = { ...before, ...values, updated_at: iso(now) };
        await this.#redate(change, before, after, kind, now);
        await updateSchedule(db, known.id, after);
        await requireNoCircle(db, after);
        return { record: await this.#revise(change, kind, before, after, server, caller), after };
      },
    );
    this.#runner.replan(after);
    return record;
  }

  /** Settles what passed under the old rule, and says when the new one is due first. */
  async #redate(
    change: Change,
    before: ScheduleRow,
    after: ScheduleRow,
    kind: keyof typeof CLOSING,
    now: number,
  ): Promise<void> {
    const isNewRule = after.cron_expression !== before.cron_expression ||
      after.timezone !== before.timezone ||
      after.run_after !== before.run_after;
    const [was, is] = [policiesOf(before.policies), policiesOf(after.policies)];
    const isShifted = was.dst !== is.dst || was.jitter_seconds !== is.jitter_seconds;
    if (!isNewRule && !isShifted && after.enabled === before.enabled) return;
    const reason = `${CLOSING[kind]} before it could start`;
    await this.#dispatcher.close(change.tx, before, reason);
    if (isNewRule || after.run_after !== null) after.anchor_at = iso(now);
    after.next_run_at = dueAfter(after, now);
    const isOver = (awaits: string | null) =>
      after.enabled === 0 || (awaits !== null && awaits !== after.run_after);
    for (const instant of await openOccurrences(change.tables<SchedulesTables>(), [after.id])) {
      if (instant.state !== "claimed" || !isOver(instant.awaits)) continue;
      await giveUp(change.tx, instant, "missed", instant.attempt === 1 ? reason : CLOSING[kind], iso(now));
    }
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
        { cause: error },
      );
    }
  }

  /** Writes the dated revision and the audit line of a change; returns the schedule as people see it. */
  async #revise(
    change: Change,
    kind: ScheduleRevisionRow["change"],
    before: ScheduleRow | null,
    after: ScheduleRow,
    server: ScheduledServer | null,
    caller: Caller,
  ): Promise<BackupSchedule> {
    const db = change.tables<SchedulesTables>();
    await insertScheduleRevision(db, {
      schedule_id: after.id,
      at: after.updated_at,
      change: kind,
      enabled: after.enabled,
      cron_expression: after.cron_expression,
      timezone: after.timezone,
      anchor_at: after.anchor_at,
      policies: after.policies,
      changed_by: caller.name,
    });
    const last = await lastOutcome(db, after.id);
    const record = scheduleRecord(after, { server, path: await pathOf(db, after), last });
    change.audit({
      target: `schedules/${after.id}`,
      before: before === null
        ? null
        : scheduleRecord(before, { server, path: await pathOf(db, before), last }),
      after: kind === "delete" ? null : record,
    });
    return record;
  }

  #serverOf(row: ScheduleRow): Promise<ScheduledServer | null> {
    return this.#options.servers.glance(row.server_id);
  }
}

async function requireNoFollowers(change: Change, { id, name }: ScheduleRow): Promise<void> {
  const names = await followerNames(change.tables(), id);
  if (names.length === 0) return;
  throw new HoldfastError(
    "conflict",
    `Cannot delete schedule "${name}": it is followed by ${names.join(", ")}`,
    {
      hint: "delete those first, or give them times of their own",
    },
  );
}

/** A schedule that follows another is due when that is. */
function dueAfter(row: ScheduleRow, now: number): string | null {
  if (row.enabled === 0 || row.run_after !== null) return null;
  const next = nextAfter(scheduleRule(row), now);
  return next === null ? null : iso(next);
}
