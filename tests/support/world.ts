/** Two servers with a schedule, a run and a real backup each: what operations are asked about. */
import { join } from "node:path";
import type { Clock } from "../../src/lib/clock.ts";
import { type TestApp, testApp } from "./app.ts";

/** One server and what belongs to it. */
export interface ServerThings {
  id: number;
  name: string;
  schedule: string;
  log: string;
  backup: string;
}

/** An application with things in it. */
export interface World extends TestApp {
  /** What limited callers are assigned to. */
  own: ServerThings;
  /** What they are not. */
  foreign: ServerThings;
  /** Directory inside `backups.allowed_roots`. */
  files: string;
  /** Where somebody accepts connections and never says a word. */
  silent: { host: string; port: number };
  /** A name nobody has used. */
  fresh(word: string): string;
  /** Creates a schedule of its own on a server; `fields` as in the API. */
  schedule(server: ServerThings | number, fields?: object): Promise<string>;
  /** Triggers a schedule and waits for the end of its run. */
  run(schedule: string): Promise<{ log: string; backup: string }>;
}

/** Furnishes an application; `files` of its directory is the one allowed root. */
export async function world(settings: Record<string, string> = {}, clock?: Clock): Promise<World> {
  const base = await Deno.makeTempDir({ prefix: "holdfast-files-" });
  const files = await Deno.realPath(base);
  await Deno.mkdir(join(files, "data/sub"), { recursive: true });
  await Deno.writeTextFile(join(files, "data/a.txt"), "alpha");
  await Deno.writeTextFile(join(files, "data/sub/b.txt"), "beta");
  const roots = { "monitor.deposit_root": join(files, "deposit"), "monitor.final_root": join(files, "kept") };
  for (const path of Object.values(roots)) await Deno.mkdir(path);
  const app = await testApp({ "backups.allowed_roots": files, ...roots, ...settings }, clock);
  let names = 0;
  const fresh = (word: string) => `${word}-${++names}`;

  const schedule: World["schedule"] = async (server, fields = {}) => {
    const { id } = await app.local("POST", "/api/v1/backup-scheduler/schedules", {
      server_id: typeof server === "number" ? server : server.id,
      name: fresh("schedule"),
      cron_expression: "0 2 * * *",
      engine: "archive",
      engine_options: { sources: [join(files, "data")], destination: join(files, "backups") },
      ...fields,
    });
    return id;
  };
  const run: World["run"] = async (schedule) => {
    const { run_id } = await app.local("POST", `/api/v1/backup-scheduler/schedules/${schedule}/trigger`);
    await app.app.services.schedules.idle();
    const { status, backup_id, error_message } = await app.local(
      "GET",
      `/api/v1/backup-scheduler/logs/${run_id}`,
    );
    if (status !== "success") throw new Error(`expected a backup, got ${status}: ${error_message}`);
    return { log: run_id, backup: backup_id };
  };
  const furnish = async (name: string): Promise<ServerThings> => {
    const { id } = await app.local("POST", "/api/v1/servers", { name, host: "127.0.0.1" });
    const made = await schedule(id, { name: `nightly-${name}` });
    return { id, name, schedule: made, ...await run(made) };
  };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const silence = keepSilent(listener);
  const own = await furnish("web-1");
  const foreign = await furnish("web-2");
  return Object.assign(app, {
    own,
    foreign,
    files,
    silent: { host: listener.addr.hostname, port: listener.addr.port },
    fresh,
    schedule,
    run,
    [Symbol.asyncDispose]: disposeOf(app, async () => {
      listener.close();
      await silence;
      await Deno.remove(files, { recursive: true });
    }),
  });
}

/** Takes connections and leaves them unanswered until the listener closes. */
async function keepSilent(listener: Deno.TcpListener): Promise<void> {
  const taken: Deno.TcpConn[] = [];
  for await (const connection of listener) taken.push(connection);
  for (const connection of taken) connection.close();
}

/** Taken before the application's own is replaced. */
function disposeOf(app: TestApp, then: () => Promise<void>): () => Promise<void> {
  const dispose = app[Symbol.asyncDispose].bind(app);
  return async () => {
    await dispose();
    await then();
  };
}
