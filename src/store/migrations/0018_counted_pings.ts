/** What each ping counted for, so that one that met no due instant is not mistaken for one that did. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ["counted", "due_at"]) {
    await db.schema.alterTable("monitor_pings").addColumn(column, "text").execute();
  }
}
