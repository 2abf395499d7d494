/** Schedules, runs and ledger entries as records: the published shapes and what may be set. */
import { z } from "zod";
import { MAX_INTERVAL_HOURS } from "./calendar.ts";
import { newPolicyFields, policyFields } from "./policies.ts";

/** Options of an engine as people give them; the engine's own schema judges them. */
const EngineOptions = z.looseObject({
  sources: z.array(z.string()).optional().describe("Directories and files to back up"),
  destination: z.string().optional().describe("Directory the artifacts are written to"),
  excludes: z.array(z.string()).optional().describe("Glob patterns left out"),
});

/** Words of a schedule's artifacts. */
const BackupType = z.enum(["scheduled", "manual"]);

/** Exact words for what became of a run, or is becoming of it. */
export const RunOutcome = z.enum([
  "queued",
  "running",
  "success",
  "failed",
  "interrupted",
  "timed_out",
  "refused",
  "cancelled",
]);
export type RunOutcome = z.infer<typeof RunOutcome>;
/** A schedule, as the API and the command line show it. */
export const BackupSchedule = z.object({
  id: z.string(),
  server_id: z.int(),
  server_name: z.string().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  enabled: z.boolean(),
  cron_expression: z.string().describe(
    'Five fields, a nickname such as "@daily", "@every 5h", or "@after" for run_after',
  ),
  interval_hours: z.int().nullable().describe("The same as an interval, where the published table knows one"),
  timezone: z.string(),
  max_backups: z.int(),
  only_when_running: z.boolean(),
  backup_type: BackupType,
  engine: z.string().nullable(),
  engine_options: z.record(z.string(), z.unknown()).nullable(),
  ...policyFields,
  run_after: z.string().nullable().describe("Id of the schedule it follows"),
  run_after_name: z.string().nullable().describe("Name of the schedule it follows"),
  problem: z.string().nullable().describe("Why it cannot run as it stands; null when it can"),
  created_at: z.string(),
  updated_at: z.string(),
  created_by: z.int().describe("User id; 0 when made on the host"),
  last_run_at: z.string().nullable(),
  last_outcome: RunOutcome.nullable().describe(
    "How the newest run that has ended did; null before the first",
  ),
  next_run_at: z.string().nullable().describe(
    "First due instant not yet accounted for, of the schedule it follows if it does; null when disabled",
  ),
}).meta({ id: "BackupSchedule" });
export type BackupSchedule = z.infer<typeof BackupSchedule>;

const Server = z.union([z.int(), z.string().min(1)]).describe("Id or name of the server");
const Name = z.string().trim().min(1, "must not be empty").max(100)
  .regex(/^\P{Cc}*$/u, "must not contain control characters");

const fields = {
  server_id: Server,
  name: Name.describe("Name, unique on its server"),
  description: z.string().max(500).nullable().describe("What it is for"),
  enabled: z.boolean().describe("Run when due"),
  cron_expression: z.string().max(200).describe(
    'When: minute hour day month weekday (L, #, W too), "@daily" and the like; wins over interval_hours',
  ),
  interval_hours: z.int().min(1).max(MAX_INTERVAL_HOURS).describe(
    "Every so many hours; outside the published table they are counted from creation",
  ),
  timezone: z.string().min(1).max(100).describe("IANA name of the zone the expression is read in"),
  max_backups: z.int().min(1).max(100).describe(
    "Copies kept while no keep rule is set; the last verified good one always is",
  ),
  only_when_running: z.boolean().describe("Skip when the server is not running"),
  backup_type: BackupType.describe("What its backups are called in the catalogue"),
  engine: z.string().min(1).nullable().describe("How to back up; the server's default when absent"),
  engine_options: EngineOptions.nullable().describe("What the engine backs up, and where to"),
  ...policyFields,
};

export const ScheduleCreate = z.strictObject({
  server_id: fields.server_id,
  name: fields.name,
  description: fields.description.default(null),
  enabled: fields.enabled.default(true),
  cron_expression: fields.cron_expression.optional(),
  interval_hours: fields.interval_hours.optional(),
  timezone: fields.timezone.optional(),
  max_backups: fields.max_backups.default(7),
  only_when_running: fields.only_when_running.default(true),
  backup_type: fields.backup_type.default("scheduled"),
  engine: fields.engine.default(null),
  engine_options: fields.engine_options.default(null),
  ...newPolicyFields,
}).meta({ id: "BackupScheduleCreateRequest" });
export type ScheduleCreate = z.output<typeof ScheduleCreate>;

/** Any of the fields people set; what is absent stays as it is. */
export const ScheduleUpdate = z.strictObject(fields).partial();
export type ScheduleUpdate = z.output<typeof ScheduleUpdate>;

/** How a run can end. */
export type RunResult = Exclude<RunOutcome, "queued" | "running">;

/** The four published words. */
export const RunStatus = z.enum(["success", "failed", "running", "cancelled"]);
export type RunStatus = z.infer<typeof RunStatus>;

/** The published word for an exact one. */
export function statusOf(outcome: RunOutcome): RunStatus {
  if (outcome === "success" || outcome === "cancelled") return outcome;
  return outcome === "queued" || outcome === "running" ? "running" : "failed";
}

