/** Routers: what they should have, who holds what, every change, and versions of their configurations. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await wanted(db);
  await changes(db);
  // What was last seen of each router.
  await db.schema.createTable("network_routers")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("release", "text")
    .addColumn("version", "text")
    .addColumn("confirm", "integer", (c) => c.notNull())
    .addColumn("background", "integer", (c) => c.notNull())
    .addColumn("detected_at", "text")
    .addColumn("checked_at", "text")
    .addColumn("check_error", "text")
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("drift", "text", (c) => c.notNull())
    .addColumn("drift_digest", "text", (c) => c.notNull())
    .execute();
  await db.schema.createTable("network_configs")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("taken_at", "text", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("digest", "text", (c) => c.notNull())
    .addColumn("config", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("network_configs_by_router").on("network_configs").columns(["router", "id"])
    .execute();
}

async function wanted(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("network_pools")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("settings", "text", (c) => c.notNull())
    .addColumn("is_default", "integer", (c) => c.notNull())
    .addColumn("is_active", "integer", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .addUniqueConstraint("network_pools_by_name", ["router", "kind", "name"])
    .execute();
  await db.schema.createTable("network_machines")
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("network_machines_by_name", ["router", "name"])
    .execute();
  // Whatever only one machine of a router can have; the key is what keeps two from having it.
  await db.schema.createTable("network_claims")
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("claim", "text", (c) => c.notNull())
    .addColumn("machine", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("network_claims_by_claim", ["router", "claim"])
    .execute();
  await db.schema.createIndex("network_claims_by_machine").on("network_claims").columns(["router", "machine"])
    .execute();
}

async function changes(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("network_changes")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("requested_by", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("ended_at", "text")
    .addColumn("steps", "text", (c) => c.notNull())
    .addColumn("before", "text", (c) => c.notNull())
    .addColumn("after", "text", (c) => c.notNull())
    .addColumn("result", "text")
    .addColumn("error", "text")
    .addColumn("rollback_of", "integer")
    .execute();
  await db.schema.createIndex("network_changes_by_status").on("network_changes").columns([
    "router",
    "status",
    "id",
  ])
    .execute();
  // Answers by the key a caller gave, so that the same call asked again is done once.
  await db.schema.createTable("network_requests")
    .addColumn("router", "text", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("digest", "text", (c) => c.notNull())
    .addColumn("change_id", "integer", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("network_requests_by_key", ["router", "key"])
    .execute();
}
