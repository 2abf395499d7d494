/** Statements on the lines of runs. */
import { chunks, type Db, type RunLineRow } from "./tables.ts";

/** Stores lines; a line stored before is replaced, so that a batch can be written again after an error. */
export async function insertLines(db: Db, rows: readonly RunLineRow[]): Promise<void> {
  for (const part of chunks(rows)) {
    await db.insertInto("run_lines").values(part).onConflict((conflict) =>
      conflict.columns(["run_id", "seq"]).doUpdateSet((eb) => ({
        at: eb.ref("excluded.at"),
        level: eb.ref("excluded.level"),
        text: eb.ref("excluded.text"),
      }))
    ).execute();
  }
}

/** Removes the lines numbered `from` up to and including `to`. */
export async function removeLines(db: Db, runId: string, from: number, to: number): Promise<void> {
  await db.deleteFrom("run_lines").where("run_id", "=", runId).where("seq", ">=", from).where("seq", "<=", to)
    .execute();
}

/** Lines after a number, in order, at most `limit`. */
export function linesAfter(db: Db, runId: string, seq: number, limit: number): Promise<RunLineRow[]> {
  return db.selectFrom("run_lines").selectAll().where("run_id", "=", runId).where("seq", ">", seq)
    .orderBy("seq").limit(limit).execute();
}

/** Removes the lines of up to `limit` ended runs from before an instant; returns how many lines. */
export async function removeOldLines(db: Db, before: string, limit: number): Promise<number> {
  const runs = db.selectFrom("runs").select("id").where("started_at", "<", before)
    .where("status", "!=", "running")
    .where(({ exists, selectFrom }) =>
      exists(selectFrom("run_lines").select("seq").whereRef("run_lines.run_id", "=", "runs.id"))
    ).limit(limit);
  const removed = await db.deleteFrom("run_lines").where("run_id", "in", runs).executeTakeFirst();
  return Number(removed.numDeletedRows);
}
