import assert from "node:assert/strict";
import { NO_POLICIES } from "../../src/schedules/policies.ts";
import { isRepeated, pauseMs } from "../../src/schedules/retry.ts";
import { caller } from "../support/store.ts";
import { create, gate, until, type World, world } from "./support.ts";

const nightly = { cron_expression: "0 2 * * *" };

/** Attempt, outcome and start of every run, oldest first. */
async function runs(w: World): Promise<string[]> {
  const rows = await w.tables.selectFrom("runs").selectAll().orderBy("attempt").execute();
  return rows.map((row) => `${row.attempt} ${row.outcome} ${row.started_at.slice(11, 19)}`);
}

/** Fails so many times, then succeeds. */
function failing(w: World, times: number): void {
  let left = times;
  w.backups.work = () => left-- > 0 ? Promise.reject(new Error("the disk hums")) : Promise.resolve();
}

Deno.test("pauses grow by their factor up to their cap", () => {
  const policies = { ...NO_POLICIES, retries: 9, retry_delay_seconds: 60, retry_max_delay_seconds: 400 };
  assert.deepEqual([1, 2, 3, 4, 5].map((attempt) => pauseMs(policies, attempt) / 1000), [
    60,
    120,
    240,
    400,
    400,
  ]);
  assert.equal(pauseMs({ ...policies, retry_factor: 1 }, 9), 60_000);
  // A first pause above the cap is what was asked for.
  assert.equal(pauseMs({ ...policies, retry_delay_seconds: 7200 }, 3), 7_200_000);
  assert.equal(
    pauseMs({ ...policies, retry_factor: 10, retry_max_delay_seconds: 604_800 }, 100),
    604_800_000,
  );
});

Deno.test("everything but a success and a cancel is repeated, as often as asked", () => {
  const policies = { ...NO_POLICIES, retries: 2 };
  const repeated = (["success", "failed", "interrupted", "timed_out", "refused", "cancelled"] as const)
    .filter((result) => isRepeated(policies, 1, result));
  assert.deepEqual(repeated, ["failed", "interrupted", "timed_out", "refused"]);
  assert.deepEqual([1, 2, 3].map((attempt) => isRepeated(policies, attempt, "failed")), [true, true, false]);
  assert.equal(isRepeated(NO_POLICIES, 1, "failed"), false);
});

Deno.test("a failed attempt is repeated after its pause, each is a run of the same instant", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, { ...nightly, retries: 3 });
  failing(w, 2);
  await w.live("2026-01-01T02:10:00Z");
  assert.deepEqual(await runs(w), ["1 failed 02:00:00", "2 failed 02:01:00", "3 success 02:03:00"]);
  assert.deepEqual(await w.ledger(), ["2026-01-01T02:00 ran success"]);
  const [entry] = await w.schedules.ledger.list({ limit: 9, offset: 0 }, caller());
  assert.deepEqual([entry?.attempt, entry?.not_before, entry?.late], [3, null, false]);
  const { logs } = await w.schedules.runs.list({ limit: 9, offset: 0 }, caller());
  assert.deepEqual(logs.map((log) => [log.attempt, log.due_at]), [
    [3, "2026-01-01T02:00:00.000Z"],
    [2, "2026-01-01T02:00:00.000Z"],
    [1, "2026-01-01T02:00:00.000Z"],
  ]);
});

Deno.test("a pause ends on its second, not at the next tick", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, { ...nightly, retries: 1, retry_delay_seconds: 7 });
  failing(w, 1);
  await w.live("2026-01-01T02:00:00Z");
  await until(() => w.clock.sleeping > 0);
  w.clock.set("2026-01-01T02:00:06Z");
  await w.schedules.idle();
  assert.equal((await runs(w)).length, 1);
  w.clock.set("2026-01-01T02:00:07Z");
  await until(async () => (await runs(w)).length === 2);
  await w.schedules.idle();
  assert.equal((await runs(w))[1], "2 success 02:00:07");
});

Deno.test("when all attempts failed the instant says so, with how often", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, { ...nightly, retries: 2 });
  failing(w, 9);
  await w.live("2026-01-01T02:30:00Z");
  assert.deepEqual(await w.ledger(), ["2026-01-01T02:00 ran failed the disk hums (attempt 3)"]);
  assert.equal(w.backups.made.length, 3);
});

