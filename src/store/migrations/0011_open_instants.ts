/** Finding what is open of a schedule without reading what it has behind it. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex("occurrences_open_by_schedule").on("occurrences").column("schedule_id")
    .where(sql.ref("state"), "!=", "settled").execute();
}
