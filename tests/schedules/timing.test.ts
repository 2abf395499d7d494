import assert from "node:assert/strict";
import { jitterMs } from "../../src/schedules/rule.ts";
import { caller } from "../support/store.ts";
import { create, gate, until, world } from "./support.ts";

const hourly = { cron_expression: "0 * * * *" };

Deno.test("jitter is the same for a schedule for ever, different between schedules, and within its bound", async () => {
  const shifts = Array.from({ length: 500 }, (_, i) => jitterMs(`schedule-${i}`, 600));
  assert.deepEqual(shifts, Array.from({ length: 500 }, (_, i) => jitterMs(`schedule-${i}`, 600)));
  assert.ok(shifts.every((shift) => shift >= 0 && shift <= 600_000 && shift % 1000 === 0));
  // Spread evenly: every tenth of the time has its share.
  const tenths = Map.groupBy(shifts, (shift) => Math.min(9, Math.floor(shift / 60_000)));
  assert.ok([...tenths.values()].every((part) => part.length > 20 && part.length < 90));
  await using w = await world("2026-01-01T00:15:30Z");
  const { id, next_run_at } = await create(w, { ...hourly, jitter_seconds: 600 });
  const due = Date.parse("2026-01-01T01:00:00Z") + jitterMs(id, 600);
  assert.equal(next_run_at, new Date(due).toISOString());
  await w.live("2026-01-01T01:11:00Z");
  assert.deepEqual((await w.ledger()).map((row) => row.slice(17)), ["ran success"]);
  const [next] = await w.schedules.next("nightly", { count: 1 }, caller());
  assert.equal(Date.parse(next!.due_at), due + 3_600_000);
  if (jitterMs(id, 600) > 0) assert.match(next!.note!, /later, by its jitter$/);
});

Deno.test("a jittered instant starts on its second", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { next_run_at } = await create(w, { ...hourly, jitter_seconds: 599 });
  const due = Date.parse(next_run_at!);
  w.clock.set(Math.floor(due / 60_000) * 60_000);
  await w.schedules.tick();
  w.clock.set(due);
  await until(() => w.backups.made.length === 1);
  await w.schedules.idle();
  const run = await w.tables.selectFrom("runs").selectAll().executeTakeFirstOrThrow();
  assert.equal(run.started_at, next_run_at);
});

Deno.test("instants outside the windows are skipped with the window named, and the preview says so", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, {
    ...hourly,
    timezone: "Europe/Paris",
    allowed_windows: ["02:00-05:00"],
    blackout_windows: ["2026-01-01 03:00-04:00"],
  });
  const preview = await w.schedules.next("nightly", { count: 5 }, caller());
  assert.deepEqual(preview.map((instant) => `${instant.local.slice(11, 16)} ${instant.note ?? ""}`), [
    "02:00 ",
    "03:00 skipped: inside the blackout window 2026-01-01 03:00-04:00",
    "04:00 ",
    "05:00 skipped: outside the allowed windows (02:00-05:00)",
    "06:00 skipped: outside the allowed windows (02:00-05:00)",
  ]);
  await w.live("2026-01-01T05:00:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T01:00 ran success",
    "2026-01-01T02:00 skipped inside the blackout window 2026-01-01 03:00-04:00",
    "2026-01-01T03:00 ran success",
    "2026-01-01T04:00 skipped outside the allowed windows (02:00-05:00)",
    "2026-01-01T05:00 skipped outside the allowed windows (02:00-05:00)",
  ]);
});

Deno.test("a run by hand starts whatever the windows and the pause", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { ...hourly, blackout_windows: ["00:00-24:00"], paused_until: "2027-01-01" });
  await w.schedules.trigger("nightly", caller());
  await w.schedules.idle();
  assert.equal(w.backups.made.length, 1);
});

Deno.test("a paused schedule skips what is due before the pause ends, and then goes on by itself", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const made = await create(w, { ...hourly, timezone: "Europe/Paris", paused_until: "2026-01-02" });
  // A day begins at midnight of the schedule's zone.
  assert.equal(made.paused_until, "2026-01-01T23:00:00.000Z");
  await w.live("2026-01-01T23:00:00Z");
  const ledger = await w.ledger();
  assert.equal(
    ledger.filter((row) => row.endsWith("skipped paused until 2026-01-01T23:00:00.000Z")).length,
    22,
  );
  assert.equal(ledger.at(-1), "2026-01-01T23:00 ran success");
  const resumed = await w.schedules.update("nightly", { paused_until: null }, caller());
  assert.equal(resumed.paused_until, null);
});

Deno.test("a run that waits longer than its start deadline is missed, with what it waited for", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { promise, open } = gate();
  w.backups.work = () => promise;
  await create(w, { name: "busy", cron_expression: "0 0 1 1 *", locks: ["disk"] });
  await create(w, { ...hourly, locks: ["disk"], start_deadline_seconds: 600 });
  const { run_id } = await w.schedules.trigger("busy", caller());
  await until(() => w.backups.made.length === 1);
  for (const at of ["01:00:00", "01:10:00", "01:11:00"]) {
    w.clock.set(`2026-01-01T${at}Z`);
    await w.schedules.tick();
  }
  open();
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), [
    `2026-01-01T01:00 missed timed_out too late to start: it waited for lock "disk", held by run ${run_id} of busy`,
  ]);
});

Deno.test("a start deadline below two ticks counts for late ticks too", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { ...hourly, start_deadline_seconds: 30 });
  w.clock.set("2026-01-01T01:00:31Z");
  await w.schedules.tick();
  assert.deepEqual(await w.ledger(), ["2026-01-01T01:00 missed the scheduler looked 31s late"]);
});

Deno.test("the rule for clocks that change is the schedule's own, and a change of it is a revision", async () => {
  await using w = await world("2026-03-28T12:00:00Z");
  const daily = { cron_expression: "30 2 * * *", timezone: "Europe/Paris" };
  for (const dst of ["standard", "skip", "wall"] as const) await create(w, { ...daily, name: dst, dst });
  await w.live("2026-03-30T01:00:00Z");
  const ids = new Map((await w.schedules.list({}, caller())).map((row) => [row.id, row.name]));
  const rows = await w.tables.selectFrom("occurrences").selectAll().orderBy("due_at").execute();
  assert.deepEqual(rows.map((row) => `${row.due_at.slice(5, 16)} ${ids.get(row.schedule_id)}`).sort(), [
    "03-29T01:00 standard",
    "03-30T00:30 skip",
    "03-30T00:30 standard",
    "03-30T00:30 wall",
  ]);
  w.clock.set("2026-10-24T12:00:00Z");
  const next = await w.schedules.next("wall", { count: 2, clock_changes: true }, caller());
  assert.deepEqual(next.map((instant) => instant.due_at.slice(5, 16)).slice(0, 2), [
    "10-25T00:30",
    "10-25T01:30",
  ]);
  const revisions = async () =>
    (await w.tables.selectFrom("schedule_revisions").selectAll().execute()).at(-1)?.policies;
  await w.schedules.update("wall", { dst: "skip" }, caller());
  assert.equal(await revisions(), '{"dst":"skip"}');
});

Deno.test("changing jitter or the rule of the clocks settles what passed under the old one", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  w.clock.set("2026-01-01T01:00:30Z");
  const changed = await w.schedules.update("nightly", { jitter_seconds: 3600 }, caller());
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T01:00 missed the schedule was changed before it could start",
  ]);
  assert.ok(Date.parse(changed.next_run_at!) > Date.parse("2026-01-01T01:00:30Z"));
});
