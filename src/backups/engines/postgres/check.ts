/** What can be said against a backup before it runs. */
import { destinationProblems } from "../dump/destination.ts";
import { missing, type Tools } from "../tools/find.ts";
import { PG_DUMP, PG_DUMPALL, PG_RESTORE, PSQL } from "./client.ts";
import { type PostgresOptions, socketOf } from "./options.ts";

/** One sentence per problem. The server is not asked: that needs its password. */
export async function checkOptions(tools: Tools, options: PostgresOptions): Promise<string[]> {
  const needed = (options.scope ?? "database") === "database" ? [PG_DUMP, PG_RESTORE, PSQL] : [PG_DUMPALL];
  for (const tool of needed) {
    // They come in one package: naming the first is enough.
    const problems = await missing(tools, tool);
    if (problems.length > 0) return problems;
  }
  const socket = socketOf(options);
  const gone = socket !== undefined && !await Deno.stat(socket).then(() => true, () => false);
  return [
    ...(gone ? [`Socket directory "${socket}" does not exist`] : []),
    ...await destinationProblems(options.destination),
  ];
}
