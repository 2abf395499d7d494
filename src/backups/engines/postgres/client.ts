/** PostgreSQL's programs, with the connection in their environment: nothing of it is on a command line. */
import type { EngineContext } from "../../engine.ts";
import { failure, type Reason } from "../tools/failure.ts";
import { requireTool, type Tool, type Tools } from "../tools/find.ts";
import { type Ended, type Run, runTool } from "../tools/run.ts";
import { Secrets } from "../tools/secrets.ts";
import type { PostgresOptions } from "./options.ts";

const PACKAGE = "postgresql-client";
export const PG_DUMP: Tool = { names: ["pg_dump"], package: PACKAGE };
export const PG_DUMPALL: Tool = { names: ["pg_dumpall"], package: PACKAGE };
export const PG_RESTORE: Tool = { names: ["pg_restore"], package: PACKAGE };
export const PSQL: Tool = { names: ["psql"], package: PACKAGE };

/** How long connecting may take, in seconds. */
const CONNECT_SECONDS = "15";

/** How long tidying up may take after a cancel, in milliseconds. */
const FINISH_MS = 15_000;

const REASONS: readonly Reason[] = [
  {
    says: /ERROR: [^\n]*No space left on device/,
    kind: "upstream",
    code: "server_disk_full",
    why: "the server has no space left on its disk",
  },
  {
    says: /server version: ((\d+)[\d.]*).*?; pg_dump(?:all)? version: ([\d.]+)/,
    kind: "invalid",
    code: "version_mismatch",
    why: "the server has version $1, and pg_dump $3 is older",
    hint: "install the client of the server's version: apt-get install postgresql-client-$2",
  },
  {
    says: /unsupported version \(([\d.]+)\) in file header/,
    kind: "invalid",
    code: "version_mismatch",
    why: "the dump has format $1, which this pg_restore does not know",
    hint: "install a newer client: apt-get install postgresql-client",
  },
  {
    says:
      /(password authentication failed for user "[^"]*"|no password supplied|Peer authentication failed for user "[^"]*"|no pg_hba\.conf entry for [^\n]*|role "[^"]*" does not exist)/,
    kind: "upstream",
    code: "wrong_credentials",
    why: "$1",
    hint: "check user and password; a password is set with: holdfast secrets set NAME",
  },
  {
    says: /database "([^"]*)" does not exist/,
    kind: "invalid",
    code: "source_gone",
    why: 'database "$1" does not exist',
  },
  {
    says:
      /(could not translate host name "[^"]*"|Connection refused|could not connect to server|No such file or directory\n?\s*Is the server running|timeout expired|Connection timed out)/,
    kind: "upstream",
    code: "connect",
    why: "the server cannot be reached ($1)",
    hint: "check host and port, and that the server runs",
  },
  {
    says: /permission denied (for [^\n]*|to create database)/,
    kind: "upstream",
    code: "not_permitted",
    why: "permission denied $1",
    hint: "grant the role what it needs: pg_read_all_data for dumps, CREATEDB for scratch databases",
  },
  {
    says: /canceling statement due to lock timeout/,
    kind: "unavailable",
    code: "locked",
    why: "a table stayed locked for too long",
    hint: "raise lock_timeout_seconds, or back up at another time",
  },
];

/** One program run: what it is called with, and what its failure means. */
export interface Call extends Partial<Run> {
  tool: Tool;
  args: readonly string[];
  /** Reads on from "Cannot ": `dump database "shop"`. */
  action: string;
}

/** Runs PostgreSQL's programs against one server. */
export class Client {
  readonly context: EngineContext;
  readonly #tools: Tools;
  readonly #options: PostgresOptions | undefined;
  readonly #secrets: Secrets;

  /** `options` are those of the connection; absent for work on files alone. */
  constructor(tools: Tools, options: PostgresOptions | undefined, context: EngineContext) {
    [this.#tools, this.#options, this.context] = [tools, options, context];
    this.#secrets = new Secrets(context);
  }

  /** The same client for the last things to do, which a cancel must not keep from being done. */
  finishing(): Client {
    const { context } = this;
    return new Client(this.#tools, this.#options, {
      signal: AbortSignal.timeout(FINISH_MS),
      now: () => context.now(),
      log: (level, text) => context.log(level, text),
      progress: (update) => context.progress(update),
      secret: (name) => context.secret(name),
    });
  }

  /** Runs a program that has to succeed. Errors: in the words of what it said. */
  async run({ tool, action, ...run }: Call): Promise<Ended> {
    const program = await requireTool(this.#tools, tool);
    const name = tool.names[0];
    const env = await this.#environment();
    const given = { context: this.context, secrets: this.#secrets };
    const ended = await runTool({ name, program, ...run, env: { ...env, ...run.env } }, given);
    if (ended.code !== 0) throw failure(name, action, ended, REASONS);
    return ended;
  }

  /** Lines that SQL answers, unaligned, one row each; an error in it ends it. */
  async query(sql: string, action: string, database?: string): Promise<string[]> {
    const lines: string[] = [];
    await this.run({
      tool: PSQL,
      args: [...PSQL_ARGS, ...(database === undefined ? [] : [`--dbname=${conninfo(database)}`])],
      stdin: textStream(sql),
      onLine: (line) => void lines.push(line),
      quiet: true,
      action,
    });
    return lines;
  }

  async #environment(): Promise<Record<string, string>> {
    const options = this.#options;
    if (options === undefined) return {};
    const { host, port, user, password, database, sslmode, sslrootcert } = options;
    const given: Record<string, string | number | undefined> = {
      PGHOST: host,
      PGPORT: port,
      PGUSER: user,
      // Where nothing is named libpq takes the user's name, which need not be a database.
      PGDATABASE: database ?? "postgres",
      PGSSLMODE: sslmode,
      PGSSLROOTCERT: sslrootcert,
      PGPASSWORD: password === undefined ? undefined : await this.#secrets.read(password),
      PGCONNECT_TIMEOUT: CONNECT_SECONDS,
      PGAPPNAME: "holdfast",
    };
    return Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined).map((
        [name, value],
      ) => [name, String(value)]),
    );
  }
}

/** psql for programs: no settings of the user, rows alone, never a question. */
export const PSQL_ARGS = [
  "--no-psqlrc",
  "--no-align",
  "--tuples-only",
  "--quiet",
  "--no-password",
  "--set=ON_ERROR_STOP=1",
];

/** A database as a connection string, so that a name can be nothing else than one. */
export function conninfo(database: string): string {
  return `dbname='${database.replace(/[\\']/g, "\\$&")}'`;
}

/** A name in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Text as input of a program. */
export async function* textStream(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}
