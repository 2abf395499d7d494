/** The tables of the monitor, row by row. Instants are ISO 8601 texts, booleans 0 and 1; what is JSON says so. */
import type { Generated, Kysely, Selectable } from "kysely";
import type { Severity } from "../../notify/mod.ts";
import type { Frequency, JobStatus, Way } from "../model.ts";
import type { EntryStatus } from "../report.ts";

/** An expected job; `days_of_week` and `notification_recipients` are JSON. */
export interface JobTable {
  id: Generated<number>;
  /** What makes it one of a kind: two jobs never share it. */
  identity: string;
  way: Way;
  database_name: string;
  agent_id_responsible: string;
  company_name: string;
  city: string;
  neighborhood: string;
  year: number | null;
  expected_hour_utc: number;
  expected_minute_utc: number;
  backup_frequency: Frequency;
  days_of_week: string;
  day_of_month: number | null;
  expected_date: string | null;
  cron_expression: string | null;
  timezone: string | null;
  grace_seconds: number | null;
  final_storage_path_template: string | null;
  agent_deposit_path_template: string | null;
  agent_log_deposit_path_template: string | null;
  notification_recipients: string;
  is_active: number;
  min_size_bytes: number;
  tell_unchanged: number;
  keep_versions: number | null;
  keep_days: number | null;
  ping_id: string | null;
  max_run_seconds: number | null;
  schedule_id: string | null;
  veeam_server: string | null;
  veeam_job: string | null;
  veeam_job_id: string | null;
  current_status: JobStatus;
  /** Newest due instant with an entry. */
  last_due_at: string | null;
  last_checked_at_utc: string | null;
  last_successful_backup_utc: string | null;
  last_failed_backup_utc: string | null;
  last_good_entry_id: number | null;
  last_good_size_bytes: number | null;
  previous_successful_hash_global: string | null;
  /** Sizes of instants before are forgotten: somebody said that the change is expected. */
  history_from: string | null;
  /** First due instant whose deadline was not judged, and that deadline; null when nothing is expected. */
  next_due_at: string | null;
  next_deadline_at: string | null;
  created_at: string;
  updated_at: string;
}
export type JobRow = Selectable<JobTable>;

/** What a deadline needs to know of a job: half of its columns. */
export const DUE_COLUMNS = [
  "id",
  "way",
  "database_name",
  "agent_id_responsible",
  "company_name",
  "city",
  "neighborhood",
  "year",
  "expected_hour_utc",
  "expected_minute_utc",
  "backup_frequency",
  "days_of_week",
  "day_of_month",
  "expected_date",
  "cron_expression",
  "timezone",
  "grace_seconds",
  "notification_recipients",
  "last_due_at",
  "last_successful_backup_utc",
  "previous_successful_hash_global",
  "next_due_at",
  "created_at",
] as const;
export type DueJob = Pick<JobRow, typeof DUE_COLUMNS[number]>;

/** What became of a due instant; unique by job and instant. `detail` is JSON. */
export interface EntryTable {
  id: Generated<number>;
  expected_job_id: number;
  due_at: string;
  status: EntryStatus;
  message: string;
  way: Way;
  agent_id: string;
  company_name: string;
  city: string;
  database_name: string;
  /** When it was decided, the last time. */
  at: string;
  created_at: string;
  /** When the backup ended, as its maker says; of two reports for one instant the later one counts. */
  ended_at: string | null;
  backup_hash: string | null;
  backup_size_bytes: number | null;
  /** Hash of the last good backup before this one. */
  previous_hash: string | null;
  report_key: string | null;
  detail: string;
  file_path: string | null;
  file_modified_at: string | null;
  promotion: "none" | "pending" | "done" | "failed" | "trashed";
  promoted_path: string | null;
}
export type EntryRow = Selectable<EntryTable>;

/** What is or was wrong; `facts` is JSON. */
export interface FindingTable {
  id: Generated<number>;
  open_key: string | null;
  alert: string;
  code: string;
  severity: Severity;
  state: FindingState;
  subject_kind: string;
  subject_id: string;
  subject_name: string;
  job_id: number | null;
  entry_id: number | null;
  agent_id: string | null;
  detail: string;
  facts: string;
  /** 0 when another finding says it: the jobs of an agent that is silent. */
  told: number;
  /** How often it was seen. */
  count: number;
  opened_at: string;
  last_seen_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  muted_until: string | null;
  note: string | null;
  ended_at: string | null;
  ended_by: string | null;
}
export type FindingRow = Selectable<FindingTable>;

/** Open ones first; `replaced` gave way to another finding on the same subject. */
export const FINDING_STATES = ["open", "acknowledged", "muted", "recovered", "resolved", "replaced"] as const;
export type FindingState = typeof FINDING_STATES[number];

/** The states of those that are not over. */
export const OPEN_STATES = ["open", "acknowledged", "muted"] as const;

/** What a ping can count for: a due instant, the beginning of a run, or nothing, and why. */
export type PingCount = "due" | "start" | "log" | "far" | "inactive";

/** What came in as a ping. */
export interface PingTable {
  id: Generated<number>;
  job_id: number;
  at: string;
  signal: "success" | "start" | "fail" | "log" | "exit";
  exit_code: number | null;
  run_id: string | null;
  address: string | null;
  body: string | null;
  /** 1 when the body was longer than what is kept. */
  cut: number;
  judged: number;
  /** What it was found to mean; null before it is judged, and for those of before this was noted. */
  counted: PingCount | null;
  /** The due instant it counted for. */
  due_at: string | null;
}
export type PingRow = Selectable<PingTable>;

export interface MonitorTables {
  monitor_jobs: JobTable;
  monitor_entries: EntryTable;
  monitor_findings: FindingTable;
  monitor_pings: PingTable;
  /** Runs that a ping started and none ended. */
  monitor_runs: { job_id: number; run_id: string; started_at: string; too_long_at: string | null };
  /** Reports that were judged or refused; `verdicts` is JSON. */
  monitor_reports: {
    key: string;
    agent_id: string;
    file_name: string | null;
    way: string;
    ended_at: string | null;
    received_at: string;
    outcome: "judged" | "refused";
    verdicts: string;
  };
  monitor_agents: { agent_id: string; last_report_at: string; last_report_ended_at: string };
  monitor_capacity: { path: string; at: string; total_bytes: number; free_bytes: number };
}

export type Db = Kysely<MonitorTables>;
