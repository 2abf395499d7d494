/** Inventory of CloudConnexa tenants with its history, and the feeds of their logs. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("vpn_tenants")
    .addColumn("tenant", "text", (c) => c.primaryKey())
    .addColumn("synced_at", "text")
    .addColumn("failed_at", "text")
    .addColumn("error", "text")
    .addColumn("drift", "text", (c) => c.notNull())
    .execute();
  await db.schema.createTable("vpn_things")
    .addColumn("tenant", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("connection", "text")
    .addColumn("first_seen_at", "text", (c) => c.notNull())
    .addColumn("changed_at", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("vpn_things_key", ["tenant", "kind", "id"])
    .execute();
  await db.schema.createTable("vpn_changes")
    .addColumn("number", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("tenant", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("thing_id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("action", "text", (c) => c.notNull())
    .addColumn("fields", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("vpn_changes_by_time").on("vpn_changes").columns(["tenant", "at"]).execute();
  for (const table of ["vpn_sessions", "vpn_audit"]) {
    await db.schema.createTable(table)
      .addColumn("tenant", "text", (c) => c.notNull())
      .addColumn("id", "text", (c) => c.notNull())
      .addColumn("at", "text", (c) => c.notNull())
      .addColumn("body", "text", (c) => c.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ["tenant", "id"])
      .execute();
    await db.schema.createIndex(`${table}_by_time`).on(table).columns(["tenant", "at"]).execute();
  }
  await db.schema.createTable("vpn_feeds")
    .addColumn("tenant", "text", (c) => c.notNull())
    .addColumn("feed", "text", (c) => c.notNull())
    .addColumn("done_until", "text", (c) => c.notNull())
    .addColumn("window_start", "text")
    .addColumn("window_end", "text")
    .addColumn("cursor", "text")
    .addPrimaryKeyConstraint("vpn_feeds_key", ["tenant", "feed"])
    .execute();
}
