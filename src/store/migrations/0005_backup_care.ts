/** The trash, restore tests, what a make is made with, and ways to find runs by how they ended. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("backups").addColumn("trashed_at", "text").execute();
  await db.schema.createIndex("backups_in_trash").on("backups").column("trashed_at")
    .where("trashed_at", "is not", null).execute();
  // A make that a crash interrupted while its artifact was on its way can only be finished with them.
  await db.schema.alterTable("backup_makes").addColumn("engine_options", "text").execute();
  await proofs(db);
  await db.schema.createIndex("runs_by_status").on("runs").columns(["status", "started_at", "id"]).execute();
  await db.schema.createIndex("runs_by_schedule_status").on("runs")
    .columns(["schedule_id", "status", "started_at", "id"]).execute();
}

async function proofs(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("backup_proofs")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("backup_id", "text", (c) => c.notNull())
    .addColumn("backup_name", "text", (c) => c.notNull())
    .addColumn("engine", "text", (c) => c.notNull())
    .addColumn("schedule_id", "text")
    .addColumn("server_id", "integer")
    .addColumn("started_at", "text", (c) => c.notNull())
    .addColumn("ended_at", "text", (c) => c.notNull())
    .addColumn("ok", "integer", (c) => c.notNull())
    .addColumn("restore_ms", "integer")
    .addColumn("item_count", "integer")
    .addColumn("restored_bytes", "integer")
    .addColumn("checks", "text", (c) => c.notNull())
    .addColumn("requested_by", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("backup_proofs_by_time").on("backup_proofs").columns(["started_at", "id"])
    .execute();
  await db.schema.createIndex("backup_proofs_by_schedule").on("backup_proofs")
    .columns(["schedule_id", "started_at"]).execute();
  await db.schema.createIndex("backup_proofs_by_backup").on("backup_proofs")
    .columns(["backup_id", "started_at"]).execute();
}
