/** Sessions as they lie in the store. */
import type { VeeamSession } from "../../../src/veeam/mod.ts";

/** A session of server `vbr-1` that began at midnight and ended well at two, but for what is given. */
export function sessionRow(id: string, fields: Partial<VeeamSession>): VeeamSession {
  return {
    id,
    name: "Daily",
    job_id: null,
    type: "BackupJob",
    state: "Stopped",
    result: "Success",
    message: null,
    created_at: "2026-03-02T00:00:00.000Z",
    ended_at: "2026-03-02T02:00:00.000Z",
    duration_seconds: null,
    progress_percent: null,
    initiated_by: null,
    processed_bytes: null,
    transferred_bytes: null,
    server: "vbr-1",
    read_at: "2026-03-02T02:05:00.000Z",
    ...fields,
  };
}
