/**
 * `node:sqlite` as the database that Kysely's SQLite dialect talks to.
 *
 * Rows are always read with `all()`: reading `insert ... returning` with `get()` leaves the statement open and
 * stops SQLite's automatic checkpoint, so the write-ahead log grows without end.
 */
import { existsSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { databaseError } from "./sqlite_errors.ts";

/** Prepared statements kept in each of two generations; enough for every statement of the program. */
const CACHED_STATEMENTS = 300;

/** What may be tuned when a database file is opened. */
export interface OpenOptions {
  readonly?: boolean;
}

/** Opens a database file with the settings every connection of Holdfast uses. Errors: `unavailable`. */
export function openSqlite(path: string, options: OpenOptions = {}): DatabaseSync {
  const readOnly = options.readonly ?? false;
  if (!readOnly && path !== ":memory:") createPrivate(path);
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path, { readOnly });
  } catch (error) {
    throw new HoldfastError("unavailable", `Cannot open database "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    // Prepared, because errors of exec() do not carry SQLite's code.
    for (const pragma of readOnly ? READER : WRITER) db.prepare(`pragma ${pragma}`).all();
    return readOnly && path !== ":memory:" ? readable(db, path) : db;
  } catch (error) {
    db.close();
    throw databaseError(error, path);
  }
}

/**
 * The database, once it has been read from. On a medium that cannot be written SQLite opens no file in write-ahead mode,
 * unless it is told that nobody writes; without a log beside it, nobody does (sqlite.org/wal.html, read-only databases).
 */
function readable(db: DatabaseSync, path: string): DatabaseSync {
  try {
    db.prepare("pragma schema_version").all();
    return db;
  } catch (error) {
    if (existsSync(`${path}-wal`)) throw error;
    const fixed = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
    db.close();
    return fixed;
  }
}

const READER = ["busy_timeout = 5000", "foreign_keys = on"];
// FULL: a commit that was answered survives a power cut, which the ledger and the outbox promise.
const WRITER = [...READER, "journal_mode = wal", "synchronous = full"];

/** Makes the file before SQLite does, for its owner only: it holds password hashes. The log takes the file's mode. */
function createPrivate(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch {
    // It is there already, or it cannot be: SQLite says which.
  }
}

/** SQLite as Kysely sees it, with migrations in one transaction: SQLite's DDL is transactional, whatever Kysely's own adapter says. */
export class Dialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new Adapter();
  }
}

class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * The database for the dialect; statements are prepared once and kept while they are used. Every statement of the program
 * passes here, so this is where SQLite's errors get their words.
 */
export function kyselyDatabase(db: DatabaseSync, path: string): SqliteDatabase {
  const cache = new StatementCache();
  return {
    close: () => db.close(),
    prepare(sql) {
      // On a full disk SQLite has rolled back by itself, and refuses to do it again.
      if (sql === "rollback" && !db.isTransaction) return NOTHING;
      const known = cache.get(sql);
      if (known !== undefined) return known;
      // A kept `select *` would go on giving the columns it was prepared with.
      if (/^\s*(create|alter|drop)\b/i.test(sql)) cache.clear();
      const statement = adapt(worded(path, () => db.prepare(sql)), path);
      cache.add(sql, statement);
      return statement;
    },
  };
}

/**
 * What was used since the last change of generations is kept at the next one. A lookup changes nothing: a map whose
 * keys are put in order at each use is copied again and again, and its copies stay until the whole heap is collected.
 */
class StatementCache {
  #recent = new Map<string, SqliteStatement>();
  #former = new Map<string, SqliteStatement>();

  get(sql: string): SqliteStatement | undefined {
    const recent = this.#recent.get(sql);
    if (recent !== undefined) return recent;
    const former = this.#former.get(sql);
    if (former !== undefined) this.add(sql, former);
    return former;
  }

  add(sql: string, statement: SqliteStatement): void {
    if (this.#recent.size >= CACHED_STATEMENTS) {
      this.#former = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(sql, statement);
  }

  clear(): void {
    this.#recent.clear();
    this.#former.clear();
  }
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

function adapt(statement: StatementSync, path: string): SqliteStatement {
  const all = (parameters: readonly unknown[]) =>
    worded(path, () => statement.all(...parameters.map(toSqlite)));
  return {
    reader: statement.columns().length > 0,
    all,
    run: (parameters) => worded(path, () => statement.run(...parameters.map(toSqlite))),
    iterate: (parameters) => all(parameters).values(),
  };
}

function worded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error, path);
  }
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === undefined) return null;
  // A text would be read up to its first NUL, so that "ada\0x" came back as "ada"; PostgreSQL takes none at all.
  if (typeof value === "string") return value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
  if (value === null || typeof value === "number" || typeof value === "bigint") return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`Cannot store a value of type ${typeof value}`);
}
