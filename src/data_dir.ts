/** The data directory: opened by one process at a time, under its lock. */
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import { type Clock, iso, systemClock } from "./lib/clock.ts";
import { HoldfastError, messageOf } from "./lib/errors.ts";
import {
  Database,
  lockDataDir,
  migrate,
  type MigrationResult,
  requireSchema,
  restoreDatabase,
} from "./store/mod.ts";

const log = getLogger(["holdfast", "store"]);

const DATABASE = "holdfast.db";

/** An open database and what closing it takes. */
export interface OpenDataDir {
  database: Database;
  close(): Promise<void>;
}

/**
 * Takes the lock, opens the database and brings it to this release's schema; `command` is what the next one who
 * comes is told. Errors: `conflict` naming the holder, `unavailable` for a damaged or newer database.
 */
export async function openForWriting(dataDir: string, command: string, clock: Clock): Promise<OpenDataDir> {
  await makeDataDir(dataDir);
  const lock = lockDataDir(dataDir, command, iso(clock.now()));
  let database: Database | undefined;
  try {
    database = new Database(join(dataDir, DATABASE), clock);
    const { applied, copy } = await migrate(database, dataDir, clock);
    if (copy !== null) {
      log.info("Migrated the database ({applied}); the one before is in {copy}", {
        applied: applied.join(", "),
        copy,
      });
    }
  } catch (error) {
    await database?.close();
    lock.release();
    throw error;
  }
  const open = database;
  return {
    database: open,
    async close() {
      await open.close();
      lock.release();
    },
  };
}

/** True when a database is there. */
export async function hasData(dataDir: string): Promise<boolean> {
  return await isThere(join(dataDir, DATABASE));
}

/** Opens the database without lock and without changing anything. Errors: `unavailable` where there is none, or one that is damaged or newer. */
export async function openForReading(dataDir: string, clock: Clock): Promise<OpenDataDir> {
  const path = join(dataDir, DATABASE);
  if (!await hasData(dataDir)) {
    // An empty list would tell a script that looks in the wrong place that all is well.
    throw new HoldfastError(
      "unavailable",
      `Cannot read "${dataDir}": no daemon answers, and there is no data in it`,
      {
        code: "no_data",
        hint:
          "start one with holdfast serve; or is it another directory (--data-dir), user (sudo) or host (--api-url)?",
      },
    );
  }
  const database = new Database(path, clock, { readonly: true });
  try {
    await requireSchema(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { database, close: () => database.close() };
}

/** Opens an empty database in memory, gone when it is closed. */
export async function openEmpty(clock: Clock): Promise<OpenDataDir> {
  const database = new Database(":memory:", clock);
  await migrate(database, "", clock);
  return { database, close: () => database.close() };
}

/** Brings a data directory's database to this release's schema, under its lock. */
export async function migrateDataDir(dataDir: string): Promise<MigrationResult> {
  return await underLock(dataDir, "db migrate", async () => {
    const database = new Database(join(dataDir, DATABASE), systemClock);
    try {
      return await migrate(database, dataDir, systemClock);
    } finally {
      await database.close();
    }
  });
}

/** Puts a copy in the place of a data directory's database, under its lock; see `restoreDatabase()`. */
export async function restoreDataDir(dataDir: string, file: string): Promise<{ kept: string | null }> {
  return await underLock(
    dataDir,
    "db restore",
    () => restoreDatabase(file, join(dataDir, DATABASE), systemClock),
  );
}

async function underLock<T>(dataDir: string, command: string, work: () => Promise<T>): Promise<T> {
  await makeDataDir(dataDir);
  const lock = lockDataDir(dataDir, `holdfast ${command}`, iso(systemClock.now()));
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot make data directory "${dataDir}": ${messageOf(error)}`, {
      cause: error,
      hint: "choose another one with --data-dir, or create it for this user",
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new HoldfastError("forbidden", `Cannot look at "${path}": ${messageOf(error)}`, { cause: error });
  }
}
