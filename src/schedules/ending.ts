/** The end of a run: its row, its count and its due instant change together, once. */
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { type RunResult, statusOf } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import type { RunEnding } from "./perform.ts";
import { type Settlement, settleOccurrence } from "./queries/ledger.ts";
import { endRun } from "./queries/runs.ts";
import type { RunRow, SchedulesTables } from "./queries/tables.ts";

/** Records how a run ended; undefined when it had ended already. `begun` is false for a run that never left the queue. */
export async function recordEnd(
  { database, clock, fault }: SchedulesOptions,
  runId: string,
  ending: RunEnding,
  about: { begun: boolean; warnings: number },
): Promise<RunRow | undefined> {
  const at = iso(clock.now());
  const row = await database.transaction(async (tx) => {
    const row = await endRun(tablesOf<SchedulesTables>(tx), runId, {
      status: statusOf(ending.outcome),
      outcome: ending.outcome,
      completed_at: at,
      backup_id: ending.backup?.id ?? null,
      backup_size_bytes: ending.backup?.size_bytes ?? null,
      source_bytes: ending.backup?.source_bytes ?? null,
      warning_count: about.warnings,
      error_message: ending.error,
    });
    if (row === undefined) return undefined;
    await settleOccurrence(
      tx,
      { run_id: runId },
      settlementOf(ending.outcome, ending.error, about.begun),
      at,
    );
    await fault?.("end-written");
    return row;
  });
  await fault?.("end-committed");
  return row;
}

/** What the end of its run makes of a due instant: it ran, well or badly, unless the run never got to work. */
export function settlementOf(result: RunResult, reason: string | null, begun: boolean): Settlement {
  if (result === "refused") return { outcome: "refused", result, reason };
  if (begun) return { outcome: "ran", result, reason };
  return { outcome: result === "cancelled" ? "skipped" : "missed", result, reason };
}
