/** Retention as a rule: which backups of a schedule are kept, and why. Pure. */
import { formatDuration } from "../lib/duration.ts";
import { formatSize } from "../lib/size.ts";
import { type KeepRules, PERIOD_RULES, type PeriodOf, periodsIn } from "./keep.ts";
import type { Backup } from "./model.ts";

/** What the rule reads of a backup. */
export type Retained = Pick<
  Backup,
  | "id"
  | "created_at"
  | "status"
  | "verified_ok"
  | "missing_since"
  | "changed_at"
  | "size_bytes"
  | "source_bytes"
>;

/** What becomes of one backup. */
export interface RetentionDecision<T extends Retained = Retained> {
  backup: T;
  keep: boolean;
  reason: string;
}

/** What becomes of all backups of a schedule. */
export interface RetentionPlan<T extends Retained = Retained> {
  /** Newest first. */
  decisions: RetentionDecision<T>[];
  /** Why nothing is removed for now although something would be; null when nothing waits. */
  waiting: string | null;
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

/** How a plan is made. */
export interface PlanOptions {
  /** IANA name of the zone whose days, weeks, months and years count; default UTC. */
  timezone?: string;
  /** Do not wait, however the newest copy looks. */
  trust_newest?: boolean;
}

/**
 * Decides for all backups of one schedule:
 *
 * - a usable one is kept when any of the rules wants it: the newest so many, the newest of so many hours, days, weeks,
 *   months, years, or those made shortly before the newest. Without any such rule the newest `max_backups` are kept
 * - of what they keep the oldest go while all together take more than `max_total_bytes`; the newest never does
 * - a failed one takes no place; it is kept while nothing newer is usable (it may hold the only recent data),
 *   `max_backups` of them at most
 * - one found missing, changed or broken takes no place either and goes when a usable one in its place would. It is
 *   not removed sooner, because it may be evidence
 * - the newest verified good copy is never removed
 * - nothing is removed while the newest copy looks suspicious: not verified although earlier ones are, or with less than
 *   half of what the ones before it usually hold
 */
export function planRetention<T extends Retained>(
  backups: readonly T[],
  rules: KeepRules,
  { timezone = "UTC", trust_newest = false }: PlanOptions = {},
): RetentionPlan<T> {
  const newestFirst = [...backups].sort((a, b) =>
    a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1
  );
  const decided = limitTotal(decide(newestFirst, rules, timezone), rules.max_total_bytes);
  const suspicion = trust_newest ? null : suspicionOf(newestFirst.filter(isUsable));
  if (suspicion === null || decided.every(({ keep }) => keep)) return { decisions: decided, waiting: null };
  const decisions = decided.map((decision) =>
    decision.keep
      ? decision
      : { ...decision, keep: true, reason: `waits, as ${suspicion}; else: ${decision.reason}` }
  );
  return { decisions, waiting: suspicion };
}

function decide<T extends Retained>(
  newestFirst: readonly T[],
  rules: KeepRules,
  timezone: string,
): RetentionDecision<T>[] {
  const lastGood = newestFirst.find(isVerifiedGood);
  const wanted = new Wanted(rules, periodsIn(timezone));
  let usable = 0;
  let failed = 0;
  return newestFirst.map((backup) => {
    const keep = (reason: string) => ({ backup, keep: true, reason });
    const remove = (reason: string) => ({ backup, keep: false, reason });
    if (isUsable(backup)) {
      usable++;
      const reason = wanted.take(backup);
      if (reason !== null) return keep(reason);
      return backup === lastGood ? keep("last verified good copy") : remove(wanted.otherwise);
    }
    if (backup.status === "failed") {
      failed++;
      if (usable > 0) return remove("failed, and a newer copy is complete");
      return failed <= rules.max_backups
        ? keep("failed, but nothing newer is complete")
        : remove(`older than ${rules.max_backups} failed ones`);
    }
    const what = backup.missing_since !== null
      ? "missing"
      : backup.changed_at !== null
      ? "changed"
      : "broken";
    return wanted.wants(backup) === null
      ? remove(`${what}, and ${wanted.otherwise}`)
      : keep(`${what}, takes no place`);
  });
}

/** The rules at work, asked from the newest backup to the oldest. */
class Wanted {
  /** Why a usable copy goes. */
  readonly otherwise: string;
  readonly #rules: {
    limit: number;
    taken: number;
    last: string | undefined;
    key(instant: string): string;
    word: string;
  }[] = [];
  readonly #withinMs: number | undefined;
  #newest: number | undefined;

