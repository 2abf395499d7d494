/** What a schedule will be: input judged and merged into the columns that are stored. */
import { isDeepStrictEqual } from "node:util";
import type { Authority } from "../lib/authority.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { checkExpression } from "./calendar.ts";
import { expressionOf, hoursOf } from "./intervals.ts";
import type { BackupSchedule, RunOutcome, ScheduleCreate, ScheduleUpdate } from "./model.ts";
import type { ScheduledServer, SchedulesOptions } from "./options.ts";
import { engineOf } from "./perform.ts";
import { type Policies, policiesOf } from "./policies.ts";
import type { ScheduleRow } from "./queries/tables.ts";
import { isZone, nearestZone } from "./zones.ts";

/** The columns people decide about when a schedule is due. */
export type RuleColumns = Pick<ScheduleRow, "cron_expression" | "timezone">;

/** What stands for the expression of a schedule that follows another: it has no times of its own. */
export const AFTER = "@after";

/** The rule in the input, or the known one where the input says nothing; `follows` as the schedule will be. Errors: `invalid`. */
export function ruleColumns(
  input: Pick<ScheduleUpdate, "cron_expression" | "interval_hours" | "timezone">,
  known: RuleColumns | { cron_expression: null; timezone: string },
  follows: boolean,
): RuleColumns {
  return {
    cron_expression: follows ? noExpression(input) : expressionIn(input, known.cron_expression),
    timezone: zoneIn(input.timezone ?? known.timezone),
  };
}

function noExpression({ cron_expression: cron, interval_hours: hours }: ScheduleUpdate): string {
  if ((cron === undefined || cron === AFTER) && hours === undefined) return AFTER;
  const path = hours === undefined ? "cron_expression" : "interval_hours";
  throw new HoldfastError("invalid", `Cannot schedule: ${path} and run_after exclude each other`, {
    errors: [{ path, message: "a schedule that follows another is due with it" }],
    hint: "leave one of the two out; --run-after none (null in JSON) ends following",
  });
}

function expressionIn(input: ScheduleUpdate, given: string | null): string {
  const known = given === AFTER ? null : given;
  if (input.cron_expression !== undefined) return checkExpression(input.cron_expression);
  if (input.interval_hours !== undefined) return expressionOf(input.interval_hours);
  if (known !== null) return known;
  throw new HoldfastError("invalid", "Cannot schedule: neither cron_expression nor interval_hours is given", {
    errors: [{ path: "cron_expression", message: "is needed, or interval_hours" }],
    hint: 'say when, for example with --cron "0 2 * * *"',
  });
}

function zoneIn(name: string): string {
  if (isZone(name)) return name;
  const near = nearestZone(name);
  throw new HoldfastError("invalid", `Cannot use time zone "${name}": there is no such zone`, {
    errors: [{ path: "timezone", message: "must be an IANA name such as Europe/Paris" }],
    ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
  });
}

/** The columns that the input changes, engine and server apart. Only those are written, so that two people who change different fields both have their way. */
export function changedColumns(
  input: ScheduleUpdate,
  known: RuleColumns,
  policies: Policies,
): Partial<ScheduleRow> {
  const values: Partial<ScheduleRow> = {};
  if (input.name !== undefined) values.name = input.name;
  if (input.description !== undefined) values.description = input.description;
  if (input.enabled !== undefined) values.enabled = input.enabled ? 1 : 0;
  if (input.max_backups !== undefined) values.max_backups = input.max_backups;
  if (input.only_when_running !== undefined) values.only_when_running = input.only_when_running ? 1 : 0;
  if (input.backup_type !== undefined) values.backup_type = input.backup_type;
  const { cron_expression: cron, interval_hours: hours, timezone, run_after } = input;
  if ([cron, hours, timezone, run_after].every((value) => value === undefined)) return values;
  return { ...values, ...ruleColumns(input, known, policies.run_after !== null) };
}

/** The columns of what is backed up. */
export type EngineColumns = Pick<ScheduleRow, "engine" | "engine_options" | "engine_authority">;

