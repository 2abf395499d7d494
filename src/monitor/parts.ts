/** What the parts of the monitor are given. */
import type { Backups } from "../backups/mod.ts";
import { type Clock, iso } from "../lib/clock.ts";
import type { AlertSink } from "../notify/mod.ts";
import type { Schedules } from "../schedules/mod.ts";
import type { Database } from "../store/mod.ts";
import type { SyncedJobs } from "../veeam/mod.ts";
import type { MonitorConfig } from "./config.ts";
import type { Windows } from "./due.ts";
import type { Findings } from "./findings.ts";
import type { EntryStatus } from "./report.ts";
import type { Db, MonitorTables } from "./queries/tables.ts";

export interface MonitorOptions {
  database: Database;
  clock: Clock;
  settings: MonitorConfig;
  notify: AlertSink;
  schedules: Pick<Schedules, "get"> & { ledger: Pick<Schedules["ledger"], "list"> };
  backups: Pick<Backups, "troubled">;
  veeam: Pick<SyncedJobs, "find" | "servers" | "sessions">;
}

/** The options, and what is made of them once. */
export interface Parts extends MonitorOptions {
  findings: Findings;
  windows: Windows;
  /** Told of each due instant that was decided. */
  recorded(status: EntryStatus): void;
}

export function tables(parts: Pick<Parts, "database">): Db {
  return parts.database.tables<MonitorTables>();
}

export function now(parts: Pick<Parts, "clock">): string {
  return iso(parts.clock.now());
}

export function windowsOf(settings: MonitorConfig): Windows {
  return { reportMs: settings.report_window_minutes * 60_000, graceMs: settings.grace_minutes * 60_000 };
}
