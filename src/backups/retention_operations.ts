/** What people can ask of retention and of the trash. */
import { z } from "zod";
import { parseTypedDuration } from "../lib/duration.ts";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { type FlagSpec, operation } from "../lib/operation.ts";
import { formatSize, parseSize } from "../lib/size.ts";
import type { Backups } from "./backups.ts";
import { Backup, BackupFilter, counted, EmptiedTrash, PruneResult } from "./model.ts";

interface App {
  backups: Backups;
}

const Ref = z.strictObject({
  backup: z.string().min(1).describe(
    "Id or name of the backup; the first four or more characters of an id will do",
  ),
});

const Copies = z.int().min(1).max(1000).optional();

/** Rules that count instead of the schedule's. */
const rules = {
  keep_last: Copies.describe("Keep so many of the newest"),
  keep_hourly: Copies.describe("Keep the newest of so many hours"),
  keep_daily: Copies.describe("Keep the newest of so many days"),
  keep_weekly: Copies.describe("Keep the newest of so many weeks"),
  keep_monthly: Copies.describe("Keep the newest of so many months"),
  keep_yearly: Copies.describe("Keep the newest of so many years"),
  keep_within_seconds: z.int().min(60).optional().describe("Keep all made so long before the newest"),
  max_total_bytes: z.int().min(1).optional().describe("What all copies together may take"),
};

const ruleFlags: Record<string, FlagSpec> = {
  keep_within_seconds: { flag: "--keep-within <duration>", parse: parseTypedDuration },
  max_total_bytes: { flag: "--max-total <size>", parse: parseSize },
};

export const pruneBackups = operation({
  name: "backups.prune",
  route: "POST /api/v1/backups/prune",
  role: "operator",
  scope: {
    server: (app: App, input: { schedule: string }) => app.backups.serverOfSchedule(input.schedule),
  },
  summary: "Remove what a schedule does not keep, and say why",
  description:
    "Without other rules the newest copies up to the schedule's maximum are kept. Rules given here count instead of the schedule's: with --dry-run they show what they would do. Never removes the last verified good copy, and nothing at all while the newest copy looks suspicious: not verified, or with less than half of what the ones before it hold. The command ends with 20 when something could not be removed.",
  input: z.strictObject({
    schedule: z.string().min(1).describe("Schedule (name, server/name or id)"),
    max_backups: z.int().min(1).optional().describe("Keep so many instead of what the schedule says"),
    ...rules,
    trust_newest: z.boolean().default(false).describe("Do not wait, however the newest copy looks"),
    dry_run: z.boolean().default(false).describe("Only say what would be done"),
  }),
  output: PruneResult,
  cli: {
    args: ["schedule?"],
    flags: { schedule: { both: true }, ...ruleFlags },
    rows: (done) => done.decisions,
    columns: [
      { key: "backup_id", title: "id" },
      { key: "created_at", title: "created", format: "instant" },
      { key: "keep", format: "boolean" },
      { key: "reason" },
    ],
    exit: (done) => done.problems.length === 0 ? 0 : EXIT_BAD_ANSWER,
    examples: [
      "holdfast backups prune nightly --dry-run",
      "holdfast backups prune nightly --max-backups 3",
      "holdfast backups prune nightly --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run",
    ],
  },
  run: (app: App, input, caller) => app.backups.prune(input, caller),
});

export const undeleteBackup = operation({
  name: "backups.undelete",
  route: "POST /api/v1/backups/{backup}/undelete",
  role: "operator",
  scope: { server: (app: App, input: { backup: string }) => app.backups.serverOf(input.backup) },
  summary: "Take a backup out of the trash",
  description: "Retention decides over it again at the next run of its schedule.",
  input: Ref,
  output: Backup,
  cli: {
    args: ["backup"],
    text: (backup) => `${backup.name} is out of the trash`,
    examples: ["holdfast backups undelete 3f9c01ab"],
  },
  run: (app: App, input, caller) => app.backups.undelete(input.backup, caller),
});

export const listTrash = operation({
  name: "backups.trash.list",
  route: "GET /api/v1/backup-trash",
  role: "user",
  scope: "filtered",
  summary: "List removed backups that can still be undeleted, newest first",
  input: BackupFilter,
  output: z.array(Backup),
  cli: {
    flags: { server_id: { hidden: true }, schedule_id: { hidden: true } },
    columns: [
      { key: "id" },
      { key: "name" },
      { key: "trashed_at", title: "removed", format: "instant" },
      { key: "size_bytes", title: "size", format: "bytes", align: "right" },
    ],
    examples: ["holdfast backups trash list --schedule nightly"],
  },
  run: (app: App, input, caller) => app.backups.list({ ...input, trashed: true }, caller),
});

export const emptyTrash = operation({
  name: "backups.trash.empty",
  route: "POST /api/v1/backup-trash/empty",
  role: "operator",
  scope: "filtered",
  summary: "Remove for good what is in the trash",
  description: "The command ends with 20 when something could not be removed.",
  input: z.strictObject({
    schedule: z.string().min(1).optional().describe("Only of this schedule (name, server/name or id)"),
    older_than_seconds: z.int().min(0).default(0).describe("Only what has been there for so long"),
  }),
  output: EmptiedTrash,
  cli: {
    flags: { older_than_seconds: { flag: "--older-than <duration>", parse: parseTypedDuration } },
    confirm: "Remove these backups for good?",
    text: (done) =>
      [`Removed ${counted(done.removed.length, "backup")}, ${formatSize(done.freed_bytes)}`, ...done.problems]
        .join(
          "\n",
        ),
    exit: (done) => done.problems.length === 0 ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast backups trash empty --older-than 2d --yes"],
  },
  run: (app: App, input, caller) => app.backups.emptyTrash(input, caller),
});
