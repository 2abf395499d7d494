/**
 * One process owns a data directory: an advisory lock on `<data-dir>/lock`, released by the kernel when the
 * process ends, however it ends. The file says who holds it, for the error of the next one.
 */
import { join } from "node:path";
import { HoldfastError, messageOf } from "../lib/errors.ts";

/** Who holds a data directory. */
export interface LockHolder {
  pid: number;
  command: string;
  since: string;
}

/** A held lock. */
export interface DataLock {
  release(): void;
}

/** Takes the lock of a data directory. Errors: `conflict`, naming the holder; `forbidden`, `unavailable`. `since` is an ISO instant. */
export function lockDataDir(dataDir: string, command: string, since: string): DataLock {
  const path = join(dataDir, "lock");
  const file = openLock(path);
  if (!file.tryLockSync(true)) {
    file.close();
    const holder = readHolder(dataDir);
    const who = holder === undefined
      ? "another process"
      : `"${holder.command}" (pid ${holder.pid}, since ${holder.since})`;
    throw new HoldfastError("conflict", `Cannot use data directory "${dataDir}": ${who} holds it`, {
      code: "data_dir_locked",
      hint: "use its socket (leave out --data-dir or give the same one), or stop it first",
    });
  }
  writeHolder(file, { pid: Deno.pid, command, since });
  return {
    release() {
      // The text goes first, so that a stale name is never read from an unlocked file.
      file.truncateSync(0);
      // A program that is just being started holds every open file for a moment, and would hold the lock of one that is only closed.
      file.unlockSync();
      file.close();
    },
  };
}

function writeHolder(file: Deno.FsFile, holder: LockHolder): void {
  try {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(JSON.stringify(holder)));
  } catch {
    // The lock holds without the name; what a full disk keeps from being done, the database says in words.
  }
}

function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    const denied = error instanceof Deno.errors.PermissionDenied;
    throw new HoldfastError(
      denied ? "forbidden" : "unavailable",
      `Cannot lock "${path}": ${messageOf(error)}`,
      {
        cause: error,
        hint: "run as the user who owns the data directory, or choose another one with --data-dir",
      },
    );
  }
}

/** Who wrote the lock file last, or undefined when nobody holds it or it cannot be read. */
export function readHolder(dataDir: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(Deno.readTextFileSync(join(dataDir, "lock")));
    if (typeof holder !== "object" || holder === null) return undefined;
    if (!("pid" in holder && "command" in holder && "since" in holder)) return undefined;
    return { pid: Number(holder.pid), command: String(holder.command), since: String(holder.since) };
  } catch {
    return undefined;
  }
}
