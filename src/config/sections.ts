/** The sections no slice owns, beside `api`: what Holdfast remembers, what it says about itself. */
import { z } from "zod";

const Days = z.int().min(0).max(36_500);

/** Section `history`: how long what is kept of the past stays. */
export const HistoryConfig = z.strictObject({
  keep_days: z.strictObject({
    runs: Days.default(730).meta({ description: "Runs of schedules" }),
    run_lines: Days.default(90).meta({ description: "Log lines of runs" }),
    ledger: Days.default(1095).meta({
      description: "Outcomes of due instants; pruned days leave a summary that can still be verified",
    }),
    audit: Days.default(1095).meta({ description: "Audit lines" }),
    notifications: Days.default(90).meta({ description: "Messages that were sent, and alerts that ended" }),
    entries: Days.default(1095).meta({ description: "Entries and findings of expected backups" }),
    pings: Days.default(30).meta({ description: "Pings, with what they sent" }),
    deleted_backups: Days.default(365).meta({
      description: "Catalogue entries of backups that were deleted",
    }),
  }).prefault({}).meta({ description: "Days that records are kept, by kind; 0 keeps them for ever" }),
});

/** Section `store`: copies of Holdfast's own database. */
export const StoreConfig = z.strictObject({
  backup_every_seconds: z.int().min(0).max(31_536_000).default(86_400).meta({
    description: "How often Holdfast backs up its own database into the data directory; 0 never does",
  }),
  backup_keep: z.int().min(1).max(1000).default(7).meta({
    description: "Copies of its own database that are kept",
  }),
});

/** Section `log`: the lines of the daemon; commands log nothing. */
export const LogConfig = z.strictObject({
  level: z.enum(["debug", "info", "warning", "error"]).default("info").meta({
    description: "Least important lines that are logged",
  }),
  format: z.enum(["json", "text"]).default("json").meta({
    description: "Form of the daemon's log lines",
  }),
  file: z.string().min(1).nullable().default(null).meta({
    description: "File to append log lines to, instead of standard error",
    path: true,
  }),
});

/** Section `metrics`: what Prometheus may read. */
export const MetricsConfig = z.strictObject({
  public: z.boolean().default(false).meta({
    description: "Serve /metrics without a login or key",
  }),
});

/** Section `health`: where "ok" ends. */
export const HealthConfig = z.strictObject({
  min_free_bytes: z.int().min(0).default(536_870_912).meta({
    description: "Free space below which the file system of the data directory makes health degraded",
  }),
});
