/** How far a run is, and when it will probably end. */
import type { Progress } from "../backups/mod.ts";
import { iso } from "../lib/clock.ts";
import { recentSuccesses } from "./queries/runs.ts";
import type { Db } from "./queries/tables.ts";

/** Past runs that an estimate looks at. */
const SAMPLE = 10;

/** Per cent of the current phase with one decimal, by bytes where they are known, else by entries; null when neither is. */
export function percentOf(progress: Progress | null): number | null {
  if (progress === null) return null;
  const { done_bytes, total_bytes, done_items, total_items } = progress;
  const share = total_bytes ? done_bytes / total_bytes : total_items ? done_items / total_items : null;
  return share === null ? null : Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
}

/** Median duration in milliseconds of a schedule's latest successes; null when there is none. */
export async function medianDuration(db: Db, scheduleId: string): Promise<number | null> {
  const runs = await recentSuccesses(db, scheduleId, SAMPLE);
  const durations = runs.map((run) =>
    Date.parse(run.completed_at ?? run.started_at) - Date.parse(run.started_at)
  )
    .sort((a, b) => a - b);
  if (durations.length === 0) return null;
  const middle = Math.floor(durations.length / 2);
  return durations.length % 2 === 1 ? durations[middle]! : (durations[middle - 1]! + durations[middle]!) / 2;
}

/** Share of the work, in per cent, from which the present speed says more than nothing. */
const TELLING_PERCENT = 5;

/** When a run will end: as past runs took, or by its present speed when it takes longer; null when neither tells. */
export function estimateEnd(
  run: { startedAt: number; usualMs: number | null | undefined; progress: Progress | null },
  now: number,
): string | null {
  const usual = run.usualMs == null ? null : run.startedAt + run.usualMs;
  if (usual !== null && usual > now) return iso(usual);
  const percent = run.progress?.phase === "scan" ? null : percentOf(run.progress);
  if (percent === null || percent < TELLING_PERCENT) return null;
  return iso(run.startedAt + Math.max(0, now - run.startedAt) * 100 / percent);
}
