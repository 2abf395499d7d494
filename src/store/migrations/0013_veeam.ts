/** Veeam servers: what is known of each, its sessions and restore points, and how full its repositories were. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("veeam_known")
    .addColumn("address", "text", (c) => c.primaryKey())
    .addColumn("fingerprint", "text")
    .addColumn("revision", "text")
    .execute();
  await db.schema.createTable("veeam_servers")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("revision", "text")
    .addColumn("build", "text")
    .addColumn("tried_at", "text", (c) => c.notNull())
    .addColumn("synced_at", "text")
    // Everything created until then has been read.
    .addColumn("sessions_until", "text")
    .addColumn("points_until", "text")
    .addColumn("error", "text")
    .addColumn("error_since", "text")
    .execute();
  await db.schema.createTable("veeam_things")
    .addColumn("server", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("veeam_things_pk", ["server", "kind", "id"])
    .execute();
  await db.schema.createTable("veeam_sessions")
    .addColumn("server", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("job_id", "text")
    .addColumn("type", "text")
    .addColumn("state", "text")
    .addColumn("result", "text")
    .addColumn("message", "text")
    .addColumn("created_at", "text")
    .addColumn("ended_at", "text")
    .addColumn("duration_seconds", "integer")
    .addColumn("progress_percent", "integer")
    .addColumn("initiated_by", "text")
    .addColumn("processed_bytes", "integer")
    .addColumn("transferred_bytes", "integer")
    .addColumn("read_at", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("veeam_sessions_pk", ["server", "id"])
    .execute();
  await db.schema.createIndex("veeam_sessions_by_time").on("veeam_sessions")
    .columns(["server", "created_at", "id"]).execute();
  await db.schema.createIndex("veeam_sessions_open").on("veeam_sessions").columns(["server", "ended_at"])
    .where("ended_at", "is", null).execute();
  await db.schema.createTable("veeam_points")
    .addColumn("server", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("created_at", "text")
    .addColumn("type", "text")
    .addColumn("platform", "text")
    .addColumn("backup_id", "text")
    .addColumn("original_bytes", "integer")
    .addColumn("malware_status", "text")
    .addColumn("read_at", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("veeam_points_pk", ["server", "id"])
    .execute();
  await db.schema.createIndex("veeam_points_by_time").on("veeam_points").columns(["server", "created_at"])
    .execute();
  await db.schema.createTable("veeam_fills")
    .addColumn("server", "text", (c) => c.notNull())
    .addColumn("repository_id", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("capacity_bytes", "integer", (c) => c.notNull())
    .addColumn("used_bytes", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("veeam_fills_pk", ["server", "repository_id", "at"])
    .execute();
}
