/** Settings of what is expected to arrive: section `monitor`. */
import { z } from "zod";

export const MonitorConfig = z.strictObject({
  deposit_root: z.string().min(1).nullable().default(null).meta({
    description: "Directory with a folder for each agent, into which agents deposit files and reports",
    path: true,
    aliases: ["BACKUP_STORAGE_ROOT"],
  }),
  final_root: z.string().min(1).nullable().default(null).meta({
    description: "Directory in which good files are kept, by the path template of their job",
    path: true,
    aliases: ["VALIDATED_BACKUPS_BASE_PATH"],
  }),
  scan_minutes: z.int().min(1).max(1440).default(1).meta({
    description: "Minutes between two scans of the deposit",
    aliases: ["SCANNER_INTERVAL_MINUTES"],
  }),
  report_window_minutes: z.int().min(1).max(1440).default(60).meta({
    description: "How far the end of a report may be from the instant it was due, either way",
    aliases: ["SCANNER_REPORT_COLLECTION_WINDOW_MINUTES"],
  }),
  grace_minutes: z.int().min(0).max(10_080).default(60).meta({
    description:
      "Minutes after the expected time at which a backup counts as missing; a job may have its own",
  }),
  final_trash_days: z.int().min(0).max(3650).default(30).meta({
    description: "Days that files which are not kept any more stay in the trash of the final root",
  }),
  capacity_warning_days: z.int().min(0).max(3650).default(14).meta({
    description: "Warn when a disk will be full within so many days at the rate it fills; 0 never does",
  }),
  max_report_age_days: z.int().min(1).max(3650).default(1).meta({
    description: "Reports that ended longer ago are not judged",
    aliases: ["MAX_STATUS_FILE_AGE_DAYS"],
  }),
});

export type MonitorConfig = z.output<typeof MonitorConfig>;
