/**
 * Bringing a database to the program's schema: append-only TypeScript modules, run in order in one transaction, so
 * that one that fails leaves nothing behind. A copy of the database is taken before; a newer database is refused.
 */
import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { backup } from "node:sqlite";
import { join } from "node:path";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { Database } from "./database.ts";
import { tablesOf } from "./tables.ts";
import { MIGRATIONS } from "./migrations/mod.ts";

/** Where a database stands. */
export interface SchemaStatus {
  /** Name of the newest applied migration; null in an empty file. */
  current: string | null;
  /** Name of the newest migration this program knows. */
  latest: string;
  pending: string[];
  /** Applied migrations this program does not know: the database is newer than the program. */
  unknown: string[];
}

/** What a migration did. */
export interface MigrationResult {
  applied: string[];
  /** Copy taken before; null when the database was empty or nothing was pending. */
  copy: string | null;
}

/** Migrations by name, in order. */
export type Migrations = Readonly<Record<string, Migration>>;

const TABLE = "migrations";
interface MigrationTables {
  [TABLE]: { name: string };
}

/** Compares a database with this program's migrations. Reads only. */
export async function schemaStatus(
  database: Database,
  migrations: Migrations = MIGRATIONS,
): Promise<SchemaStatus> {
  const applied = await appliedNames(database);
  const known = Object.keys(migrations);
  return {
    current: applied.at(-1) ?? null,
    latest: known.at(-1)!,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

async function appliedNames(database: Database): Promise<string[]> {
  const table = sql`select 1 from sqlite_master where type = 'table' and name = ${TABLE}`;
  if ((await table.execute(database.kysely)).rows.length === 0) return [];
  const rows = await tablesOf<MigrationTables>(database.kysely).selectFrom(TABLE).select("name").orderBy(
    "name",
  ).execute();
  return rows.map((row) => row.name);
}

/** Refuses a database this program cannot work with. Errors: `unavailable`. */
export async function requireSchema(database: Database): Promise<void> {
  const status = await schemaStatus(database);
  if (status.unknown.length > 0) throw tooNew(database, status);
  if (status.pending.length === 0) return;
  throw new HoldfastError(
    "unavailable",
    `Cannot use database "${database.path}": its schema is older than this program`,
    {
      code: "database_old",
      hint: "run: holdfast db migrate (a copy is taken first)",
    },
  );
}

function tooNew(database: Database, status: SchemaStatus): HoldfastError {
  return new HoldfastError(
    "unavailable",
    `Cannot use database "${database.path}": it was written by a newer release (it has "${
      status.unknown.at(-1)
    }", this program knows up to "${status.latest}")`,
    {
      code: "database_newer",
      hint: "install the newer release, or restore an older copy: holdfast db restore FILE",
    },
  );
}

/** Applies what is pending, all or nothing. Errors: `unavailable`, for a newer database or with the name of the step that failed. */
export async function migrate(
  database: Database,
  dataDir: string,
  clock: Clock,
  migrations: Migrations = MIGRATIONS,
): Promise<MigrationResult> {
  const status = await schemaStatus(database, migrations);
  if (status.unknown.length > 0) throw tooNew(database, status);
  if (status.pending.length === 0) return { applied: [], copy: null };
  const copy = status.current === null
    ? null
    : await copyBefore(database, dataDir, status.pending[0]!, clock);
  const migrator = new Migrator({
    db: database.kysely,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === "Error")?.migrationName ?? "unknown";
    throw new HoldfastError(
      "unavailable",
      `Cannot migrate database "${database.path}" at "${failed}": ${messageOf(error)}`,
      {
        cause: error,
        hint: copy === null ? "nothing was changed" : `nothing was changed; a copy from before is in ${copy}`,
      },
    );
  }
  return { applied: (results ?? []).map((result) => result.migrationName), copy };
}

async function copyBefore(database: Database, dataDir: string, next: string, clock: Clock): Promise<string> {
  const directory = join(dataDir, "copies");
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const stamp = iso(clock.now()).replaceAll(/[:.]/g, "-");
  const path = join(directory, `before-${next}-${stamp}.db`);
  await copyDatabase(database, path);
  return path;
}

/** Copies a database while it is in use (SQLite's online backup), complete or not at all. Errors: `unavailable`. */
export async function copyDatabase(database: Database, path: string): Promise<void> {
  const partial = await writeCopy(database, path);
  await Deno.rename(partial, path);
}

/** Writes a copy to `<path>.partial`, flushed to the disk; a failed one is removed. */
async function writeCopy(database: Database, path: string): Promise<string> {
  const partial = `${path}.partial`;
  try {
    await backup(database.sqlite, partial);
    await Deno.chmod(partial, 0o600);
    const file = await Deno.open(partial, { read: true, write: true });
    try {
      await file.sync();
    } finally {
      file.close();
    }
    return partial;
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw new HoldfastError("unavailable", `Cannot copy the database to "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Puts a copy in the place of a database nobody has open. The copy is checked first; what was there is kept beside it.
 * Errors: `invalid` when the file is no sound Holdfast database, `unavailable` when it is newer than the program.
 */
export async function restoreDatabase(
  file: string,
  target: string,
  clock: Clock,
): Promise<{ kept: string | null }> {
  if (!await isThere(file)) throw new HoldfastError("not_found", `Cannot restore "${file}": no such file`);
  const copy = openCopy(file, clock);
  let partial: string;
  try {
    await requireSound(copy, file);
    // Read through SQLite and not as a file: changes may still be in a log beside it.
    partial = await writeCopy(copy, target);
  } finally {
    await copy.close();
  }
  const stamp = iso(clock.now()).replaceAll(/[:.]/g, "-");
  const kept = await isThere(target) ? `${target}.before-${stamp}` : null;
  if (kept !== null) {
    // The log belongs to the file: without it the last changes would be lost from what is kept.
    for (const suffix of ["-wal", "-shm"]) {
      if (await isThere(target + suffix)) await Deno.rename(target + suffix, kept + suffix);
    }
    await Deno.rename(target, kept);
  }
  await Deno.rename(partial, target);
  return { kept };
}

/** A copy that is cut off early enough cannot even be opened. */
function openCopy(file: string, clock: Clock): Database {
  try {
    return new Database(file, clock, { readonly: true });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "database_damaged") throw error;
    throw new HoldfastError(
      "invalid",
      `Cannot restore "${file}": it is damaged: ${messageOf(error.cause)}`,
      { cause: error },
    );
  }
}

async function requireSound(copy: Database, file: string): Promise<void> {
  const damage = await damageOf(copy);
  if (damage !== undefined) {
    throw new HoldfastError("invalid", `Cannot restore "${file}": it is damaged: ${damage}`);
  }
  const status = await schemaStatus(copy);
  if (status.unknown.length > 0) throw tooNew(copy, status);
  if (status.current === null) {
    throw new HoldfastError("invalid", `Cannot restore "${file}": it is not a database of Holdfast`);
  }
}

/** What SQLite's full check finds first, or undefined. Reads the whole file. */
async function damageOf(database: Database): Promise<string | undefined> {
  try {
    const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(1)`.execute(
      database.kysely,
    );
    const found = rows[0]?.integrity_check;
    return found === "ok" ? undefined : found ?? "the check says nothing";
  } catch (error) {
    return messageOf(error instanceof HoldfastError ? error.cause : error);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
