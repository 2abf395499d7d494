/** What can be said against a backup before it runs. */
import { messageOf } from "../../../lib/errors.ts";
import { destinationProblems } from "../dump/destination.ts";
import type { SqliteOptions } from "./options.ts";

/** One sentence per problem. */
export async function checkOptions({ database, destination }: SqliteOptions): Promise<string[]> {
  return [...await sourceProblems(database), ...await destinationProblems(destination)];
}

async function sourceProblems(database: string): Promise<string[]> {
  try {
    if (!(await Deno.stat(database)).isFile) return [`Database "${database}" is not a file`];
    (await Deno.open(database)).close();
    return [];
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    return [`Database "${database}" ${gone ? "does not exist" : `cannot be read: ${messageOf(error)}`}`];
  }
}
