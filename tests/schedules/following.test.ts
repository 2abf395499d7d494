import assert from "node:assert/strict";
import { caller } from "../support/store.ts";
import { create, gate, until, type World, world } from "./support.ts";

const nightly = { name: "nightly", cron_expression: "0 2 * * *" };

/** Every ledger row as `schedule due outcome result reason`. */
async function ledger(w: World): Promise<string[]> {
  const rows = await w.schedules.ledger.list({ limit: 1000, offset: 0 }, caller());
  return rows.map((row) =>
    [row.schedule_name, row.due_at.slice(8, 16), row.outcome ?? row.state, row.result, row.reason]
      .filter((part) => part !== null).join(" ")
  ).sort();
}

/** A chain of three: nightly, offsite after it, tape after that. */
async function chain(w: World, first: object = {}): Promise<void> {
  await create(w, { ...nightly, ...first });
  await create(w, { name: "offsite", run_after: "nightly" });
  await create(w, { name: "tape", run_after: "offsite" });
}

Deno.test("a schedule that follows runs when the other has succeeded, at the same instant of the ledger", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await chain(w);
  const order: string[] = [];
  w.backups.work = (request) => Promise.resolve(void order.push(request.schedule!.name));
  await w.live("2026-01-02T02:00:00Z");
  assert.deepEqual(order, ["nightly", "offsite", "tape", "nightly", "offsite", "tape"]);
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 ran success",
    "nightly 02T02:00 ran success",
    "offsite 01T02:00 ran success",
    "offsite 02T02:00 ran success",
    "tape 01T02:00 ran success",
    "tape 02T02:00 ran success",
  ]);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("what the other does not do well, or at all, is a skip of all that follow, with the reason", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await chain(w, { blackout_windows: ["2026-01-02"] });
  w.backups.work = () => Promise.reject(new Error("bad"));
  await w.live("2026-01-02T02:00:00Z");
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 ran failed bad",
    "nightly 02T02:00 skipped inside the blackout window 2026-01-02",
    'offsite 01T02:00 skipped "nightly", which it follows, did not succeed: failed',
    'offsite 02T02:00 skipped "nightly", which it follows, did not run: skipped',
    'tape 01T02:00 skipped "offsite", which it follows, did not run: skipped',
    'tape 02T02:00 skipped "offsite", which it follows, did not run: skipped',
  ]);
});

Deno.test("it waits for the last attempt of the other", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await chain(w, { retries: 1 });
  let first = true;
  w.backups.work = () => {
    if (!first) return Promise.resolve();
    first = false;
    return Promise.reject(new Error("bad"));
  };
  await w.live("2026-01-01T02:00:00Z");
  const [entry] = await w.schedules.ledger.list({ schedule_id: "offsite", limit: 1, offset: 0 }, caller());
  assert.equal(entry?.awaits, (await w.schedules.get("nightly", caller())).id);
  await w.live("2026-01-01T02:01:00Z");
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 ran success",
    "offsite 01T02:00 ran success",
    "tape 01T02:00 ran success",
  ]);
});

Deno.test("a killed process leaves those that follow waiting while the other is tried again", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await chain(w, { retries: 1 });
  w.backups.work = () => gate().promise;
  w.clock.set("2026-01-01T02:00:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1);
  await w.restart();
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 claimed",
    "offsite 01T02:00 claimed",
    "tape 01T02:00 claimed",
  ]);
  w.backups.work = () => Promise.resolve();
  await w.live("2026-01-01T02:01:00Z");
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 ran success",
    "offsite 01T02:00 ran success",
    "tape 01T02:00 ran success",
  ]);
});

Deno.test("a killed process without further attempts settles the whole chain", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await chain(w);
  w.backups.work = () => gate().promise;
  w.clock.set("2026-01-01T02:00:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1);
  await w.restart();
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 ran interrupted Holdfast ended during the run",
    'offsite 01T02:00 skipped "nightly", which it follows, did not succeed: interrupted',
    'tape 01T02:00 skipped "offsite", which it follows, did not run: skipped',
  ]);
});

