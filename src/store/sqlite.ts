/**
 * `node:sqlite` as the database that Kysely's SQLite dialect talks to.
 *
 * Rows are always read with `all()`: reading `insert ... returning` with `get()` leaves the statement open and
 * stops SQLite's automatic checkpoint, so the write-ahead log grows without end.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { SqliteDatabase, SqliteStatement } from "kysely";

/** Prepared statements kept; enough for every statement of the program. */
const CACHED_STATEMENTS = 500;

/** What may be tuned when a database file is opened. */
export interface OpenOptions {
  readonly?: boolean;
}

/** Opens a database file with the settings every connection of Holdfast uses. */
export function openSqlite(path: string, options: OpenOptions = {}): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: options.readonly ?? false });
  db.exec("pragma busy_timeout = 5000; pragma foreign_keys = on;");
  // FULL: a commit that was answered survives a power cut, which the ledger and the outbox promise.
  if (!options.readonly) db.exec("pragma journal_mode = wal; pragma synchronous = full;");
  return db;
}

/** The adapter; statements are prepared once and kept, the least recently used one leaves first. */
export function kyselyDatabase(db: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => db.close(),
    prepare(sql) {
      const known = cache.get(sql);
      if (known !== undefined) {
        cache.delete(sql);
        cache.set(sql, known);
        return known;
      }
      const statement = adapt(db.prepare(sql));
      cache.set(sql, statement);
      if (cache.size > CACHED_STATEMENTS) cache.delete(cache.keys().next().value!);
      return statement;
    },
  };
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toSqlite)),
    run: (parameters) => statement.run(...parameters.map(toSqlite)),
    *iterate(parameters) {
      yield* statement.all(...parameters.map(toSqlite));
    },
  };
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === undefined) return null;
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    return value;
  }
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`Cannot store a value of type ${typeof value}`);
}
