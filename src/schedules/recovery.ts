/** Settles what a killed process left open; runs once, before this process writes anything. */
import { getLogger } from "@logtape/logtape";
import { iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { tablesOf } from "../store/mod.ts";
import { recordEnd } from "./ending.ts";
import type { SchedulesOptions } from "./options.ts";
import { engineOf } from "./perform.ts";
import { openRuns } from "./queries/runs.ts";
import { schedulesByIds } from "./queries/schedules.ts";
import type { RunRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrence, openOccurrences, takeBackOccurrence } from "./queries/waiting.ts";
import { giveUp } from "./settle.ts";
import { isWanted, takeBack } from "./take_back.ts";

const logger = getLogger(["holdfast", "schedules"]);

/**
 * Ends runs left under way as interrupted, takes back or ends those that had not begun, settles instants that waited
 * to start and are not wanted later, and removes partial files of the interrupted. Right only while this process alone
 * holds the database.
 */
export async function settleLeftovers(
  options: SchedulesOptions,
): Promise<{ interrupted: number; missed: number }> {
  const db = options.database.tables<SchedulesTables>();
  const begun: RunRow[] = [];
  let interrupted = 0;
  for (const run of await openRuns(db)) {
    const isBegun = run.outcome !== "queued";
    if (isBegun) begun.push(run);
    else if (await takeBack(options, run)) continue;
    const error = isBegun ? "Holdfast ended during the run" : "Holdfast ended before the run began";
    await recordEnd(options, run.id, { outcome: "interrupted", error, backup: null }, {
      begun: isBegun,
      warnings: run.warning_count,
    });
    interrupted++;
  }
  const missed = await settleUnstarted(options);
  await sweep(options, begun);
  if (interrupted + missed > 0) {
    logger.warning("Settled {interrupted} interrupted runs and {missed} instants that had not started", {
      interrupted,
      missed,
    });
  }
  return { interrupted, missed };
}

/** Settles claimed instants as missed that no policy wants started later; returns how many. */
async function settleUnstarted(options: SchedulesOptions): Promise<number> {
  const now = options.clock.now();
  let missed = 0;
  for (const instant of await openOccurrences(options.database.tables<SchedulesTables>())) {
    const settled = await options.database.transaction(async (tx) => {
      const db = tablesOf<SchedulesTables>(tx);
      if (instant.state !== "claimed") return 0;
      if (instant.awaits !== null) {
        // Open until the one it follows is settled, which settles or releases this one too.
        if (await openOccurrence(db, instant.awaits, instant.due_at) !== undefined) return 0;
      } else if (await isWanted(tx, instant, now)) {
        if (instant.attempt === 1) await takeBackOccurrence(db, instant.id, { run_id: null, late: 1 });
        return 0;
      }
      const reason = "Holdfast ended before the run could start";
      const { rows } = await giveUp(tx, instant, "missed", reason, iso(now));
      return rows.length;
    });
    missed += settled;
  }
  return missed;
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