Deno.test("what the other missed during a downtime has its row, and what it catches up is caught up after it", async () => {
  await using w = await world("2026-01-01T01:00:00Z");
  await chain(w, { catch_up: "latest" });
  w.clock.set("2026-01-02T10:00:00Z");
  await w.restart();
  await w.schedules.tick();
  await w.schedules.idle();
  assert.deepEqual(await ledger(w), [
    "nightly 01T02:00 missed Holdfast was not running; older than the catch-up window of 1d",
    "nightly 02T02:00 caught_up success",
    'offsite 01T02:00 skipped "nightly", which it follows, did not run: missed',
    "offsite 02T02:00 caught_up success",
    'tape 01T02:00 skipped "offsite", which it follows, did not run: skipped',
    "tape 02T02:00 caught_up success",
  ]);
});

Deno.test("its own pause, windows and running check still count", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, nightly);
  await create(w, { name: "paused", run_after: "nightly", paused_until: "2027-01-01" });
  await create(w, { name: "blacked", run_after: "nightly", blackout_windows: ["02:00-03:00"] });
  await create(w, { name: "checked", run_after: "nightly", only_when_running: true });
  w.servers.running = () => Promise.resolve({ running: false, detail: "connection refused" });
  await w.live("2026-01-01T02:00:00Z");
  assert.deepEqual(await ledger(w), [
    "blacked 01T02:00 skipped inside the blackout window 02:00-03:00",
    "checked 01T02:00 skipped server not running: connection refused",
    "nightly 01T02:00 ran success",
    "paused 01T02:00 skipped paused until 2027-01-01T00:00:00.000Z",
  ]);
});

Deno.test("the rule for overlapping counts when it would start", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 9;
  const { promise, open } = gate();
  w.backups.work = (request) => request.schedule?.name === "slow" ? promise : Promise.resolve();
  await create(w, { name: "often" });
  await create(w, { name: "slow", run_after: "often" });
  for (const at of ["00:01:00", "00:02:00"]) {
    w.clock.set(`2026-01-01T${at}Z`);
    await w.schedules.tick();
    await until(async () =>
      (await ledger(w)).some((row) => row === `often 01T${at.slice(0, 5)} ran success`)
    );
    await until(() => w.backups.made.filter((request) => request.schedule?.name === "slow").length === 1);
  }
  await until(async () => (await ledger(w)).some((row) => row.includes("slow 01T00:02 skipped")));
  open();
  await w.schedules.idle();
  assert.match((await ledger(w)).at(-1)!, /^slow 01T00:02 skipped previous run still active: [0-9a-f]{16}$/);
});

Deno.test("a run by hand that succeeds starts those that follow, and nothing is due", async () => {
  await using w = await world("2026-01-01T12:00:00Z");
  await chain(w);
  await w.schedules.trigger("nightly", caller({ name: "ada" }));
  await w.schedules.idle();
  assert.deepEqual(w.backups.made.map((request) => request.schedule?.name), ["nightly", "offsite", "tape"]);
  assert.deepEqual(await ledger(w), []);
  const rows = await w.tables.selectFrom("runs").selectAll().execute();
  assert.deepEqual([...new Set(rows.map((row) => `${row.trigger} ${row.requested_by}`))], ["manual ada"]);
});

Deno.test("it is due from when it follows until it is disabled, and with it all that follow", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...nightly, cron_expression: "0 * * * *" });
  await w.live("2026-01-01T01:00:00Z");
  await create(w, { name: "offsite", run_after: "nightly" });
  await create(w, { name: "tape", run_after: "offsite" });
  await w.live("2026-01-01T02:00:00Z");
  await w.schedules.disable("offsite", caller());
  assert.match(
    (await w.schedules.get("tape", caller())).problem!,
    /"offsite", which it follows, is disabled/,
  );
  await w.live("2026-01-01T03:00:00Z");
  await w.schedules.enable("offsite", caller());
  await w.live("2026-01-01T04:00:00Z");
  assert.deepEqual((await ledger(w)).filter((row) => !row.startsWith("nightly")), [
    "offsite 01T02:00 ran success",
    "offsite 01T04:00 ran success",
    "tape 01T02:00 ran success",
    "tape 01T04:00 ran success",
  ]);
});

