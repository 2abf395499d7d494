import assert from "node:assert/strict";
import { join } from "node:path";
import type { Caller } from "../../src/lib/operation.ts";
import type { BackupScheduleLog, ScheduleUpdate } from "../../src/schedules/model.ts";
import { caller } from "../support/store.ts";
import { heldBytes } from "../support/memory.ts";
import { create, schedule, until, type World, world } from "./support.ts";

/** Runs the schedule by hand and gives its log, lines without their instants. */
async function run(w: World, name = "nightly"): Promise<BackupScheduleLog & { lines: string[] }> {
  const { run_id } = await w.schedules.trigger(name, caller());
  await w.schedules.idle();
  const log = await w.schedules.runs.get(run_id, caller());
  return { ...log, lines: (log.logs ?? []).map((line) => line.slice(25)) };
}

/** A web server on this host that answers as told and keeps what it was sent. */
function receiver(answer: () => Response | Promise<Response> = () => new Response("thanks")) {
  const received: Record<string, unknown>[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    received.push({ path: new URL(request.url).pathname, ...await request.json() });
    return await answer();
  });
  return {
    received,
    url: `http://127.0.0.1:${server.addr.port}/ping/nightly`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("hooks are called around a backup, with what is known of it", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const file = join(w.dir, "calls");
  const note = `echo "$HOLDFAST_EVENT $HOLDFAST_SCHEDULE $HOLDFAST_SERVER $HOLDFAST_ATTEMPT ` +
    `$HOLDFAST_OUTCOME $HOLDFAST_BACKUP_ID" >> ${file}`;
  w.backups.work = async () => assert.match(await Deno.readTextFile(file), /^before/);
  await create(w, { hook_before: note, hook_after: `${note}; echo done`, hook_on_failure: note });
  const log = await run(w);
  assert.equal(log.outcome, "success");
  assert.deepEqual((await Deno.readTextFile(file)).split("\n"), [
    "before nightly web-1 1  ",
    `after nightly web-1 1 success b-${log.id}`,
    "",
  ]);
  assert.ok(log.lines.includes("after-hook: done"));
});

Deno.test("a before-hook that fails keeps the backup from being made, and the instant is refused with its words", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const file = join(w.dir, "calls");
  await create(w, {
    hook_before: "echo 'cannot freeze the table' >&2; exit 3",
    hook_after: `echo "$HOLDFAST_EVENT $HOLDFAST_OUTCOME" >> ${file}`,
    hook_on_failure: `echo "$HOLDFAST_EVENT $HOLDFAST_ERROR" >> ${file}`,
  });
  await w.live("2026-01-01T00:01:00Z");
  assert.equal(w.backups.made.length, 0);
  const reason = "the before-hook failed: it ended with 3: cannot freeze the table";
  assert.deepEqual(await w.ledger(), [`2026-01-01T00:01 refused refused ${reason}`]);
  assert.equal(await Deno.readTextFile(file), `failure ${reason}\nafter refused\n`);
});

Deno.test("a hook that fails afterwards is a warning, the backup is made all the same", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { hook_after: "exit 1" });
  const log = await run(w);
  assert.deepEqual([log.outcome, log.warning_count], ["success", 1]);
  assert.ok(log.lines.includes("warning: the after-hook failed: it ended with 1"));
});

Deno.test("a before-hook that fails is tried again with the attempt", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const file = join(w.dir, "calls");
  await create(w, { hook_before: `echo x >> ${file}; test $HOLDFAST_ATTEMPT = 2`, retries: 1 });
  await w.live("2026-01-01T00:02:00Z");
  assert.equal((await w.ledger())[0], "2026-01-01T00:01 ran success");
});

Deno.test("a hook that hangs is ended with everything it started, and the reason is its time", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const file = join(w.dir, "pids");
  await create(w, {
    hook_before: `sleep 1000 & echo $! > ${file}; sleep 1000`,
    hook_timeout_seconds: 2,
  });
  const log = await run(w);
  assert.equal(log.outcome, "refused");
  assert.match(log.error_message ?? "", /the before-hook failed: .*did not end within 2s$/);
  const pid = (await Deno.readTextFile(file)).trim();
  await until(async () =>
    !(await new Deno.Command("kill", { args: ["-0", pid], stderr: "null" }).output()).success
  );
});

Deno.test("a cancel ends the hook that runs and everything it started", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const file = join(w.dir, "pids");
  await create(w, { hook_before: `sleep 1000 & echo $! > ${file}; wait` });
  const { run_id } = await w.schedules.trigger("nightly", caller());
  const pid = async () => (await Deno.readTextFile(file).catch(() => "")).trim();
  await until(async () => await pid() !== "");
  const log = await w.schedules.cancel(run_id, caller({ name: "ada" }));
  assert.deepEqual([log.outcome, log.error_message], ["cancelled", "cancelled by ada"]);
  const alive = new Deno.Command("kill", { args: ["-0", await pid()], stderr: "null" });
  await until(async () => !(await alive.output()).success);
});

