/** The tenant's audit log: who changed what. Release 1.1.6 at the latest. */
import type { CallOptions, Connection } from "../connection.ts";
import { ValidationError } from "../errors.ts";
import { allBatches, type Batch } from "../paging.ts";
import { type AuditLog, AuditLogsBatch } from "../schemas/logs.ts";
import { MAX_BATCH_SIZE } from "./connections.ts";
import { type Instant, instantMs, instantText } from "./instants.ts";
import { checkPage } from "./things.ts";

/** Which lines. */
export interface AuditQuery extends CallOptions {
  startDate?: Instant | undefined;
  /** At most 24 hours after the start in one request. */
  endDate?: Instant | undefined;
  /** Only what this user or key did. */
  initiatorId?: string | undefined;
  /** In one batch, 1 to 100; default 100. */
  size?: number | undefined;
  cursor?: string | undefined;
}

/** The longest time one request may be about, in milliseconds. */
export const AUDIT_WINDOW_MS = 86_400_000;

const ACTION = "list the audit log";

export class AuditLogs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One batch. Errors: `ValidationError` for a time of more than 24 hours. */
  async list({ size = MAX_BATCH_SIZE, signal, ...query }: AuditQuery = {}): Promise<Batch<AuditLog>> {
    checkPage(ACTION, 0, size, 1, MAX_BATCH_SIZE);
    const { startDate, endDate } = query;
    if (startDate !== undefined && endDate !== undefined) {
      const span = instantMs(endDate, ACTION, "endDate") - instantMs(startDate, ACTION, "startDate");
      if (span > AUDIT_WINDOW_MS) {
        throw new ValidationError(`Cannot ${ACTION}: one request is about 24 hours at most`, {
          hint: "each() and windows() split a longer time",
        });
      }
    }
    const { auditLogs, nextCursor } = await this.#connection.json({
      signal,
      action: ACTION,
      method: "GET",
      path: "/audit-log",
      since: "1.1.6",
      query: {
        ...query,
        size,
        startDate: instantText(startDate, ACTION, "startDate"),
        endDate: instantText(endDate, ACTION, "endDate"),
      },
    }, AuditLogsBatch);
    return { items: auditLogs, next_cursor: nextCursor || null };
  }

  /** Batch by batch to the end of one time of at most 24 hours, from a cursor where one is given. */
  batches({ cursor, ...query }: AuditQuery = {}): AsyncGenerator<Batch<AuditLog>> {
    return allBatches((next) => this.list({ ...query, cursor: next }), cursor);
  }

  /** Every line between two instants, however far they are apart; it is asked for in pieces of 24 hours. */
  async *each(
    query: Omit<AuditQuery, "startDate" | "endDate" | "cursor"> & { startDate: Instant; endDate: Instant },
  ): AsyncGenerator<AuditLog> {
    for (const window of windowsOf(query.startDate, query.endDate)) {
      for await (const batch of this.batches({ ...query, ...window })) yield* batch.items;
    }
  }
}

/** A time in pieces that one request may be about, the oldest first. Errors: `ValidationError`. */
export function windowsOf(from: Instant, to: Instant): { startDate: number; endDate: number }[] {
  const [start, end] = [instantMs(from, ACTION, "startDate"), instantMs(to, ACTION, "endDate")];
  const windows = [];
  for (let at = start; at < end; at += AUDIT_WINDOW_MS) {
    windows.push({ startDate: at, endDate: Math.min(at + AUDIT_WINDOW_MS, end) });
  }
  return windows;
}
