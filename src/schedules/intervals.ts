/** The published table between "every so many hours" and cron expressions, both ways. */
import { z } from "zod";
import { NICKNAMES } from "./calendar.ts";

/** One choice of the list that forms offer. */
export const BackupScheduleInterval = z.object({
  hours: z.int(),
  label: z.string(),
  cron_expression: z.string(),
}).meta({ id: "BackupScheduleInterval" });
export type BackupScheduleInterval = z.infer<typeof BackupScheduleInterval>;

/** Hours with a cron expression of their own; others are counted from the schedule's creation. */
export const INTERVALS: readonly BackupScheduleInterval[] = [
  { hours: 1, label: "Every hour", cron_expression: "0 * * * *" },
  { hours: 6, label: "Every 6 hours", cron_expression: "0 */6 * * *" },
  { hours: 12, label: "Every 12 hours", cron_expression: "0 */12 * * *" },
  { hours: 24, label: "Every day", cron_expression: "0 0 * * *" },
  { hours: 48, label: "Every 2 days", cron_expression: "0 0 */2 * *" },
  { hours: 168, label: "Every week", cron_expression: "0 0 * * 0" },
];

/** The expression for an interval: the table's, else `@every Nh`. */
export function expressionOf(hours: number): string {
  return INTERVALS.find((interval) => interval.hours === hours)?.cron_expression ?? `@every ${hours}h`;
}

/** The interval an expression stands for, by the published table; null for any other expression. */
export function hoursOf(text: string): number | null {
  const expression = NICKNAMES[text] ?? text;
  const known = INTERVALS.find((interval) => interval.cron_expression === expression);
  if (known !== undefined) return known.hours;
  const hours = /^0 \*\/(\d+) \* \* \*$/.exec(expression)?.[1] ?? /^@every (\d+)h$/.exec(expression)?.[1];
  if (hours !== undefined) return Number(hours);
  const days = /^0 0 \*\/(\d+) \* \*$/.exec(expression)?.[1];
  return days === undefined ? null : Number(days) * 24;
}
