/** The published contract of the backup scheduler, as a client that was written against it uses it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { lateAnswer } from "../support/late_answer.ts";
import { world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const BASE = "/api/v1/backup-scheduler";
/** A Sunday. */
const START = "2030-01-06T10:30:00.000Z";

/** Published fields of a schedule; more may be there. */
const SCHEDULE_FIELDS = {
  id: "string",
  server_id: "number",
  name: "string",
  description: "string",
  enabled: "boolean",
  cron_expression: "string",
  interval_hours: "number",
  max_backups: "number",
  only_when_running: "boolean",
  backup_type: "string",
  created_at: "string",
  updated_at: "string",
  created_by: "number",
  next_run_at: "string",
} as const;

/** An application with a server and a client that is an operator. */
async function client(clock = new FakeClock(START)) {
  const t = await testApp({}, clock);
  const token = await t.keyFor("operator");
  const { id: server_id } = await t.local("POST", "/api/v1/servers", { name: "web-1", host: "127.0.0.1" });
  const call = (method: string, path: string, json?: unknown) =>
    t.request(method, `${BASE}${path}`, { token, json });
  const make = async (fields: object = {}) => {
    const answer = await call("POST", "/schedules", {
      server_id,
      name: "nightly",
      interval_hours: 24,
      ...fields,
    });
    assert.equal(answer.status, 201, await answer.clone().text());
    return await answer.json();
  };
  return { t, token, server_id, call, make, clock, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

Deno.test("a schedule made of the published fields alone comes back with all of them, and says why it cannot run", async () => {
  await using c = await client();
  const made = await c.make({
    description: "all of it",
    interval_hours: 6,
    enabled: true,
    max_backups: 5,
    only_when_running: false,
    backup_type: "scheduled",
  });
  for (const [name, type] of Object.entries(SCHEDULE_FIELDS)) assert.equal(typeof made[name], type, name);
  assert.equal(made.cron_expression, "0 */6 * * *");
  assert.equal(made.interval_hours, 6);
  assert.equal(made.next_run_at, "2030-01-06T12:00:00.000Z");
  assert.match(made.problem, /no engine/);
  assert.equal(made.last_run_at, null);
  assert.equal(made.created_at, START);
});

Deno.test("defaults are the published ones", async () => {
  await using c = await client();
  const made = await c.make();
  assert.equal(made.max_backups, 7);
  assert.equal(made.enabled, true);
  assert.equal(made.only_when_running, true);
  assert.equal(made.backup_type, "scheduled");
  assert.equal(made.description, null);
  assert.equal(made.timezone, "UTC");
});

Deno.test("the table between hours and expressions is the published one, both ways", async () => {
  await using c = await client();
  const table = [[1, "0 * * * *"], [6, "0 */6 * * *"], [12, "0 */12 * * *"], [24, "0 0 * * *"], [
    48,
    "0 0 */2 * *",
  ], [168, "0 0 * * 0"]] as const;
  for (const [hours, cron] of table) {
    assert.equal((await c.make({ name: `h${hours}`, interval_hours: hours })).cron_expression, cron);
    const read = await c.make({ name: `c${hours}`, interval_hours: undefined, cron_expression: cron });
    assert.equal(read.interval_hours, hours);
  }
  const readBack = [["0 */3 * * *", 3], ["0 0 */5 * *", 120], ["30 2 * * *", null], [
    "0 2 * * 1",
    null,
  ]] as const;
  for (const [cron, hours] of readBack) {
    const read = await c.make({ name: cron, interval_hours: undefined, cron_expression: cron });
    assert.equal(read.interval_hours, hours, cron);
  }
  const list = await (await c.call("GET", "/intervals")).json();
  assert.deepEqual(
    list.map((
      { hours, cron_expression }: { hours: number; cron_expression: string },
    ) => [hours, cron_expression]),
    table,
  );
  assert.ok(list.every(({ label }: { label: string }) => label.length > 0));
});

Deno.test("an expression wins over hours, and other hours count from creation", async () => {
  await using c = await client();
  const both = await c.make({ cron_expression: "15 3 * * *", interval_hours: 6 });
  assert.equal(both.cron_expression, "15 3 * * *");
  assert.equal(both.next_run_at, "2030-01-07T03:15:00.000Z");
  const odd = await c.make({ name: "odd", interval_hours: 5 });
  assert.equal(odd.next_run_at, "2030-01-06T15:30:00.000Z");
  assert.equal(odd.interval_hours, 5);
});

Deno.test("lists are bare arrays, filtered by server id", async () => {
  await using c = await client();
  assert.deepEqual(await (await c.call("GET", "/schedules")).json(), []);
  const { id: other } = await c.t.local("POST", "/api/v1/servers", { name: "web-2", host: "127.0.0.1" });
  await c.make();
  await c.make({ server_id: other });
  assert.equal((await (await c.call("GET", "/schedules")).json()).length, 2);
  const filtered = await (await c.call("GET", `/schedules?server_id=${other}`)).json();
  assert.deepEqual(filtered.map((one: { server_id: number }) => one.server_id), [other]);
  await problemOf(await c.call("GET", "/schedules?server_id=99"), 404);
});

Deno.test("one schedule is read, changed in part, switched off and on, and deleted with an empty answer", async () => {
  await using c = await client();
  const { id } = await c.make();
  const read = await c.call("GET", `/schedules/${id}`);
  assert.equal(read.status, 200);
  assert.equal((await read.json()).name, "nightly");

  const changed = await c.call("PUT", `/schedules/${id}`, { name: "weekly", interval_hours: 168 });
  assert.equal(changed.status, 200);
  const after = await changed.json();
  assert.deepEqual([after.name, after.cron_expression, after.max_backups], ["weekly", "0 0 * * 0", 7]);
  assert.equal(after.id, id);

  const off = await c.call("POST", `/schedules/${id}/disable`);
  assert.equal(off.status, 200);
  const disabled = await off.json();
  assert.deepEqual([disabled.enabled, disabled.next_run_at], [false, null]);
  const on = await c.call("POST", `/schedules/${id}/enable`, {});
  assert.deepEqual((await on.json()).next_run_at, "2030-01-13T00:00:00.000Z");

  const gone = await c.call("DELETE", `/schedules/${id}`);
  assert.equal(gone.status, 204);
  assert.equal(await gone.text(), "");
  assert.equal(gone.headers.get("content-type"), null);
  await problemOf(await c.call("GET", `/schedules/${id}`), 404);
  await problemOf(await c.call("DELETE", `/schedules/${id}`), 404);
  await c.make({ name: "weekly" });
});

Deno.test("a name is taken once per server: 409, and nothing changes", async () => {
  await using c = await client();
  const { id } = await c.make();
  const body = { server_id: c.server_id, name: "nightly", interval_hours: 1 };
  const problem = await problemOf(await c.call("POST", "/schedules", body), 409);
  assert.match(problem.detail, /"nightly".*"web-1"/);
  const { id: second } = await c.make({ name: "second" });
  await problemOf(await c.call("PUT", `/schedules/${second}`, { name: "nightly" }), 409);
  assert.equal((await (await c.call("GET", `/schedules/${second}`)).json()).name, "second");
  const { id: other } = await c.t.local("POST", "/api/v1/servers", { name: "web-2", host: "127.0.0.1" });
  await c.make({ server_id: other });
  const ambiguous = await problemOf(await c.call("GET", "/schedules/nightly"), 409);
  assert.match(ambiguous.detail, /web-1\/nightly, web-2\/nightly/);
  const named = await c.call("GET", `/schedules/${encodeURIComponent("web-1/nightly")}`);
  assert.equal((await named.json()).id, id);
});

Deno.test("what cannot be is refused with the field and the reason, and nothing is made", async () => {
  await using c = await client();
  const good = { server_id: c.server_id, name: "nightly", interval_hours: 24 };
  const rows = [
    [{ name: "" }, 400, "name"],
    [{ name: "   " }, 400, "name"],
    [{ name: "x".repeat(101) }, 400, "name"],
    [{ name: undefined }, 400, "name"],
    [{ description: "x".repeat(501) }, 400, "description"],
    [{ max_backups: 0 }, 400, "max_backups"],
    [{ max_backups: 101 }, 400, "max_backups"],
    [{ max_backups: 2.5 }, 400, "max_backups"],
    [{ interval_hours: 0 }, 400, "interval_hours"],
    [{ interval_hours: -1 }, 400, "interval_hours"],
    [{ interval_hours: undefined }, 400, "cron_expression"],
    [{ cron_expression: "" }, 400, "cron_expression"],
    [{ cron_expression: "* * * *" }, 400, "cron_expression"],
    [{ cron_expression: "61 * * * *" }, 400, "cron_expression"],
    [{ cron_expression: "0 0 30 2 *" }, 400, "cron_expression"],
    [{ timezone: "Europe/Pari" }, 400, "timezone"],
    [{ backup_type: "weekly" }, 400, "backup_type"],
    [{ enabled: "maybe" }, 400, "enabled"],
    [{ server_id: 99 }, 404, ""],
    [{ server_id: null }, 400, "server_id"],
    [{ engine: "zip" }, 400, "engine"],
    [{ engine_options: { sources: ["/srv"] } }, 400, "engine"],
  ] as const;
  for (const [fields, status, path] of rows) {
    const problem = await problemOf(await c.call("POST", "/schedules", { ...good, ...fields }), status);
    if (path !== "") {
      assert.deepEqual(problem.errors.map((error) => error.path), [path], JSON.stringify(fields));
    }
  }
  assert.deepEqual(await (await c.call("GET", "/schedules")).json(), []);
});

Deno.test("trigger answers 202 with the run, and what cannot start becomes a failed log with the reason", async () => {
  await using c = await client();
  const { id } = await c.make();
  const answer = await c.call("POST", `/schedules/${id}/trigger`);
  assert.equal(answer.status, 202);
  const { run_id, schedule_id, status } = await answer.json();
  assert.deepEqual([schedule_id, status], [id, "running"]);
  await c.t.app.services.schedules.idle();
  const log = await (await c.call("GET", `/logs/${run_id}`)).json();
  assert.deepEqual([log.status, log.outcome, log.schedule_id], ["failed", "refused", id]);
  assert.match(log.error_message, /no engine/);
  await c.call("POST", `/schedules/${id}/disable`);
  assert.match((await problemOf(await c.call("POST", `/schedules/${id}/trigger`), 409)).detail, /disabled/);
  await problemOf(await c.call("POST", "/schedules/nothing/trigger"), 404);
});

Deno.test("a run's log, its backup and the pages of logs have the published fields", async () => {
  await using w = await world();
  const token = await w.keyFor("operator");
  const get = async (path: string) => {
    const answer = await w.request("GET", path, { token });
    assert.equal(answer.status, 200);
    return await answer.json();
  };
  const log = await get(`${BASE}/logs/${w.own.log}`);
  assert.deepEqual([log.id, log.schedule_id, log.server_id, log.backup_id], [
    w.own.log,
    w.own.schedule,
    w.own.id,
    w.own.backup,
  ]);
  assert.equal(log.status, "success");
  assert.equal(log.error_message, null);
  assert.ok(log.duration_seconds >= 0 && log.backup_size_bytes > 0 && Array.isArray(log.logs));
  assert.ok(Date.parse(log.completed_at) >= Date.parse(log.started_at));

  await w.run(w.own.schedule);
  const page = await get(`${BASE}/logs`);
  assert.deepEqual(Object.keys(page).sort(), ["logs", "page", "size", "total"]);
  assert.deepEqual([page.total, page.page, page.size, page.logs.length], [3, 1, 20, 3]);
  const second = await get(`${BASE}/logs?limit=2&offset=2`);
  assert.deepEqual([second.total, second.page, second.size, second.logs.length], [3, 2, 2, 1]);
  assert.equal((await get(`${BASE}/logs?schedule_id=${w.own.schedule}`)).total, 2);
  assert.equal((await get(`${BASE}/logs?server_id=${w.foreign.id}`)).total, 1);
  assert.equal((await get(`${BASE}/logs?offset=50`)).logs.length, 0);
  await problemOf(await w.request("GET", `${BASE}/logs/none`, { token }), 404);

  const backups = await get("/api/v1/backups");
  assert.ok(Array.isArray(backups) && backups.length === 3);
  const backup = await get(`/api/v1/backups/${w.own.backup}`);
  assert.deepEqual([backup.id, backup.backup_id, backup.server_id], [w.own.backup, w.own.backup, w.own.id]);
  assert.equal(backup.file_path, backup.path);
  assert.equal(backup.backup_type, "manual");
  assert.equal((await Deno.stat(backup.file_path)).size, backup.size_bytes);

  await w.local("DELETE", `${BASE}/schedules/${w.own.schedule}`);
  assert.equal((await get(`${BASE}/logs/${w.own.log}`)).status, "success");
  assert.equal((await get(`${BASE}/logs?schedule_id=${w.own.schedule}`)).total, 2);
  assert.equal((await get("/api/v1/backups")).length, 3);
});

Deno.test("what was due is run and accounted for, and a limited caller sees the ledger of its servers only", async () => {
  const clock = new FakeClock(Date.now());
  await using w = await world({}, clock);
  await w.schedule(w.own, { name: "mine", cron_expression: "* * * * *" });
  await w.schedule(w.foreign, { name: "theirs", cron_expression: "* * * * *" });
  clock.advance(60_000);
  await w.app.services.schedules.tick();
  await w.app.services.schedules.idle();
  const ledger = async (token: string) => await (await w.request("GET", `${BASE}/ledger`, { token })).json();
  const all = await ledger(await w.keyFor("user"));
  assert.deepEqual(
    all.map((line: Record<string, unknown>) => [line.schedule_name, line.outcome, line.result]).sort(),
    [["mine", "ran", "success"], ["theirs", "ran", "success"]],
  );
  const mine = await ledger(await w.keyFor("user", [w.own.id]));
  assert.deepEqual(mine.map((line: { schedule_name: string }) => line.schedule_name), ["mine"]);
});

Deno.test("the scheduler's status lists its jobs, under both names of the estimate", async () => {
  await using w = await world({ "servers.check_timeout_seconds": "300" });
  const token = await w.keyFor("user");
  const status = async () => await (await w.request("GET", `${BASE}/scheduler/status`, { token })).json();
  const idle = await status();
  assert.deepEqual([idle.running, idle.current_jobs, idle.total_schedules, idle.active_schedules], [
    true,
    [],
    2,
    2,
  ]);
  await using late = lateAnswer();
  const running_check = { kind: "http", url: late.url };
  await w.local("PUT", `/api/v1/servers/${w.own.id}`, { running_check });
  const schedule = await w.schedule(w.own, { name: "waits" });
  const { run_id } = await w.local("POST", `${BASE}/schedules/${schedule}/trigger`);
  const { current_jobs } = await status();
  assert.equal(current_jobs.length, 1);
  const [job] = current_jobs;
  assert.deepEqual([job.id, job.schedule_id, job.schedule_name, job.server_id, job.status], [
    run_id,
    schedule,
    "waits",
    w.own.id,
    "running",
  ]);
  for (
    const field of ["started_at", "progress_percentage", "estimated_completion", "estimated_completion_at"]
  ) {
    assert.ok(field in job, field);
  }
  await problemOf(
    await w.request("POST", `${BASE}/schedules/${schedule}/trigger`, { token: await w.keyFor("operator") }),
    409,
  );
});

Deno.test("only administrators start and stop the scheduler; a stop is remembered and says so", async () => {
  await using c = await client();
  for (const verb of ["start", "stop", "restart"]) {
    await problemOf(await c.call("POST", `/scheduler/${verb}`), 403);
  }
  const admin = await c.t.keyFor("admin");
  for (const verb of ["stop", "stop", "start", "restart"]) {
    const answer = await c.t.request("POST", `${BASE}/scheduler/${verb}`, { token: admin });
    assert.equal(answer.status, 200);
    assert.ok(Array.isArray((await answer.json()).current_jobs));
  }
});

Deno.test("coming instants are told in local time and UTC, with what the clocks do to them", async () => {
  await using c = await client(new FakeClock("2030-03-30T12:00:00.000Z"));
  const { id } = await c.make({ cron_expression: "30 2 * * *", timezone: "Europe/Paris" });
  const coming = await (await c.call("GET", `/schedules/${id}/next?count=3`)).json();
  assert.deepEqual(coming.map((one: { due_at: string }) => one.due_at), [
    "2030-03-31T01:00:00.000Z",
    "2030-04-01T00:30:00.000Z",
    "2030-04-02T00:30:00.000Z",
  ]);
  assert.ok(
    /02:30 does not exist/.test(coming[0].note) && coming[1].note === undefined,
    JSON.stringify(coming),
  );
});

Deno.test("a destination inside a source, a missing source and relative paths are refused", async () => {
  await using w = await world();
  const token = await w.keyFor("operator");
  const data = join(w.files, "data");
  for (
    const engine_options of [
      { sources: [data], destination: join(data, "backups") },
      { sources: [join(w.files, "absent")], destination: join(w.files, "backups") },
      { sources: ["data"], destination: join(w.files, "backups") },
      { sources: [], destination: join(w.files, "backups") },
      { sources: [data] },
    ]
  ) {
    const json = { server_id: 1, name: "wrong", interval_hours: 1, engine: "archive", engine_options };
    const problem = await problemOf(await w.request("POST", `${BASE}/schedules`, { token, json }), 400);
    assert.ok(problem.errors.every(({ path }) => path.startsWith("engine_options")), JSON.stringify(problem));
  }
});
