/**
 * Engine `postgres`: dumps of PostgreSQL, made with its own programs.
 *
 * What it promises
 * - Scope `database`: one database as of one moment, in pg_dump's custom format (`.dump`), which pg_restore reads. Roles are
 *   no part of a database: a second schedule with scope `globals` keeps them. Scope `all` is pg_dumpall: the whole
 *   cluster as SQL for psql (`.sql.zst`), each database as of its own moment.
 * - A dump is read back before it counts: its list of contents, its hash, the last words of SQL. With `verify_restore` it is
 *   also restored into a scratch database and the rows of every table are counted: they are the rows of the snapshot
 *   that was dumped. That reads every table twice.
 * - A restore gives the dump as a file, SQL of what patterns select (`public/people`), or, with `into`, restores into a
 *   database on the server it came from, in one transaction.
 * - The password is handed over in the environment of the programs, never in their arguments or in a file.
 * - pg_dump may be newer than the server, not older; where it is, the run says which client to install.
 */
import { resolve } from "node:path";
import type { Engine } from "../engine.ts";
import { PostgresOptions, socketOf } from "./postgres/options.ts";
import { type Tools, toolsOn } from "./tools/find.ts";

/** The engine, with the programs of the given path. */
export function postgresOn(tools: Tools): Engine<PostgresOptions> {
  return {
    kind: "postgres",
    summary: "A PostgreSQL database or cluster, dumped with pg_dump",
    options: PostgresOptions,
    runsCommands: false,
    restoresInto: true,
    paths: (options) => {
      const files = [socketOf(options), options.sslrootcert].filter((path) => path !== undefined);
      return { read: files.map((path) => resolve(path)), write: [resolve(options.destination)] };
    },
    check: async (options) => await (await import("./postgres/check.ts")).checkOptions(tools, options),
    make: async (request, context) =>
      await (await import("./postgres/make.ts")).make(tools, request, context),
    verify: async (artifact, context) =>
      await (await import("./postgres/verify.ts")).verify(tools, artifact, context),
    async *list(artifact, context) {
      yield* (await import("./postgres/verify.ts")).list(tools, artifact, context);
    },
    restore: async (artifact, request, context) =>
      await (await import("./postgres/restore.ts")).restore(tools, artifact, request, context),
    remove: async (artifact) => await (await import("./dump/artifact.ts")).removeDump(artifact),
    async *discover(directory) {
      yield* (await import("./dump/discover.ts")).discoverDumps("postgres", directory, /\.dump$/);
    },
    async identify(file) {
      const { identifyDump } = await import("./dump/discover.ts");
      return await identifyDump("postgres", file, (head) => head.startsWith("PGDMP"));
    },
  };
}

/** The engine, with the programs of this process's path. */
export const postgresEngine: Engine<PostgresOptions> = postgresOn(toolsOn());
