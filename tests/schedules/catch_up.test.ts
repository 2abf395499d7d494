import assert from "node:assert/strict";
import { caller } from "../support/store.ts";
import { create, gate, until, type World, world } from "./support.ts";

/** Sleeps through some hours: nothing runs from one instant to another. */
async function sleepUntil(w: World, at: string): Promise<void> {
  w.clock.set(at);
  await w.restart();
  await w.schedules.tick();
  await w.schedules.idle();
}

/** Takes the only place with a run by hand. */
async function keepBusy(w: World): Promise<void> {
  await create(w, { name: "busy", cron_expression: "0 0 1 1 *" });
  await w.schedules.trigger("busy", caller());
  await until(() => w.backups.made.length === 1);
}

const hourly = { cron_expression: "0 * * * *" };

Deno.test("catching up the latest starts one instant late, the others are superseded", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, catch_up: "latest" });
  await sleepUntil(w, "2026-01-01T03:30:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T01:00 superseded Holdfast was not running; 2026-01-01T03:00:00.000Z is newer",
    "2026-01-01T02:00 superseded Holdfast was not running; 2026-01-01T03:00:00.000Z is newer",
    "2026-01-01T03:00 caught_up success",
  ]);
  await w.live("2026-01-01T04:00:00Z");
  assert.equal((await w.ledger()).at(-1), "2026-01-01T04:00 ran success");
  assert.equal(w.backups.made.length, 2);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("catching up all starts each, one after the other, oldest first", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  w.settings.max_concurrent_runs = 5;
  let [now, most] = [0, 0];
  w.backups.work = async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 0));
    now--;
  };
  await create(w, { ...hourly, catch_up: "all" });
  await sleepUntil(w, "2026-01-01T04:01:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T01:00 caught_up success",
    "2026-01-01T02:00 caught_up success",
    "2026-01-01T03:00 caught_up success",
    // The latest is still in time.
    "2026-01-01T04:00 ran success",
  ]);
  assert.equal(most, 1);
  const runs = new Map((await w.tables.selectFrom("runs").selectAll().execute()).map((run) => [run.id, run]));
  const order = w.backups.made.map((request) => runs.get(request.run_id)?.due_at?.slice(11, 16));
  assert.deepEqual(order, ["01:00", "02:00", "03:00", "04:00"]);
});

Deno.test("what is older than the window is missed and says so", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, name: "all", catch_up: "all", catch_up_window_seconds: 2 * 3600 });
  await create(w, { ...hourly, name: "latest", catch_up: "latest", catch_up_window_seconds: 1800 });
  await sleepUntil(w, "2026-01-01T03:40:00Z");
  const old = "missed Holdfast was not running; older than the catch-up window of";
  assert.deepEqual((await w.ledger()).sort(), [
    `2026-01-01T01:00 ${old} 2h`,
    `2026-01-01T01:00 ${old} 30m`,
    "2026-01-01T02:00 caught_up success",
    `2026-01-01T02:00 ${old} 30m`,
    "2026-01-01T03:00 caught_up success",
    `2026-01-01T03:00 ${old} 30m`,
  ]);
});

Deno.test("a fresh instant makes older ones superseded, and the latest that may start is caught up", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, name: "fresh", catch_up: "latest" });
  await create(w, { ...hourly, name: "blacked", catch_up: "latest", blackout_windows: ["02:30-06:10"] });
  await sleepUntil(w, "2026-01-01T03:01:00Z");
  const rows = (await w.ledger()).sort();
  assert.deepEqual(rows, [
    "2026-01-01T01:00 superseded Holdfast was not running; 2026-01-01T02:00:00.000Z is newer",
    "2026-01-01T01:00 superseded Holdfast was not running; 2026-01-01T03:00:00.000Z is newer",
    "2026-01-01T02:00 running",
    "2026-01-01T02:00 superseded Holdfast was not running; 2026-01-01T03:00:00.000Z is newer",
    "2026-01-01T03:00 ran success",
    "2026-01-01T03:00 skipped inside the blackout window 02:30-06:10",
  ]);
  // What is caught up keeps to its windows too.
  await w.live("2026-01-01T06:10:00Z");
  assert.ok((await w.ledger()).includes("2026-01-01T02:00 caught_up success"));
});

