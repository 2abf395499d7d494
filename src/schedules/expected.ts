/**
 * Which instants should exist: worked out from dated revisions alone, never from the rows that do.
 *
 * A revision is in force from right after its instant up to and including that of the next. Where the clock was set back in
 * between, a revision was never in force.
 */
import { instantsBetween } from "./calendar.ts";
import { policiesOf } from "./policies.ts";
import type { ScheduleRevisionRow } from "./queries/tables.ts";
import { scheduleRule } from "./rule.ts";

/** Revisions of every schedule, each list in the order they were made. */
export type Revisions = ReadonlyMap<string, readonly ScheduleRevisionRow[]>;

/** Longest chain of schedules looked through; a longer one is a circle somebody wrote into the database. */
const MAX_DEPTH = 60;

/** Instants at which a schedule was due after `from` up to and including `to`, in milliseconds, in order. */
export function* expectedInstants(
  revisions: Revisions,
  scheduleId: string,
  from: number,
  to: number,
  depth = 0,
): Generator<number> {
  const own = revisions.get(scheduleId) ?? [];
  if (depth > MAX_DEPTH) return;
  for (const [index, revision] of own.entries()) {
    if (revision.enabled === 0) continue;
    const next = own[index + 1];
    const [after, upTo] = [
      Math.max(from, Date.parse(revision.at)),
      next === undefined ? to : Math.min(to, Date.parse(next.at)),
    ];
    if (after >= upTo) continue;
    const { run_after } = policiesOf(revision.policies);
    if (run_after !== null) {
      yield* expectedInstants(revisions, run_after, after, upTo, depth + 1);
      continue;
    }
    const rule = scheduleRule({ ...revision, id: scheduleId });
    // In pieces: a schedule of every minute has half a million instants a year.
    for (let begin = after;;) {
      const piece = instantsBetween(rule, begin, upTo, PIECE);
      yield* piece;
      if (piece.length < PIECE) break;
      begin = piece.at(-1)!;
    }
  }
}

const PIECE = 1000;
