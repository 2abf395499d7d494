import assert from "node:assert/strict";
import { FAULT_STEPS, type FaultStep } from "../../src/schedules/options.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { caller } from "../support/store.ts";
import { create, until, type World, world } from "./support.ts";

/** Makes the process hang for ever at the n-th visit of a step, as a killed one does. */
function dieAt(w: World, step: FaultStep, visit = 1): { died: () => boolean } {
  let [visits, dead] = [0, false];
  const fault = (at: FaultStep) => {
    if (dead) return new Promise<void>(() => {});
    if (at !== step || ++visits < visit) return Promise.resolve();
    dead = true;
    return new Promise<void>(() => {});
  };
  w.schedules = new Schedules(w.options({ fault }));
  return { died: () => dead };
}

/** What must hold after any death and the start after it. */
async function isSound(w: World): Promise<void> {
  const running = await w.tables.selectFrom("runs").selectAll().where("status", "=", "running").execute();
  assert.deepEqual(running, [], "nothing is stuck running");
  const open = await w.tables.selectFrom("occurrences").selectAll().where("state", "!=", "settled").execute();
  assert.deepEqual(open, [], "nothing is stuck open");
  const runs = await w.tables.selectFrom("runs").selectAll().execute();
  const starts = runs.filter((run) => run.due_at !== null).map((run) => `${run.schedule_id} ${run.due_at}`);
  assert.equal(new Set(starts).size, starts.length, "no instant started twice");
  for (const table of ["run_counts", "run_days"] as const) {
    const counts = await w.tables.selectFrom(table).select(({ fn }) => fn.sum<number>("runs").as("n"))
      .executeTakeFirst();
    assert.equal(Number(counts?.n ?? 0), runs.length, `${table} are exact`);
  }
  assert.deepEqual((await w.chain()).problems, [], "the chain fits");
}

for (const step of FAULT_STEPS.filter((step) => step !== "resume-committed")) {
  Deno.test(`a process killed at ${step} leaves the old state or the new one, and its successor goes on`, async () => {
    await using w = await world("2026-01-01T00:00:30Z");
    await create(w);
    const { died } = dieAt(w, step, 2);
    await w.schedules.settleAtStart();
    w.clock.set("2026-01-01T00:01:00Z");
    void w.schedules.tick();
    await until(() => died() || w.backups.made.length > 0 && w.schedules.runner.active.size === 0);
    w.clock.set("2026-01-01T00:02:00Z");
    void w.schedules.tick();
    await until(died);
    const before = w.backups.made.length;
    w.clock.set("2026-01-01T00:02:10Z");
    await w.restart();
    await isSound(w);
    await w.schedules.tick();
    await w.schedules.idle();
    await w.live("2026-01-01T00:04:00Z");
    await isSound(w);
    const ledger = await w.ledger();
    assert.deepEqual(ledger.map((row) => row.slice(11, 16)), ["00:01", "00:02", "00:03", "00:04"]);
    const expected: Partial<Record<FaultStep, RegExp>> = {
      // Nothing was committed: the instant is still fresh, so the successor starts it.
      "claim-written": /^2026-01-01T00:02 ran success$/,
      "claim-committed": /00:02 missed interrupted Holdfast ended before the run began$/,
      "run-begun": /00:02 ran interrupted Holdfast ended during the run$/,
      "hook-called": /00:02 ran interrupted/,
      "backup-made": /00:02 ran interrupted/,
      "retention-applied": /00:02 ran interrupted/,
      "end-written": /00:02 ran interrupted/,
      "end-committed": /00:02 ran success$/,
    };
    assert.match(ledger[1]!, expected[step]!);
    if (step === "run-begun") assert.deepEqual(w.backups.swept, ["archive"]);
    assert.ok(w.backups.made.length >= before);
  });
}

Deno.test("a process killed again and again at random steps accounts for every instant, none twice", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  for (const [i, only_when_running] of [true, false, true].entries()) {
    await create(w, { name: `s${i}`, only_when_running });
  }
  // Fixed sequence, so that a failure can be repeated.
  let seed = 42;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let minute = 1; minute <= 40; minute++) {
    const { died } = dieAt(w, FAULT_STEPS[random(FAULT_STEPS.length)]!, 1 + random(4));
    await w.schedules.settleAtStart();
    w.clock.set(Date.parse("2026-01-01T00:00:00Z") + minute * 60_000);
    void w.schedules.tick().catch(() => {});
    const idle = { yes: false };
    void w.schedules.idle().then(() => idle.yes = true);
    await until(() => died() || idle.yes);
    await w.restart();
    await isSound(w);
  }
  w.clock.set("2026-01-01T00:45:00Z");
  await w.schedules.tick();
  await w.schedules.idle();
  await isSound(w);
  const rows = await w.tables.selectFrom("occurrences").selectAll().execute();
  assert.equal(rows.length, 3 * 45);
  assert.equal(new Set(rows.map((row) => `${row.schedule_id} ${row.due_at}`)).size, 3 * 45);
});

Deno.test("a database that cannot be written for a while ends no run wrongly", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  const { sqlite } = w.database;
  w.backups.work = () => {
    sqlite.exec("pragma query_only = on");
    return Promise.resolve();
  };
  const { run_id } = await w.schedules.trigger("nightly", caller());
  await until(() => w.clock.sleeping > 0 && w.backups.made.length === 1);
  sqlite.exec("pragma query_only = off");
  const idle = { yes: false };
  void w.schedules.idle().then(() => idle.yes = true);
  await until(() => {
    w.clock.advance(10_000);
    return idle.yes;
  });
  assert.equal((await w.schedules.runs.get(run_id, caller())).outcome, "success");
  await isSound(w);
});
