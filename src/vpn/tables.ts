/** What the daemon keeps of tenants. */
import type { Generated, Kysely } from "kysely";

/** A tenant as it was seen last. */
export interface TenantRow {
  tenant: string;
  synced_at: string | null;
  failed_at: string | null;
  /** Why the last try failed; null when it did not. */
  error: string | null;
  /** What differs from the desired directory (JSON list of keys). */
  drift: string;
}

/** A thing of the inventory; settings are kind `settings`. */
export interface ThingRow {
  tenant: string;
  kind: string;
  id: string;
  name: string;
  /** JSON, without secrets and without what people and machines are doing at the moment. */
  body: string;
  /** `ONLINE`, `OFFLINE`; null for what does not connect. */
  connection: string | null;
  first_seen_at: string;
  changed_at: string;
}

/** One change of the inventory. */
export interface ChangeRow {
  number: Generated<number>;
  tenant: string;
  at: string;
  kind: string;
  thing_id: string;
  name: string;
  action: string;
  /** JSON list of `{field, from, to}`. */
  fields: string;
}

/** A session or a line of the audit log, as the API gave it (JSON). */
export interface LogRow {
  tenant: string;
  id: string;
  at: string;
  body: string;
}

/** How far a feed is: everything before `done_until` is there; a window that was begun goes on at its cursor. */
export interface FeedRow {
  tenant: string;
  feed: string;
  done_until: string;
  window_start: string | null;
  window_end: string | null;
  cursor: string | null;
}

export interface VpnTables {
  vpn_tenants: TenantRow;
  vpn_things: ThingRow;
  vpn_changes: ChangeRow;
  vpn_sessions: LogRow;
  vpn_audit: LogRow;
  vpn_feeds: FeedRow;
}

export type Db = Kysely<VpnTables>;
