/** Servers under test: started as somebody who is not root, as they demand, and stopped by their process. */
import { join } from "node:path";
import { until, within } from "./wait.ts";

/** An account a server runs as; undefined: as whoever runs the tests. */
export interface Account {
  uid: number;
  gid: number;
}

/** The first of these accounts there is, for tests that run as root. */
export function accountOf(...names: string[]): Account | undefined {
  if (Deno.uid() !== 0) return undefined;
  const lines = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"));
  for (const name of [...names, "nobody"]) {
    const found = lines.find(([user]) => user === name);
    if (found !== undefined) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  return undefined;
}

/** A program of the path; `directories` are looked through first. */
export function programIn(name: string, directories: readonly string[] = []): string | undefined {
  const all = [...directories, ...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  return all.map((directory) => join(directory, name)).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A directory for a server, which belongs to its account. */
export async function serverDirectory(account: Account | undefined): Promise<string> {
  // Short, as the path of a socket may not have more than 107 bytes.
  const dir = await Deno.makeTempDir({ prefix: "hf-srv-" });
  if (account !== undefined) await Deno.chown(dir, account.uid, account.gid);
  return dir;
}

/** Runs a program of a server's to its end. */
export async function runAs(
  account: Account | undefined,
  program: string,
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(program, {
    args,
    ...options,
    ...account,
    stdin: "null",
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  throw new Error(`Cannot run ${program} ${args[0]}: ${said}`);
}

/** A server that runs. */
export interface RunningServer {
  /** Asks it to end with a signal, waits, and removes its directory. */
  stop(signal: Deno.Signal): Promise<void>;
}

/** Starts a server and waits until it is ready. What it says goes to a log in its directory, quoted when it fails. */
export async function startServer(
  account: Account | undefined,
  program: string,
  args: string[],
  dir: string,
  isReady: () => Promise<boolean>,
): Promise<RunningServer> {
  const log = join(dir, "server.log");
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, program, ...args],
    cwd: dir,
    ...account,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  const status = child.status.then(() => ended = true);
  await until(`${program} to be ready`, async () => {
    if (ended) throw new Error(`${program} ended: ${await Deno.readTextFile(log)}`);
    return await isReady();
  });
  return {
    async stop(signal) {
      if (!ended) child.kill(signal);
      await within(120, `${program} to end`, status);
      await Deno.remove(dir, { recursive: true });
    },
  };
}
