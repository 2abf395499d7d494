import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { HoldfastError } from "../../src/lib/errors.ts";
import type { RunEvent } from "../../src/schedules/model.ts";
import { caller } from "../support/store.ts";
import { create, gate, schedule, until, type World, world } from "./support.ts";

async function trigger(w: World, name = "nightly"): Promise<string> {
  return (await w.schedules.trigger(name, caller())).run_id;
}

async function follow(w: World, runId: string): Promise<RunEvent[]> {
  return await Array.fromAsync(w.schedules.runs.follow(runId, caller()));
}

Deno.test("a successful run records backup, size, lines and retention", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { id } = await create(w, { max_backups: 3 });
  w.backups.work = (_request, context) => {
    context.log("info", "reading /srv");
    context.log("warning", "changed while read: a\u001b[31mb");
    w.clock.advance(4200);
    return Promise.resolve();
  };
  const runId = await trigger(w);
  await w.schedules.idle();
  const log = await w.schedules.runs.get(runId, caller());
  assert.equal(log.status, "success");
  assert.equal(log.backup_id, `b-${runId}`);
  assert.equal(log.backup_size_bytes, 7);
  assert.equal(log.duration_seconds, 4.2);
  assert.equal(log.warning_count, 1);
  assert.equal(log.trigger, "manual");
  assert.deepEqual(log.logs?.map((line) => line.slice(25)), [
    "reading /srv",
    "warning: changed while read: a\\x1b[31mb",
    "removed backup b-old: older than the 7 newest",
  ]);
  assert.deepEqual(w.backups.retained, [[id, 3]]);
  assert.equal(w.backups.made[0]?.backup_type, "manual");
  assert.equal((await w.schedules.get(id, caller())).last_run_at, "2026-01-01T00:00:30.000Z");
});

Deno.test("a failing engine makes a failed run with its reason, and no retention", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  w.backups.work = () =>
    Promise.reject(new HoldfastError("exhausted", "Cannot write artifact: the disk is full"));
  const runId = await trigger(w);
  await w.schedules.idle();
  const log = await w.schedules.runs.get(runId, caller());
  assert.deepEqual([log.status, log.outcome, log.error_message], [
    "failed",
    "failed",
    "Cannot write artifact: the disk is full",
  ]);
  assert.deepEqual(w.backups.retained, []);
});

Deno.test("a schedule tells how its newest run that has ended did, not the one under way", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { id } = await create(w);
  await create(w, { name: "other" });
  const told = async () =>
    Object.fromEntries((await w.schedules.list({}, caller())).map((row) => [row.name, row.last_outcome]));
  assert.deepEqual(await told(), { nightly: null, other: null });
  await trigger(w);
  await w.schedules.idle();
  assert.deepEqual(await told(), { nightly: "success", other: null });

  w.clock.advance(60_000);
  w.backups.work = () => Promise.reject(new HoldfastError("invalid", "Cannot read source: it is gone"));
  await trigger(w);
  await w.schedules.idle();
  assert.equal((await told()).nightly, "failed");

  w.clock.advance(60_000);
  const { promise, open } = gate();
  w.backups.work = () => promise;
  await trigger(w);
  assert.equal((await w.schedules.get(id, caller())).last_outcome, "failed");
  assert.equal((await w.schedules.update("nightly", { description: "x" }, caller())).last_outcome, "failed");
  open();
  await w.schedules.idle();
  assert.equal((await told()).nightly, "success");
});

Deno.test("an incomplete artifact is a failed run that names its backup", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  w.backups.status = "failed";
  const runId = await trigger(w);
  await w.schedules.idle();
  const log = await w.schedules.runs.get(runId, caller());
  assert.equal(log.outcome, "failed");
  assert.equal(log.backup_id, `b-${runId}`);
  assert.match(log.error_message ?? "", /2 entries could not be read/);
});

Deno.test("a run without an engine is refused, says why, and its instant too", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const made = await create(w, { server_id: "db-1" });
  assert.match(made.problem ?? "", /no engine: set one, or give server "db-1" a default engine/);
  const runId = await trigger(w);
  await w.schedules.idle();
  await w.live("2026-01-01T00:01:00Z");
  const log = await w.schedules.runs.get(runId, caller());
  assert.deepEqual([log.status, log.outcome], ["failed", "refused"]);
  assert.match((await w.ledger())[0]!, /^2026-01-01T00:01 refused refused no engine/);
});

