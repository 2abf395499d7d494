/** The tables of alerts, row by row. Instants are ISO 8601 texts; what is JSON says so. */
import type { Generated, Kysely, Selectable } from "kysely";
import type { AlertState } from "../policy.ts";

/** What a delivery can be: still to be sent, being sent, sent, given up, or struck out by a person. */
export const OUTBOX_STATUSES = ["waiting", "sending", "sent", "dead", "discarded"] as const;
export type OutboxStatus = typeof OUTBOX_STATUSES[number];

/** An event that was told; `body` is JSON of the item of a message. */
export interface EventRow {
  key: string;
  at: string;
  kind: string;
  alert: string;
  body: string;
}

/** An alert; `subject`, `recipients` and `channels` are JSON. */
export type AlertRow = Omit<AlertState, "subject" | "recipients" | "channels"> & {
  subject: string;
  recipients: string;
  channels: string;
};

/** One message to one channel; `recipients` is JSON. */
export interface OutboxRow {
  id: Generated<number>;
  /** The same for every attempt, and told to the receiver. */
  key: string;
  channel: string;
  policy: string;
  recipients: string;
  /** Addresses that have not got it, when others have; JSON. */
  remaining: string | null;
  status: OutboxStatus;
  created_at: string;
  next_attempt_at: string;
  /** Until when further events may join; null for a message of its own. */
  collect_until: string | null;
  give_up_at: string;
  attempts: number;
  refusals: number;
  /** Who sends it, and until when that is believed. */
  owner: string | null;
  lease_until: string | null;
  /** When it was sent, given up or struck out. */
  ended_at: string | null;
  last_error: string | null;
}

/** How a channel has been lately. */
export interface ChannelRow {
  name: string;
  /** Failures in a row. */
  failures: number;
  failing_since: string | null;
  /** Nothing is sent before. */
  paused_until: string | null;
  last_ok_at: string | null;
  last_error: string | null;
  /** When the other channels were told that it fails. */
  reported_at: string | null;
}

export interface NotifyTables {
  notify_events: EventRow;
  notify_alerts: AlertRow;
  notify_marks: { name: string; at: string };
  notify_outbox: OutboxRow;
  /** Numbered in the order the events joined. */
  notify_outbox_events: { id: Generated<number>; outbox_id: number; event_key: string; alert: string };
  notify_channels: ChannelRow;
}

/** The tables, on a connection or in a transaction. */
export type Db = Kysely<NotifyTables>;
export type StoredMessage = Selectable<OutboxRow>;