Deno.test("what waits to be caught up past its window is missed", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, {
    ...hourly,
    catch_up: "latest",
    catch_up_window_seconds: 7200,
    blackout_windows: ["01:30-23:00"],
  });
  await sleepUntil(w, "2026-01-01T02:30:00Z");
  await w.live("2026-01-01T03:10:00Z");
  const [first] = await w.ledger();
  assert.equal(
    first,
    "2026-01-01T01:00 missed timed_out too late to start: it waited for inside the blackout window 01:30-23:00",
  );
});

Deno.test("a clock that jumps ahead is caught up too", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, catch_up: "latest" });
  await w.live("2026-01-01T00:31:00Z");
  w.clock.set("2026-01-02T00:31:00Z");
  await w.schedules.tick();
  await w.schedules.idle();
  const ledger = await w.ledger();
  assert.equal(ledger.length, 24);
  assert.equal(ledger.filter((row) => row.includes("superseded the scheduler looked too late")).length, 23);
  assert.equal(ledger.at(-1), "2026-01-02T00:00 caught_up success");
});

Deno.test("ten thousand missed instants are settled with one caught up, in many transactions", async () => {
  await using w = await world("2026-01-01T00:00:00Z");
  await create(w, { catch_up: "latest", catch_up_window_seconds: 14 * 86_400 });
  w.clock.set("2026-01-08T00:00:30Z");
  await w.restart();
  const report = await w.schedules.tick();
  assert.deepEqual(report, { claimed: 10_080, starting: 1 });
  await w.schedules.idle();
  const ledger = await w.ledger();
  assert.equal(ledger.filter((row) => row.includes("superseded")).length, 10_079);
  assert.equal(ledger.at(-1), "2026-01-08T00:00 ran success");
});

Deno.test("a queued run of a killed process is caught up by the next one, where its schedule says so", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  w.settings.max_concurrent_runs = 1;
  const { promise, open } = gate();
  w.backups.work = () => promise;
  await create(w, { ...hourly, name: "lazy" });
  await create(w, { ...hourly, name: "eager", catch_up: "latest" });
  await keepBusy(w);
  w.clock.set("2026-01-01T01:00:00Z");
  await w.schedules.tick();
  w.clock.set("2026-01-01T01:20:00Z");
  w.backups.work = () => Promise.resolve();
  await w.restart();
  open();
  await w.schedules.tick();
  await w.schedules.idle();
  const rows = (await w.ledger()).sort();
  assert.deepEqual(rows, [
    "2026-01-01T01:00 caught_up success",
    "2026-01-01T01:00 missed interrupted Holdfast ended before the run began",
  ]);
});

Deno.test("a stopping process leaves what is to be caught up to the next one", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  w.settings.max_concurrent_runs = 1;
  w.backups.work = (_request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await create(w, { ...hourly, name: "eager", catch_up: "all" });
  await keepBusy(w);
  w.clock.set("2026-01-01T01:00:00Z");
  await w.schedules.tick();
  await w.schedules.shutdown(AbortSignal.abort());
  w.backups.work = () => Promise.resolve();
  w.clock.set("2026-01-01T01:05:00Z");
  await w.restart();
  await w.schedules.tick();
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), ["2026-01-01T01:00 caught_up success"]);
  assert.equal((await w.schedules.runs.list({ limit: 9, offset: 0 }, caller())).total, 2);
});

Deno.test("a process that does not dispatch leaves what is to be caught up waiting for one that does", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, catch_up: "latest" });
  w.clock.set("2026-01-01T03:30:00Z");
  await w.restart();
  // A command without a daemon settles before it changes something.
  await w.schedules.update("nightly", { description: "changed" }, caller());
  assert.deepEqual((await w.ledger()).at(-1), "2026-01-01T03:00 claimed");
  await w.restart();
  await w.schedules.tick();
  await w.schedules.idle();
  assert.deepEqual((await w.ledger()).at(-1), "2026-01-01T03:00 caught_up success");
});
