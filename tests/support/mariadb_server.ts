/** A real MariaDB server for tests: its own data, socket and port, one account with a password. */
import { join } from "node:path";
import { accountOf, programIn, runAs, serverDirectory, startServer } from "./daemon_user.ts";
import { freePort } from "./ports.ts";

export interface MariaDbServer {
  socket: string;
  port: number;
  /** An account that may do everything, and its password. */
  user: string;
  password: string;
  /** Rows that SQL answers, as lines. */
  sql(database: string | undefined, text: string): Promise<string[]>;
  stop(): Promise<void>;
}

const PASSWORD = "my p'a\"ss\\w#örd";

/** Starts a server; undefined, and a visible line, where MariaDB is not installed. */
export async function startMariaDb(what: string): Promise<MariaDbServer | undefined> {
  const [install, server] = [programIn("mariadb-install-db"), programIn("mariadbd")];
  if (install === undefined || server === undefined) {
    console.log(`skipped: ${what}: MariaDB is not installed: apt-get install mariadb-server`);
    return undefined;
  }
  const account = accountOf("mysql");
  const dir = await serverDirectory(account);
  const [data, socket, init] = [join(dir, "data"), join(dir, "socket"), join(dir, "init.sql")];
  await runAs(account, install, [
    "--no-defaults",
    `--datadir=${data}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
  ], { cwd: dir });
  const identified = `identified by '${PASSWORD.replace(/['\\]/g, "\\$&")}'`;
  await Deno.writeTextFile(
    init,
    ["localhost", "127.0.0.1"].map((host) =>
      `create user if not exists ada@'${host}' ${identified};\ngrant all on *.* to ada@'${host}' with grant option;\n`
    ).join(""),
  );
  const port = freePort();
  const sql = (database: string | undefined, text: string) => query(socket, database, text);
  const running = await startServer(
    account,
    server,
    [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      "--innodb-buffer-pool-size=32M",
      "--innodb-flush-log-at-trx-commit=0",
      "--character-set-server=utf8mb4",
      `--init-file=${init}`,
    ],
    dir,
    () => sql(undefined, "select 1").then(() => true, () => false),
  );
  return { socket, port, user: "ada", password: PASSWORD, sql, stop: () => running.stop("SIGTERM") };
}

async function query(socket: string, database: string | undefined, text: string): Promise<string[]> {
  const child = new Deno.Command("mariadb", {
    args: [
      "--no-defaults",
      `--socket=${socket}`,
      "--user=ada",
      "--batch",
      "--skip-column-names",
      "--default-character-set=utf8mb4",
      ...(database === undefined ? [] : ["--", database]),
    ],
    env: { MYSQL_PWD: PASSWORD },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}
