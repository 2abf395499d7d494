import assert from "node:assert/strict";
import { caller } from "../support/store.ts";
import { create, gate, until, type World, world } from "./support.ts";

/** Ticks at an instant without waiting for runs. */
async function tickAt(w: World, at: string): Promise<void> {
  w.clock.set(`2026-01-01T${at}Z`);
  await w.schedules.tick();
}

/** Every run takes until its gate opens; gates are in the order of the starts. */
function gated(w: World): { open: () => void }[] {
  const gates: ReturnType<typeof gate>[] = [];
  w.backups.work = (_request, { signal }) => {
    const mine = gate();
    gates.push(mine);
    return Promise.race([
      mine.promise,
      new Promise<void>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ]);
  };
  return gates;
}

async function started(w: World, count: number): Promise<void> {
  await until(() => w.backups.made.length === count);
}

Deno.test("queue_one keeps the newest waiting, older ones are superseded", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const gates = gated(w);
  await create(w, { overlap: "queue_one" });
  await tickAt(w, "00:01:00");
  await started(w, 1);
  for (const at of ["00:02:00", "00:03:00", "00:04:00"]) await tickAt(w, at);
  gates[0]!.open();
  await started(w, 2);
  gates[1]!.open();
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran success",
    "2026-01-01T00:02 superseded 2026-01-01T00:03:00.000Z is newer",
    "2026-01-01T00:03 superseded 2026-01-01T00:04:00.000Z is newer",
    "2026-01-01T00:04 ran success",
  ]);
  const { logs } = await w.schedules.runs.list({ limit: 9, offset: 0 }, caller());
  assert.deepEqual(logs.map((log) => log.outcome).sort(), ["cancelled", "cancelled", "success", "success"]);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("queue_all keeps every instant waiting, in order", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 5;
  const gates = gated(w);
  await create(w, { overlap: "queue_all" });
  await tickAt(w, "00:01:00");
  await started(w, 1);
  await tickAt(w, "00:02:00");
  await tickAt(w, "00:03:00");
  const status = await w.schedules.scheduler.status(caller());
  assert.deepEqual(status.current_jobs.map((job) => [job.status, job.waiting_for]), [
    ["running", null],
    ["pending", "the run before it"],
    ["pending", "the run before it"],
  ]);
  for (let i = 0; i < 3; i++) {
    await started(w, i + 1);
    gates[i]!.open();
  }
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran success",
    "2026-01-01T00:02 ran success",
    "2026-01-01T00:03 ran success",
  ]);
});

Deno.test("cancel_other ends the run under way and starts the new one when it has ended", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const gates = gated(w);
  // One that is cancelled is not repeated.
  await create(w, { overlap: "cancel_other", retries: 3 });
  await tickAt(w, "00:01:00");
  await started(w, 1);
  await tickAt(w, "00:02:00");
  await started(w, 2);
  gates[1]!.open();
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran cancelled cancelled: 2026-01-01T00:02:00.000Z is newer",
    "2026-01-01T00:02 ran success",
  ]);
});

Deno.test("cancel_other replaces what waits for its next attempt", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.backups.work = () => Promise.reject(new Error("bad"));
  await create(w, { overlap: "cancel_other", retries: 3, retry_delay_seconds: 600 });
  await w.live("2026-01-01T00:01:00Z");
  w.backups.work = () => Promise.resolve();
  await w.live("2026-01-01T00:02:00Z");
  assert.deepEqual(await w.ledger(), [
    "2026-01-01T00:01 ran cancelled cancelled: 2026-01-01T00:02:00.000Z is newer",
    "2026-01-01T00:02 ran success",
  ]);
});

Deno.test("allow lets runs of one schedule run beside each other, due ones and by hand", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 5;
  const gates = gated(w);
  await create(w, { overlap: "allow" });
  await tickAt(w, "00:01:00");
  await tickAt(w, "00:02:00");
  await w.schedules.trigger("nightly", caller());
  await started(w, 3);
  assert.equal(w.schedules.runner.active.size, 3);
  for (const { open } of gates) open();
  await w.schedules.idle();
  assert.deepEqual(await w.ledger(), ["2026-01-01T00:01 ran success", "2026-01-01T00:02 ran success"]);
});

Deno.test("schedules that share a lock run one after the other; the lock of a killed process is free", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 5;
  const gates = gated(w);
  for (const name of ["a", "b"]) await create(w, { name, locks: ["disk"], overlap: "queue_all" });
  await tickAt(w, "00:01:00");
  await started(w, 1);
  const waiting = (await w.schedules.scheduler.status(caller())).current_jobs.find((job) =>
    job.status === "pending"
  );
  assert.match(waiting?.waiting_for ?? "", /^lock "disk", held by run [0-9a-f]{16} of [ab]$/);
  gates[0]!.open();
  await started(w, 2);
  // Killed while the second one holds it.
  await w.restart();
  w.clock.set("2026-01-01T00:01:30Z");
  const { run_id } = await w.schedules.trigger("a", caller());
  await started(w, 3);
  gates[2]!.open();
  await w.schedules.idle();
  assert.equal((await w.schedules.runs.get(run_id, caller())).outcome, "success");
  assert.deepEqual((await w.ledger()).sort(), [
    "2026-01-01T00:01 ran interrupted Holdfast ended during the run",
    "2026-01-01T00:01 ran success",
  ]);
});

Deno.test("groups and servers have limits of their own, the configuration says which", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  Object.assign(w.settings, { max_concurrent_runs: 9, max_concurrent_runs_per_server: 2 });
  gated(w);
  for (const name of ["a", "b"]) await create(w, { name, concurrency_group: "nas" });
  for (const name of ["c", "d"]) await create(w, { name });
  await create(w, {
    name: "e",
    server_id: 2,
    engine: "archive",
    engine_options: { sources: ["/srv"] },
  });
  await tickAt(w, "00:01:00");
  await started(w, 3);
  const { current_jobs } = await w.schedules.scheduler.status(caller());
  const running = current_jobs.filter((job) => job.status === "running");
  assert.equal(running.filter((job) => job.server_id === 1).length, 2);
  assert.ok(running.filter((job) => ["a", "b"].includes(job.schedule_name)).length <= 1);
  assert.equal(running.filter((job) => job.schedule_name === "e").length, 1);
  await w.schedules.shutdown(AbortSignal.abort());
});

Deno.test("changed policies count for what waits already", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 5;
  const gates = gated(w);
  for (const name of ["a", "b"]) await create(w, { name, locks: ["disk"] });
  await tickAt(w, "00:01:00");
  await started(w, 1);
  const waiting = w.schedules.runner.queued[0]!.schedule_id;
  await w.schedules.update(waiting, { locks: ["none"] }, caller());
  await started(w, 2);
  for (const { open } of gates) open();
  await w.schedules.idle();
});
