/** What becomes of a schedule's backups: which are kept, and how often one is restored to prove that it can be. */
import { z } from "zod";

const DAY = 86_400;
const Copies = z.int().min(1).max(1000).nullable();

/** What people may set, each with its words in help and in the API's document. */
export const careFields = {
  keep_last: Copies.describe(
    "Copies kept, the newest; once any such rule is set, max_backups does not count",
  ),
  keep_hourly: Copies.describe("Hours of which the newest copy is kept"),
  keep_daily: Copies.describe("Days of which the newest copy is kept"),
  keep_weekly: Copies.describe("Weeks, from Monday on, of which the newest copy is kept"),
  keep_monthly: Copies.describe("Months of which the newest copy is kept"),
  keep_yearly: Copies.describe("Years of which the newest copy is kept"),
  keep_within_seconds: z.int().min(60).max(100 * 366 * DAY).nullable().describe(
    "Keep everything made so long before the newest copy",
  ),
  max_total_bytes: z.int().min(1).nullable().describe(
    "What all copies together may take; the oldest go first, the newest and the last verified good one never",
  ),
  prove_every_runs: z.int().min(1).max(10_000).nullable().describe(
    "Restore the newest copy into a scratch directory after so many successful runs, compare, and remove it",
  ),
  prove_every_seconds: z.int().min(3600).max(366 * DAY).nullable().describe("The same, after so much time"),
  prove_command: z.string().trim().min(1).max(4000).refine((text) => !/^https?:\/\//i.test(text), {
    error: "must be a command line",
  }).nullable().describe(
    "Command line called in what was restored; when it fails, so does the restore test",
  ),
};

/** Nothing of it is set. */
export const NO_CARE = {
  keep_last: null,
  keep_hourly: null,
  keep_daily: null,
  keep_weekly: null,
  keep_monthly: null,
  keep_yearly: null,
  keep_within_seconds: null,
  max_total_bytes: null,
  prove_every_runs: null,
  prove_every_seconds: null,
  prove_command: null,
};

/** The fields for a new schedule. */
export const newCareFields = {
  keep_last: careFields.keep_last.default(null),
  keep_hourly: careFields.keep_hourly.default(null),
  keep_daily: careFields.keep_daily.default(null),
  keep_weekly: careFields.keep_weekly.default(null),
  keep_monthly: careFields.keep_monthly.default(null),
  keep_yearly: careFields.keep_yearly.default(null),
  keep_within_seconds: careFields.keep_within_seconds.default(null),
  max_total_bytes: careFields.max_total_bytes.default(null),
  prove_every_runs: careFields.prove_every_runs.default(null),
  prove_every_seconds: careFields.prove_every_seconds.default(null),
  prove_command: careFields.prove_command.default(null),
};
