/** Sessions: who is and was connected. There is no call that ends one. */
import type { CallOptions, Connection } from "../connection.ts";
import { allBatches, type Batch } from "../paging.ts";
import { type Session, SessionsBatch } from "../schemas/logs.ts";
import { type Instant, instantText } from "./instants.ts";
import { checkPage } from "./things.ts";

/** Which sessions. */
export interface SessionQuery extends CallOptions {
  /** Created or updated from then on; default a day ago, at most 30 days or as the plan has it. */
  startDate?: Instant | undefined;
  /** Created or updated before then. */
  endDate?: Instant | undefined;
  /** ACTIVE, COMPLETED or FAILED. */
  status?: string | undefined;
  /** Only those that began in the time; by default those that changed in it come again. */
  returnOnlyNew?: boolean | undefined;
  /** In one batch, 1 to 100; default 100. */
  size?: number | undefined;
  cursor?: string | undefined;
}

/** The API's own limit. */
export const MAX_BATCH_SIZE = 100;

export class Connections {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One batch. After a 429 the vendor asks for a minute, which is kept. */
  async list({ size = MAX_BATCH_SIZE, signal, ...query }: SessionQuery = {}): Promise<Batch<Session>> {
    const action = "list sessions";
    checkPage(action, 0, size, 1, MAX_BATCH_SIZE);
    const { sessions, nextCursor } = await this.#connection.json({
      signal,
      action,
      method: "GET",
      path: "/sessions",
      query: {
        ...query,
        size,
        startDate: instantText(query.startDate, action, "startDate"),
        endDate: instantText(query.endDate, action, "endDate"),
      },
    }, SessionsBatch);
    return { items: sessions, next_cursor: nextCursor || null };
  }

  /** Batch by batch to the end, from a cursor where one is given. */
  batches({ cursor, ...query }: SessionQuery = {}): AsyncGenerator<Batch<Session>> {
    return allBatches((next) => this.list({ ...query, cursor: next }), cursor);
  }

  /** Every session. */
  async *each(query: SessionQuery = {}): AsyncGenerator<Session> {
    for await (const batch of this.batches(query)) yield* batch.items;
  }
}
