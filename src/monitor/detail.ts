/** What is kept in an entry beside the decision. */
import type { SomeDetail } from "./model.ts";
import type { FoundFile, Report, ReportedDatabase, ReportOrigin } from "./report.ts";

/** What the server found itself. */
export function foundDetail(file: FoundFile | null): SomeDetail {
  return file?.state === "present"
    ? { server_calculated_staged_hash: file.sha256, server_calculated_staged_size: file.size_bytes }
    : {};
}

/** What the agent said of a database, and what was found. */
export function detailOf(
  origin: ReportOrigin,
  report: Report,
  database: ReportedDatabase | undefined,
  file: FoundFile | null,
): SomeDetail {
  const top = {
    operation_log_file_name: origin.file_name,
    agent_overall_status: report.overall_status,
    ...foundDetail(file),
  };
  if (database === undefined) return top;
  const { backup, compress, transfer } = database;
  return {
    ...top,
    expected_hash: compress.sha256,
    agent_backup_process_status: backup.ok,
    agent_backup_process_start_time: backup.started_at,
    agent_backup_process_timestamp: backup.ended_at,
    agent_backup_hash_pre_compress: backup.sha256,
    agent_backup_size_pre_compress: backup.size_bytes,
    agent_compress_process_status: compress.ok,
    agent_compress_process_start_time: compress.started_at,
    agent_compress_process_timestamp: compress.ended_at,
    agent_compress_hash_post_compress: compress.sha256,
    agent_compress_size_post_compress: compress.size_bytes,
    agent_transfer_process_status: transfer.ok,
    agent_transfer_process_start_time: transfer.started_at,
    agent_transfer_process_timestamp: transfer.ended_at,
    agent_transfer_error_message: transfer.error_message,
    agent_staged_file_name: database.staged_file_name,
    agent_logs_summary: database.logs_summary,
    hash_comparison_result: file?.state === "present" && compress.sha256 !== null
      ? file.sha256 === compress.sha256
      : null,
  };
}
