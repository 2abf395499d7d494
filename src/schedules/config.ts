/** Settings of when and how many backups run: section `schedules`. */
import { z } from "zod";

export const SchedulesConfig = z.strictObject({
  timezone: z.string().refine(isTimeZone, "must be a time zone name such as Europe/Paris or UTC").default(
    "UTC",
  )
    .meta({ description: "Time zone (IANA name) of schedules that name none" }),
  max_concurrent_runs: z.int().min(1).max(1000).default(2).meta({
    description: "Runs at the same time; further ones wait in the queue",
  }),
  max_concurrent_runs_per_server: z.int().min(0).max(1000).default(0).meta({
    description: "Runs of one server at the same time; 0 sets no limit of its own",
  }),
  groups: z.record(
    z.string(),
    z.strictObject({
      max_concurrent_runs: z.int().min(1).max(1000).default(1).meta({
        description: "Runs at the same time of schedules with this concurrency_group",
      }),
    }),
  ).default({}),
  shutdown_grace_seconds: z.int().min(0).max(86_400).default(60).meta({
    description: "How long a stopping daemon lets runs finish before it cancels them",
  }),
  max_log_lines: z.int().min(100).max(1_000_000).default(10_000).meta({
    description: "Log lines kept per run; what is beyond is cut in the middle and marked",
  }),
});

export type SchedulesConfig = z.output<typeof SchedulesConfig>;

function isTimeZone(name: string): boolean {
  // The first use of Intl loads its tables, which nearly every start can do without.
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
