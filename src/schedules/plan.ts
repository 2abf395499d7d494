/** What a run needs before it may start, by the policies of its schedule. */
import type { QueuedRun } from "./ending.ts";
import { policiesOf } from "./policies.ts";
import type { Waiting } from "./queue.ts";

/** The needs of a queued run. Whoever starts one by hand has chosen the moment: windows and deadlines are for due ones. */
export function planOf({ row, schedule, late }: QueuedRun): Waiting {
  const policies = policiesOf(schedule.policies);
  const { allowed_windows, blackout_windows, locks, concurrency_group: group } = policies;
  const isDue = row.due_at !== null;
  const hasWindows = isDue && allowed_windows.length + blackout_windows.length > 0;
  return {
    run_id: row.id,
    schedule_id: row.schedule_id,
    name: schedule.name,
    server_id: row.server_id,
    locks,
    group,
    beside: policies.overlap === "allow",
    windows: hasWindows ? { allowed_windows, blackout_windows, timezone: schedule.timezone } : null,
    deadline: isDue && row.attempt === 1
      ? deadlineOf(Date.parse(row.due_at!), row.queued_at, late, policies)
      : null,
  };
}

/** What is caught up has the catch-up window, and the start deadline counts from when that began. */
function deadlineOf(
  due: number,
  queuedAt: string,
  late: boolean,
  policies: ReturnType<typeof policiesOf>,
): number | null {
  const { start_deadline_seconds: deadline, catch_up_window_seconds: window, run_after } = policies;
  const from = late ? Date.parse(queuedAt) : due;
  const limits = [
    ...(deadline === null ? [] : [from + deadline * 1000]),
    ...(late && run_after === null ? [due + window * 1000] : []),
  ];
  return limits.length === 0 ? null : Math.min(...limits);
}
