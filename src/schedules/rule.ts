/** When a stored schedule is due, or was by one of its dated revisions. */
import { createHash } from "node:crypto";
import { type Rule, ruleOf } from "./calendar.ts";
import { policiesOf } from "./policies.ts";
import type { ScheduleRow } from "./queries/tables.ts";

/** The columns that say when a schedule is due. */
export type RuleSource = Pick<ScheduleRow, "id" | "cron_expression" | "timezone" | "anchor_at" | "policies">;

/** The rule of a schedule. Meaningless for one that follows another: that is due with the other. */
export function scheduleRule(schedule: RuleSource): Rule {
  const { dst, jitter_seconds } = policiesOf(schedule.policies);
  return ruleOf(schedule.cron_expression, schedule.timezone, Date.parse(schedule.anchor_at), {
    dst,
    shift: jitterMs(schedule.id, jitter_seconds),
  });
}

/** How much later a schedule is due than its expression says: some whole seconds from 0 to its jitter, always the same. */
export function jitterMs(scheduleId: string, jitterSeconds: number): number {
  if (jitterSeconds === 0) return 0;
  const part = createHash("sha256").update(scheduleId).digest().readUInt32BE();
  return part % (jitterSeconds + 1) * 1000;
}
