import assert from "node:assert/strict";
import { Schedules } from "../../src/schedules/schedules.ts";
import { caller } from "../support/store.ts";
import { create, gate, until, world } from "./support.ts";

Deno.test("each due instant of an every-minute schedule runs once", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  await w.live("2026-01-01T00:03:30Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran success",
    "2026-01-01T00:02 ran success",
    "2026-01-01T00:03 ran success",
  ]);
  assert.equal(w.backups.made.length, 3);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("two dispatchers and double ticks start nothing twice", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  for (let i = 0; i < 30; i++) await create(w, { name: `s${i}` });
  const other = new Schedules(w.options());
  await Promise.all([w.schedules.settleAtStart(), other.settleAtStart()]);
  for (const minute of ["00:01", "00:02"]) {
    w.clock.set(`2026-01-01T${minute}:00Z`);
    await Promise.all([w.schedules.tick(), other.tick(), w.schedules.tick(), other.tick()]);
    await Promise.all([w.schedules.idle(), other.idle()]);
  }
  assert.equal(w.backups.made.length, 60);
  assert.equal((await w.ledger()).filter((row) => row.endsWith("ran success")).length, 60);
});

Deno.test("after a pause the latest instant runs if it is fresh and the others are missed", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  await w.live("2026-01-01T00:01:00Z");
  w.clock.set("2026-01-01T00:05:20Z");
  await w.schedules.tick();
  await w.schedules.idle();
  const late = "missed the scheduler looked too late: a newer instant was due already";
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran success",
    `2026-01-01T00:02 ${late}`,
    `2026-01-01T00:03 ${late}`,
    `2026-01-01T00:04 ${late}`,
    "2026-01-01T00:05 ran success",
  ]);
});

Deno.test("instants that passed while nothing ran are missed and say so", async () => {
  await using w = await world("2026-01-01T00:00:00Z");
  await create(w, { cron_expression: "0 * * * *" });
  w.clock.set("2026-01-01T03:30:00Z");
  await w.restart();
  await w.schedules.tick();
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T01:00 missed Holdfast was not running",
    "2026-01-01T02:00 missed Holdfast was not running",
    "2026-01-01T03:00 missed Holdfast was not running",
  ]);
  const [row] = await w.schedules.list({}, caller());
  assert.equal(row?.next_run_at, "2026-01-01T04:00:00.000Z");
});

Deno.test("a clock that jumps ahead and back loses no instant and runs none twice", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { cron_expression: "*/10 * * * *" });
  await w.live("2026-01-01T00:20:00Z");
  w.clock.set("2026-01-01T01:21:00Z");
  await w.schedules.tick();
  await w.schedules.idle();
  for (const back of ["2026-01-01T00:21:00Z", "1970-01-01T00:00:00Z"]) {
    w.clock.set(back);
    await w.schedules.tick();
    await w.schedules.idle();
  }
  w.clock.set("2026-01-01T00:30:00Z");
  await w.live("2026-01-01T01:40:00Z");
  const ledger = await w.ledger();
  assert.deepEqual(ledger.map((row) => row.slice(11, 16)), [
    "00:10",
    "00:20",
    "00:30",
    "00:40",
    "00:50",
    "01:00",
    "01:10",
    "01:20",
    "01:30",
    "01:40",
  ]);
  assert.equal(w.backups.made.length, 5);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("an instant is skipped while the previous run is active", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { promise, open } = gate();
  w.backups.work = () => promise;
  await create(w);
  for (const minute of ["00:01", "00:02"]) {
    w.clock.set(`2026-01-01T${minute}:00Z`);
    await w.schedules.tick();
  }
  open();
  await w.schedules.idle();
  const [first, second] = await w.ledger();
  assert.equal(first, "2026-01-01T00:01 ran success");
  assert.match(second!, /skipped previous run still active: [0-9a-f]{16}$/);
});