/**
 * The engine in the input, judged for the caller, or the known one where nothing changes: that was judged when it
 * was set and is judged again at each run. Null when nothing changes. Errors: `invalid`, `forbidden`.
 */
export async function engineColumns(
  options: SchedulesOptions,
  input: Pick<ScheduleCreate, "engine" | "engine_options"> | ScheduleUpdate,
  known: EngineColumns | null,
  server: ScheduledServer,
  caller: Caller,
): Promise<EngineColumns | null> {
  const knownOptions = known?.engine_options == null ? null : JSON.parse(known.engine_options);
  const engine = input.engine === undefined ? known?.engine ?? null : input.engine;
  // Options of another engine mean nothing to a new one.
  const kept = engine === (known?.engine ?? null) ? knownOptions : null;
  const base = kept ??
    (engine === null || engine === server.default_engine ? server.default_engine_options : null);
  const given = input.engine_options == null || known === null
    ? input.engine_options === undefined ? kept : input.engine_options
    : merged(base, input.engine_options);
  if (engine === (known?.engine ?? null) && isDeepStrictEqual(given, knownOptions)) return null;
  const used = engine ?? (given === null ? null : server.default_engine);
  if (used === null) {
    if (given === null) return { engine: null, engine_options: null, engine_authority: null };
    throw new HoldfastError("invalid", "Cannot set engine_options: engine is not set", {
      errors: [{ path: "engine", message: "is needed by engine_options" }],
      hint: "name it, for example with --engine archive",
    });
  }
  const inherits = given === null && used === server.default_engine;
  if (inherits) return { engine: used, engine_options: null, engine_authority: null };
  const authority: Authority = { role: caller.role, on_host: caller.on_host };
  const judged = await options.backups.validateEngine(used, given ?? {}, caller);
  return {
    engine: used,
    engine_options: JSON.stringify(judged),
    engine_authority: JSON.stringify(authority),
  };
}

/** Options that are changed one by one: those given win, null takes one away, all others stay as they are. */
function merged(known: object | null, given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...known, ...given }).filter(([, value]) => value !== null));
}

/** What of a schedule as people see it is not in its own row. */
export interface ScheduleAround {
  /** Null when it is gone. */
  server: ScheduledServer | null;
  /** What it follows, see `pathOf()`. */
  path: readonly ScheduleRow[];
  /** How its newest run that has ended did. */
  last: RunOutcome | undefined;
}

/** A stored schedule as people see it. */
export function scheduleRecord(
  row: ScheduleRow,
  { server, path, last }: ScheduleAround,
): BackupSchedule {
  const engine = engineOf(row, server);
  // With whose rights hooks run is nobody's business but theirs who run them.
  const { hook_authority: _, ...policies } = policiesOf(row.policies);
  const disabled = row.enabled === 1 ? path.find((other) => other.enabled === 0) : undefined;
  return {
    id: row.id,
    server_id: row.server_id,
    server_name: server?.name ?? null,
    name: row.name,
    description: row.description,
    enabled: row.enabled === 1,
    cron_expression: row.cron_expression,
    interval_hours: hoursOf(row.cron_expression),
    timezone: row.timezone,
    max_backups: row.max_backups,
    only_when_running: row.only_when_running === 1,
    backup_type: row.backup_type,
    engine: row.engine,
    engine_options: row.engine_options === null ? null : JSON.parse(row.engine_options),
    ...policies,
    run_after_name: path[0]?.name ?? null,
    problem: typeof engine === "string"
      ? engine
      : disabled === undefined
      ? null
      : `"${disabled.name}", which it follows, is disabled`,
    created_at: row.created_at,
    updated_at: row.updated_at,
    created_by: row.created_by,
    last_run_at: row.last_run_at,
    last_outcome: last ?? null,
    next_run_at: row.enabled === 0 || disabled !== undefined ? null : (path.at(-1) ?? row).next_run_at,
  };
}
