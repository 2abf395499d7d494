/** Statements on events, alerts and the marks of digests. */
import { z } from "zod";
import type { AlertState } from "../policy.ts";
import type { AlertRow, Db, EventRow } from "./tables.ts";

/** Writes an event; false when its key was told before. */
export async function addEvent(db: Db, event: EventRow): Promise<boolean> {
  const rows = await db.insertInto("notify_events").values(event)
    .onConflict((conflict) => conflict.column("key").doNothing()).returning("key").execute();
  return rows.length > 0;
}

/** The last finding of an alert. */
export async function lastFinding(db: Db, alert: string): Promise<EventRow | undefined> {
  return await db.selectFrom("notify_events").selectAll().where("alert", "=", alert)
    .where("kind", "=", "finding").orderBy("at", "desc").orderBy("key", "desc").limit(1).executeTakeFirst();
}

export async function alertByName(db: Db, alert: string): Promise<AlertState | undefined> {
  const row = await db.selectFrom("notify_alerts").selectAll().where("alert", "=", alert).executeTakeFirst();
  return row && fromRow(row);
}

export async function saveAlert(db: Db, state: AlertState): Promise<void> {
  const row = toRow(state);
  const { alert: _, ...changes } = row;
  await db.insertInto("notify_alerts").values(row)
    .onConflict((conflict) => conflict.column("alert").doUpdateSet(changes)).execute();
}

/** Alerts with a reminder or escalation due at `now`, the longest due first. */
export async function dueAlerts(db: Db, now: string, limit: number): Promise<AlertState[]> {
  const rows = await db.selectFrom("notify_alerts").selectAll().where("next_at", "<=", now)
    .where("recovered_at", "is", null).orderBy("next_at").orderBy("alert").limit(limit).execute();
  return rows.map(fromRow);
}

/** Alerts that are open, the oldest first. */
export async function openAlerts(db: Db, limit: number): Promise<AlertState[]> {
  const rows = await db.selectFrom("notify_alerts").selectAll().where("recovered_at", "is", null)
    .orderBy("opened_at").orderBy("alert").limit(limit).execute();
  return rows.map(fromRow);
}

/** Alerts that recovered after `since`, the latest first. */
export async function recoveredAlerts(db: Db, since: string, limit: number): Promise<AlertState[]> {
  const rows = await db.selectFrom("notify_alerts").selectAll().where("recovered_at", ">", since)
    .orderBy("recovered_at", "desc").orderBy("alert").limit(limit).execute();
  return rows.map(fromRow);
}

export async function markOf(db: Db, name: string): Promise<string | undefined> {
  const row = await db.selectFrom("notify_marks").select("at").where("name", "=", name).executeTakeFirst();
  return row?.at;
}

export async function setMark(db: Db, name: string, at: string): Promise<void> {
  await db.insertInto("notify_marks").values({ name, at })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ at })).execute();
}

/** Forgets alerts that recovered before, and events of before that no message and no open alert needs any more. */
export async function forgetAlerts(db: Db, before: string): Promise<void> {
  await db.deleteFrom("notify_alerts").where("recovered_at", "<", before).execute();
  await db.deleteFrom("notify_events").where("at", "<", before)
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("notify_outbox_events").select("id")
          .whereRef("event_key", "=", "notify_events.key"),
      ))
    )
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("notify_alerts").select("notify_alerts.alert")
          .whereRef("notify_alerts.alert", "=", "notify_events.alert").where("recovered_at", "is", null),
      ))
    ).execute();
}

const Severity = z.enum(["info", "warning", "critical"]);
const Subject = z.object({ kind: z.string(), id: z.string(), name: z.string() });
const Names = z.array(z.string());

function fromRow(row: AlertRow): AlertState {
  return {
    ...row,
    severity: Severity.parse(row.severity),
    subject: Subject.parse(JSON.parse(row.subject)),
    recipients: Names.parse(JSON.parse(row.recipients)),
    channels: Names.parse(JSON.parse(row.channels)),
  };
}

function toRow(state: AlertState): AlertRow {
  return {
    ...state,
    subject: JSON.stringify(state.subject),
    recipients: JSON.stringify(state.recipients),
    channels: JSON.stringify(state.channels),
  };
}
