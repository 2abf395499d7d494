/** Alerts: events, what is open, the outbox, and how channels are. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await events(db);
  await outbox(db);
}

async function events(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("notify_events")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("at", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("alert", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("notify_events_by_time").on("notify_events").column("at").execute();
  await db.schema.createIndex("notify_events_by_alert").on("notify_events").columns(["alert", "at"])
    .execute();
  await db.schema.createTable("notify_alerts")
    .addColumn("alert", "text", (c) => c.primaryKey())
    .addColumn("policy", "text")
    .addColumn("code", "text", (c) => c.notNull())
    .addColumn("severity", "text", (c) => c.notNull())
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("recipients", "text", (c) => c.notNull())
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("opened_at", "text", (c) => c.notNull())
    .addColumn("notified_at", "text")
    .addColumn("told_at", "text")
    .addColumn("acknowledged_at", "text")
    .addColumn("recovered_at", "text")
    .addColumn("step", "integer", (c) => c.notNull())
    .addColumn("reminders", "integer", (c) => c.notNull())
    .addColumn("next_at", "text")
    .addColumn("channels", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("notify_alerts_due").on("notify_alerts").column("next_at").execute();
  await db.schema.createIndex("notify_alerts_by_end").on("notify_alerts").column("recovered_at").execute();
  // When each digest was last made.
  await db.schema.createTable("notify_marks")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("at", "text", (c) => c.notNull())
    .execute();
}

async function outbox(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("notify_outbox")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("key", "text", (c) => c.notNull().unique())
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("policy", "text", (c) => c.notNull())
    .addColumn("recipients", "text", (c) => c.notNull())
    .addColumn("remaining", "text")
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("next_attempt_at", "text", (c) => c.notNull())
    .addColumn("collect_until", "text")
    .addColumn("give_up_at", "text", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("refusals", "integer", (c) => c.notNull())
    .addColumn("owner", "text")
    .addColumn("lease_until", "text")
    .addColumn("ended_at", "text")
    .addColumn("last_error", "text")
    .execute();
  await db.schema.createIndex("notify_outbox_due").on("notify_outbox")
    .columns(["status", "channel", "next_attempt_at"]).execute();
  await db.schema.createTable("notify_outbox_events")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("outbox_id", "integer", (c) => c.notNull().references("notify_outbox.id").onDelete("cascade"))
    .addColumn("event_key", "text", (c) => c.notNull().references("notify_events.key"))
    .addColumn("alert", "text", (c) => c.notNull())
    .addUniqueConstraint("notify_outbox_events_once", ["outbox_id", "event_key"])
    .execute();
  await db.schema.createIndex("notify_outbox_events_by_alert").on("notify_outbox_events")
    .columns(["alert", "outbox_id"]).execute();
  await db.schema.createIndex("notify_outbox_events_by_event").on("notify_outbox_events").column("event_key")
    .execute();
  await db.schema.createTable("notify_channels")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("failing_since", "text")
    .addColumn("paused_until", "text")
    .addColumn("last_ok_at", "text")
    .addColumn("last_error", "text")
    .addColumn("reported_at", "text")
    .execute();
}
