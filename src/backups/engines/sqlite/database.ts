/** SQLite databases inside the worker: copying one that may be in use, and looking through a copy. */
import { backup, DatabaseSync } from "node:sqlite";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import {
  Cancelled,
  type CheckDatabaseTask,
  type CopyDatabaseTask,
  type DatabaseContent,
  type Host,
} from "../dump/protocol.ts";

/** Pages copied before others may write again, and the cancel is looked at. */
const PAGES_PER_STEP = 1000;
/** How long another program may keep the database locked, in milliseconds. */
const BUSY_MS = 60_000;
/** Problems named at most. */
const MAX_PROBLEMS = 20;

/** Runs the task: SQLite's online backup, which starts over for what is changed while it runs. */
export async function copyDatabase({ from, to }: CopyDatabaseTask, host: Host): Promise<null> {
  let cancelled = false;
  try {
    using source = new DatabaseSync(from, { readOnly: true });
    source.exec(`pragma busy_timeout = ${BUSY_MS}`);
    const pageBytes = Number(source.prepare("pragma page_size").get()?.page_size ?? 0);
    const report = (done_bytes: number, total_bytes: number, now: boolean) =>
      host.progress({ phase: "read", done_bytes, total_bytes, done_items: 0 }, now);
    await backup(source, to, {
      rate: PAGES_PER_STEP,
      progress({ totalPages, remainingPages }) {
        try {
          host.checkCancelled();
        } catch (error) {
          cancelled = true;
          throw error;
        }
        report((totalPages - remainingPages) * pageBytes, totalPages * pageBytes, false);
      },
    });
    const { size } = Deno.statSync(to);
    report(size, size, true);
    return null;
  } catch (error) {
    if (cancelled) throw new Cancelled();
    throw worded(`copy database "${from}"`, error, to);
  }
}

/** Runs the task. Nobody else may have the file: what SQLite lays beside it is removed. */
export function checkDatabase({ path }: CheckDatabaseTask, host: Host): DatabaseContent {
  try {
    return contentOf(path, host);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    return { problems: [messageOf(error)], tables: [] };
  } finally {
    // Made for a database in WAL mode even when it is only read. Without URIs, which need all permissions, that stays.
    for (const suffix of ["-wal", "-shm"]) removeIfThere(path + suffix);
  }
}

function contentOf(path: string, host: Host): DatabaseContent {
  using database = new DatabaseSync(path, { readOnly: true });
  host.checkCancelled();
  const problems = database.prepare(`pragma integrity_check(${MAX_PROBLEMS})`).all()
    .map((row) => String(row.integrity_check)).filter((line) => line !== "ok");
  const names = database.prepare(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
  ).all().map((row) => String(row.name));
  const tables = names.map((name) => {
    host.checkCancelled();
    return { name, rows: rowsOf(database, name) };
  });
  return { problems, tables };
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Not made.
  }
}

/** Null for virtual tables whose module is not here. */
function rowsOf(database: DatabaseSync, table: string): number | null {
  try {
    const row = database.prepare(`select count(*) as rows from "${table.replaceAll('"', '""')}"`).get();
    return Number(row?.rows);
  } catch {
    return null;
  }
}

/** By SQLite's own words (sqlite3_errstr): the runtime gives the code of its errors only sometimes. */
function worded(action: string, error: unknown, to: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return error;
  const { message } = error;
  const details = { cause: error };
  if (message.includes("disk is full") || (message.includes("disk I/O error") && isFull(to))) {
    return new HoldfastError("exhausted", `Cannot write "${to}": no space left on the device`, {
      ...details,
      code: "disk_full",
    });
  }
  if (message.includes("is locked")) {
    const hint = "another program holds an exclusive lock on it: end that, or back up at another time";
    return new HoldfastError("unavailable", `Cannot ${action}: it is locked`, { ...details, hint });
  }
  if (message.includes("not a database")) {
    const hint =
      "it is no SQLite file, or an encrypted one: use the archive engine while nothing writes to it";
    return new HoldfastError("invalid", `Cannot ${action}: it is not a SQLite database`, {
      ...details,
      hint,
    });
  }
  return new HoldfastError("invalid", `Cannot ${action}: ${message}`, details);
}

/** An I/O error of SQLite's does not say whether the disk is full: a few bytes more tell. */
function isFull(to: string): boolean {
  const probe = `${to}.probe`;
  try {
    Deno.writeFileSync(probe, new Uint8Array(64 << 10));
    return false;
  } catch {
    return true;
  } finally {
    removeIfThere(probe);
  }
}
