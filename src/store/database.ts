/**
 * The one door to the database: typed queries, transactions, and changes that carry their audit line.
 *
 * Each slice names its own tables (`database.tables<SchedulesTables>()`) and keeps its statements in its
 * `queries.ts`; nothing outside `store/` may use SQL that PostgreSQL does not know.
 */
import { Kysely, type Transaction } from "kysely";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../lib/clock.ts";
import type { Caller } from "../lib/operation.ts";
import { type AuditChange, recordAudit } from "./audit.ts";
import { GroupCommit } from "./group.ts";
import { Dialect, kyselyDatabase, type OpenOptions, openSqlite } from "./sqlite.ts";
import { tablesOf } from "./tables.ts";

/** What a transaction is given: queries on it, and the audit line it will leave. */
export interface Change {
  readonly tx: Transaction<unknown>;
  /** The tables of a slice, inside this transaction. */
  tables<Tables>(): Kysely<Tables>;
  /** Says what is being changed; the line is written with the commit. Called once or more; each call is a line. */
  audit(change: AuditChange): void;
}

/** An open database. */
export class Database {
  readonly path: string;
  readonly readonly: boolean;
  readonly #sqlite: DatabaseSync;
  readonly #kysely: Kysely<unknown>;
  readonly #clock: Clock;
  readonly #group = new GroupCommit((work) => this.transaction(work));

  constructor(path: string, clock: Clock, options: OpenOptions = {}) {
    this.path = path;
    this.readonly = options.readonly ?? false;
    this.#clock = clock;
    this.#sqlite = openSqlite(path, options);
    this.#kysely = new Kysely({ dialect: new Dialect({ database: kyselyDatabase(this.#sqlite, path) }) });
  }

  /** The tables of a slice. Inside a `change()` or `transaction()` use what that gives, or the query waits for it for ever. */
  tables<Tables>(): Kysely<Tables> {
    return tablesOf<Tables>(this.#kysely);
  }

  /** The untyped query builder, for migrations. */
  get kysely(): Kysely<unknown> {
    return this.#kysely;
  }

  /** The connection itself, for SQLite's online backup and integrity check; only `store/` may use it. */
  get sqlite(): DatabaseSync {
    return this.#sqlite;
  }

  /** Runs `work` in one transaction. No network, file or process await may happen inside. */
  transaction<T>(work: (tx: Transaction<unknown>) => Promise<T>): Promise<T> {
    return this.#kysely.transaction().execute(work);
  }

  /**
   * As {@linkcode transaction}, in a transaction that others who ask at the same moment may share: for many small changes
   * that need not be fast alone. `work` may be run twice when another one fails; the first time nothing is committed.
   */
  grouped<T>(work: (tx: Transaction<unknown>) => Promise<T>): Promise<T> {
    return this.#group.run(work);
  }

  /** Runs a change a caller asked for; its audit lines commit with it, so a crash leaves both or neither. */
  async change<T>(caller: Caller, work: (change: Change) => Promise<T>): Promise<T> {
    const lines: AuditChange[] = [];
    const result = await this.#kysely.transaction().execute(async (tx) => {
      const result = await work({
        tx,
        tables: <Tables>() => tablesOf<Tables>(tx),
        audit: (change) => void lines.push(change),
      });
      for (const line of lines) await recordAudit(tx, caller, line, this.#clock.now());
      return result;
    });
    caller.trail.lines += lines.length;
    return result;
  }

  /** Closes the connection; SQLite checkpoints its log. */
  async close(): Promise<void> {
    await this.#kysely.destroy();
  }
}
