/**
 * Bringing a database to the program's schema: append-only TypeScript modules, run in order, each in its own
 * transaction. A copy of the database is taken before the first pending one; a newer database is refused.
 */
import { type Migration, Migrator } from "kysely/migration";
import { backup } from "node:sqlite";
import { join } from "node:path";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Database } from "./database.ts";
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

const TABLE = "migrations";
interface MigrationTables {
  [TABLE]: { name: string };
}

/** Compares a database with this program's migrations. Reads only. */
export async function schemaStatus(database: Database): Promise<SchemaStatus> {
  const applied = await appliedNames(database);
  const known = Object.keys(MIGRATIONS);
  return {
    current: applied.at(-1) ?? null,
    latest: known.at(-1)!,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

async function appliedNames(database: Database): Promise<string[]> {
  const exists = database.sqlite.prepare("select 1 from sqlite_master where type = 'table' and name = ?").all(
    TABLE,
  );
  if (exists.length === 0) return [];
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

/** Applies what is pending. Errors: `unavailable` for a newer database, `internal` with the failing step's name. */
export async function migrate(database: Database, dataDir: string, clock: Clock): Promise<MigrationResult> {
  const status = await schemaStatus(database);
  if (status.unknown.length > 0) throw tooNew(database, status);
  if (status.pending.length === 0) return { applied: [], copy: null };
  const copy = status.current === null
    ? null
    : await copyBefore(database, dataDir, status.pending[0]!, clock);
  const migrator = new Migrator({
    db: database.kysely,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS } as Record<string, Migration>) },
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

/** Copies a database while it is in use (SQLite's online backup), complete or not at all. */
export async function copyDatabase(database: Database, path: string): Promise<void> {
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
    await Deno.rename(partial, path);
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw new HoldfastError("unavailable", `Cannot copy the database to "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
