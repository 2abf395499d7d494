/**
 * The calls, one short method each; the vendor's words stop here.
 *
 * Lists are read to their end with `Offset` and `Limit`. Their order is not documented, so rows may move while pages are
 * read: rows are told apart by id, a list that came out shorter than its own `totalCount` is read again, and neither a
 * total that lies nor a server that repeats itself makes a loop.
 */
import type { Connection } from "./connection.ts";
import {
  alarmOf,
  backupServerOf,
  childAlarmOf,
  jobOf,
  type Raw,
  rawOf,
  repositoryOf,
  type ServerNames,
  tapeServerOf,
  text,
} from "./decode.ts";
import { HoldfastError } from "../lib/errors.ts";
import {
  JOB_KINDS,
  type JobKind,
  type OneAlarm,
  type OneBackupServer,
  type OneChildAlarm,
  type OneJob,
  type OneRepository,
  type OneTapeServer,
} from "./model.ts";

/** How often a list that changed while it was read is read again. */
const READINGS = 3;
/** No list is longer; a server that goes on for ever is not believed. */
const MAX_PAGES = 10_000;

/** One condition, which the server checks (`Filter`); `collation` is that of texts. */
export interface Condition {
  property: string;
  operation: "equals" | "in" | "contains";
  value: string | number | readonly (string | number)[];
}

export class OneClient {
  readonly #connection: Connection;
  readonly #pageSize: number;

  constructor(connection: Connection, pageSize: number) {
    this.#connection = connection;
    this.#pageSize = pageSize;
  }

  async about(
    signal: AbortSignal,
  ): Promise<{ name: string | null; version: string | null; machine: string | null }> {
    const raw = await this.#connection.ask({
      action: "read the version",
      method: "GET",
      path: "/about",
      signal,
    });
    return { name: text(raw, "name"), version: text(raw, "version"), machine: text(raw, "machine") };
  }

  async alarms(condition: Condition | undefined, signal: AbortSignal): Promise<OneAlarm[]> {
    const rows = await this.#list({
      action: "list alarms",
      path: "/alarms/triggeredAlarms",
      id: "triggeredAlarmId",
      condition,
      signal,
    });
    return rows.map(alarmOf);
  }

  async alarm(id: number, signal: AbortSignal): Promise<OneAlarm> {
    const path = `/alarms/triggeredAlarms/${id}`;
    return alarmOf(await this.#connection.ask({ action: `show alarm ${id}`, method: "GET", path, signal }));
  }

  async childAlarms(id: number, signal: AbortSignal): Promise<OneChildAlarm[]> {
    const path = `/alarms/triggeredAlarms/${id}/triggeredChildAlarms`;
    const list = { action: `list the parts of alarm ${id}`, path, id: "childAlarmId", signal };
    return (await this.#list(list)).map(childAlarmOf);
  }

  async resolve(ids: readonly number[], comment: string, signal: AbortSignal): Promise<void> {
    await this.#connection.ask({
      action: "resolve alarms",
      method: "POST",
      path: "/alarms/triggeredAlarms/resolve",
      json: { triggeredAlarmIds: ids, comment, resolveType: "Resolve" },
      signal,
    });
  }

  async backupServers(signal: AbortSignal): Promise<OneBackupServer[]> {
    const list = { action: "list backup servers", path: "/vbr/backupServers", id: "backupServerId", signal };
    return (await this.#list(list)).map(backupServerOf);
  }

  /** Repositories and scale-out repositories. */
  async repositories(names: ServerNames, signal: AbortSignal): Promise<OneRepository[]> {
    const [simple, scaleOut] = await Promise.all([
      this.#list({ action: "list repositories", path: "/vbr/repositories", id: "repositoryId", signal }),
      this.#list({
        action: "list scale-out repositories",
        path: "/vbr/scaleoutRepositories",
        id: "scaleoutRepositoryId",
        signal,
      }),
    ]);
    return [...simple, ...scaleOut].map((raw) => repositoryOf(raw, names));
  }

  async tapeServers(names: ServerNames, signal: AbortSignal): Promise<OneTapeServer[]> {
    const list = { action: "list tape servers", path: "/vbr/tapeServers", id: "tapeServerId", signal };
    return (await this.#list(list)).map((raw) => tapeServerOf(raw, names));
  }

  async jobs(
    kind: JobKind,
    names: ServerNames,
    condition: Condition | undefined,
    signal: AbortSignal,
  ): Promise<OneJob[]> {
    const rows = await this.#list({
      action: `list ${kind} jobs`,
      path: `/vbrJobs/${JOB_KINDS[kind]}`,
      id: /uid$/i,
      condition,
      signal,
    });
    return rows.map((raw) => jobOf(kind, raw, names));
  }

  /** All rows; a server that does not understand the condition is asked for all, as the caller checks it again. */
  async #list({ condition, ...list }: List & { condition?: Condition | undefined }): Promise<Raw[]> {
    if (condition === undefined) return await this.#read(list);
    try {
      const filter = JSON.stringify({ ...condition, collation: "ignorecase" });
      return await this.#read({ ...list, filter });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "veeam_one_request") throw error;
      return await this.#read(list);
    }
  }

  async #read(list: List & { filter?: string }): Promise<Raw[]> {
    const rows = new Map<string, Raw>();
    for (let reading = 0; reading < READINGS; reading++) {
      const total = await this.#readOnce(list, rows);
      if (total === null || rows.size >= total) break;
    }
    return [...rows.values()];
  }

  /** Adds the rows of each page until one is empty or brings nothing new; answers the total the last page told. */
  async #readOnce(
    { id, filter, ...call }: List & { filter?: string },
    rows: Map<string, Raw>,
  ): Promise<number | null> {
    const seen = new Set<string>();
    for (let [page, offset] = [0, 0]; page < MAX_PAGES; page++) {
      const query = { Offset: offset, Limit: this.#pageSize, Filter: filter };
      const answer = await this.#connection.ask({ ...call, method: "GET", query });
      const items = itemsOf(call.action, answer);
      const before = seen.size;
      for (const item of items) {
        const key = keyOf(item, id);
        seen.add(key);
        rows.set(key, item);
      }
      offset += items.length;
      const total = typeof answer.totalCount === "number" ? answer.totalCount : null;
      // A short page is the last one, unless the server gives fewer rows at a time than it is asked for.
      const short = items.length < this.#pageSize && (total === null || seen.size >= total);
      if (short || seen.size === before) return total;
    }
    return null;
  }
}

/** One list. */
interface List {
  /** `list alarms`, for errors. */
  action: string;
  path: string;
  /** Field that tells rows apart; jobs name theirs after their kind. */
  id: string | RegExp;
  signal: AbortSignal;
}

function itemsOf(action: string, { items }: Raw): Raw[] {
  if (Array.isArray(items)) return items.map(rawOf);
  throw new HoldfastError("upstream", `Cannot ${action}: the answer holds no list`, {
    code: "veeam_one_answer",
    hint: "is that address really a Veeam ONE server, and no proxy in front of it?",
  });
}

function keyOf(row: Raw, id: string | RegExp): string {
  const value = typeof id === "string" ? row[id] : Object.entries(row).find(([key]) => id.test(key))?.[1];
  return value === undefined || value === null ? JSON.stringify(row) : String(value);
}
