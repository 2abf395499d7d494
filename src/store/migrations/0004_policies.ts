/** Policies of schedules: further attempts, instants that are caught up, schedules that follow another. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("occurrences").addColumn("attempt", "integer", (c) => c.notNull().defaultTo(1))
    .execute();
  await db.schema.alterTable("occurrences").addColumn("late", "integer", (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("occurrences").addColumn("not_before", "text").execute();
  await db.schema.alterTable("occurrences").addColumn("awaits", "text").execute();
  await db.schema.createIndex("occurrences_awaiting").on("occurrences").columns(["awaits", "due_at"])
    .where(sql.ref("awaits"), "is not", null).execute();
  await db.schema.alterTable("schedules").addColumn("run_after", "text").execute();
  await db.schema.createIndex("schedules_following").on("schedules").column("run_after")
    .where(sql.ref("run_after"), "is not", null).execute();
  // An attempt is started once, whatever goes wrong in the program above.
  await db.schema.createIndex("runs_once").on("runs").columns(["schedule_id", "due_at", "attempt"]).unique()
    .where(sql.ref("due_at"), "is not", null).execute();
}
