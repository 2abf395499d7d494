/** From rows to the records that are answered. */
import { z } from "zod";
import { type Entry, EntryDetail, type ExpectedJob } from "./model.ts";
import type { EntryRow, JobRow } from "./queries/tables.ts";

export const Recipients = z.array(z.string());
const Days = z.array(z.int());
const Stored = z.record(z.string(), z.unknown());

/** As people call it: `ACME/PARIS/shop`. */
export function jobName(
  job: Pick<JobRow, "company_name" | "city" | "neighborhood" | "database_name" | "year">,
): string {
  const parts = [job.company_name, job.city, job.neighborhood, job.database_name];
  const name = parts.filter((part) => part !== "").join("/");
  return job.year === null ? name : `${name}/${job.year}`;
}

export function jobRecord(row: JobRow): ExpectedJob {
  const { identity: _, history_from: __, last_due_at: ___, last_good_entry_id: ____, ...rest } = row;
  return {
    ...rest,
    name: jobName(row),
    expected_frequency: row.backup_frequency,
    days_of_week: Days.parse(JSON.parse(row.days_of_week)),
    notification_recipients: Recipients.parse(JSON.parse(row.notification_recipients)),
    is_active: row.is_active === 1,
    tell_unchanged: row.tell_unchanged === 1,
    last_checked_timestamp: row.last_checked_at_utc,
    last_successful_backup_timestamp: row.last_successful_backup_utc,
  };
}

const NO_DETAIL: EntryDetail = {
  operation_log_file_name: null,
  agent_overall_status: null,
  expected_hash: null,
  agent_backup_process_status: null,
  agent_backup_process_start_time: null,
  agent_backup_process_timestamp: null,
  agent_backup_hash_pre_compress: null,
  agent_backup_size_pre_compress: null,
  agent_compress_process_status: null,
  agent_compress_process_start_time: null,
  agent_compress_process_timestamp: null,
  agent_compress_hash_post_compress: null,
  agent_compress_size_post_compress: null,
  agent_transfer_process_status: null,
  agent_transfer_process_start_time: null,
  agent_transfer_process_timestamp: null,
  agent_transfer_error_message: null,
  agent_staged_file_name: null,
  agent_logs_summary: null,
  server_calculated_staged_hash: null,
  server_calculated_staged_size: null,
  hash_comparison_result: null,
};

export function entryRecord(row: EntryRow): Entry {
  const detail = EntryDetail.parse({ ...NO_DETAIL, ...Stored.parse(JSON.parse(row.detail)) });
  const good = row.status === "ok" || row.status === "unchanged";
  const name = [row.company_name, row.city, row.database_name].filter((part) => part !== "").join("/");
  return {
    id: row.id,
    expected_job_id: row.expected_job_id,
    job_name: name,
    due_at: row.due_at,
    status: row.status,
    backup_timestamp_utc: row.ended_at,
    backup_hash: row.backup_hash,
    backup_size_bytes: row.backup_size_bytes,
    error_message: good ? null : row.message,
    created_at: row.created_at,
    timestamp: row.at,
    message: row.message,
    way: row.way,
    agent_id: row.agent_id,
    previous_successful_hash_global: row.previous_hash,
    ...detail,
    file_path: row.file_path,
    promoted_path: row.promoted_path,
  };
}
