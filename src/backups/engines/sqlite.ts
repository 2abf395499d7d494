/**
 * Engine `sqlite`: a copy of a SQLite database that may be in use.
 *
 * What it promises
 * - The copy is made with SQLite's online backup: it is the database as of one moment, whoever writes meanwhile, with
 *   what its write-ahead log held. Its content equals the source's; free pages and the like may be kept or not.
 * - The copy passes `pragma integrity_check` before it counts as a backup; a damaged source makes the run fail.
 * - A restore writes the database file under its own name, checks it again, and removes journals of the one it replaces.
 * - While it runs, the destination needs room for the plain copy and the compressed one.
 */
import { resolve } from "node:path";
import type { Engine } from "../engine.ts";
import { SqliteOptions } from "./sqlite/options.ts";

/** The engine. */
export const sqliteEngine: Engine<SqliteOptions> = {
  kind: "sqlite",
  summary: "A SQLite database, copied while it is in use",
  options: SqliteOptions,
  runsCommands: false,
  paths: ({ database, destination }) => ({ read: [resolve(database)], write: [resolve(destination)] }),
  check: async (options) => await (await import("./sqlite/check.ts")).checkOptions(options),
  make: async (request, context) => await (await import("./sqlite/make.ts")).make(request, context),
  verify: async (artifact, context) => await (await import("./sqlite/make.ts")).verify(artifact, context),
  async *list(artifact) {
    yield* (await import("./sqlite/make.ts")).list(artifact);
  },
  restore: async (artifact, request, context) =>
    await (await import("./sqlite/make.ts")).restore(artifact, request, context),
  remove: async (artifact) => await (await import("./dump/artifact.ts")).removeDump(artifact),
  async *discover(directory) {
    yield* (await import("./dump/discover.ts")).discoverDumps("sqlite", directory, /\.sqlite(\.zst)?$/);
  },
  async identify(file) {
    const { identifyDump } = await import("./dump/discover.ts");
    const { MAGIC } = await import("./sqlite/make.ts");
    return await identifyDump(
      "sqlite",
      file,
      (head) => head.startsWith(MAGIC) || file.endsWith(".sqlite.zst"),
    );
  },
};
