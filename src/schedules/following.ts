/**
 * Schedules that follow another (`run_after`): due with it, started when its same instant has succeeded.
 *
 * Their rows are written in the transaction that claims the instant of the one they follow, waiting for it or settled
 * with it, so they have one exactly when the other has one. They have no `next_run_at` of their own.
 */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { tablesOf } from "../store/mod.ts";
import { instantsBetween } from "./calendar.ts";
import { ownObstacle } from "./decide.ts";
import { policiesOf } from "./policies.ts";
import { insertOccurrences, type NewOccurrence } from "./queries/ledger.ts";
import { followersOf, scheduleById } from "./queries/schedules.ts";
import type { Db, OccurrenceRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
import { scheduleRule } from "./rule.ts";
import { followingSettlement } from "./settle.ts";

/** Gives the schedules that follow their rows for newly claimed instants; returns how many. */
export async function claimFollowing(
  tx: Transaction<unknown>,
  claimed: readonly OccurrenceRow[],
  followed: ReadonlyMap<string, ScheduleRow>,
  now: number,
): Promise<number> {
  const ids = [...new Set(claimed.map((row) => row.schedule_id))];
  if (ids.length === 0) return 0;
  const followers = await followersOf(tablesOf<SchedulesTables>(tx), ids);
  if (followers.length === 0) return 0;
  const rows = claimed.flatMap((row) =>
    followers.filter((follower) =>
      follower.run_after === row.schedule_id && Date.parse(follower.anchor_at) < Date.parse(row.due_at)
    ).map((follower) => followingRow(follower, row, followed.get(row.schedule_id)?.name ?? "", now))
  );
  const inserted = await insertOccurrences(tx, rows);
  const byId = new Map(followers.map((follower) => [follower.id, follower]));
  return inserted.length + await claimFollowing(tx, inserted, byId, now);
}

function followingRow(
  follower: ScheduleRow,
  followed: OccurrenceRow,
  name: string,
  now: number,
): NewOccurrence {
  const row = {
    schedule_id: follower.id,
    server_id: follower.server_id,
    due_at: followed.due_at,
    run_id: null,
    claimed_at: iso(now),
    attempt: 1,
    late: followed.late,
    not_before: null,
  };
  const policies = { ...policiesOf(follower.policies), timezone: follower.timezone };
  const own = ownObstacle({ policies, stoppedAt: () => false }, Date.parse(followed.due_at));
  const settlement = followed.state === "settled"
    ? followingSettlement(followed, name)
    : own === null
    ? null
    : { outcome: "skipped" as const, result: null, reason: own };
  return settlement === null
    ? {
      ...row,
      state: "claimed",
      outcome: null,
      result: null,
      reason: null,
      settled_at: null,
      awaits: followed.schedule_id,
    }
    : { ...row, ...settlement, state: "settled", settled_at: row.claimed_at, awaits: null };
}

/** What a schedule follows, the nearest first, up to the one that has times of its own. */
export async function pathOf(db: Db, schedule: ScheduleRow): Promise<ScheduleRow[]> {
  const path: ScheduleRow[] = [];
  for (let id = schedule.run_after; id !== null && path.length < MAX_PATH;) {
    const next = await scheduleById(db, id);
    if (next === undefined) break;
    path.push(next);
    id = next.run_after;
  }
  return path;
}

/** Longest chain of schedules; also what ends a walk in a circle that somebody wrote into the database. */
const MAX_PATH = 50;

/** Refuses a schedule that would follow itself, or a chain that is too long. Errors: `invalid`, naming the path. */
export async function requireNoCircle(db: Db, schedule: ScheduleRow): Promise<void> {
  const path = await pathOf(db, schedule);
  const end = path.findIndex((other) => other.id === schedule.id);
  const refuse = (message: string) =>
    new HoldfastError("invalid", `Cannot run "${schedule.name}" after "${path[0]?.name}": ${message}`, {
      errors: [{ path: "run_after", message }],
    });
  if (end >= 0) {
    const names = [schedule, ...path.slice(0, end + 1)].map(({ name }) => name);
    throw refuse(`they would run in a circle: ${names.join(" after ")}`);
  }
  if (path.length >= MAX_PATH) throw refuse(`a chain may have ${MAX_PATH} schedules`);
}

/**
 * Settles what a follower was due at with the one it follows and that has no row yet, before it is changed or taken
 * away. The other's own claim finds the rows and leaves them.
 */
export async function closeFollower(
  tx: Transaction<unknown>,
  schedule: ScheduleRow,
  reason: string,
  now: number,
): Promise<void> {
  const path = await pathOf(tablesOf<SchedulesTables>(tx), schedule);
  const root = path.at(-1);
  if (root === undefined || root.next_run_at === null || path.some(({ enabled }) => enabled === 0)) return;
  const since = Math.max(...[schedule, ...path.slice(0, -1)].map(({ anchor_at }) => Date.parse(anchor_at)));
  const instants = instantsBetween(
    scheduleRule(root),
    Math.max(Date.parse(root.next_run_at) - 1, since),
    now,
  );
  const at = iso(now);
  const rows = await insertOccurrences(
    tx,
    instants.map((due): NewOccurrence => ({
      schedule_id: schedule.id,
      server_id: schedule.server_id,
      due_at: iso(due),
      state: "settled",
      outcome: "missed",
      result: null,
      reason,
      run_id: null,
      claimed_at: at,
      settled_at: at,
      attempt: 1,
      late: 0,
      not_before: null,
      awaits: null,
    })),
  );
  await claimFollowing(tx, rows, new Map([[schedule.id, schedule]]), now);
}
