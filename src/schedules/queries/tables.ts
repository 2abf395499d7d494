/** The tables of schedules: columns are the records' fields; booleans are 0 and 1, objects JSON text. */
import type { Generated, Kysely } from "kysely";
import type { LineLevel, Outcome, RunOutcome, RunStatus } from "../model.ts";

export interface ScheduleRow {
  id: string;
  server_id: number;
  name: string;
  description: string | null;
  enabled: number;
  cron_expression: string;
  timezone: string;
  /**
   * Instant that `@every` is counted from: creation, or the change that set it. For a schedule that follows another, the
   * instant since when it does: what the other was due at until then is none of its own.
   */
  anchor_at: string;
  max_backups: number;
  only_when_running: number;
  backup_type: "scheduled" | "manual";
  engine: string | null;
  engine_options: string | null;
  /** JSON `Authority` of whoever set the engine. */
  engine_authority: string | null;
  /** JSON, see `policies.ts`. */
  policies: string;
  /** The schedule it follows, as its policies say; a column of its own to be found by. */
  run_after: string | null;
  created_at: string;
  updated_at: string;
  created_by: number;
  last_run_at: string | null;
  /** First due instant that has no row in the ledger; null when disabled or deleted, or when it follows another. */
  next_run_at: string | null;
  deleted_at: string | null;
}

/** A dated version of what decides when a schedule is due; in force after `at`. */
export interface ScheduleRevisionRow {
  id: number;
  schedule_id: string;
  at: string;
  change: "create" | "update" | "enable" | "disable" | "delete";
  enabled: number;
  cron_expression: string;
  timezone: string;
  anchor_at: string;
  policies: string;
  changed_by: string;
}

export interface SchedulerRevisionRow {
  id: number;
  at: string;
  running: number;
  changed_by: string;
}

/** A due instant; unique by schedule and instant. */
export interface OccurrenceRow {
  id: number;
  schedule_id: string;
  server_id: number;
  due_at: string;
  state: "claimed" | "running" | "settled";
  outcome: Outcome | null;
  result: RunOutcome | null;
  reason: string | null;
  run_id: string | null;
  claimed_at: string;
  settled_at: string | null;
  /** Number of the attempt that is under way or comes next, from 1. */
  attempt: number;
  /** 1 when it is caught up. */
  late: number;
  /** When the next attempt may begin; null unless it waits for that. */
  not_before: string | null;
  /** The schedule whose same instant must succeed first; null unless it waits for that. */
  awaits: string | null;
}

export interface RunRow {
  id: string;
  schedule_id: string;
  server_id: number;
  trigger: "schedule" | "manual";
  due_at: string | null;
  attempt: number;
  status: RunStatus;
  outcome: RunOutcome;
  queued_at: string;
  /** Same as `queued_at` until it really starts. */
  started_at: string;
  completed_at: string | null;
  backup_id: string | null;
  backup_size_bytes: number | null;
  source_bytes: number | null;
  warning_count: number;
  error_message: string | null;
  created_by: number;
  requested_by: string;
}

/** Ended runs by schedule, server and status; running ones are few and counted as they are. */
export interface RunCountRow {
  schedule_id: string;
  server_id: number;
  status: RunStatus;
  runs: number;
}

/** Ended runs by the day (UTC) they started on. */
export interface RunDayRow {
  day: string;
  server_id: number;
  runs: number;
}

export interface RunLineRow {
  run_id: string;
  seq: number;
  at: string;
  level: LineLevel;
  text: string;
}

type Numbered<Row> = Omit<Row, "id"> & { id: Generated<number> };

export interface SchedulesTables {
  schedules: ScheduleRow;
  schedule_revisions: Numbered<ScheduleRevisionRow>;
  scheduler_revisions: Numbered<SchedulerRevisionRow>;
  occurrences: Numbered<OccurrenceRow>;
  runs: RunRow;
  run_counts: RunCountRow;
  run_days: RunDayRow;
  run_lines: RunLineRow;
}

export type Db = Kysely<SchedulesTables>;

/** Rows per insert: below the limits of SQLite and PostgreSQL on parameters for every table here. */
export const INSERT_ROWS = 500;

/** Parts of a list small enough for one statement. */
export function* chunks<T>(items: readonly T[], size = INSERT_ROWS): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