  constructor(rules: KeepRules, periodOf: PeriodOf) {
    const add = (limit: number | null, word: string, key: (instant: string) => string) => {
      if (limit !== null) this.#rules.push({ limit, word, key, taken: 0, last: undefined });
    };
    let count = 0;
    const each = () => String(count++);
    add(rules.keep_last, "last", each);
    for (const [period, field] of PERIOD_RULES) {
      add(rules[field], period, (instant) => periodOf(instant, period));
    }
    if (rules.keep_within_seconds !== null) this.#withinMs = rules.keep_within_seconds * 1000;
    const alone = this.#rules.length === 0 && this.#withinMs === undefined;
    if (alone) add(rules.max_backups, "newest", each);
    this.otherwise = alone ? `older than the ${rules.max_backups} newest` : "no rule keeps it";
  }

  /** Why the rules would keep a copy of that instant; null when none does. Changes nothing. */
  wants({ created_at }: Pick<Retained, "created_at">): string | null {
    const reasons = this.#rules.filter((rule) =>
      rule.taken < rule.limit && rule.key(created_at) !== rule.last
    )
      .map((rule) =>
        rule.word === "newest"
          ? `number ${rule.taken + 1} of the ${rule.limit} newest`
          : `${rule.word} ${rule.taken + 1} of ${rule.limit}`
      );
    if (this.#isWithin(created_at)) {
      reasons.push(`within ${formatDuration(this.#withinMs! / 1000)} of the newest`);
    }
    return reasons.length === 0 ? null : reasons.join(", ");
  }

  /** As {@linkcode wants}, and gives the copy the places it takes. */
  take(backup: Pick<Retained, "created_at">): string | null {
    this.#newest ??= Date.parse(backup.created_at);
    const reason = this.wants(backup);
    for (const rule of this.#rules) {
      const key = rule.key(backup.created_at);
      if (rule.taken >= rule.limit || key === rule.last) continue;
      rule.taken++;
      rule.last = key;
    }
    return reason;
  }

  /** Counted back from the newest copy, not from now: a schedule that stands still must not lose what it has. */
  #isWithin(instant: string): boolean {
    return this.#withinMs !== undefined &&
      (this.#newest === undefined || this.#newest - Date.parse(instant) <= this.#withinMs);
  }
}

/** The oldest of what is kept go while there is too much of it; newest first in and out. */
function limitTotal<T extends Retained>(
  decisions: readonly RetentionDecision<T>[],
  limit: number | null,
): RetentionDecision<T>[] {
  if (limit === null) return [...decisions];
  const newest = decisions.find(({ backup }) => isUsable(backup))?.backup;
  const lastGood = decisions.find(({ backup }) => isVerifiedGood(backup))?.backup;
  let total = 0;
  let full = false;
  return decisions.map((decision) => {
    const { backup, keep } = decision;
    const bytes = backup.missing_since === null ? backup.size_bytes ?? 0 : 0;
    if (!keep || bytes === 0) return decision;
    if (backup !== newest && backup !== lastGood) full ||= total + bytes > limit;
    if (!full || backup === newest || backup === lastGood) {
      total += bytes;
      return decision;
    }
    return { backup, keep: false, reason: `beyond ${formatSize(limit)} in all` };
  });
}

/** Copies before the newest that say what is usual. */
const USUAL = 10;
/** Fewer say nothing. */
const MIN_USUAL = 3;

/** What speaks against trusting the newest usable copy so far that others may go; null for nothing. */
function suspicionOf([newest, ...before]: readonly Retained[]): string | null {
  if (newest === undefined || before.length === 0) return null;
  if (newest.verified_ok === null && before.some(isVerifiedGood)) {
    return "the newest copy is not verified, and earlier ones are";
  }
  const sizes = before.slice(0, USUAL).map(extentOf).filter((bytes) => bytes > 0).sort((a, b) => a - b);
  const usual = sizes[Math.floor((sizes.length - 1) / 2)];
  if (usual === undefined || sizes.length < MIN_USUAL || extentOf(newest) * 2 >= usual) return null;
  return `the newest copy holds ${formatSize(extentOf(newest))}, less than half of the usual ${
    formatSize(usual)
  }`;
}

/** Of the source, as what an artifact takes also depends on how well it compresses. */
function extentOf({ source_bytes, size_bytes }: Retained): number {
  return source_bytes ?? size_bytes ?? 0;
}
