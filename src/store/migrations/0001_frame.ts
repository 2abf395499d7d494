/** The first schema: chain and audit, access, secrets, servers, schedules with their ledger, runs, backups. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await chain(db);
  await access(db);
  await servers(db);
  await schedules(db);
  await backups(db);
}

async function chain(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("chain")
    .addColumn("seq", "integer", (c) => c.primaryKey())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("ref", "text", (c) => c.notNull())
    .addColumn("digest", "text", (c) => c.notNull())
    .addColumn("prev_hash", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("chain_by_ref").on("chain").columns(["kind", "ref"]).execute();
  await db.schema.createTable("chain_summaries")
    .addColumn("seq", "integer", (c) => c.primaryKey())
    .addColumn("first_seq", "integer", (c) => c.notNull())
    .addColumn("last_seq", "integer", (c) => c.notNull())
    .addColumn("prev_hash", "text", (c) => c.notNull())
    .addColumn("last_hash", "text", (c) => c.notNull())
    .addColumn("content", "text", (c) => c.notNull())
    .execute();
  await db.schema.createTable("audit_lines")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("caller_kind", "text", (c) => c.notNull())
    .addColumn("caller_id", "integer", (c) => c.notNull())
    .addColumn("caller_name", "text", (c) => c.notNull())
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("address", "text")
    .addColumn("request_id", "text", (c) => c.notNull())
    .addColumn("operation", "text", (c) => c.notNull())
    .addColumn("target", "text", (c) => c.notNull())
    .addColumn("before", "text")
    .addColumn("after", "text")
    .addColumn("outcome", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("audit_lines_by_time").on("audit_lines").column("at").execute();
}

async function access(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("users")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("password_hash", "text", (c) => c.notNull())
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("disabled_at", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .addColumn("last_login_at", "text")
    .addColumn("deleted_at", "text")
    .execute();
  // A deleted user keeps its row, so that old audit lines still mean somebody; its name becomes free.
  await db.schema.createIndex("users_by_name").on("users").expression(sql`lower(name)`).unique().where(
    sql.ref("deleted_at"),
    "is",
    null,
  )
    .execute();
  await db.schema.createTable("user_servers")
    .addColumn("user_id", "integer", (c) => c.notNull().references("users.id").onDelete("cascade"))
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("user_servers_pk", ["user_id", "server_id"])
    .execute();
  await db.schema.createTable("sessions")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("user_id", "integer", (c) => c.notNull().references("users.id").onDelete("cascade"))
    .addColumn("address", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("last_used_at", "text", (c) => c.notNull())
    .addColumn("expires_at", "text", (c) => c.notNull())
    .addColumn("revoked_at", "text")
    .addColumn("revoked_reason", "text")
    .execute();
  await db.schema.createIndex("sessions_by_user").on("sessions").column("user_id").execute();
  await db.schema.createTable("refresh_tokens")
    .addColumn("token_hash", "text", (c) => c.primaryKey())
    .addColumn("session_id", "text", (c) => c.notNull().references("sessions.id").onDelete("cascade"))
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("expires_at", "text", (c) => c.notNull())
    .addColumn("used_at", "text")
    .execute();
  await db.schema.createIndex("refresh_tokens_by_session").on("refresh_tokens").column("session_id")
    .execute();
  await db.schema.createTable("api_keys")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("prefix", "text", (c) => c.notNull().unique())
    .addColumn("key_hash", "text", (c) => c.notNull())
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("all_servers", "integer", (c) => c.notNull())
    .addColumn("created_by", "integer", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("expires_at", "text")
    .addColumn("last_used_at", "text")
    .addColumn("revoked_at", "text")
    .execute();
  await db.schema.createIndex("api_keys_by_name").on("api_keys").column("name").unique().where(
    sql.ref("revoked_at"),
    "is",
    null,
  ).execute();
  await db.schema.createTable("api_key_servers")
    .addColumn("key_id", "integer", (c) => c.notNull().references("api_keys.id").onDelete("cascade"))
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("api_key_servers_pk", ["key_id", "server_id"])
    .execute();
  await db.schema.createTable("login_failures")
    .addColumn("name_hash", "text", (c) => c.notNull())
    .addColumn("address", "text", (c) => c.notNull())
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("last_at", "text", (c) => c.notNull())
    .addColumn("locked_until", "text")
    .addPrimaryKeyConstraint("login_failures_pk", ["name_hash", "address"])
    .execute();
  await db.schema.createIndex("login_failures_by_time").on("login_failures").column("last_at").execute();
  await db.schema.createTable("secrets")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("sealed", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .execute();
}

async function servers(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("servers")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("host", "text", (c) => c.notNull())
    .addColumn("description", "text")
    .addColumn("running_check", "text", (c) => c.notNull())
    .addColumn("default_engine", "text")
    .addColumn("default_engine_options", "text")
    .addColumn("default_engine_authority", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .addColumn("last_check_at", "text")
    .addColumn("last_check_running", "integer")
    .addColumn("last_check_detail", "text")
    .addColumn("deleted_at", "text")
    .execute();
  await db.schema.createIndex("servers_by_name").on("servers").column("name").unique().where(
    sql.ref("deleted_at"),
    "is",
    null,
  ).execute();
}

async function schedules(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("schedules")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("server_id", "integer", (c) => c.notNull().references("servers.id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text")
    .addColumn("enabled", "integer", (c) => c.notNull())
    .addColumn("cron_expression", "text", (c) => c.notNull())
    .addColumn("timezone", "text", (c) => c.notNull())
    .addColumn("anchor_at", "text", (c) => c.notNull())
    .addColumn("max_backups", "integer", (c) => c.notNull())
    .addColumn("only_when_running", "integer", (c) => c.notNull())
    .addColumn("backup_type", "text", (c) => c.notNull())
    .addColumn("engine", "text")
    .addColumn("engine_options", "text")
    .addColumn("engine_authority", "text")
    .addColumn("policies", "text", (c) => c.notNull().defaultTo("{}"))
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .addColumn("created_by", "integer", (c) => c.notNull())
    .addColumn("last_run_at", "text")
    .addColumn("next_run_at", "text")
    .addColumn("deleted_at", "text")
    .execute();
  await db.schema.createIndex("schedules_by_name").on("schedules").columns(["server_id", "name"]).unique()
    .where(sql.ref("deleted_at"), "is", null).execute();
  await db.schema.createIndex("schedules_due").on("schedules").columns(["enabled", "next_run_at"]).execute();

  await db.schema.createTable("schedule_revisions")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("schedule_id", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("change", "text", (c) => c.notNull())
    .addColumn("enabled", "integer", (c) => c.notNull())
    .addColumn("cron_expression", "text", (c) => c.notNull())
    .addColumn("timezone", "text", (c) => c.notNull())
    .addColumn("anchor_at", "text", (c) => c.notNull())
    .addColumn("policies", "text", (c) => c.notNull())
    .addColumn("changed_by", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("schedule_revisions_by_schedule").on("schedule_revisions").columns([
    "schedule_id",
    "id",
  ]).execute();
  await db.schema.createTable("scheduler_revisions")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("running", "integer", (c) => c.notNull())
    .addColumn("changed_by", "text", (c) => c.notNull())
    .execute();

  await db.schema.createTable("occurrences")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("schedule_id", "text", (c) => c.notNull())
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addColumn("due_at", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("outcome", "text")
    .addColumn("result", "text")
    .addColumn("reason", "text")
    .addColumn("run_id", "text")
    .addColumn("claimed_at", "text", (c) => c.notNull())
    .addColumn("settled_at", "text")
    .addUniqueConstraint("occurrences_once", ["schedule_id", "due_at"])
    .execute();
  await db.schema.createIndex("occurrences_by_time").on("occurrences").columns(["due_at", "id"]).execute();
  await db.schema.createIndex("occurrences_open").on("occurrences").column("state").where(
    "state",
    "!=",
    "settled",
  ).execute();

  await db.schema.createTable("runs")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("schedule_id", "text", (c) => c.notNull())
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addColumn("trigger", "text", (c) => c.notNull())
    .addColumn("due_at", "text")
    .addColumn("attempt", "integer", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("outcome", "text", (c) => c.notNull())
    .addColumn("queued_at", "text", (c) => c.notNull())
    .addColumn("started_at", "text", (c) => c.notNull())
    .addColumn("completed_at", "text")
    .addColumn("backup_id", "text")
    .addColumn("backup_size_bytes", "integer")
    .addColumn("source_bytes", "integer")
    .addColumn("warning_count", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("error_message", "text")
    .addColumn("created_by", "integer", (c) => c.notNull())
    .addColumn("requested_by", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("runs_by_time").on("runs").columns(["started_at", "id"]).execute();
  await db.schema.createIndex("runs_by_schedule").on("runs").columns(["schedule_id", "started_at", "id"])
    .execute();
  await db.schema.createIndex("runs_by_server").on("runs").columns(["server_id", "started_at", "id"])
    .execute();
  await db.schema.createIndex("runs_open").on("runs").column("status").where("status", "=", "running")
    .execute();
  // Exact totals of a million rows without counting them: kept by the statements that add and remove runs.
  await db.schema.createTable("run_counts")
    .addColumn("schedule_id", "text", (c) => c.notNull())
    .addColumn("server_id", "integer", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("runs", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_counts_pk", ["schedule_id", "server_id", "status"])
    .execute();
  await db.schema.createTable("run_lines")
    .addColumn("run_id", "text", (c) => c.notNull())
    .addColumn("seq", "integer", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("level", "text", (c) => c.notNull())
    .addColumn("text", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("run_lines_pk", ["run_id", "seq"])
    .execute();
}

async function backups(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("backups")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("server_id", "integer")
    .addColumn("schedule_id", "text")
    .addColumn("run_id", "text")
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text")
    .addColumn("engine", "text", (c) => c.notNull())
    .addColumn("backup_type", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("path", "text", (c) => c.notNull())
    .addColumn("size_bytes", "integer")
    .addColumn("sha256", "text")
    .addColumn("source_bytes", "integer")
    .addColumn("item_count", "integer")
    .addColumn("skipped_count", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("verified_at", "text")
    .addColumn("verified_ok", "integer")
    .addColumn("verify_detail", "text")
    .addColumn("missing_since", "text")
    .addColumn("changed_at", "text")
    .addColumn("deleting_since", "text")
    .addColumn("deleted_at", "text")
    .addColumn("deleted_reason", "text")
    .execute();
  await db.schema.createIndex("backups_by_time").on("backups").columns(["created_at", "id"]).execute();
  await db.schema.createIndex("backups_by_schedule").on("backups").columns(["schedule_id", "created_at"])
    .execute();
  await db.schema.createIndex("backups_by_path").on("backups").column("path").unique().where(
    sql.ref("deleted_at"),
    "is",
    null,
  ).execute();
  // What is being made right now: after a crash these names say which files nobody finished.
  await db.schema.createTable("backup_makes")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("engine", "text", (c) => c.notNull())
    .addColumn("directories", "text", (c) => c.notNull())
    .addColumn("started_at", "text", (c) => c.notNull())
    .execute();
}