Deno.test("a run asked for by hand is refused while its server is not running", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.servers.running = () => Promise.resolve({ running: false, detail: "connection refused" });
  await create(w, { only_when_running: true });
  const runId = await trigger(w);
  await w.schedules.idle();
  const log = await w.schedules.runs.get(runId, caller());
  assert.equal(log.outcome, "refused");
  assert.equal(log.error_message, 'server "web-1" is not running: connection refused');
});

Deno.test("the engine is judged again at each run, with the rights of whoever set it", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const options = { sources: ["/srv"], destination: "/b" };
  const operator = caller({ kind: "user", id: 7, name: "ada", role: "operator", on_host: false });
  const input = schedule({ name: "remote", engine: "archive", engine_options: options });
  await w.schedules.create(input, operator);
  await trigger(w, "remote");
  await w.schedules.idle();
  const { role, on_host, kind } = w.backups.judged.at(-1)!;
  assert.deepEqual({ role, on_host, kind }, { role: "operator", on_host: false, kind: "system" });
});

Deno.test("so many runs at a time, the others wait in order", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 2;
  const { promise, open } = gate();
  w.backups.work = () => promise;
  for (const name of ["a", "b", "c", "d"]) await create(w, { name });
  for (const name of ["a", "b", "c", "d"]) await trigger(w, name);
  await until(() => w.backups.made.length === 2);
  const { current_jobs, queued_jobs } = await w.schedules.scheduler.status(caller());
  assert.deepEqual(current_jobs.map((job) => [job.schedule_name, job.status]), [
    ["a", "running"],
    ["b", "running"],
    ["c", "pending"],
    ["d", "pending"],
  ]);
  assert.equal(queued_jobs, 2);
  open();
  await w.schedules.idle();
  assert.deepEqual(w.backups.made.map((request) => request.schedule?.name), ["a", "b", "c", "d"]);
});

Deno.test("progress and estimates show in current_jobs", async () => {
  await using w = await world("2026-01-01T00:00:00Z");
  await create(w);
  const usual = gate();
  w.backups.work = () => {
    w.clock.advance(60_000);
    return Promise.resolve();
  };
  await trigger(w);
  await w.schedules.idle();
  w.backups.work = async (_request, context) => {
    context.progress({ phase: "read", done_bytes: 25, total_bytes: 100, done_items: 1 });
    await usual.promise;
  };
  await trigger(w);
  await until(async () => (await w.schedules.scheduler.status(caller())).current_jobs[0]?.phase === "read");
  const [job] = (await w.schedules.scheduler.status(caller())).current_jobs;
  assert.equal(job?.progress_percentage, 25);
  assert.equal(job?.estimated_completion_at, "2026-01-01T00:02:00.000Z");
  assert.equal(job?.estimated_completion, job?.estimated_completion_at);
  // Longer than usual: from its speed, a quarter in 90 s.
  w.clock.advance(90_000);
  const [slow] = (await w.schedules.scheduler.status(caller())).current_jobs;
  assert.equal(slow?.estimated_completion_at, "2026-01-01T00:07:00.000Z");
  usual.open();
  await w.schedules.idle();
});

Deno.test("a running run is cancelled politely, a waiting one never starts", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 1;
  w.backups.work = (_request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await create(w, { name: "a" });
  await create(w, { name: "b" });
  const [a, b] = [await trigger(w, "a"), await trigger(w, "b")];
  await until(() => w.backups.made.length === 1);
  const ada = caller({ name: "ada" });
  assert.equal((await w.schedules.cancel(b, ada)).outcome, "cancelled");
  const log = await w.schedules.cancel(a, ada);
  assert.deepEqual([log.status, log.outcome, log.error_message], [
    "cancelled",
    "cancelled",
    "cancelled by ada",
  ]);
  await w.schedules.idle();
  assert.equal(w.backups.made.length, 1);
  await assert.rejects(w.schedules.cancel(a, ada), { kind: "conflict" });
});

Deno.test("an engine that ignores its cancellation is left behind, and the run ends", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.backups.work = () => new Promise(() => {});
  await create(w);
  const runId = await trigger(w);
  await until(() => w.backups.made.length === 1);
  const cancelled = w.schedules.cancel(runId, caller({ name: "ada" }));
  await until(() => w.clock.sleeping > 0);
  w.clock.advance(30_000);
  const log = await cancelled;
  assert.equal(log.outcome, "cancelled");
  assert.match(log.error_message ?? "", /left behind/);
});

