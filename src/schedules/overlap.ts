/** What is still open of schedules when further instants of them start: what is active, and what makes way. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import type { Policies } from "./policies.ts";
import type { Settlement } from "./queries/ledger.ts";
import { endRun, openRuns } from "./queries/runs.ts";
import type { Db, OccurrenceRow, RunRow, SchedulesTables } from "./queries/tables.ts";
import { openOccurrences } from "./queries/waiting.ts";
import { settleInstant } from "./settle.ts";

/** What others have to do for what starts. */
export interface Pushed {
  /** Queued runs that were ended. */
  dropped: string[];
  /** Runs under way that are to be cancelled. */
  cancelled: { run_id: string; reason: string }[];
}

/** One open instant, or a run by hand. */
interface OpenWork {
  occurrence: OccurrenceRow | null;
  run: RunRow | null;
}

type OverlapPolicies = Pick<Policies, "overlap" | "catch_up">;

const isBegun = ({ run }: OpenWork) => run?.outcome === "running";
/** True while no attempt has ever begun. */
const isUntried = (work: OpenWork) => !isBegun(work) && work.occurrence?.attempt === 1;

/** True for what a newer instant replaces. */
function yields(work: OpenWork, { overlap, catch_up }: OverlapPolicies): boolean {
  if (!isUntried(work)) return false;
  if (work.occurrence?.late === 1 && catch_up === "all") return false;
  return overlap === "queue_one" || overlap === "cancel_other" ||
    (work.occurrence?.late === 1 && catch_up === "latest");
}

/** Open work of some schedules, as it is in a transaction. */
export class Open {
  readonly #bySchedule: Map<string, OpenWork[]>;
  readonly #yielding: { work: OpenWork; reason: string }[] = [];
  readonly #cancelled: { work: OpenWork; reason: string }[] = [];

  private constructor(bySchedule: Map<string, OpenWork[]>) {
    this.#bySchedule = bySchedule;
  }

  /** What is open of these schedules. What still waits for another schedule is in nobody's way. */
  static async of(db: Db, scheduleIds: readonly string[]): Promise<Open> {
    const runs = await openRuns(db, scheduleIds);
    const occurrences = await openOccurrences(db, scheduleIds);
    const byRun = new Map(runs.map((run) => [run.id, run]));
    const works: (OpenWork & { id: string })[] = occurrences.filter((row) => row.awaits === null)
      .map((occurrence) => ({
        id: occurrence.schedule_id,
        occurrence,
        run: byRun.get(occurrence.run_id ?? "") ?? null,
      }));
    const known = new Set(occurrences.map((row) => row.run_id));
    const others = runs.filter((run) => !known.has(run.id))
      .map((run) => ({ id: run.schedule_id, occurrence: null, run }));
    return new Open(Map.groupBy([...works, ...others], ({ id }) => id));
  }

  /** The run, or the instant waiting for one, that an instant would overlap; null when there is none. */
  activeRun(scheduleId: string, policies: OverlapPolicies, except?: number): string | null {
    const work = this.#of(scheduleId, except).find((work) => !yields(work, policies));
    return work === undefined ? null : work.run?.id ?? work.occurrence!.due_at;
  }

  /** Notes what makes way for an instant (milliseconds) that starts. */
  makeWay(scheduleId: string, policies: OverlapPolicies, due: number, except?: number): void {
    const reason = `${iso(due)} is newer`;
    for (const work of this.#of(scheduleId, except)) {
      if (yields(work, policies)) this.#yielding.push({ work, reason });
      else if (policies.overlap === "cancel_other") this.#cancelled.push({ work, reason });
    }
  }

  #of(scheduleId: string, except: number | undefined): readonly OpenWork[] {
    const works = this.#bySchedule.get(scheduleId) ?? [];
    return except === undefined ? works : works.filter((work) => work.occurrence?.id !== except);
  }

  /** Settles what makes way, in the caller's transaction; runs under way are left to whoever runs them. */
  async settle(tx: Transaction<unknown>, now: number): Promise<Pushed> {
    const pushed: Pushed = { dropped: [], cancelled: [] };
    for (const { work, reason } of this.#yielding) {
      await end(tx, work, { outcome: "superseded", result: null, reason }, now, pushed);
    }
    for (const { work, reason } of this.#cancelled) {
      const cause = `cancelled: ${reason}`;
      if (isBegun(work)) pushed.cancelled.push({ run_id: work.run!.id, reason: cause });
      else await end(tx, work, { outcome: "ran", result: "cancelled", reason: cause }, now, pushed);
    }
    return pushed;
  }
}

/** Ends work that waits: its queued run, if it has one, and its instant. */
async function end(
  tx: Transaction<unknown>,
  { occurrence, run }: OpenWork,
  settlement: Settlement,
  now: number,
  pushed: Pushed,
): Promise<void> {
  const at = iso(now);
  if (run !== null) {
    pushed.dropped.push(run.id);
    await endRun(tablesOf<SchedulesTables>(tx), run.id, {
      status: "cancelled",
      outcome: "cancelled",
      completed_at: at,
      backup_id: null,
      backup_size_bytes: null,
      source_bytes: null,
      warning_count: 0,
      error_message: settlement.reason,
    });
  }
  if (occurrence !== null) await settleInstant(tx, occurrence.id, settlement, at);
}