Deno.test("a hook that prints a hundred megabytes fills neither memory nor the log, and the cut is marked", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { hook_before: "yes 'a line of forty characters, as logs have' | head -c 104857600" });
  const before = heldBytes();
  const log = await run(w);
  assert.equal(log.outcome, "success");
  assert.ok(log.lines.length <= 1000);
  assert.ok(log.lines.some((line) => /lines left out/.test(line)));
  const grown = heldBytes() - before;
  assert.ok(grown < 100 * 1024 * 1024, `${grown} bytes`);
});

Deno.test("an address is sent the facts, and anything but success is a failure", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  let status = 200;
  await using hook = receiver(() => new Response("no", { status }));
  await create(w, { hook_before: hook.url, hook_on_failure: hook.url, hook_after: hook.url });
  const good = await run(w);
  assert.equal(good.outcome, "success");
  assert.deepEqual(hook.received.map((body) => [body.path, body.event, body.outcome]), [
    ["/ping/nightly", "before", null],
    ["/ping/nightly", "after", "success"],
  ]);
  assert.deepEqual([hook.received[1]?.run_id, hook.received[1]?.backup_id], [good.id, `b-${good.id}`]);
  status = 503;
  const bad = await run(w);
  assert.equal(bad.outcome, "refused");
  assert.match(bad.error_message ?? "", /the before-hook failed: .*it answered 503/);
});

Deno.test("an address that does not answer is given up after its time", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using hook = receiver(() => promise);
  await create(w, { hook_before: hook.url, hook_timeout_seconds: 1 });
  const log = await run(w);
  resolve(new Response("late"));
  assert.equal(log.outcome, "refused");
  assert.match(log.error_message ?? "", /^the before-hook failed: /);
});

Deno.test("a hook that an operator set over the network reaches public addresses only", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await using hook = receiver();
  const operator = caller({ kind: "user", id: 7, name: "ada", role: "operator", on_host: false });
  await w.schedules.create(schedule({ hook_before: hook.url }), operator);
  const log = await run(w);
  assert.equal(log.outcome, "refused");
  assert.match(log.error_message ?? "", /127\.0\.0\.1 is not a public address/);
  assert.deepEqual(hook.received, []);
  // Somebody who may reach it sets it anew.
  await w.schedules.update("nightly", { hook_before: null }, caller());
  await w.schedules.update("nightly", { hook_before: hook.url }, caller());
  assert.equal((await run(w)).outcome, "success");
});

Deno.test("nobody's hook reaches the addresses where clouds keep credentials", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w, { hook_before: "http://169.254.169.254/latest/meta-data" });
  assert.match((await run(w)).error_message ?? "", /169\.254\.169\.254 is not/);
});

Deno.test("commands need an admin and the setting, when they are set and when they run", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const as = (role: Caller["role"]) => caller({ kind: "user", id: 7, name: "ada", role, on_host: false });
  const update = (input: ScheduleUpdate, role: Caller["role"]) =>
    w.schedules.update("nightly", input, as(role));
  await create(w);
  await assert.rejects(update({ hook_before: "true" }, "operator"), {
    kind: "forbidden",
    message: "Cannot use hook_before: it runs a command, which needs role admin",
  });
  await update({ hook_before: "true" }, "admin");
  // What it does not touch an operator may still change.
  await update({ retries: 1 }, "operator");
  await assert.rejects(update({ hook_after: "https://example.org/ping" }, "operator"), { kind: "forbidden" });
  w.settings.allow_commands = false;
  await assert.rejects(update({ hook_after: "true" }, "admin"), {
    kind: "forbidden",
    message: "Cannot use hook_before: it runs a command",
  });
  const log = await run(w);
  assert.deepEqual([log.outcome, log.error_message], [
    "refused",
    "the before-hook failed: Cannot use hook_before: it runs a command",
  ]);
  await assert.rejects(update({ hook_before: "https://ada:secret@example.org" }, "admin"), {
    message: "Cannot use hook_before: an address must not hold a login",
  });
});

Deno.test("what programs of a schedule may use is told to its engine", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const seen: unknown[] = [];
  w.backups.work = (_request, context) => Promise.resolve(void seen.push(context.caps));
  await create(w, { name: "free" });
  await create(w, {
    name: "capped",
    nice: 10,
    io_class: "idle",
    memory_max_bytes: 1 << 28,
    cpu_max_percent: 50,
  });
  await run(w, "free");
  await run(w, "capped");
  assert.deepEqual(seen, [undefined, {
    nice: 10,
    io_class: "idle",
    memory_max_bytes: 268435456,
    cpu_max_percent: 50,
  }]);
});