Deno.test("a shutdown waits for runs, then interrupts them, and starts nothing that waits", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_concurrent_runs = 1;
  w.backups.work = (_request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await create(w, { name: "a" });
  await create(w, { name: "b" });
  w.clock.set("2026-01-01T00:01:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 1);
  const down = w.schedules.shutdown();
  await until(() => w.clock.sleeping > 0);
  await assert.rejects(w.schedules.trigger("a", caller()), { kind: "unavailable" });
  w.clock.advance(60_000);
  await down;
  assert.deepEqual((await w.ledger()).sort(), [
    "2026-01-01T00:01 missed interrupted Holdfast stopped before the run began",
    "2026-01-01T00:01 ran interrupted Holdfast was stopped during the run",
  ]);
});

Deno.test("following a run yields its lines once and in order, and ends with the result", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  const { promise, open } = gate();
  w.backups.work = async (_request, context) => {
    for (let i = 1; i <= 5; i++) context.log("info", `early ${i}`);
    await promise;
    context.progress({ phase: "read", done_bytes: 1, total_bytes: 2, done_items: 1 });
    for (let i = 1; i <= 3000; i++) context.log("info", `late ${i}`);
  };
  w.settings.max_log_lines = 10_000;
  const runId = await trigger(w);
  await until(() => w.backups.made.length === 1);
  const events: RunEvent[] = [];
  for await (const event of w.schedules.runs.follow(runId, caller())) {
    events.push(event);
    if (events.length === 6) open();
  }
  const lines = events.filter((event) => event.type === "line");
  assert.equal(lines.length, 3006);
  assert.ok(lines.every((line, index) => line.seq === index + 1));
  const last = events.at(-1);
  assert.ok(last?.type === "result" && last.log.status === "success");
  assert.equal(events.filter((event) => event.type === "result").length, 1);
  // Afterwards the same lines come from the store.
  const again = await follow(w, runId);
  assert.deepEqual(again.filter((event) => event.type === "line"), lines);
});

Deno.test("an endless log keeps its beginning and its end, and counts what is left out", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.settings.max_log_lines = 100;
  await create(w);
  w.backups.work = async (_request, context) => {
    for (let round = 0; round < 5; round++) {
      for (let i = 1; i <= 1000; i++) context.log("info", `line ${round * 1000 + i}`);
      w.clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    context.log("info", "x".repeat(5000));
  };
  const runId = await trigger(w);
  await w.schedules.idle();
  const rows = await w.tables.selectFrom("run_lines").selectAll().where("run_id", "=", runId).orderBy("seq")
    .execute();
  assert.equal(rows.length, 100);
  assert.equal(rows[0]?.text, "line 1");
  assert.equal(rows[49]?.text, "line 50");
  assert.equal(rows[50]?.text, "(4903 lines left out: a run keeps 100)");
  assert.equal(rows[51]?.text, "line 4954");
  assert.match(rows.at(-2)!.text, /^x{4000}… \(cut\)$/);
});

Deno.test("a page of logs counts exactly and reaches every run from either end", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { name: "a" });
  await create(w, { name: "b", server_id: 2, engine: "archive", engine_options: { sources: ["/srv"] } });
  for (let i = 0; i < 12; i++) {
    w.backups.work = () => i % 3 === 0 ? Promise.reject(new Error("bad")) : Promise.resolve();
    await trigger(w, i < 8 ? "a" : "b");
    await w.schedules.idle();
    w.clock.advance(1000);
  }
  const all = await w.schedules.runs.list({ limit: 100, offset: 0 }, caller());
  assert.equal(all.total, 12);
  const paged = [];
  for (let offset = 0; offset < 12; offset += 5) {
    const page = await w.schedules.runs.list({ limit: 5, offset }, caller());
    assert.deepEqual([page.total, page.page, page.size], [12, offset / 5 + 1, 5]);
    paged.push(...page.logs);
  }
  assert.deepEqual(paged, all.logs);
  assert.deepEqual(all.logs, all.logs.toSorted((x, y) => x.started_at < y.started_at ? 1 : -1));
  const list = (input: object, as = {}) =>
    w.schedules.runs.list({ limit: 3, offset: 0, ...input }, caller(as));
  assert.equal((await list({ schedule_id: "b" })).total, 4);
  assert.equal((await list({ server_id: "web-1" })).total, 8);
  assert.equal((await list({}, { servers: [2] })).total, 4);
  assert.equal((await list({}, { servers: [] })).total, 0);
  assert.deepEqual((await list({ offset: 50 })).logs, []);
  await assert.rejects(list({ server_id: 1 }, { servers: [2] }), { kind: "forbidden" });
});