/** One run, as the API and the command line show it. */
export const BackupScheduleLog = z.object({
  id: z.string(),
  schedule_id: z.string(),
  schedule_name: z.string(),
  server_id: z.int(),
  backup_id: z.string().nullable(),
  status: RunStatus,
  outcome: RunOutcome,
  trigger: z.string().describe("What started it: schedule or manual"),
  due_at: z.string().nullable().describe("The due instant it is for; null when triggered by hand"),
  attempt: z.int(),
  started_at: z.string(),
  completed_at: z.string().nullable(),
  duration_seconds: z.number().nullable(),
  backup_size_bytes: z.int().nullable(),
  warning_count: z.int(),
  error_message: z.string().nullable(),
  logs: z.array(z.string()).optional().describe("Its lines; only when one log is asked for"),
}).meta({ id: "BackupScheduleLog" });
export type BackupScheduleLog = z.infer<typeof BackupScheduleLog>;

export const LogPage = z.object({
  logs: z.array(BackupScheduleLog),
  total: z.int(),
  page: z.int().describe("From 1"),
  size: z.int(),
}).meta({ id: "BackupScheduleLogPage" });
export type LogPage = z.infer<typeof LogPage>;

/** What became of a due instant. */
export const Outcome = z.enum(["ran", "skipped", "missed", "caught_up", "superseded", "refused"]);
export type Outcome = z.infer<typeof Outcome>;

/** One due instant of the ledger. */
export const LedgerEntry = z.object({
  schedule_id: z.string(),
  schedule_name: z.string(),
  server_id: z.int(),
  due_at: z.string(),
  state: z.enum(["claimed", "running", "settled"]),
  outcome: Outcome.nullable().describe("Null until it is settled"),
  result: RunOutcome.nullable().describe("How its run ended"),
  reason: z.string().nullable(),
  run_id: z.string().nullable(),
  claimed_at: z.string(),
  settled_at: z.string().nullable(),
  attempt: z.int().describe("Number of the attempt that is under way, comes next, or was the last"),
  late: z.boolean().describe("True when it is caught up"),
  not_before: z.string().nullable().describe("When the next attempt begins; null unless one waits"),
  awaits: z.string().nullable().describe(
    "Schedule whose same instant must succeed first; null unless it waits",
  ),
}).meta({ id: "LedgerEntry" });
export type LedgerEntry = z.infer<typeof LedgerEntry>;

/** A run under way, under the names both published versions use. */
export const SchedulerJob = z.object({
  id: z.string().describe("Id of the run"),
  schedule_id: z.string(),
  schedule_name: z.string(),
  server_id: z.int(),
  status: z.enum(["pending", "running", "completed", "failed"]),
  started_at: z.string(),
  waiting_for: z.string().nullable().describe("What a pending run waits for"),
  phase: z.string().nullable(),
  progress_percentage: z.number().nullable(),
  estimated_completion_at: z.string().nullable(),
  estimated_completion: z.string().nullable().describe("Same as estimated_completion_at"),
}).meta({ id: "SchedulerJob" });
export type SchedulerJob = z.infer<typeof SchedulerJob>;

export const SchedulerStatus = z.object({
  running: z.boolean().describe("True while due instants are started"),
  total_schedules: z.int(),
  active_schedules: z.int(),
  queued_jobs: z.int(),
  last_check_at: z.string().nullable(),
  next_check_at: z.string().nullable(),
  current_jobs: z.array(SchedulerJob),
}).meta({ id: "SchedulerStatus" });
export type SchedulerStatus = z.infer<typeof SchedulerStatus>;

/** Levels of a run's lines. */
export const LineLevel = z.enum(["info", "warning", "error"]);
export type LineLevel = z.infer<typeof LineLevel>;

const StateEvent = z.object({
  type: z.literal("state"),
  run_id: z.string(),
  state: z.enum(["queued", "running"]),
  at: z.string(),
});

const LineEvent = z.object({
  type: z.literal("line"),
  run_id: z.string(),
  seq: z.int(),
  at: z.string(),
  level: LineLevel,
  text: z.string(),
});

const ProgressEvent = z.object({
  type: z.literal("progress"),
  run_id: z.string(),
  phase: z.string(),
  done_bytes: z.int(),
  total_bytes: z.int().nullable(),
  done_items: z.int(),
  total_items: z.int().nullable(),
  progress_percentage: z.number().nullable(),
  estimated_completion_at: z.string().nullable(),
});

const ResultEvent = z.object({ type: z.literal("result"), log: BackupScheduleLog });

/** What following a run yields; the last event is the result. */
export const RunEvent = z.discriminatedUnion("type", [StateEvent, LineEvent, ProgressEvent, ResultEvent])
  .meta({ id: "RunEvent" });
export type RunEvent = z.infer<typeof RunEvent>;

/** Where an event belongs, and its place in the stream. */
const fed = { id: z.string(), schedule_id: z.string(), server_id: z.int() };

/** What the live view yields; `id` goes into `Last-Event-ID` when a client comes back. */
export const FeedEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), id: z.string() }),
  z.object({ type: z.literal("reset"), id: z.string() }),
  StateEvent.extend(fed),
  LineEvent.extend(fed),
  ProgressEvent.extend(fed),
  ResultEvent.extend(fed),
]).meta({ id: "FeedEvent" });
export type FeedEvent = z.infer<typeof FeedEvent>;
