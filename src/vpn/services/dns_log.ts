/** The DNS log: which names users asked for, summed up by the hour; kept for 30 days. */
import { z } from "zod";
import type { CallOptions, Connection } from "../connection.ts";
import { ValidationError } from "../errors.ts";
import { type Page, pageOf, pagesInTurn } from "../paging.ts";
import { pageOf as pageSchema } from "../schemas/fields.ts";
import { DnsLogEntry } from "../schemas/logs.ts";
import { type Instant, instantText } from "./instants.ts";
import { checkPage } from "./things.ts";

/** Which hours, and which page of them. */
export interface DnsLogQuery extends CallOptions {
  /** Its hour is the first. */
  startHour: Instant;
  /** 1 or 2; default 1. */
  hoursBack?: number | undefined;
  /** From 0. */
  page?: number | undefined;
  /** 10 to 10000; default 500. */
  size?: number | undefined;
}

const PATH = "/dns-log/user-dns-resolutions";
const MAX_SIZE = 10_000;
const DnsLogPage = pageSchema(DnsLogEntry);

export class DnsLog {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One page; one that is too far is empty. */
  async list(
    { startHour, hoursBack = 1, page = 0, size = 500, signal }: DnsLogQuery,
  ): Promise<Page<DnsLogEntry>> {
    const action = "read the DNS log";
    checkPage(action, page, size, 10, MAX_SIZE);
    if (hoursBack !== 1 && hoursBack !== 2) {
      throw new ValidationError(`Cannot ${action}: hoursBack ${hoursBack} is neither 1 nor 2`);
    }
    const query = { startHour: instantText(startHour, action, "startHour"), hoursBack, page, size };
    const call = { signal, action, method: "GET", path: `${PATH}/page`, query } as const;
    return pageOf(await this.#connection.json(call, DnsLogPage), page);
  }

  /** Every entry of the hours. */
  each(query: Omit<DnsLogQuery, "page" | "size">): AsyncGenerator<DnsLogEntry> {
    return pagesInTurn((page) => this.list({ ...query, page, size: MAX_SIZE }));
  }

  /** Release 1.1.1. */
  isEnabled(options: CallOptions = {}): Promise<boolean> {
    const call = { ...options, action: "read the state of the DNS log", since: "1.1.1" } as const;
    return this.#connection.json({ ...call, method: "GET", path: `${PATH}/enabled` }, z.boolean());
  }

  enable(options: CallOptions = {}): Promise<void> {
    const call = { ...options, action: "switch the DNS log on", path: `${PATH}/enable` };
    return this.#connection.done({ ...call, method: "PUT" });
  }

  disable(options: CallOptions = {}): Promise<void> {
    const call = { ...options, action: "switch the DNS log off", path: `${PATH}/disable` };
    return this.#connection.done({ ...call, method: "PUT" });
  }
}