Deno.test("a cancel ends the attempts, during one and between two", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  const ada = caller({ name: "ada" });
  await create(w, { ...nightly, name: "during", retries: 3 });
  await create(w, { ...nightly, name: "between", retries: 3, retry_delay_seconds: 600 });
  w.backups.work = (request, { signal }) =>
    request.schedule?.name === "between"
      ? Promise.reject(new Error("bad"))
      : new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  w.clock.set("2026-01-01T02:00:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 2 && w.schedules.runner.active.size === 1);
  const { logs } = await w.schedules.runs.list({ limit: 9, offset: 0 }, caller());
  for (const log of logs) await w.schedules.cancel(log.id, ada);
  await w.live("2026-01-01T03:00:00Z");
  assert.deepEqual((await w.ledger()).sort(), [
    "2026-01-01T02:00 ran cancelled cancelled by ada",
    "2026-01-01T02:00 ran failed bad; no further attempt: cancelled by ada",
  ]);
  assert.equal(w.backups.made.length, 2);
  for (const log of logs) await assert.rejects(w.schedules.cancel(log.id, ada), { kind: "conflict" });
});

Deno.test("a timeout ends an attempt, which counts as one that failed", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  let first = true;
  w.backups.work = (_request, { signal }) => {
    if (!first) return Promise.resolve();
    first = false;
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  await create(w, { ...nightly, timeout_seconds: 7200, retries: 1 });
  w.clock.set("2026-01-01T02:00:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1 && w.clock.sleeping > 0);
  w.clock.set("2026-01-01T04:00:00Z");
  await w.schedules.idle();
  assert.deepEqual(await runs(w), ["1 timed_out 02:00:00"]);
  await w.live("2026-01-01T04:01:00Z");
  assert.deepEqual(await runs(w), ["1 timed_out 02:00:00", "2 success 04:01:00"]);
  const log = (await w.schedules.runs.list({ limit: 9, offset: 0 }, caller())).logs.at(-1);
  assert.deepEqual([log?.status, log?.error_message], ["failed", "it took longer than 2h"]);
});

Deno.test("an attempt that a killed process left behind is repeated by the next, a waiting one too", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, { ...nightly, retries: 3 });
  w.backups.work = () => gate().promise;
  w.clock.set("2026-01-01T02:00:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1);
  w.clock.set("2026-01-01T02:00:30Z");
  await w.restart();
  assert.deepEqual(await w.ledger(), ["2026-01-01T02:00 claimed"]);
  // Killed again during the pause.
  await w.restart();
  w.backups.work = () => Promise.resolve();
  await w.live("2026-01-01T02:03:00Z");
  assert.deepEqual(await runs(w), ["1 interrupted 02:00:00", "2 success 02:02:00"]);
  assert.deepEqual(await w.ledger(), ["2026-01-01T02:00 ran success"]);
});

Deno.test("a queued further attempt of a killed process keeps its number", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  w.settings.max_concurrent_runs = 1;
  await create(w, { ...nightly, retries: 1 });
  await create(w, { name: "busy", cron_expression: "0 0 1 1 *" });
  failing(w, 1);
  await w.live("2026-01-01T02:00:00Z");
  w.backups.work = () => gate().promise;
  await w.schedules.trigger("busy", caller());
  await until(() => w.backups.made.length === 2);
  w.clock.set("2026-01-01T02:01:00Z");
  await w.schedules.tick();
  assert.equal(w.schedules.runner.waiting, 1);
  w.backups.work = () => Promise.resolve();
  await w.restart();
  await w.live("2026-01-01T02:02:00Z");
  assert.deepEqual((await runs(w)).filter((row) => row.startsWith("2")), ["2 success 02:02:00"]);
  assert.deepEqual(await w.ledger(), ["2026-01-01T02:00 ran success"]);
});

Deno.test("disabling a schedule ends the wait for its next attempt", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, { ...nightly, retries: 1, retry_delay_seconds: 600 });
  failing(w, 1);
  await w.live("2026-01-01T02:00:00Z");
  await w.schedules.disable("nightly", caller());
  await w.live("2026-01-01T03:00:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T02:00 ran failed the disk hums; no further attempt: the schedule was disabled",
  ]);
});

Deno.test("the database refuses a second run of the same attempt", async () => {
  await using w = await world("2026-01-01T01:59:00Z");
  await create(w, nightly);
  await w.live("2026-01-01T02:00:00Z");
  const run = await w.tables.selectFrom("runs").selectAll().executeTakeFirstOrThrow();
  await assert.rejects(w.tables.insertInto("runs").values({ ...run, id: "another" }).execute());
  await w.tables.insertInto("runs").values({ ...run, id: "another", attempt: 2 }).execute();
});
