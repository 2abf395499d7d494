/** What is expected to arrive: jobs, their entries, findings, pings, and what is known of reports, agents and disks. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await jobs(db);
  await entries(db);
  await findings(db);
  await pings(db);
  await sources(db);
}

async function jobs(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("monitor_jobs")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("identity", "text", (c) => c.notNull().unique())
    .addColumn("way", "text", (c) => c.notNull())
    .addColumn("database_name", "text", (c) => c.notNull())
    .addColumn("agent_id_responsible", "text", (c) => c.notNull())
    .addColumn("company_name", "text", (c) => c.notNull())
    .addColumn("city", "text", (c) => c.notNull())
    .addColumn("neighborhood", "text", (c) => c.notNull())
    .addColumn("year", "integer")
    .addColumn("expected_hour_utc", "integer", (c) => c.notNull())
    .addColumn("expected_minute_utc", "integer", (c) => c.notNull())
    .addColumn("backup_frequency", "text", (c) => c.notNull())
    .addColumn("days_of_week", "text", (c) => c.notNull())
    .addColumn("day_of_month", "integer")
    .addColumn("expected_date", "text")
    .addColumn("cron_expression", "text")
    .addColumn("timezone", "text")
    .addColumn("grace_seconds", "integer")
    .addColumn("final_storage_path_template", "text")
    .addColumn("agent_deposit_path_template", "text")
    .addColumn("agent_log_deposit_path_template", "text")
    .addColumn("notification_recipients", "text", (c) => c.notNull())
    .addColumn("is_active", "integer", (c) => c.notNull())
    .addColumn("min_size_bytes", "integer", (c) => c.notNull())
    .addColumn("tell_unchanged", "integer", (c) => c.notNull())
    .addColumn("keep_versions", "integer")
    .addColumn("keep_days", "integer")
    .addColumn("ping_id", "text", (c) => c.unique())
    .addColumn("max_run_seconds", "integer")
    .addColumn("schedule_id", "text", (c) => c.unique())
    .addColumn("current_status", "text", (c) => c.notNull())
    .addColumn("last_due_at", "text")
    .addColumn("last_checked_at_utc", "text")
    .addColumn("last_successful_backup_utc", "text")
    .addColumn("last_failed_backup_utc", "text")
    .addColumn("last_good_entry_id", "integer")
    .addColumn("last_good_size_bytes", "integer")
    .addColumn("previous_successful_hash_global", "text")
    .addColumn("history_from", "text")
    .addColumn("next_due_at", "text")
    .addColumn("next_deadline_at", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("monitor_jobs_by_deadline").on("monitor_jobs").column("next_deadline_at")
    .execute();
  await db.schema.createIndex("monitor_jobs_by_agent").on("monitor_jobs").column("agent_id_responsible")
    .execute();
}

/** The columns that lists are filtered by stand in the entries too: each filter reads an index in the order of the list. */
async function entries(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("monitor_entries")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn(
      "expected_job_id",
      "integer",
      (c) => c.notNull().references("monitor_jobs.id").onDelete("cascade"),
    )
    .addColumn("due_at", "text", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("message", "text", (c) => c.notNull())
    .addColumn("way", "text", (c) => c.notNull())
    .addColumn("agent_id", "text", (c) => c.notNull())
    .addColumn("company_name", "text", (c) => c.notNull())
    .addColumn("city", "text", (c) => c.notNull())
    .addColumn("database_name", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("ended_at", "text")
    .addColumn("backup_hash", "text")
    .addColumn("backup_size_bytes", "integer")
    .addColumn("previous_hash", "text")
    .addColumn("report_key", "text")
    .addColumn("detail", "text", (c) => c.notNull())
    .addColumn("file_path", "text")
    .addColumn("file_modified_at", "text")
    .addColumn("promotion", "text", (c) => c.notNull())
    .addColumn("promoted_path", "text")
    .addUniqueConstraint("monitor_entries_once", ["expected_job_id", "due_at"])
    .execute();
  for (const column of ["status", "agent_id", "company_name", "city", "database_name"]) {
    await db.schema.createIndex(`monitor_entries_by_${column}`).on("monitor_entries").columns([column, "id"])
      .execute();
  }
  await db.schema.createIndex("monitor_entries_pending").on("monitor_entries").columns(["promotion", "id"])
    .where("promotion", "=", "pending").execute();
  await db.schema.createIndex("monitor_entries_by_due").on("monitor_entries").column("due_at").execute();
}

async function findings(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("monitor_findings")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    // Subject and code while it is open, null afterwards: at most one is open, ended ones pile up as history.
    .addColumn("open_key", "text", (c) => c.unique())
    .addColumn("alert", "text", (c) => c.notNull())
    .addColumn("code", "text", (c) => c.notNull())
    .addColumn("severity", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("subject_kind", "text", (c) => c.notNull())
    .addColumn("subject_id", "text", (c) => c.notNull())
    .addColumn("subject_name", "text", (c) => c.notNull())
    .addColumn("job_id", "integer", (c) => c.references("monitor_jobs.id").onDelete("cascade"))
    .addColumn("entry_id", "integer", (c) => c.references("monitor_entries.id").onDelete("set null"))
    .addColumn("agent_id", "text")
    .addColumn("detail", "text", (c) => c.notNull())
    .addColumn("facts", "text", (c) => c.notNull())
    .addColumn("told", "integer", (c) => c.notNull())
    .addColumn("count", "integer", (c) => c.notNull())
    .addColumn("opened_at", "text", (c) => c.notNull())
    .addColumn("last_seen_at", "text", (c) => c.notNull())
    .addColumn("acknowledged_at", "text")
    .addColumn("acknowledged_by", "text")
    .addColumn("muted_until", "text")
    .addColumn("note", "text")
    .addColumn("ended_at", "text")
    .addColumn("ended_by", "text")
    .execute();
  await db.schema.createIndex("monitor_findings_by_job").on("monitor_findings").columns(["job_id", "id"])
    .execute();
  await db.schema.createIndex("monitor_findings_by_state").on("monitor_findings").columns(["state", "id"])
    .execute();
  await db.schema.createIndex("monitor_findings_by_entry").on("monitor_findings").column("entry_id")
    .execute();
}

async function pings(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("monitor_pings")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("job_id", "integer", (c) => c.notNull().references("monitor_jobs.id").onDelete("cascade"))
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("signal", "text", (c) => c.notNull())
    .addColumn("exit_code", "integer")
    .addColumn("run_id", "text")
    .addColumn("address", "text")
    .addColumn("body", "text")
    .addColumn("cut", "integer", (c) => c.notNull())
    .addColumn("judged", "integer", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("monitor_pings_by_job").on("monitor_pings").columns(["job_id", "id"]).execute();
  await db.schema.createIndex("monitor_pings_by_time").on("monitor_pings").column("at").execute();
  await db.schema.createIndex("monitor_pings_unjudged").on("monitor_pings").columns(["judged", "id"])
    .where("judged", "=", 0).execute();
  await db.schema.createTable("monitor_runs")
    .addColumn("job_id", "integer", (c) => c.notNull().references("monitor_jobs.id").onDelete("cascade"))
    .addColumn("run_id", "text", (c) => c.notNull())
    .addColumn("started_at", "text", (c) => c.notNull())
    .addColumn("too_long_at", "text")
    .addPrimaryKeyConstraint("monitor_runs_key", ["job_id", "run_id"])
    .execute();
  await db.schema.createIndex("monitor_runs_too_long").on("monitor_runs").column("too_long_at").execute();
}

async function sources(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("monitor_reports")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("agent_id", "text", (c) => c.notNull())
    .addColumn("file_name", "text")
    .addColumn("way", "text", (c) => c.notNull())
    .addColumn("ended_at", "text")
    .addColumn("received_at", "text", (c) => c.notNull())
    .addColumn("outcome", "text", (c) => c.notNull())
    .addColumn("verdicts", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("monitor_reports_by_time").on("monitor_reports").column("received_at")
    .execute();
  await db.schema.createTable("monitor_agents")
    .addColumn("agent_id", "text", (c) => c.primaryKey())
    .addColumn("last_report_at", "text", (c) => c.notNull())
    .addColumn("last_report_ended_at", "text", (c) => c.notNull())
    .execute();
  await db.schema.createTable("monitor_capacity")
    .addColumn("path", "text", (c) => c.notNull())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("total_bytes", "integer", (c) => c.notNull())
    .addColumn("free_bytes", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("monitor_capacity_key", ["path", "at"])
    .execute();
}
