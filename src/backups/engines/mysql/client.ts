/** MariaDB's and MySQL's programs, with the connection in a file that only this account can read. */
import { join } from "node:path";
import type { EngineContext } from "../../engine.ts";
import { failure, type Reason } from "../tools/failure.ts";
import { requireTool, type Tool, type Tools } from "../tools/find.ts";
import { type Ended, type Run, runTool } from "../tools/run.ts";
import { Secrets } from "../tools/secrets.ts";
import type { MysqlOptions } from "./options.ts";

export const DUMP: Tool = { names: ["mariadb-dump", "mysqldump"], package: "mariadb-client" };
export const SHELL: Tool = { names: ["mariadb", "mysql"], package: "mariadb-client" };

/** How long tidying up may take after a cancel, in milliseconds. */
const FINISH_MS = 15_000;

/** By the numbers of errors, which the programs print (https://mariadb.com/kb/en/mariadb-error-codes/). */
const REASONS: readonly Reason[] = [
  {
    says: /(Access denied for user '[^\n]*?'@'[^'\n]*')(?! to database)/,
    kind: "upstream",
    code: "wrong_credentials",
    why: "$1",
    hint: "check user and password; a password is set with: holdfast secrets set NAME",
  },
  {
    says:
      /(Access denied; you need [^\n]*|(?:SELECT|LOCK TABLES|SHOW VIEW|EVENT|TRIGGER|CREATE|DROP|INSERT)[^\n]* command denied to user [^\n]*|Access denied for user [^\n]* to database '[^\n]*')/,
    kind: "upstream",
    code: "not_permitted",
    why: "$1",
    hint: "grant the account what it needs: SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES; for restores ALL",
  },
  {
    says: /Unknown database '([^']*)'/,
    kind: "invalid",
    code: "source_gone",
    why: 'database "$1" does not exist',
  },
  {
    says: /(Can't connect to [^\n]*|Unknown (?:MySQL |MariaDB )?server host [^\n]*)/,
    kind: "upstream",
    code: "connect",
    why: "the server cannot be reached ($1)",
    hint: "check host, port and socket, and that the server runs",
  },
  {
    says: /Lost connection to (?:MySQL|MariaDB|server)[^\n]*/,
    kind: "upstream",
    code: "connection_lost",
    why: "the connection was lost",
    hint: "see the server's log; large rows need a larger max_allowed_packet",
  },
];

/** One program run. */
export interface Call extends Partial<Run> {
  tool: Tool;
  args: readonly string[];
  /** Reads on from "Cannot ": `dump database "shop"`. */
  action: string;
}

/** Runs the programs against one server. */
export class Client {
  readonly context: EngineContext;
  readonly #tools: Tools;
  readonly #options: MysqlOptions;
  readonly #secrets: Secrets;

  constructor(tools: Tools, options: MysqlOptions, context: EngineContext) {
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
  async run({ tool, action, args, ...run }: Call): Promise<Ended> {
    const program = await requireTool(this.#tools, tool);
    const name = program.slice(program.lastIndexOf("/") + 1);
    const given = { context: this.context, secrets: this.#secrets };
    const text = await this.#settings(program);
    const directory = await Deno.makeTempDir({ ...await memoryDirectory(), prefix: "holdfast-mysql-" });
    try {
      const file = join(directory, "client.cnf");
      await Deno.writeTextFile(file, text, { createNew: true, mode: 0o600 });
      // Has to come first. It is read in addition to the account's own settings.
      const ended = await runTool(
        { name, program, ...run, args: [`--defaults-extra-file=${file}`, ...args] },
        given,
      );
      if (ended.code !== 0) throw failure(name, action, ended, REASONS);
      return ended;
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  /** Lines that SQL answers, one row each. */
  async query(sql: string, action: string): Promise<string[]> {
    const lines: string[] = [];
    await this.run({
      tool: SHELL,
      args: ["--batch", "--skip-column-names", "--raw"],
      stdin: textStream(sql),
      onLine: (line) => void lines.push(line),
      quiet: true,
      action,
    });
    return lines;
  }

  async #settings(program: string): Promise<string> {
    const { host, port, socket, user, password, tls, tls_ca } = this.#options;
    const settings: Record<string, string | number | undefined> = {
      host,
      port,
      socket,
      user,
      password: password === undefined ? undefined : await this.#secrets.read(password),
      "default-character-set": "utf8mb4",
      "ssl-ca": tls_ca,
      // An address alone would still mean the socket where it is "localhost".
      ...(host === undefined ? {} : { protocol: "tcp" }),
    };
    const lines = Object.entries(settings).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${quoted(String(value))}`);
    const secure = tls === undefined ? [] : await isMariaDb(program) ? MARIADB_TLS[tls] : MYSQL_TLS[tls];
    return ["[client]", ...lines, ...secure, ""].join("\n");
  }
}

const MARIADB_TLS = { off: ["skip-ssl"], require: ["ssl"], verify: ["ssl", "ssl-verify-server-cert"] };
const MYSQL_TLS = {
  off: ["ssl-mode=DISABLED"],
  require: ["ssl-mode=REQUIRED"],
  verify: ["ssl-mode=VERIFY_IDENTITY"],
};

/** The two families name the settings of TLS differently. */
async function isMariaDb(program: string): Promise<boolean> {
  const { stdout } = await new Deno.Command(program, { args: ["--version"], stdin: "null", stderr: "null" })
    .output();
  return new TextDecoder().decode(stdout).includes("MariaDB");
}

/** A value as option files have it: quoted, with escapes (https://mariadb.com/kb/en/configuring-mariadb-with-option-files/). */
function quoted(value: string): string {
  const escaped = value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `"${escaped}"`;
}

/** A directory whose files never reach a disk, where there is one: a crash would leave the password there. */
async function memoryDirectory(): Promise<{ dir?: string }> {
  const candidates = [Deno.env.get("RUNTIME_DIRECTORY"), Deno.env.get("XDG_RUNTIME_DIR"), "/dev/shm"];
  for (const dir of candidates) {
    if (dir === undefined || dir === "") continue;
    try {
      await Deno.remove(await Deno.makeTempDir({ dir, prefix: "holdfast-probe-" }));
      return { dir };
    } catch {
      // Not there, or not ours: the next one.
    }
  }
  return {};
}

/** A name in SQL. */
export function identifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A text in SQL. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

async function* textStream(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}
