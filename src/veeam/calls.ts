/** What all calls of a Veeam server share: one answer, a list to its end, what a revision has, and the server's zone. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Ask, Connection } from "./connection.ts";
import { type Raw, type ServerZone, text, UTC, zoneOf } from "./decode.ts";
import { isPartial, unsupported } from "./errors.ts";
import { pages } from "./paging.ts";
import type { ReadFrom } from "./records.ts";
import { type Feature, has } from "./revisions.ts";

/** What the path of every call but the log-in begins with. */
export const BASE = "/api/v1";

type Query = NonNullable<Ask["query"]>;

export class Calls {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #pageSize: number;
  #zone: ServerZone | undefined;

  constructor(connection: Connection, { clock, pageSize }: { clock: Clock; pageSize: number }) {
    this.#connection = connection;
    this.#clock = clock;
    this.#pageSize = pageSize;
  }

  /** The server's clock in milliseconds, or null when it tells none; learns its zone on the way. */
  async serverTime(signal: AbortSignal): Promise<number | null> {
    const raw = await this.#connection.ask({
      method: "GET",
      path: `${BASE}/serverTime`,
      action: "ask for the time",
      anonymous: true,
      signal,
    });
    this.#zone = zoneOf(raw);
    const ms = Date.parse(text(raw, "serverTime") ?? "");
    return Number.isNaN(ms) ? null : ms;
  }

  /** What records need to know of where they come from. */
  async at(signal: AbortSignal): Promise<ReadFrom> {
    if (this.#zone === undefined) {
      await this.serverTime(signal).catch((error: unknown) => {
        if (!isPartial(error) && !isAbsent(error)) throw error;
        this.#zone = UTC;
      });
    }
    return { server: this.#connection.name, read_at: iso(this.#clock.now()), zone: this.#zone ?? UTC };
  }

  /** Errors: `upstream` with code `veeam_unsupported` where the revision has no such call. */
  async need(feature: Feature, action: string, signal: AbortSignal): Promise<void> {
    const revision = await this.#connection.open(signal);
    if (!has(revision, feature)) {
      throw unsupported(`Cannot ${action} of Veeam server "${this.#connection.name}"`, revision);
    }
  }

  get(path: string, action: string, role: string, signal: AbortSignal): Promise<Raw> {
    return this.#connection.ask({ method: "GET", path, action, role, signal });
  }

  /** The rows of a list, page by page. Errors: the call's, and `upstream` for an answer that is no list: nothing is not none. */
  list(path: string, query: Query, action: string, role: string, signal: AbortSignal): AsyncGenerator<Raw[]> {
    const call = async (page: { skip: number; limit: number }, pageSignal: AbortSignal) => {
      const answer = await this.#connection.ask({
        method: "GET",
        path,
        query: { ...page, ...query },
        action,
        role,
        signal: pageSignal,
      });
      if (Array.isArray(answer.data) || answer.data === null) return answer;
      throw new HoldfastError(
        "upstream",
        `Cannot ${action} of Veeam server "${this.#connection.name}": the answer holds no list`,
        {
          code: "veeam_answer",
          hint: "is that address really a Veeam server, and no proxy in front of it?",
        },
      );
    };
    return pages(call, this.#pageSize, signal);
  }

  /** All rows of a list, read into records. */
  async all<T>(
    path: string,
    query: Query,
    action: string,
    role: string,
    signal: AbortSignal,
    read: (row: Raw, from: ReadFrom) => T,
  ): Promise<T[]> {
    const from = await this.at(signal);
    const found: T[] = [];
    for await (const rows of this.list(path, query, action, role, signal)) {
      for (const row of rows) found.push(read(row, from));
    }
    return found;
  }
}

/** True for a thing that is not there, and for a call the revision does not have. */
export function isAbsent(error: unknown): boolean {
  return error instanceof HoldfastError && (error.kind === "not_found" || error.code === "veeam_unsupported");
}

/** An id as one segment of a path. Errors: `not_found` for what no path can hold, and nothing is called so. */
export function segment(id: string): string {
  if (id === "" || id === "." || id === "..") {
    throw new HoldfastError("not_found", `Cannot ask for "${id}": it is no id`);
  }
  return encodeURIComponent(id);
}
