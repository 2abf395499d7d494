/** Retention as a rule: which backups of a schedule are kept, and why. Pure. */
import type { Backup } from "./model.ts";

/** What the rule reads of a backup. */
export type Retained = Pick<
  Backup,
  "id" | "created_at" | "status" | "verified_ok" | "missing_since" | "changed_at"
>;

/** What becomes of one backup. */
export interface RetentionDecision<T extends Retained = Retained> {
  backup: T;
  keep: boolean;
  reason: string;
}

/** True for a copy that a restore may be staked on: complete, read back and matching, and still there. */
export function isVerifiedGood(backup: Retained): boolean {
  return isUsable(backup) && backup.verified_ok === true;
}

/** True unless something speaks against the copy. */
function isUsable(backup: Retained): boolean {
  return backup.status === "completed" && backup.verified_ok !== false && backup.missing_since === null &&
    backup.changed_at === null;
}

/** True when `backup` is the only verified good copy among those of its schedule. */
export function isLastVerifiedGood(backup: Retained, all: readonly Retained[]): boolean {
  return isVerifiedGood(backup) && !all.some((other) => other.id !== backup.id && isVerifiedGood(other));
}

/**
 * Decides for all backups of one schedule. `max` is at least 1. Newest first, as the answer is:
 *
 * - the newest `max` usable ones are kept; a failed one takes no place, so it never pushes out a good one
 * - a failed one is kept while nothing newer is usable (it may hold the only recent data), `max` of them at most
 * - one found missing, changed or broken takes no place either and ages out with its neighbours: when `max` usable
 *   ones are newer. It is not removed sooner, because it may be evidence
 * - the newest verified good copy is never removed
 */
export function planRetention<T extends Retained>(
  backups: readonly T[],
  max: number,
): RetentionDecision<T>[] {
  const newestFirst = [...backups].sort((a, b) =>
    a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1
  );
  const lastGood = newestFirst.find(isVerifiedGood);
  let usable = 0;
  let failed = 0;
  return newestFirst.map((backup) => {
    const keep = (reason: string) => ({ backup, keep: true, reason });
    const remove = (reason: string) => ({ backup, keep: false, reason });
    if (isUsable(backup)) {
      usable++;
      if (usable <= max) return keep(`number ${usable} of the ${max} newest`);
      return backup === lastGood ? keep("last verified good copy") : remove(`older than the ${max} newest`);
    }
    if (backup.status === "failed") {
      failed++;
      if (usable > 0) return remove("failed, and a newer copy is complete");
      return failed <= max
        ? keep("failed, but nothing newer is complete")
        : remove(`older than ${max} failed ones`);
    }
    const what = backup.missing_since !== null
      ? "missing"
      : backup.changed_at !== null
      ? "changed"
      : "broken";
    return usable >= max
      ? remove(`${what}, and older than the ${max} newest`)
      : keep(`${what}, takes no place`);
  });
}