Deno.test("what it was due at before it was changed is settled, although the other has not been claimed yet", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...nightly, cron_expression: "0 * * * *" });
  await create(w, { name: "offsite", run_after: "nightly" });
  await create(w, { name: "tape", run_after: "offsite" });
  // One minute late, and nobody has ticked.
  w.clock.set("2026-01-01T01:01:00Z");
  await w.schedules.update("offsite", { run_after: null, cron_expression: "30 * * * *" }, caller());
  await w.schedules.tick();
  await w.schedules.idle();
  assert.deepEqual(await ledger(w), [
    "nightly 01T01:00 ran success",
    "offsite 01T01:00 missed the schedule was changed before it could start",
    'tape 01T01:00 skipped "offsite", which it follows, did not run: missed',
  ]);
  await w.live("2026-01-01T02:00:00Z");
  assert.ok((await ledger(w)).includes("tape 01T01:30 ran success"));
  assert.ok(!(await ledger(w)).some((row) => row.startsWith("tape 01T02:00")));
});

Deno.test("a schedule that follows says so, and when it is due", async () => {
  await using w = await world("2026-01-01T01:00:00Z");
  await chain(w);
  const nightlyRow = await w.schedules.get("nightly", caller());
  const tape = await w.schedules.get("tape", caller());
  assert.deepEqual([tape.cron_expression, tape.run_after_name, tape.next_run_at], [
    "@after",
    "offsite",
    nightlyRow.next_run_at,
  ]);
  const listed = await w.schedules.list({}, caller());
  assert.deepEqual(listed.map((row) => [row.name, row.next_run_at]), [
    ["nightly", "2026-01-01T02:00:00.000Z"],
    ["offsite", "2026-01-01T02:00:00.000Z"],
    ["tape", "2026-01-01T02:00:00.000Z"],
  ]);
  const [next] = await w.schedules.next("offsite", { count: 1 }, caller());
  assert.deepEqual([next?.due_at, next?.note], ["2026-01-01T02:00:00.000Z", 'when "nightly" has succeeded']);
});

Deno.test("a circle is refused with its path, and so is what makes no sense", async () => {
  await using w = await world("2026-01-01T01:00:00Z");
  await chain(w);
  const update = (name: string, input: object) => w.schedules.update(name, input, caller());
  await assert.rejects(update("nightly", { run_after: "tape" }), {
    kind: "invalid",
    message:
      'Cannot run "nightly" after "tape": they would run in a circle: nightly after tape after offsite after nightly',
  });
  await assert.rejects(update("nightly", { run_after: "nightly" }), /a circle: nightly after nightly$/);
  await assert.rejects(update("tape", { run_after: "nobody" }), { kind: "not_found" });
  await assert.rejects(update("tape", { cron_expression: "0 2 * * *" }), /exclude each other/);
  await assert.rejects(
    update("tape", { run_after: null }),
    /neither cron_expression nor interval_hours is given/,
  );
  await assert.rejects(update("tape", { jitter_seconds: 60 }), /jitter_seconds: a schedule that follows/);
  await assert.rejects(update("tape", { dst: "wall" }), /dst: a schedule that follows/);
  await assert.rejects(w.schedules.delete("nightly", caller()), {
    kind: "conflict",
    message: 'Cannot delete schedule "nightly": it is followed by offsite',
  });
  const stranger = caller({ kind: "user", name: "bob", role: "operator", servers: [2] });
  const elsewhere = { server_id: 2, name: "other", run_after: "nightly" };
  await assert.rejects(
    create(w, elsewhere).then(() => update("other", { run_after: "nightly" })).then(() =>
      w.schedules.update("other", { run_after: "offsite" }, stranger)
    ),
    { kind: "forbidden" },
  );
  for (const name of ["tape", "offsite"]) await w.schedules.delete(name, caller());
  await w.schedules.delete("other", caller());
  await w.schedules.delete("nightly", caller());
});

Deno.test("a chain may be long, but not endless", async () => {
  await using w = await world("2026-01-01T01:00:00Z");
  await create(w, { ...nightly, name: "s0" });
  for (let i = 1; i < 50; i++) await create(w, { name: `s${i}`, run_after: `s${i - 1}` });
  await assert.rejects(create(w, { name: "s50", run_after: "s49" }), /a chain may have 50 schedules/);
  await w.live("2026-01-01T02:00:00Z");
  assert.equal((await ledger(w)).filter((row) => row.endsWith("ran success")).length, 50);
});
