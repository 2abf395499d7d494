/** Lives in processes of their own, see `life.ts`, and their deaths; the worlds that they are lived in. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ScheduleCreate, type SchedulesTables } from "../../src/schedules/mod.ts";
import { ServerFields } from "../../src/servers/model.ts";
import { caller } from "../support/store.ts";
import { makeTree } from "../support/tree.ts";
import { within } from "../support/wait.ts";
import { begin, SetClock } from "./life.ts";
import { isSound } from "./sound.ts";

export const MINUTE = 60_000;
export const START = Date.parse("2026-01-01T00:00:30Z");

/** No life may take longer, in seconds. */
const LIFE_LIMIT = 180;

/** What a life is told: where, from when, how many minutes, and at which visit of which step it kills itself. */
export interface Fate {
  dataDir: string;
  from: number;
  minutes: number;
  step?: { name: string; visit: number };
}

/** A process that is loaded and waits for its fate. */
export class Mortal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #ready: Promise<unknown>;

  constructor() {
    const life = new URL("./life.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--quiet", life, "wait"],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#ready = this.#lines.read();
  }

  /** Begins to live. */
  async live({ dataDir, from, minutes, step }: Fate): Promise<void> {
    await within(LIFE_LIMIT, "a process to be loaded", this.#ready);
    const words = [dataDir, new Date(from).toISOString(), minutes, ...step ? [step.name, step.visit] : []];
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${words.join(" ")}\n`));
    await writer.close();
  }

  /** What it prints next. */
  async said(): Promise<string> {
    const { value } = await within(LIFE_LIMIT, "a word of a life", this.#lines.read());
    return value?.trim() ?? "";
  }

  /** Kills it, unless it has ended by then. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  /** True when it was killed, false when it lived to its end. */
  async end(): Promise<boolean> {
    const { code, signal } = await within(LIFE_LIMIT, "a life to end", this.#child.status);
    if (signal === "SIGKILL") return true;
    assert.equal(code, 0);
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#child.status;
    await this.#lines.cancel();
    await this.#child.stdin.close().catch(() => {});
  }
}

/** Lives so many minutes, or dies at a step; true when it was killed. */
export async function live(fate: Fate): Promise<boolean> {
  await using mortal = new Mortal();
  await mortal.live(fate);
  return await mortal.end();
}

/** A data directory with schedules due every minute, their sources, and the place where their backups go. */
export class World implements AsyncDisposable {
  readonly dir: string;
  readonly dataDir: string;
  readonly destination: string;

  constructor(dir: string) {
    this.dir = dir;
    this.dataDir = join(dir, "state");
    this.destination = join(dir, "backups");
  }

  /** Begins a life in this process, as the next start of the program, and asserts that all is sound. */
  async check(at: number): Promise<void> {
    await using life = await begin(this.dataDir, new SetClock(at));
    await isSound(life, this.destination);
  }

  /** Each due instant in order, as `00:01 ran success`; of one schedule when named. */
  async ledger(name?: string): Promise<string[]> {
    await using life = await begin(this.dataDir, new SetClock(START));
    let query = life.database.tables<SchedulesTables>().selectFrom("occurrences")
      .innerJoin("schedules", "schedules.id", "schedule_id").selectAll("occurrences");
    if (name !== undefined) query = query.where("schedules.name", "=", name);
    const rows = await query.orderBy("due_at").orderBy("schedule_id").execute();
    return rows.map((row) => `${row.due_at.slice(11, 16)} ${row.outcome} ${row.result}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** A world with schedules of these fields, due every minute unless they say otherwise. */
export async function worldOf(schedules: readonly Record<string, unknown>[]): Promise<World> {
  const made = new World(await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-kills-" })));
  const source = join(made.dir, "data");
  await makeTree(source, { "noise.bin": { size: 500_000 }, "a/b.txt": "beta" });
  await Deno.mkdir(made.destination);
  await Deno.mkdir(made.dataDir, { mode: 0o700 });
  await using life = await begin(made.dataDir, new SetClock(START));
  const server = await life.services.servers.create(
    ServerFields.parse({ name: "web-1", host: "127.0.0.1" }),
    caller(),
  );
  for (const fields of schedules) {
    const input = {
      server_id: server.id,
      max_backups: 2,
      engine: "archive",
      engine_options: { sources: [source], destination: made.destination },
      ...(fields.run_after === undefined ? { cron_expression: "* * * * *" } : {}),
      ...fields,
    };
    await life.services.schedules.create(ScheduleCreate.parse(input), caller());
  }
  return made;
}
