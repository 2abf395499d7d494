/** Expected jobs and their entries as records: the published fields, the fuller model beside them, and what may be set. */
import { z } from "zod";
import { Day } from "../lib/moment.ts";
import { ENTRY_STATUSES } from "./report.ts";

/** How a backup shows itself. */
export const WAYS = ["report", "file", "ping", "schedule", "veeam"] as const;
export type Way = typeof WAYS[number];

export const FREQUENCIES = ["daily", "weekly", "monthly", "hourly", "once"] as const;
export type Frequency = typeof FREQUENCIES[number];

/** What a job can be; an entry is never `unknown`. */
export const JOB_STATUSES = ["unknown", ...ENTRY_STATUSES] as const;
export type JobStatus = typeof JOB_STATUSES[number];

/** Statuses of a job that has a good backup of its last due instant. */
export const GOOD_STATUSES: readonly string[] = ["ok", "unchanged"];

/** Words in any case become those that are written; earlier servers said "success". */
function anyCase(text: unknown): unknown {
  if (typeof text !== "string") return text;
  const word = text.trim().toLowerCase();
  return word === "success" ? "ok" : word;
}

/** A status in any case. */
export const StatusInput = z.preprocess(anyCase, z.enum(JOB_STATUSES));

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** 0 or 7 is Sunday; names in English, short or whole. */
function dayNumber(day: unknown): unknown {
  if (typeof day === "number") return day === 7 ? 0 : day;
  if (typeof day !== "string") return day;
  if (/^[0-7]$/.test(day.trim())) return Number(day) % 7;
  const at = DAYS.indexOf(day.trim().toLowerCase().slice(0, 3));
  return at < 0 ? day : at;
}

const Days = z.preprocess(
  (days) => typeof days === "string" ? days.split(/[\s,]+/).filter((day) => day !== "") : days,
  z.array(z.preprocess(dayNumber, z.int("must be days such as mon, or 0 to 6 from Sunday on").min(0).max(6)))
    .max(7).transform((days) => [...new Set(days)].sort((a, b) => a - b)),
);

const Word = z.string().trim().max(200).regex(/^\P{Cc}*$/u, "must not contain control characters");
const Named = Word.min(1, "must not be empty");
const Template = z.string().trim().min(1).max(1024);
const Seconds = z.int().min(0).max(31_536_000);

const fields = {
  way: z.enum(WAYS).describe(
    "How it shows itself: an agent's report, a plain file, pings, a schedule's runs, a Veeam job's sessions",
  ),
  database_name: Named.describe("What is backed up, as reports call it"),
  agent_id_responsible: Word.describe("Agent that makes it: COMPANY_CITY_NEIGHBORHOOD"),
  company_name: Word.describe("Whose it is"),
  city: Word.describe("Where it is"),
  neighborhood: Word.describe("Where in the city"),
  year: z.int().min(1970).max(9999).nullable().describe("Year it belongs to, where the name has one"),
  expected_hour_utc: z.int().min(0).max(23).describe("Hour it is due at, in UTC"),
  expected_minute_utc: z.int().min(0).max(59).describe("Minute it is due at"),
  backup_frequency: z.preprocess(anyCase, z.enum(FREQUENCIES)).describe("How often it is due"),
  days_of_week: Days.describe("Only on these days, such as mon,tue"),
  day_of_month: z.int().min(1).max(28).nullable().describe(
    "Day a monthly one is due on; the first when absent",
  ),
  expected_date: Day.nullable().describe("Day a single one is due on; the next one when absent"),
  cron_expression: z.string().trim().min(1).max(200).nullable().describe(
    "When it is due, instead of frequency, hour and minute",
  ),
  timezone: z.string().min(1).max(100).nullable().describe("Zone (IANA name) of the cron expression"),
  grace_seconds: Seconds.nullable().describe("How long after the due instant it may come"),
  final_storage_path_template: Template.nullable().describe(
    "Where a good file is kept, below monitor.final_root: {company_name}/{city}/{year}/{database_name}",
  ),
  agent_deposit_path_template: Template.nullable().describe(
    "Where a plain file is looked for, below monitor.deposit_root; may have wildcards",
  ),
  agent_log_deposit_path_template: Template.nullable().describe("Kept for agents that ask where reports go"),
  notification_recipients: z.array(z.email()).max(50).describe(
    "Mail addresses told besides those of channels",
  ),
  is_active: z.boolean().describe("Expect it"),
  min_size_bytes: z.int().min(0).describe("A smaller file counts as failed"),
  tell_unchanged: z.boolean().describe("Make a finding of content that is the same as the last time"),
  keep_versions: z.int().min(1).max(10_000).nullable().describe("Good files that are kept at most"),
  keep_days: z.int().min(1).max(36_500).nullable().describe(
    "Days that good files are kept; the newest always is",
  ),
  max_run_seconds: Seconds.min(1).nullable().describe("A run that was started by a ping must end within"),
  schedule: z.string().min(1).describe("Schedule of Holdfast's own that is expected, by id or name"),
  veeam_job: z.string().trim().min(1).max(400).describe(
    "Job of a Veeam server that is expected, by name or id",
  ),
  veeam_server: z.string().min(1).describe("Veeam server of veeam.servers; needed where there are several"),
};

