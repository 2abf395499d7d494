/** kill -9, with real processes, the real engine and a real disk: at each named step of a run, and at any moment. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ScheduleCreate, type SchedulesTables } from "../../src/schedules/mod.ts";
import { FAULT_STEPS } from "../../src/schedules/options.ts";
import { ServerFields } from "../../src/servers/model.ts";
import { caller } from "../support/store.ts";
import { makeTree } from "../support/tree.ts";
import { begin, SetClock } from "./life.ts";
import { isSound } from "./sound.ts";

const START = Date.parse("2026-01-01T00:00:30Z");
const MINUTE = 60_000;

/** How a life is cut short: at a step of a run, or so long after its start or after it has begun. */
type Death = { step: string; visit: number } | { ms: number; begun: boolean } | Record<never, never>;

/** A data directory with schedules due every minute, and lives in it. */
class World implements AsyncDisposable {
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

  /** A life in a process of its own. True when it was killed. */
  async live(from: number, minutes: number, death: Death = {}): Promise<boolean> {
    const args = [new URL("./life.ts", import.meta.url).pathname, this.dataDir, new Date(from).toISOString()];
    const fault = "step" in death ? [death.step, String(death.visit)] : [];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--quiet", ...args, String(minutes), ...fault],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let ended = false;
    const status = child.status.finally(() => ended = true);
    const begun = child.stdout.getReader().read();
    if ("ms" in death) {
      if (death.begun) await begun;
      await Promise.race([status, new Promise((resolve) => setTimeout(resolve, death.ms))]);
      if (!ended) child.kill("SIGKILL");
    }
    const { code, signal } = await status;
    if (signal === "SIGKILL") return true;
    assert.equal(code, 0);
    return false;
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

/** A world with schedules of these names, every other of which asks its server first; `follower` runs after the first. */
async function world(names: readonly string[], follower?: string): Promise<World> {
  const made = new World(await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-kills-" })));
  const source = join(made.dir, "data");
  await makeTree(source, { "noise.bin": { size: 2_000_000 }, "a/b.txt": "beta" });
  await Deno.mkdir(made.destination);
  await Deno.mkdir(made.dataDir, { mode: 0o700 });
  await using life = await begin(made.dataDir, new SetClock(START));
  const { servers, schedules } = life.services;
  const server = await servers.create(ServerFields.parse({ name: "web-1", host: "127.0.0.1" }), caller());
  const create = async (fields: Record<string, unknown>) => {
    const engine_options = { sources: [source], destination: made.destination };
    const all = { server_id: server.id, max_backups: 2, engine: "archive", engine_options, ...fields };
    await schedules.create(ScheduleCreate.parse(all), caller());
  };
  for (const [i, name] of names.entries()) {
    await create({ name, cron_expression: "* * * * *", only_when_running: i % 2 === 1 });
  }
  if (follower !== undefined) await create({ name: follower, run_after: names[0], only_when_running: false });
  return made;
}

for (const step of FAULT_STEPS) {
  Deno.test(`a process killed at ${step} leaves the old state or the new one, and its successor goes on`, async () => {
    // Only what waits is resumed.
    await using w = step === "resume-committed"
      ? await world(["nightly"], "after")
      : await world(["nightly"]);
    // Far enough in that old copies have to go too.
    assert.equal(await w.live(START + MINUTE / 2, 5, { step, visit: 4 }), true, "the step was reached");
    await w.check(START + 4 * MINUTE);
    assert.equal(await w.live(START + 4.5 * MINUTE, 2), false);
    await w.check(START + 6 * MINUTE);
    const ledger = await w.ledger("nightly");
    assert.deepEqual(ledger.slice(0, 3), ["00:01 ran success", "00:02 ran success", "00:03 ran success"]);
    assert.match(ledger[3] ?? "", /^00:04 (ran|missed) (success|interrupted|null)$/);
    assert.deepEqual(ledger.slice(4), ["00:05 ran success", "00:06 ran success"]);
  });
}

Deno.test("thirty kills at any moment: every minute has its one outcome, and no backup is half", async () => {
  await using w = await world(["one", "two", "three"]);
  const first = START + MINUTE / 2;
  // A fixed sequence, so that what is tried does not change; where it hits does.
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  let from = first;
  for (let killed = 0; killed < 30;) {
    // Every third one while it starts, however long that takes on this machine today.
    if (await w.live(from, 4, { ms: random(1200), begun: killed % 3 !== 0 })) killed++;
    from += 4 * MINUTE;
    await w.check(from - MINUTE / 2);
    from += random(3) * MINUTE;
  }
  assert.equal(await w.live(from, 2), false);
  await w.check(from + MINUTE);
  const ledger = await w.ledger();
  assert.equal(ledger.length, 3 * ((from - first) / MINUTE + 2), "every minute of three schedules");
  assert.ok(ledger.slice(-6).every((row) => row.endsWith(" ran success")), ledger.slice(-6).join("\n"));
  const outcomes = [...Map.groupBy(ledger, (row) => row.slice(6))].map(([word, rows]) =>
    `${rows.length} ${word}`
  );
  console.log(`After thirty kills: ${outcomes.join(", ")}`);
});
