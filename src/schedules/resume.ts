/** Starting what was claimed and had to wait: for another schedule, a pause between attempts, or a new process. */
import type { Transaction } from "kysely";
import { formatDuration } from "../lib/duration.ts";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { type Claim, type Claimed, queuedOf, stops } from "./claims.ts";
import { newId } from "./options.ts";
import { Open } from "./overlap.ts";
import { type Policies, policiesOf } from "./policies.ts";
import type { Settlement } from "./queries/ledger.ts";
import { insertRuns } from "./queries/runs.ts";
import { schedulesByIds } from "./queries/schedules.ts";
import type { OccurrenceRow, SchedulesTables } from "./queries/tables.ts";
import { giveRun, readyOccurrences } from "./queries/waiting.ts";
import { settleInstant } from "./settle.ts";

const NOTHING = { runs: [], unsure: [], dropped: [], cancelled: [] };

/**
 * Gives runs to claimed instants that nothing keeps from starting any more, in the caller's transaction; `asking`
 * holds those whose server is being asked already. A stopped scheduler starts nothing: they go on waiting.
 */
export async function resumeWaiting(
  tx: Transaction<unknown>,
  now: number,
  asking: ReadonlySet<number>,
): Promise<Pick<Claimed, "runs" | "unsure" | "dropped" | "cancelled">> {
  const db = tablesOf<SchedulesTables>(tx);
  const ready = (await readyOccurrences(db, iso(now))).filter((row) => !asking.has(row.id));
  if (ready.length === 0 || (await stops(db))(now)) return NOTHING;
  const ids = [...new Set(ready.map((row) => row.schedule_id))];
  const schedules = new Map((await schedulesByIds(db, ids)).map((row) => [row.id, row]));
  const open = await Open.of(db, ids);
  const newest = new Map(ready.map((row) => [row.schedule_id, row.due_at]));
  const claims: Claim[] = [];
  for (const occurrence of ready) {
    const schedule = schedules.get(occurrence.schedule_id)!;
    const policies = policiesOf(schedule.policies);
    const settlement = tooLate(occurrence, policies, now) ??
      outrun(occurrence, policies, newest.get(schedule.id)!) ?? overlapping(occurrence, policies, open);
    if (settlement !== null) await settleInstant(tx, occurrence.id, settlement, iso(now));
    else claims.push({ occurrence, schedule });
  }
  const pushed = await open.settle(tx, now);
  const unsure = claims.filter(({ schedule }) => schedule.only_when_running === 1);
  const runs = [];
  for (const claim of claims) {
    if (claim.schedule.only_when_running === 1) continue;
    const occurrence = { ...claim.occurrence, run_id: newId() };
    if (await giveRun(db, occurrence.id, occurrence.run_id)) {
      runs.push(queuedOf({ ...claim, occurrence }, now));
    }
  }
  await insertRuns(db, runs.map(({ row }) => row));
  return { runs, unsure, ...pushed };
}

/** What ends an instant that has waited too long; null when it may still start. */
function tooLate(occurrence: OccurrenceRow, policies: Policies, now: number): Settlement | null {
  // Attempts after the first are not about being in time any more, and who follows is as late as who is followed.
  if (occurrence.attempt > 1 || (occurrence.late === 1 && policies.run_after !== null)) return null;
  const missed = (reason: string): Settlement => ({ outcome: "missed", result: null, reason });
  const lateMs = now - Date.parse(occurrence.due_at);
  const { catch_up_window_seconds: window, start_deadline_seconds: deadline } = policies;
  if (occurrence.late === 1 && lateMs > window * 1000) {
    return missed(`it waited beyond the catch-up window of ${formatDuration(window)}`);
  }
  if (occurrence.late === 0 && deadline !== null && lateMs > deadline * 1000) {
    return missed(`the start deadline of ${formatDuration(deadline)} passed`);
  }
  return null;
}

/** What ends an instant that was to be caught up, of a schedule that catches up only its latest. */
function outrun(occurrence: OccurrenceRow, policies: Policies, newest: string): Settlement | null {
  const { attempt, late, due_at } = occurrence;
  if (attempt > 1 || late === 0 || policies.catch_up !== "latest" || due_at === newest) return null;
  return { outcome: "superseded", result: null, reason: `${newest} is newer` };
}

/** The rule for overlapping, for an instant that did not go through the tick: it waited for another schedule. */
function overlapping(occurrence: OccurrenceRow, policies: Policies, open: Open): Settlement | null {
  if (occurrence.attempt > 1 || occurrence.late === 1) return null;
  const active = open.activeRun(occurrence.schedule_id, policies, occurrence.id);
  if (policies.overlap === "skip" && active !== null) {
    return { outcome: "skipped", result: null, reason: `previous run still active: ${active}` };
  }
  open.makeWay(occurrence.schedule_id, policies, Date.parse(occurrence.due_at), occurrence.id);
  return null;
}
