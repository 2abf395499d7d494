/** The data directory out of `DATABASE_URL`, as an earlier tool has it. */
import { posix } from "node:path";

const SQLITE = /^sqlite(?:\+\w+)?:\/\/\/(.*)$/i;
const FILE = /\.(db|sqlite3?|sqlite-journal)$/i;

/**
 * The directory of `sqlite:///relative.db` or `sqlite:////absolute.db`; a path that is no file of a database is the
 * directory itself. Throws for any other scheme: Holdfast keeps its own database and takes over no other's.
 */
export function dataDirOf(url: string): string {
  const path = SQLITE.exec(url.trim())?.[1]?.replace(/\?.*$/, "");
  if (path === undefined) {
    // The address may hold a password: only its scheme is said.
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.trim())?.[1] ?? "no scheme";
    throw new Error(`must be sqlite:///PATH, not ${scheme}: Holdfast keeps an SQLite database of its own`);
  }
  if (path === "" || path === ":memory:") throw new Error("must name a file or a directory after sqlite:///");
  return FILE.test(path) ? posix.dirname(path) : path;
}
