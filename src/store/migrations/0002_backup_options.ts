/** What a backup was made with, as some engines find their artifacts again only with it. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("backups").addColumn("engine_options", "text").execute();
}
