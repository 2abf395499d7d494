/**
 * Engine `mysql`: dumps of MariaDB and MySQL, made with their own programs.
 *
 * What it promises
 * - Tables with data, views, routines, triggers and events as SQL, compressed with zstd: `zstd -dc FILE | mariadb NAME`.
 *   InnoDB tables are dumped as of one moment in a transaction, without locking; other tables need `lock_tables`.
 *   Accounts and grants are only in dumps of all databases.
 * - A dump counts when it ends with the words its program ends it with, and reads back as it was written.
 * - A restore gives the SQL as a file or, with `into`, loads the dump of one database into one of any name on the server
 *   it came from. What the dump replaces there is replaced statement by statement, not in one transaction.
 * - The password is handed over in a file of mode 0600 in a directory of mode 0700, in memory where the host has such a
 *   place, and gone when the program ends.
 */
import { resolve } from "node:path";
import type { Engine } from "../engine.ts";
import { MysqlOptions } from "./mysql/options.ts";
import { type Tools, toolsOn } from "./tools/find.ts";

/** The engine, with the programs of the given path. */
export function mysqlOn(tools: Tools): Engine<MysqlOptions> {
  return {
    kind: "mysql",
    summary: "MariaDB or MySQL databases, dumped with mariadb-dump",
    options: MysqlOptions,
    runsCommands: false,
    restoresInto: true,
    paths: ({ socket, tls_ca, destination }) => ({
      read: [socket, tls_ca].filter((path) => path !== undefined).map((path) => resolve(path)),
      write: [resolve(destination)],
    }),
    check: async (options) => await (await import("./mysql/make.ts")).checkOptions(tools, options),
    make: async (request, context) => await (await import("./mysql/make.ts")).make(tools, request, context),
    verify: async (artifact, context) => await (await import("./mysql/read.ts")).verify(artifact, context),
    async *list(artifact, context) {
      yield* (await import("./mysql/read.ts")).list(artifact, context);
    },
    restore: async (artifact, request, context) =>
      await (await import("./mysql/restore.ts")).restore(tools, artifact, request, context),
    remove: async (artifact) => await (await import("./dump/artifact.ts")).removeDump(artifact),
    async *discover(directory) {
      yield* (await import("./dump/discover.ts")).discoverDumps("mysql", directory, /\.sql\.zst$/);
    },
    async identify(file) {
      const { identifyDump } = await import("./dump/discover.ts");
      return await identifyDump("mysql", file, () => file.endsWith(".sql.zst"));
    },
  };
}

/** The engine, with the programs of this process's path. */
export const mysqlEngine: Engine<MysqlOptions> = mysqlOn(toolsOn());
