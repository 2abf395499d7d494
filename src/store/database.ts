/**
 * The one door to the database: typed queries, transactions, and changes that carry their audit line.
 *
 * Each slice names its own tables (`database.tables<SchedulesTables>()`) and keeps its statements in its
 * `queries.ts`; nothing outside `store/` may use SQL that PostgreSQL does not know.
 */
import { Kysely, SqliteDialect, type Transaction } from "kysely";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type AuditChange, recordAudit } from "./audit.ts";
import { kyselyDatabase, type OpenOptions, openSqlite } from "./sqlite.ts";

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

  constructor(path: string, clock: Clock, options: OpenOptions = {}) {
    this.path = path;
    this.readonly = options.readonly ?? false;
    this.#clock = clock;
    this.#sqlite = open(path, options);
    this.#kysely = new Kysely({ dialect: new SqliteDialect({ database: kyselyDatabase(this.#sqlite) }) });
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
    return guard(() => this.#kysely.transaction().execute(work));
  }

  /** Runs a change a caller asked for; its audit lines commit with it, so a crash leaves both or neither. */
  change<T>(caller: Caller, work: (change: Change) => Promise<T>): Promise<T> {
    return guard(async () => {
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
    });
  }

  /** Closes the connection; SQLite checkpoints its log. */
  async close(): Promise<void> {
    await this.#kysely.destroy();
  }
}

function open(path: string, options: OpenOptions): DatabaseSync {
  try {
    return openSqlite(path, options);
  } catch (error) {
    throw databaseError(error, path);
  }
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    throw databaseError(error, undefined);
  }
}

/** SQLite's own result code of an error thrown by `node:sqlite`, or undefined. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** True when a statement failed because a row with that key exists. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && /UNIQUE constraint failed|PRIMARY KEY/.test(error.message);
}

const [SQLITE_BUSY, SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOTADB] = [
  5,
  8,
  11,
  13,
  14,
  26,
];

function databaseError(error: unknown, path: string | undefined): unknown {
  const where = path === undefined ? "the database" : `database "${path}"`;
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
      return new HoldfastError("exhausted", `Cannot write ${where}: the disk is full`, { cause: error });
    case SQLITE_BUSY:
      return new HoldfastError("unavailable", `Cannot use ${where}: another process holds it`, {
        cause: error,
      });
    case SQLITE_READONLY:
      return new HoldfastError("unavailable", `Cannot write ${where}: it is read-only`, { cause: error });
    case SQLITE_CANTOPEN:
      return new HoldfastError("unavailable", `Cannot open ${where}: ${messageOf(error)}`, { cause: error });
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new HoldfastError("unavailable", `Cannot use ${where}: it is damaged`, {
        cause: error,
        hint: "stop the daemon and restore a copy: holdfast db restore FILE",
      });
    default:
      return error;
  }
}