Deno.test("pages of a history of many days are the parts of the whole, with runs under way and some forgotten", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { name: "a" });
  await create(w, { name: "b", server_id: 2, engine: "archive", engine_options: { sources: ["/srv"] } });
  for (let i = 0; i < 24; i++) {
    await trigger(w, i % 3 === 0 ? "b" : "a");
    await w.schedules.idle();
    w.clock.advance(7 * 3_600_000);
  }
  w.backups.work = () => new Promise(() => {});
  await trigger(w, "a");
  await until(() => w.schedules.runner.active.size === 1);
  await w.schedules.prune({ runs: Date.parse("2026-01-02T12:00:00Z"), run_lines: null });

  for (const servers of [null, [1], [2]]) {
    const list = (limit: number, offset: number) =>
      w.schedules.runs.list({ limit, offset }, caller({ servers }));
    const all = await list(100, 0);
    assert.equal(all.total, all.logs.length);
    const paged = [];
    for (let offset = 0; offset < all.total; offset += 2) paged.push(...(await list(2, offset)).logs);
    assert.deepEqual(paged, all.logs);
  }
  const days = await w.tables.selectFrom("run_days").selectAll().orderBy("day").orderBy("server_id")
    .execute();
  const ended = await w.tables.selectFrom("runs").selectAll().where("status", "!=", "running").execute();
  const counted = Map.groupBy(ended, (run) => `${run.started_at.slice(0, 10)} ${run.server_id}`);
  assert.deepEqual(
    days.map(({ day, server_id, runs }) => [`${day} ${server_id}`, runs]),
    [...counted].map(([key, runs]) => [key, runs.length]).sort(),
  );
});

Deno.test("pruning forgets old runs and their lines, keeps the counts exact and the ledger whole", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  await w.live("2026-01-01T00:05:00Z");
  const before = Date.parse("2026-01-01T00:03:30Z");
  assert.deepEqual(await w.schedules.prune({ runs: null, run_lines: before }), { runs: 0, run_lines: 3 });
  assert.deepEqual(await w.schedules.prune({ runs: before, run_lines: before }), { runs: 3, run_lines: 0 });
  assert.equal((await w.schedules.runs.list({ limit: 20, offset: 0 }, caller())).total, 2);
  assert.equal((await w.ledger()).length, 5);
  assert.equal((await w.chain()).ok, true);
});

Deno.test("listeners hear of each start with its delay and of each end", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const heard: unknown[] = [];
  w.schedules.runner.listen({
    started: (_run, delay) => heard.push(["started", delay]),
    finished: (run) => heard.push(["finished", run.outcome]),
  });
  await create(w);
  w.clock.set("2026-01-01T00:01:03Z");
  await w.schedules.tick();
  await w.schedules.idle();
  assert.deepEqual(heard, [["started", 3], ["finished", "success"]]);
});

Deno.test("a ledger row that is altered or removed breaks the chain by name", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { id } = await create(w);
  await w.live("2026-01-01T00:03:00Z");
  await w.tables.updateTable("occurrences").set({ outcome: "skipped" }).where(
    "due_at",
    "=",
    "2026-01-01T00:01:00.000Z",
  )
    .execute();
  await w.tables.deleteFrom("occurrences").where("due_at", "=", "2026-01-01T00:02:00.000Z").execute();
  const { problems } = await w.chain();
  assert.deepEqual(problems.map((problem) => [problem.ref, problem.problem]), [
    [`1:${id}:2026-01-01T00:01:00.000Z`, "the row was altered"],
    [`2:${id}:2026-01-01T00:02:00.000Z`, "the row is gone"],
  ]);
});

Deno.test("a run that fails is logged as a warning with its schedule and reason, one that succeeds is not", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { kept: (record) => void records.push(record) },
    loggers: [
      { category: ["holdfast"], lowestLevel: "warning", sinks: ["kept"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["kept"] },
    ],
  });
  try {
    await using w = await world("2026-01-01T00:00:30Z");
    const { id } = await create(w);
    await trigger(w);
    await w.schedules.idle();
    assert.equal(records.length, 0);
    w.backups.work = () => Promise.reject(new HoldfastError("invalid", "Cannot read source: it is gone"));
    const run = await trigger(w);
    await w.schedules.idle();
    assert.deepEqual(records.map(({ level, message }) => [level, message.join("")]), [
      ["warning", `Run ${run} of schedule ${id} ended: failed, Cannot read source: it is gone`],
    ]);
  } finally {
    await reset();
  }
});
