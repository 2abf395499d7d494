/** Ended runs by day, so that a page deep in a long history is found without walking there. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("run_days")
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addColumn("runs", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_days_pk", ["day", "server_id"])
    .execute();
  await sql`
    insert into run_days (day, server_id, runs)
    select substr(started_at, 1, 10), server_id, count(*) from runs where status <> 'running'
    group by substr(started_at, 1, 10), server_id
  `.execute(db);
}