/** Sent back by clients that read a job and create it again; what a job is now is decided here. */
const ignored = { current_status: z.unknown().optional().describe("Is ignored") };

export const JobCreate = z.strictObject({
  way: fields.way.optional(),
  database_name: fields.database_name.optional(),
  agent_id_responsible: fields.agent_id_responsible.optional(),
  company_name: fields.company_name.optional(),
  city: fields.city.optional(),
  neighborhood: fields.neighborhood.optional(),
  year: fields.year.default(null),
  expected_hour_utc: fields.expected_hour_utc.optional(),
  expected_minute_utc: fields.expected_minute_utc.optional(),
  backup_frequency: fields.backup_frequency.optional(),
  expected_frequency: fields.backup_frequency.optional().describe("The same as backup_frequency"),
  days_of_week: fields.days_of_week.default([]),
  day_of_month: fields.day_of_month.default(null),
  expected_date: fields.expected_date.default(null),
  cron_expression: fields.cron_expression.default(null),
  timezone: fields.timezone.default(null),
  grace_seconds: fields.grace_seconds.default(null),
  final_storage_path_template: fields.final_storage_path_template.default(null),
  agent_deposit_path_template: fields.agent_deposit_path_template.default(null),
  agent_log_deposit_path_template: fields.agent_log_deposit_path_template.default(null),
  notification_recipients: fields.notification_recipients.default([]),
  is_active: fields.is_active.default(true),
  min_size_bytes: fields.min_size_bytes.default(1),
  tell_unchanged: fields.tell_unchanged.default(true),
  keep_versions: fields.keep_versions.default(null),
  keep_days: fields.keep_days.default(null),
  max_run_seconds: fields.max_run_seconds.default(null),
  schedule: fields.schedule.optional(),
  veeam_job: fields.veeam_job.optional(),
  veeam_server: fields.veeam_server.optional(),
  ...ignored,
}).meta({ id: "ExpectedBackupJobCreate" });
export type JobCreate = z.output<typeof JobCreate>;

/** Any of the fields; what is absent stays as it is. What makes it, a schedule or a Veeam job, never changes. */
export const JobUpdate = z.strictObject({
  ...fields,
  expected_frequency: fields.backup_frequency.describe("The same as backup_frequency"),
  ...ignored,
}).omit({ way: true, schedule: true, veeam_job: true, veeam_server: true }).partial();
export type JobUpdate = z.output<typeof JobUpdate>;

