/** Whether a database can be used, for health. */
import type { Database } from "./database.ts";

/** What a look at the database found. */
export interface DatabaseState {
  status: "ok" | "degraded" | "failed";
  detail: string;
}

/** A question to ask again and again: does it answer, and is it the file it was at first. Errors: what a database that cannot be used throws. */
export function databaseProbe(database: Database): () => Promise<DatabaseState> {
  let first: number | null | undefined;
  return async () => {
    database.sqlite.prepare("select count(*) from sqlite_schema").all();
    // A file that was removed or replaced goes on working for whoever has it open, and all that is written is lost.
    const inode = await inodeOf(database.path);
    if (inode === undefined) return { status: "failed", detail: "its file is gone" };
    // Some network file systems give a file a new number at will, so this alone is no proof.
    if (inode !== (first ??= inode)) return { status: "degraded", detail: "its file was replaced" };
    return { status: "ok", detail: "answers" };
  };
}

/** The number of a file, null where there is none to be had; undefined when the file is not there. */
async function inodeOf(path: string): Promise<number | null | undefined> {
  if (path === ":memory:") return null;
  try {
    return (await Deno.stat(path)).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
