/** The row of a run that waits for its turn. */
import { newId } from "./options.ts";
import type { RunRow } from "./queries/tables.ts";

/** What differs between runs when they are stored. */
export type RunRequest =
  & Pick<
    RunRow,
    | "schedule_id"
    | "server_id"
    | "trigger"
    | "due_at"
    | "attempt"
    | "queued_at"
    | "created_by"
    | "requested_by"
  >
  & { id?: string };

/** A run as it is stored when it is claimed or asked for. */
export function queuedRun(request: RunRequest): RunRow {
  return {
    id: newId(),
    ...request,
    status: "running",
    outcome: "queued",
    started_at: request.queued_at,
    completed_at: null,
    backup_id: null,
    backup_size_bytes: null,
    source_bytes: null,
    warning_count: 0,
    error_message: null,
  };
}
