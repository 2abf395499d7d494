/** Dumping databases into one compressed file of SQL. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest } from "../../engine.ts";
import { makeDump } from "../dump/artifact.ts";
import { destinationProblems } from "../dump/destination.ts";
import { openSink } from "../dump/work.ts";
import { missing, type Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { Client, DUMP } from "./client.ts";
import { type MysqlOptions, onlyDatabase } from "./options.ts";
import { isComplete, MARKER } from "./read.ts";

/** One sentence per problem. The server is not asked: that needs its password. */
export async function checkOptions(tools: Tools, options: MysqlOptions): Promise<string[]> {
  const { socket } = options;
  const gone = socket !== undefined && !await Deno.stat(socket).then(() => true, () => false);
  return [
    ...await missing(tools, DUMP),
    ...(gone ? [`Socket "${socket}" does not exist`] : []),
    ...await destinationProblems(options.destination),
  ];
}

/** Makes one artifact. */
export async function make(
  tools: Tools,
  request: MakeRequest<MysqlOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(tools, options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const client = new Client(tools, options, context);
  return await makeDump(request, {
    engine: "mysql",
    suffix: ".sql.zst",
    content: `${fileName(onlyDatabase(options) ?? "databases")}.sql`,
    compression: "zstd",
    marker: MARKER,
    async produce(partial) {
      const meter = new Meter(context);
      using sink = openSink({ task: "write", path: partial, compression: "zstd", marker: MARKER }, context);
      let bytes = 0;
      const report = (final: boolean) =>
        meter.report({ phase: "read", done_bytes: bytes, done_items: 0 }, final);
      report(true);
      await client.run({
        tool: DUMP,
        args: dumpArguments(options),
        action: `dump ${wordsFor(options)}`,
        async onOutput(piece) {
          await sink.write(piece);
          bytes += piece.length;
          report(false);
        },
      });
      report(true);
      return {
        written: await sink.finish(),
        facts: { databases: options.databases ?? "all", one: onlyDatabase(options) !== undefined },
      };
    },
    inspect: (_, { tail }) => Promise.resolve(isComplete(tail) ? [] : ["its end is missing"]),
  }, context);
}

function dumpArguments(options: MysqlOptions): string[] {
  const one = onlyDatabase(options);
  return [
    options.lock_tables === true ? "--lock-all-tables" : "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--no-tablespaces",
    ...(options.exclude_tables ?? []).map((table) => `--ignore-table=${table}`),
    ...(options.all_databases === true ? ["--all-databases"] : one === undefined ? ["--databases"] : []),
    "--",
    ...(options.databases ?? []),
  ];
}

function wordsFor({ databases }: MysqlOptions): string {
  if (databases === undefined) return "all databases";
  const names = databases.map((name) => `"${name}"`).join(", ");
  return databases.length === 1 ? `database ${names}` : `databases ${names}`;
}

/** Names of databases may hold anything, those of files not. */
function fileName(database: string): string {
  return database.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "database";
}
