/** One attempt as it is performed: what is to be run, how it may end, and what an engine is given. */
import type { Backup, EngineContext, Progress } from "../backups/mod.ts";
import type { RunResult } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { policiesOf } from "./policies.ts";
import type { ScheduleRow } from "./queries/tables.ts";
import type { RunLog } from "./run_log.ts";

/** Why a run was asked to end; the reason of its abort signal. */
export class RunAbort extends Error {
  readonly outcome: Extract<RunResult, "cancelled" | "interrupted" | "timed_out">;

  constructor(outcome: RunAbort["outcome"], message: string) {
    super(message);
    this.outcome = outcome;
  }
}

/** How a run ended. */
export interface RunEnding {
  outcome: RunResult;
  error: string | null;
  backup: Backup | null;
}

/** What is to be run. */
export interface Performance {
  run_id: string;
  trigger: "schedule" | "manual";
  due_at: string | null;
  attempt: number;
  schedule: ScheduleRow;
  log: RunLog;
  signal: AbortSignal;
  progress(update: Progress): void;
}

/** What engines and hooks of an attempt are given; `signal` ends them. */
export function contextOf(
  options: SchedulesOptions,
  { log, progress, schedule }: Performance,
  signal: AbortSignal,
): EngineContext {
  const { nice, io_class, memory_max_bytes, cpu_max_percent } = policiesOf(schedule.policies);
  const isCapped = nice !== null || io_class !== "none" || memory_max_bytes !== null ||
    cpu_max_percent !== null;
  return {
    signal,
    now: () => options.clock.now(),
    log: (level, text) => log.add(level, text),
    progress,
    secret: (name) => options.secrets.readSecret(name),
    ...(isCapped ? { caps: { nice, io_class, memory_max_bytes, cpu_max_percent } } : {}),
  };
}
