/** A real PostgreSQL server for tests: its own data, socket and port, its own roles with passwords. */
import { join } from "node:path";
import {
  accountOf,
  programIn,
  runAs,
  type RunningServer,
  serverDirectory,
  startServer,
} from "./daemon_user.ts";
import { freePort } from "./ports.ts";

export interface PostgresServer {
  /** Directory of its socket. */
  socket: string;
  port: number;
  /** A role that may do everything, and its password. */
  user: string;
  password: string;
  /** Rows that SQL answers, as lines. */
  sql(database: string, text: string): Promise<string[]>;
  stop(): Promise<void>;
}

const PASSWORD = "pg p'a\"ss\\wörd";

/** Starts a server; undefined, and a visible line, where PostgreSQL is not installed. */
export async function startPostgres(what: string): Promise<PostgresServer | undefined> {
  const versions = "/usr/lib/postgresql";
  const directories = [...list(versions)].sort((a, b) => Number(b) - Number(a)).map((name) =>
    `${versions}/${name}/bin`
  );
  const [initdb, postgres] = [programIn("initdb", directories), programIn("postgres", directories)];
  const account = accountOf("postgres");
  if (initdb === undefined || postgres === undefined) {
    console.log(`skipped: ${what}: PostgreSQL is not installed: apt-get install postgresql`);
    return undefined;
  }
  const dir = await serverDirectory(account);
  const [data, passwords] = [join(dir, "data"), join(dir, "password")];
  await Deno.writeTextFile(passwords, PASSWORD);
  if (account !== undefined) await Deno.chown(passwords, account.uid, account.gid);
  await runAs(account, initdb, [
    `--pgdata=${data}`,
    "--username=ada",
    `--pwfile=${passwords}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ], { cwd: dir });
  const port = freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: dir,
    fsync: "off",
    max_connections: "40",
    shared_buffers: "16MB",
  };
  const args = [
    "-D",
    data,
    "-p",
    String(port),
    ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`]),
  ];
  const sql = (database: string, text: string) => psql({ socket: dir, port, database }, text);
  const server: RunningServer = await startServer(
    account,
    postgres,
    args,
    dir,
    () => sql("postgres", "select 1").then(() => true, () => false),
  );
  return {
    socket: dir,
    port,
    user: "ada",
    password: PASSWORD,
    sql,
    // A fast shutdown: SIGINT, as its manual says.
    stop: () => server.stop("SIGINT"),
  };
}

function* list(directory: string): Generator<string> {
  try {
    for (const { name } of Deno.readDirSync(directory)) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function psql(
  { socket, port, database }: { socket: string; port: number; database: string },
  text: string,
): Promise<string[]> {
  const child = new Deno.Command("psql", {
    args: ["--no-psqlrc", "-Atq", "--set=ON_ERROR_STOP=1"],
    env: {
      PGHOST: socket,
      PGPORT: String(port),
      PGUSER: "ada",
      PGPASSWORD: PASSWORD,
      PGDATABASE: database,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}
