/** Dumping a database, or a cluster, into one file. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest } from "../../engine.ts";
import { makeDump } from "../dump/artifact.ts";
import type { Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { checkOptions } from "./check.ts";
import { Client, PG_DUMP } from "./client.ts";
import { makeCluster } from "./cluster.ts";
import { lockTimeoutMs, type PostgresOptions } from "./options.ts";
import { type Rows, withRows } from "./rows.ts";
import { scratchProblems } from "./scratch.ts";
import { tocOf } from "./toc.ts";

/** Makes one artifact. */
export async function make(
  tools: Tools,
  request: MakeRequest<PostgresOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(tools, options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const client = new Client(tools, options, context);
  const scope = options.scope ?? "database";
  if (scope !== "database") return await makeCluster(client, request, scope);
  const made: { rows?: Rows } = {};
  return await makeDump(request, {
    engine: "postgres",
    suffix: ".dump",
    content: `${fileName(options.database ?? "database")}.dump`,
    compression: "none",
    async produce(partial) {
      const source = await sourceOf(client, options);
      // Made by us, so that it is private from its first byte.
      await Deno.writeFile(partial, new Uint8Array(), { createNew: true, mode: 0o600 });
      const dump = (snapshot?: string) => runDump(client, options, source, partial, snapshot);
      if (options.verify_restore === undefined) await dump();
      else {
        await withRows(client, async (snapshot, rows) => {
          await dump(snapshot);
          made.rows = rows;
        });
      }
      return {
        source_bytes: source.bytes,
        item_count: (await tocOf(client, partial)).length,
        facts: {
          database: options.database,
          server_version: source.version,
          ...(made.rows === undefined ? {} : { rows: made.rows }),
        },
      };
    },
    inspect: async (partial) =>
      made.rows === undefined ? [] : await scratchProblems(client, options, partial, made.rows),
  }, context);
}

interface Source {
  version: string;
  /** Size on disk. */
  bytes: number;
  /** Sizes of tables by the name that pg_dump tells them with. */
  tables: Map<string, number>;
}

/** The first question to the server: it fails in clear words when the server cannot be used. */
async function sourceOf(client: Client, { database }: PostgresOptions): Promise<Source> {
  const sql = `select current_setting('server_version'); select pg_database_size(current_database());
    select n.nspname || '.' || c.relname || '|' || pg_table_size(c.oid) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'm');`;
  const [version = "", bytes, ...tables] = await client.query(sql, `dump database "${database}"`);
  const sizes = tables.map((line): [string, number] => {
    const at = line.lastIndexOf("|");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  });
  return { version, bytes: Number(bytes), tables: new Map(sizes) };
}

async function runDump(
  client: Client,
  options: PostgresOptions,
  source: Source,
  file: string,
  snapshot: string | undefined,
): Promise<void> {
  const progress = new TableProgress(client.context, source);
  await client.run({
    tool: PG_DUMP,
    args: [
      "--format=custom",
      `--file=${file}`,
      "--no-password",
      "--verbose",
      `--lock-wait-timeout=${lockTimeoutMs(options)}`,
      ...(options.compress === undefined ? [] : [`--compress=${options.compress}`]),
      ...(options.exclude_tables ?? []).map((pattern) => `--exclude-table=${pattern}`),
      ...(options.exclude_table_data ?? []).map((pattern) => `--exclude-table-data=${pattern}`),
      ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]),
    ],
    action: `dump database "${options.database}" to "${file}"`,
    onErrorLine: (line) => progress.line(line),
  });
  progress.done();
}

/** Progress by table: pg_dump says which it begins, and the server how large each is. */
class TableProgress {
  readonly #meter: Meter;
  readonly #source: Source;
  #bytes = 0;
  #items = 0;
  #current = 0;

  constructor(context: EngineContext, source: Source) {
    [this.#meter, this.#source] = [new Meter(context), source];
    this.#report(true);
  }

  /** True for what pg_dump says only because it was asked to be verbose. */
  line(line: string): boolean {
    const table = /^pg_dump: dumping contents of table "(.+)"$/.exec(line)?.[1];
    if (table !== undefined) {
      this.#bytes += this.#current;
      this.#items++;
      this.#current = this.#source.tables.get(table) ?? 0;
      this.#report(false);
    }
    return line.startsWith("pg_dump: ") && !/^pg_dump: (error|warning|detail|hint)/.test(line);
  }

  done(): void {
    this.#bytes = this.#source.bytes;
    this.#report(true);
  }

  #report(final: boolean): void {
    this.#meter.report({
      phase: "read",
      done_bytes: Math.min(this.#bytes, this.#source.bytes),
      total_bytes: this.#source.bytes,
      done_items: this.#items,
    }, final);
  }
}

/** Names of databases may hold anything, those of files not. */
function fileName(database: string): string {
  return database.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "database";
}