/** A job, as it is answered. */
export const ExpectedJob = z.object({
  id: z.int(),
  name: z.string().describe("As people call it: COMPANY/CITY/DATABASE"),
  way: z.enum(WAYS),
  database_name: z.string(),
  agent_id_responsible: z.string(),
  company_name: z.string(),
  city: z.string(),
  neighborhood: z.string(),
  year: z.int().nullable(),
  expected_hour_utc: z.int(),
  expected_minute_utc: z.int(),
  backup_frequency: z.enum(FREQUENCIES),
  expected_frequency: z.enum(FREQUENCIES).describe("The same as backup_frequency"),
  days_of_week: z.array(z.int()),
  day_of_month: z.int().nullable(),
  expected_date: z.string().nullable(),
  cron_expression: z.string().nullable(),
  timezone: z.string().nullable(),
  grace_seconds: z.int().nullable(),
  final_storage_path_template: z.string().nullable(),
  agent_deposit_path_template: z.string().nullable(),
  agent_log_deposit_path_template: z.string().nullable(),
  notification_recipients: z.array(z.string()),
  is_active: z.boolean(),
  min_size_bytes: z.int(),
  tell_unchanged: z.boolean(),
  keep_versions: z.int().nullable(),
  keep_days: z.int().nullable(),
  ping_id: z.string().nullable().describe("Pings go to /api/v1/ping/PING_ID; who knows it may ping"),
  max_run_seconds: z.int().nullable(),
  schedule_id: z.string().nullable(),
  veeam_server: z.string().nullable(),
  veeam_job: z.string().nullable().describe("Name of the Veeam job; its id where several have that name"),
  veeam_job_id: z.string().nullable().describe("Null for a kind that only shows by its sessions"),
  current_status: z.enum(JOB_STATUSES),
  last_checked_at_utc: z.string().nullable(),
  last_checked_timestamp: z.string().nullable().describe("The same as last_checked_at_utc"),
  last_successful_backup_utc: z.string().nullable(),
  last_successful_backup_timestamp: z.string().nullable().describe("The same as last_successful_backup_utc"),
  last_failed_backup_utc: z.string().nullable(),
  last_good_size_bytes: z.int().nullable(),
  previous_successful_hash_global: z.string().nullable(),
  next_due_at: z.string().nullable().describe("First due instant whose deadline is still to come"),
  next_deadline_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "ExpectedBackupJob" });
export type ExpectedJob = z.output<typeof ExpectedJob>;

const phase = {
  status: z.boolean().nullable(),
  start_time: z.string().nullable(),
  timestamp: z.string().nullable(),
};

/** What an agent said and what was found, kept beside the decision. Every field may be absent. */
export const EntryDetail = z.object({
  operation_log_file_name: z.string().nullable(),
  agent_overall_status: z.string().nullable(),
  expected_hash: z.string().nullable(),
  agent_backup_process_status: phase.status,
  agent_backup_process_start_time: phase.start_time,
  agent_backup_process_timestamp: phase.timestamp,
  agent_backup_hash_pre_compress: z.string().nullable(),
  agent_backup_size_pre_compress: z.int().nullable(),
  agent_compress_process_status: phase.status,
  agent_compress_process_start_time: phase.start_time,
  agent_compress_process_timestamp: phase.timestamp,
  agent_compress_hash_post_compress: z.string().nullable(),
  agent_compress_size_post_compress: z.int().nullable(),
  agent_transfer_process_status: phase.status,
  agent_transfer_process_start_time: phase.start_time,
  agent_transfer_process_timestamp: phase.timestamp,
  agent_transfer_error_message: z.string().nullable(),
  agent_staged_file_name: z.string().nullable(),
  agent_logs_summary: z.string().nullable(),
  server_calculated_staged_hash: z.string().nullable(),
  server_calculated_staged_size: z.int().nullable(),
  hash_comparison_result: z.boolean().nullable(),
});
export type EntryDetail = z.output<typeof EntryDetail>;

/** As much of it as there is. */
export const SomeDetail = EntryDetail.partial();
export type SomeDetail = z.output<typeof SomeDetail>;

/** What became of one due instant. */
export const Entry = z.object({
  id: z.int(),
  expected_job_id: z.int(),
  job_name: z.string(),
  due_at: z.string().describe("The instant it was due at"),
  status: z.enum(ENTRY_STATUSES),
  backup_timestamp_utc: z.string().nullable().describe("When the backup ended, as the agent says"),
  backup_hash: z.string().nullable(),
  backup_size_bytes: z.int().nullable(),
  error_message: z.string().nullable(),
  created_at: z.string(),
  timestamp: z.string().describe("When it was decided"),
  message: z.string(),
  way: z.enum(WAYS),
  agent_id: z.string(),
  previous_successful_hash_global: z.string().nullable(),
  ...EntryDetail.shape,
  file_path: z.string().nullable(),
  promoted_path: z.string().nullable().describe("Where the good file is kept"),
}).meta({ id: "BackupEntry" });
export type Entry = z.output<typeof Entry>;
