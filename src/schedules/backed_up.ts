/** A schedule as the catalogue of backups has to know it. */
import type { BackedUpSchedule } from "../backups/mod.ts";
import { policiesOf } from "./policies.ts";
import type { ScheduleRow } from "./queries/tables.ts";

/** What is kept of it, and how it is proved. */
export function backedUp(row: ScheduleRow): BackedUpSchedule {
  const policies = policiesOf(row.policies);
  const { prove_every_runs, prove_every_seconds, prove_command, hook_authority } = policies;
  return {
    id: row.id,
    name: row.name,
    server_id: row.server_id,
    timezone: row.timezone,
    keep: {
      max_backups: row.max_backups,
      keep_last: policies.keep_last,
      keep_hourly: policies.keep_hourly,
      keep_daily: policies.keep_daily,
      keep_weekly: policies.keep_weekly,
      keep_monthly: policies.keep_monthly,
      keep_yearly: policies.keep_yearly,
      keep_within_seconds: policies.keep_within_seconds,
      max_total_bytes: policies.max_total_bytes,
    },
    prove: {
      every_runs: prove_every_runs,
      every_seconds: prove_every_seconds,
      command: prove_command,
      // Whoever set the command; rights may have been taken away since.
      command_role: hook_authority?.role ?? "operator",
    },
  };
}
