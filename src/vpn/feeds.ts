/**
 * The tenant's logs, read on from where the last look ended: nothing is lost and nothing doubled, whenever it is interrupted.
 *
 * A look reads a window of time batch by batch. Each batch is written together with the cursor that leads to the next
 * one; after a crash the window goes on there. Lines that were written late are found because windows overlap, and
 * what is read twice is one row, by its id.
 */
import { type Clock, iso } from "../lib/clock.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import type { CloudConnexaClient } from "./client.ts";
import { NotFoundError, ValidationError } from "./errors.ts";
import type { Batch } from "./paging.ts";
import { feedRow, saveFeed, saveLog } from "./queries.ts";
import { windowsOf } from "./services/audit_logs.ts";
import type { FeedRow, LogRow, VpnTables } from "./tables.ts";

/** Lines may appear in a log this long after what they tell of. */
const LATE_MS = 300_000;
const DAY_MS = 86_400_000;

interface Window {
  startDate: number;
  endDate: number;
}

/** One log. */
interface Feed {
  name: string;
  table: "vpn_sessions" | "vpn_audit";
  windows(from: number, to: number): Window[];
  read(
    client: CloudConnexaClient,
    window: Window,
    cursor: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Batch<Item>>;
  /** When it happened. */
  at(item: Item): string | undefined;
}

type Item = { id: string } & Record<string, unknown>;

const text = (value: unknown) => typeof value === "string" ? value : undefined;

export const FEEDS: readonly Feed[] = [
  {
    name: "sessions",
    table: "vpn_sessions",
    windows: (startDate, endDate) => [{ startDate, endDate }],
    read: (client, window, cursor, signal) => client.connections.batches({ ...window, cursor, signal }),
    at: (item) => text(item.sessionStartTime),
  },
  {
    name: "audit",
    table: "vpn_audit",
    windows: (from, to) => windowsOf(from, to),
    read: (client, window, cursor, signal) => client.auditLogs.batches({ ...window, cursor, signal }),
    at: (item) => text(item.timestamp),
  },
];

/** What reading on needs. */
export interface FeedContext {
  database: Database;
  clock: Clock;
  tenant: string;
  client: CloudConnexaClient;
  /** How far back a feed begins at its first look. */
  firstDays: number;
  signal: AbortSignal;
}

/** Reads a feed on to now. Errors: those of the client; what was read until then is kept. */
export async function readOn(feed: Feed, context: FeedContext): Promise<number> {
  const { database, clock, tenant, firstDays } = context;
  const now = clock.now();
  let row: FeedRow = await feedRow(database.tables<VpnTables>(), tenant, feed.name) ?? {
    tenant,
    feed: feed.name,
    done_until: iso(now - firstDays * DAY_MS),
    window_start: null,
    window_end: null,
    cursor: null,
  };
  let lines = 0;
  if (row.window_start !== null && row.window_end !== null) {
    const begun = { startDate: Date.parse(row.window_start), endDate: Date.parse(row.window_end) };
    [row, lines] = await readWindow(feed, begun, row, context);
  }
  for (const window of feed.windows(Date.parse(row.done_until) - LATE_MS, now)) {
    const [after, count] = await readWindow(feed, window, { ...row, cursor: null }, context);
    row = after;
    lines += count;
  }
  return lines;
}

async function readWindow(
  feed: Feed,
  window: Window,
  row: FeedRow,
  context: FeedContext,
): Promise<[FeedRow, number]> {
  const { database, tenant, client, signal } = context;
  const begun = { ...row, window_start: iso(window.startDate), window_end: iso(window.endDate) };
  let [after, lines] = [row, 0];
  try {
    for await (const { items, next_cursor } of feed.read(client, window, row.cursor ?? undefined, signal)) {
      after = next_cursor === null
        ? { ...begun, done_until: iso(window.endDate), window_start: null, window_end: null, cursor: null }
        : { ...begun, cursor: next_cursor };
      const rows = items.map((item): LogRow => ({
        tenant,
        id: item.id,
        at: feed.at(item) ?? begun.window_start,
        body: JSON.stringify(item),
      }));
      await database.transaction(async (tx) => {
        const db = tablesOf<VpnTables>(tx);
        await saveLog(db, feed.table, rows);
        await saveFeed(db, after);
      });
      lines += items.length;
    }
  } catch (error) {
    // A cursor that has grown old is refused; the window is read again from its start.
    if (row.cursor === null || !(error instanceof ValidationError)) throw error;
    return await readWindow(feed, window, { ...row, cursor: null }, context);
  }
  return [after, lines];
}

/** True where a tenant's release does not have a feed at all. */
export function isAbsentFeed(error: unknown): boolean {
  return error instanceof NotFoundError || (error instanceof ValidationError && error.code === "vpn_version");
}
