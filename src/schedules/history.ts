/** Forgetting runs and their lines after their days; backups and the ledger are not touched. */
import { iso } from "../lib/clock.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { removeOldLines } from "./queries/lines.ts";
import { removeRuns } from "./queries/runs.ts";
import type { Db, SchedulesTables } from "./queries/tables.ts";

/** Runs in one transaction; the event loop waits that long. */
const RUNS_AT_ONCE = 200;

/** Instants in milliseconds; what is older goes, null keeps everything. */
export interface Horizon {
  runs: number | null;
  run_lines: number | null;
}

/** Removes ended runs and lines of ended runs from before the horizon; returns how many of each. */
export async function pruneHistory(
  database: Database,
  horizon: Horizon,
): Promise<{ runs: number; run_lines: number }> {
  return {
    run_lines: await removeAll(database, horizon.run_lines, removeOldLines),
    runs: await removeAll(database, horizon.runs, removeRuns),
  };
}

async function removeAll(
  database: Database,
  before: number | null,
  remove: (db: Db, before: string, limit: number) => Promise<number>,
): Promise<number> {
  if (before === null) return 0;
  for (let total = 0;;) {
    const removed = await database.transaction((tx) =>
      remove(tablesOf<SchedulesTables>(tx), iso(before), RUNS_AT_ONCE)
    );
    if (removed === 0) return total;
    total += removed;
  }
}