Deno.test("a server that is not running is asked once, and its instants are skipped", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.servers.running = () => Promise.resolve({ running: false, detail: "connection refused" });
  await create(w, { name: "a", only_when_running: true });
  await create(w, { name: "b", only_when_running: true });
  await create(w, { name: "c" });
  await w.live("2026-01-01T00:01:00Z");
  assert.equal(w.servers.asked, 1);
  const skipped = "2026-01-01T00:01 skipped server not running: connection refused";
  assert.deepEqual((await w.ledger()).sort(), ["2026-01-01T00:01 ran success", skipped, skipped]);
  assert.equal((await w.schedules.runs.list({ limit: 20, offset: 0 }, caller())).total, 1);
  w.servers.running = () => Promise.reject(new Error("no route"));
  await w.live("2026-01-01T00:02:00Z");
  assert.match((await w.ledger()).at(-2)! + (await w.ledger()).at(-1)!, /no route/);
});

Deno.test("a server that takes long to answer holds up no other schedule", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { promise, open } = gate();
  w.servers.running = () => promise.then(() => ({ running: true, detail: "yes" }));
  await create(w, { name: "slow", only_when_running: true });
  await create(w, { name: "quick" });
  w.clock.set("2026-01-01T00:01:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1);
  await w.schedules.runner.idle();
  // The next instant of the waiting schedule is an overlap, not a second start.
  w.clock.set("2026-01-01T00:02:00Z");
  await w.schedules.tick();
  open();
  await w.schedules.idle();
  const ledger = await w.ledger();
  assert.equal(ledger.filter((row) => row.includes("ran success")).length, 3);
  assert.equal(ledger.filter((row) => row.includes("previous run still active")).length, 1);
});

Deno.test("a stopped scheduler skips its instants, after a restart too", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  await w.live("2026-01-01T00:01:00Z");
  w.clock.set("2026-01-01T00:01:30Z");
  assert.equal((await w.schedules.scheduler.stop(caller())).running, false);
  await w.live("2026-01-01T00:02:00Z");
  await w.restart();
  w.clock.set("2026-01-01T00:04:30Z");
  await w.schedules.tick();
  assert.equal((await w.schedules.scheduler.status(caller())).running, false);
  const status = await w.schedules.scheduler.start(caller());
  assert.equal(status.running, true);
  await w.live("2026-01-01T00:05:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran success",
    "2026-01-01T00:02 skipped scheduler stopped",
    "2026-01-01T00:03 skipped scheduler stopped",
    "2026-01-01T00:04 skipped scheduler stopped",
    "2026-01-01T00:05 ran success",
  ]);
  assert.equal((await w.tables.selectFrom("scheduler_revisions").selectAll().execute()).length, 2);
});

Deno.test("changing, disabling and deleting a schedule account for what passed before", async () => {
  await using w = await world("2026-01-01T00:00:00Z");
  for (const name of ["changed", "disabled", "deleted", "described"]) {
    await create(w, { name, cron_expression: "0 * * * *" });
  }
  w.clock.set("2026-01-01T02:01:00Z");
  await w.restart();
  await w.schedules.update("changed", { cron_expression: "30 * * * *" }, caller());
  await w.schedules.disable("disabled", caller());
  await w.schedules.delete("deleted", caller());
  await w.schedules.update("described", { description: "same times" }, caller());
  await w.schedules.tick();
  await w.schedules.idle();
  const rows = await w.ledger();
  assert.equal(rows.filter((row) => row.startsWith("2026-01-01T01:00 missed")).length, 4);
  assert.deepEqual(rows.filter((row) => row.startsWith("2026-01-01T02:00")).sort(), [
    "2026-01-01T02:00 missed the schedule was changed before it could start",
    "2026-01-01T02:00 missed the schedule was deleted before it could start",
    "2026-01-01T02:00 missed the schedule was disabled before it could start",
    "2026-01-01T02:00 ran success",
  ]);
});

Deno.test("two days of missed minutes are settled in many small transactions", async () => {
  await using w = await world("2026-01-01T00:00:00Z");
  await create(w);
  w.clock.set("2026-01-03T00:00:00Z");
  await w.restart();
  const report = await w.schedules.tick();
  assert.deepEqual(report, { claimed: 2880, starting: 1 });
  await w.schedules.idle();
  assert.equal(new Set(await w.ledger()).size, 2880);
  assert.equal((await w.chain()).ok, true);
});
