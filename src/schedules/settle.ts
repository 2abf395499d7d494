/** Settling an open instant, and with it the same instant of the schedules that follow it. */
import type { Transaction } from "kysely";
import { tablesOf } from "../store/mod.ts";
import type { RunResult } from "./model.ts";
import { type Settlement, settleOccurrence } from "./queries/ledger.ts";
import { runOfAttempt } from "./queries/runs.ts";
import { scheduleById } from "./queries/schedules.ts";
import type { OccurrenceRow, SchedulesTables } from "./queries/tables.ts";
import { followingOccurrences, releaseOccurrence } from "./queries/waiting.ts";

/** What a settlement led to. */
export interface Settled {
  /** The instants settled, the one asked for first; none when it was settled already. */
  rows: OccurrenceRow[];
  /** True when instants that waited for it may start now. */
  released: boolean;
}

/** Settles an instant in the caller's transaction; a success releases what follows it, all else settles that too. */
export async function settleInstant(
  tx: Transaction<unknown>,
  id: number,
  settlement: Settlement,
  at: string,
): Promise<Settled> {
  const row = await settleOccurrence(tx, id, settlement, at);
  if (row === undefined) return { rows: [], released: false };
  const settled: Settled = { rows: [row], released: false };
  const db = tablesOf<SchedulesTables>(tx);
  const following = await followingOccurrences(db, row.schedule_id, row.due_at);
  if (following.length === 0) return settled;
  if (row.result === "success") {
    for (const { id } of following) await releaseOccurrence(db, id);
    return { ...settled, released: true };
  }
  const name = (await scheduleById(db, row.schedule_id))?.name ?? row.schedule_id;
  for (const { id } of following) {
    const { rows, released } = await settleInstant(tx, id, followingSettlement(row, name), at);
    settled.rows.push(...rows);
    settled.released ||= released;
  }
  return settled;
}

/** What becomes of an instant when the one it follows, of the schedule `name`, did not succeed. */
export function followingSettlement(
  { outcome, result }: Pick<OccurrenceRow, "outcome" | "result">,
  name: string,
): Settlement {
  const began = outcome === "ran" || outcome === "caught_up" || outcome === "refused";
  const reason = began
    ? `"${name}", which it follows, did not succeed: ${result ?? outcome}`
    : `"${name}", which it follows, did not run: ${outcome}`;
  return { outcome: outcome === "superseded" ? "superseded" : "skipped", result: null, reason };
}

/** What the end of a run makes of its instant: it ran, well or badly, unless no attempt ever got to work. */
export function settlementOf(
  run: { result: RunResult; reason: string | null; begun: boolean },
  instant: Pick<OccurrenceRow, "attempt" | "late">,
): Settlement {
  const { result, begun } = run;
  const reason = run.reason !== null && instant.attempt > 1
    ? `${run.reason} (attempt ${instant.attempt})`
    : run.reason;
  if (result === "refused") return { outcome: "refused", result, reason };
  if (begun || instant.attempt > 1) {
    return { outcome: instant.late === 1 ? "caught_up" : "ran", result, reason };
  }
  return { outcome: result === "cancelled" ? "skipped" : "missed", result, reason };
}

/**
 * Settles an instant that will not be started any more; without any attempt it becomes `outcome`, else what its last
 * attempt was.
 */
export async function giveUp(
  tx: Transaction<unknown>,
  instant: OccurrenceRow,
  outcome: "missed" | "skipped",
  reason: string,
  at: string,
): Promise<Settled> {
  if (instant.attempt === 1) {
    return await settleInstant(tx, instant.id, { outcome, result: null, reason }, at);
  }
  const db = tablesOf<SchedulesTables>(tx);
  const last = await runOfAttempt(db, instant.schedule_id, instant.due_at, instant.attempt - 1);
  const settlement = {
    outcome: instant.late === 1 ? "caught_up" as const : "ran" as const,
    result: last?.outcome ?? "failed",
    reason: `${last?.error_message ?? "it failed"}; no further attempt: ${reason}`,
  };
  return await settleInstant(tx, instant.id, settlement, at);
}
