/** Settles what a killed process left open; runs once, before this process writes anything. */
import { getLogger } from "@logtape/logtape";
import { iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { recordEnd } from "./ending.ts";
import type { SchedulesOptions } from "./options.ts";
import { engineOf } from "./perform.ts";
import { openOccurrences, settleOccurrence } from "./queries/ledger.ts";
import { openRuns } from "./queries/runs.ts";
import { schedulesByIds } from "./queries/schedules.ts";
import type { RunRow, SchedulesTables } from "./queries/tables.ts";

const logger = getLogger(["holdfast", "schedules"]);

/**
 * Ends runs left queued or running as interrupted, settles instants that were waiting to start as missed, and
 * removes partial files of the interrupted. Right only while this process alone holds the database.
 */
export async function settleLeftovers(
  options: SchedulesOptions,
): Promise<{ interrupted: number; missed: number }> {
  const db = options.database.tables<SchedulesTables>();
  const runs = await openRuns(db);
  for (const run of runs) {
    const begun = run.outcome !== "queued";
    const error = begun ? "Holdfast ended during the run" : "Holdfast ended before the run began";
    await recordEnd(options, run.id, { outcome: "interrupted", error, backup: null }, {
      begun,
      warnings: run.warning_count,
    });
  }
  const waiting = await openOccurrences(db);
  const at = iso(options.clock.now());
  for (const occurrence of waiting) {
    await options.database.transaction((tx) =>
      settleOccurrence(tx, { id: occurrence.id }, {
        outcome: "missed",
        result: null,
        reason: "Holdfast ended before the run could start",
      }, at)
    );
  }
  await sweep(options, runs.filter((run) => run.outcome !== "queued"));
  if (runs.length + waiting.length > 0) {
    logger.warning("Settled {runs} interrupted runs and {instants} instants that had not started", {
      runs: runs.length,
      instants: waiting.length,
    });
  }
  return { interrupted: runs.length, missed: waiting.length };
}

async function sweep(options: SchedulesOptions, runs: readonly RunRow[]): Promise<void> {
  if (runs.length === 0) return;
  const ids = [...new Set(runs.map((run) => run.schedule_id))];
  for (const schedule of await schedulesByIds(options.database.tables<SchedulesTables>(), ids)) {
    try {
      const engine = engineOf(schedule, await options.servers.resolve(schedule.server_id));
      if (typeof engine === "string") continue;
      const removed = await options.backups.sweepPartials(engine.engine, engine.engine_options);
      for (const path of removed) logger.warning("Removed partial file {path}", { path });
    } catch (error) {
      logger.warning("Cannot sweep partial files of {schedule}: {error}", {
        schedule: schedule.name,
        error: messageOf(error),
      });
    }
  }
}
