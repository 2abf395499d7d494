/** Statements on how many runs ended of each day: where in a long history a page is, without walking there. */
import { sql } from "kysely";
import { prepared } from "../../store/mod.ts";
import type { Db, RunDayRow, RunRow, SchedulesTables } from "./tables.ts";

const count = prepared<SchedulesTables, unknown, RunDayRow>((db, { day, server_id, runs }) =>
  db.insertInto("run_days").values({ day, server_id, runs }).onConflict((conflict) =>
    conflict.columns(["day", "server_id"])
      .doUpdateSet((eb) => ({ runs: eb("run_days.runs", "+", eb.ref("excluded.runs")) }))
  )
);

/** Counts runs that ended, or with a negative change forgets them. */
export async function countDay(
  db: Db,
  { started_at, server_id }: Pick<RunRow, "started_at" | "server_id">,
  change: number,
): Promise<void> {
  await count(db, { day: dayOf(started_at), server_id, runs: change });
}

/** Days of which no run is left. */
export async function removeEmptyDays(db: Db): Promise<void> {
  await db.deleteFrom("run_days").where("runs", "=", 0).execute();
}

/** Where a walk over runs in the order of their start may begin. */
export interface WalkStart {
  /** First instant (`asc`), or the one past the last (`desc`), of the day the walk comes to. */
  at: string;
  /** Runs of that day to walk past. */
  offset: number;
}

/** Where to begin for what is `offset` runs away from the oldest (`asc`) or newest (`desc`) one. */
export async function walkStart(
  db: Db,
  servers: readonly number[] | null,
  order: "asc" | "desc",
  offset: number,
): Promise<WalkStart | undefined> {
  let ended = db.selectFrom("run_days").select(["day", ({ fn }) => fn.sum<number>("runs").as("runs")]);
  // Written out, because there is an index for this status.
  let open = db.selectFrom("runs").select("started_at").where("status", "=", sql.lit("running" as const));
  if (servers !== null) {
    ended = ended.where("server_id", "in", servers);
    open = open.where("server_id", "in", servers);
  }
  const days = new Map<string, number>();
  for (const { day, runs } of await ended.groupBy("day").execute()) days.set(day, Number(runs));
  for (const { started_at } of await open.execute()) {
    days.set(dayOf(started_at), (days.get(dayOf(started_at)) ?? 0) + 1);
  }
  const inOrder = [...days].sort(([a], [b]) => (a < b) === (order === "asc") ? -1 : 1);
  for (const [day, runs] of inOrder) {
    if (offset < runs) return { at: order === "asc" ? day : `${day}T24`, offset };
    offset -= runs;
  }
  return undefined;
}

function dayOf(instant: string): string {
  return instant.slice(0, 10);
}
