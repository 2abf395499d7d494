/** When a failed attempt is repeated: pure functions of policies and attempt. */
import type { RunResult } from "./model.ts";
import type { Policies } from "./policies.ts";

type RetryPolicies = Pick<
  Policies,
  "retries" | "retry_delay_seconds" | "retry_factor" | "retry_max_delay_seconds"
>;

/** Pause in milliseconds after the attempt of that number (from 1) failed. */
export function pauseMs(policies: RetryPolicies, attempt: number): number {
  const { retry_delay_seconds: delay, retry_factor: factor, retry_max_delay_seconds: cap } = policies;
  return Math.round(Math.min(delay * factor ** (attempt - 1), Math.max(cap, delay)) * 1000);
}

/** True when an attempt that ended so is to be repeated. Whoever cancels wants no further attempt. */
export function isRepeated(policies: RetryPolicies, attempt: number, result: RunResult): boolean {
  return result !== "success" && result !== "cancelled" && attempt <= policies.retries;
}
