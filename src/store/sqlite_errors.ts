/** What SQLite's result codes mean to a person. Source: https://sqlite.org/rescode.html */
import { HoldfastError, messageOf } from "../lib/errors.ts";

const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOTADB = 26;
/** The memory that a log needs beside the database cannot grow; readers need it too. */
const IOERR_SHMSIZE = IOERR | 19 << 8;

/** SQLite's own result code of an error thrown by `node:sqlite`, or undefined. */
export function sqliteCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** True when a statement failed because a row with that key exists. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && /UNIQUE constraint failed|PRIMARY KEY/.test(error.message);
}

/** The error to throw for one of `node:sqlite`: what is wrong with the file or the disk gets words, the rest stays as it is. */
export function databaseError(error: unknown, path: string): unknown {
  const cause = error;
  switch (sqliteCode(error)) {
    case FULL:
      return new HoldfastError("exhausted", `Cannot write database "${path}": the disk is full`, { cause });
    case BUSY:
      return new HoldfastError("unavailable", `Cannot use database "${path}": another process holds it`, {
        cause,
      });
    case READONLY:
      return new HoldfastError("unavailable", `Cannot write database "${path}": it is read-only`, { cause });
    case IOERR:
      if (extendedCode(error) === IOERR_SHMSIZE) {
        return new HoldfastError("exhausted", `Cannot use database "${path}": the disk is full`, { cause });
      }
      return new HoldfastError("unavailable", `Cannot use database "${path}": ${messageOf(error)}`, {
        cause,
      });
    case CORRUPT:
    case NOTADB:
      return new HoldfastError("unavailable", `Cannot use database "${path}": it is damaged`, {
        code: "database_damaged",
        cause,
        hint: "stop the daemon and restore a copy: holdfast db restore FILE",
      });
    default:
      return error;
  }
}
