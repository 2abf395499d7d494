/** Jobs of Veeam servers that are expected: judged by what the daemon has read of them, and not before it has. */
import assert from "node:assert/strict";
import { decideSessions } from "../../src/monitor/veeam.ts";
import { Database } from "../../src/store/mod.ts";
import { SyncedJobs } from "../../src/veeam/mod.ts";
import { MonitorConfig } from "../../src/monitor/config.ts";
import { JobCreate } from "../../src/monitor/model.ts";
import { Monitor } from "../../src/monitor/mod.ts";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { sessionRow } from "../support/veeam/session.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const JOB = {
  veeam_job: "daily vms",
  cron_expression: "0 6 * * *",
  timezone: "Europe/Paris",
  grace_seconds: 0,
};

/** Without alerts what is told is what is expected; with them the slice tells of its server as well. */
async function site(start: string, alerts = false) {
  const clock = new FakeClock(start);
  const fake = new FakeVeeam({ clock, sessions: 0 });
  const served = fake.serve();
  const app = await testApp(
    {
      "veeam.alerts": String(alerts),
      VEEAM_HOST: served.url,
      VEEAM_USER: fake.user,
      VEEAM_PASSWORD: fake.password,
    },
    clock,
  );
  const { monitor, veeamSync } = app.app.services;
  return {
    clock,
    fake,
    app,
    local: app.local,
    sync: () => veeamSync.run({}),
    tick: () => monitor.tick(),
    /** Reads the server at an instant, and judges. */
    at: async (instant: string) => {
      clock.set(instant);
      await veeamSync.run({});
      await monitor.tick();
    },
    /** A session of a job, as Veeam would have it at the end. */
    session: (created: string, minutes: number, result: string, job = 1) =>
      fake.addSession({
        job,
        created: Date.parse(created),
        ended: Date.parse(created) + minutes * MINUTE,
        result,
      }),
    /** What became of the due instants, the newest first. */
    entries: async (job: number) =>
      (await app.local("GET", `/api/v1/entries/by_job/${job}`)).map((
        { due_at, status, message }: Record<string, string>,
      ) => `${due_at!.slice(5, 16)} ${status}: ${message}`),
    findings: async () =>
      (await app.local("GET", "/api/v1/monitor/findings")).map((
        { code, subject_name }: Record<string, string>,
      ) => `${code} ${subject_name}`),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a Veeam job is expected by a time of the wall clock, and each instant ends with one entry", async () => {
  await using w = await site("2026-03-27T12:00:00Z");
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", JOB);
  assert.deepEqual([job.way, job.name, job.veeam_server, job.veeam_job], [
    "veeam",
    "Daily VMs",
    "default",
    "Daily VMs",
  ]);
  assert.equal(job.next_due_at, "2026-03-28T05:00:00.000Z");
  const at = async (instant: string) => {
    w.clock.set(instant);
    await w.sync();
    await w.tick();
    await w.tick();
  };
  // Good before it is due; what another job did counts for nothing.
  w.session("2026-03-27T22:00:00Z", 30, "Failed", 2);
  w.session("2026-03-27T22:00:00Z", 60, "Warning");
  await at("2026-03-27T23:05:00Z");
  const first = "03-28 ok: its session ended with Warning";
  assert.deepEqual(
    (await w.entries(job.id)).map((text: string) => text.replace(/T.{5}/, "")),
    [first],
  );
  // The next night nothing runs; it is summer by then.
  await at("2026-03-29T03:59:00Z");
  assert.equal((await w.entries(job.id)).length, 1);
  await at("2026-03-29T04:01:00Z");
  assert.equal((await w.entries(job.id))[0], "03-29T04:00 missing: no session of it came in time");
  assert.deepEqual(await w.findings(), ["overdue Daily VMs"]);
  // Somebody starts it by day; the night after it fails, and its retry does not.
  w.session("2026-03-29T08:00:00Z", 30, "Success");
  await at("2026-03-29T08:35:00Z");
  assert.deepEqual(await w.findings(), []);
  w.session("2026-03-29T22:00:00Z", 30, "Failed");
  await at("2026-03-29T22:35:00Z");
  assert.deepEqual(await w.findings(), ["failed Daily VMs"]);
  w.session("2026-03-29T22:40:00Z", 10, "Success");
  await at("2026-03-29T22:55:00Z");
  assert.deepEqual(await w.findings(), []);
  // One that goes on beyond the deadline is missing until it ends well.
  const long = w.session("2026-03-30T22:00:00Z", 0, "None");
  Object.assign(long, { ended: null });
  await at("2026-03-31T04:05:00Z");
  assert.equal((await w.entries(job.id))[0], "03-31T04:00 missing: its session has not ended in time");
  Object.assign(long, { ended: Date.parse("2026-03-31T04:30:00Z"), result: "Success" });
  await at("2026-03-31T04:35:00Z");
  assert.deepEqual((await w.entries(job.id)).map((text: string) => text.slice(6)), [
    "04:00 ok: its session ended with Success, after the deadline",
    "04:00 ok: its session ended with Success",
    "04:00 missing: no session of it came in time",
    "05:00 ok: its session ended with Warning",
  ]);
  assert.deepEqual(await w.findings(), []);
});

Deno.test("a server that is not read is told, and its jobs are judged when it was read again", async () => {
  await using w = await site("2026-03-02T12:00:00Z", true);
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", { ...JOB, timezone: "UTC" });
  w.session("2026-03-02T22:00:00Z", 60, "Success");
  w.fake.password = "changed";
  w.fake.forgetLogins();
  for (const instant of ["2026-03-03T05:55:00Z", "2026-03-03T06:00:30Z", "2026-03-04T06:01:00Z"]) {
    w.clock.set(instant);
    await assert.rejects(w.sync());
    await w.tick();
  }
  assert.deepEqual(await w.entries(job.id), []);
  assert.deepEqual(await w.findings(), ["unread default", "unreachable default"]);
  const [{ detail }] = await w.local("GET", "/api/v1/monitor/findings");
  assert.match(
    detail,
    /^it was last read at 2026-03-02T12:00:00.000Z \(Cannot log in .*\); not judged: Daily VMs$/,
  );
  w.fake.password = "correct horse battery";
  w.clock.set("2026-03-04T06:05:00Z");
  await w.sync();
  await w.tick();
  assert.deepEqual(await w.entries(job.id), [
    "03-04T06:00 missing: no session of it came in time",
    "03-03T06:00 ok: its session ended with Success",
  ]);
  assert.deepEqual(await w.findings(), ["overdue Daily VMs"]);
});

Deno.test("a job that the server does not have is refused with the nearest name, one that only its sessions show is not", async () => {
  await using w = await site("2026-03-02T12:00:00Z");
  const refused = async (fields: object) => {
    const answer = await w.app.request("POST", "/api/v1/jobs", {
      token: await w.app.keyFor("admin"),
      json: { ...JOB, ...fields },
    });
    const { detail, hint } = await answer.json();
    return `${answer.status} ${detail} (${hint})`;
  };
  assert.match(
    await refused({}),
    /^503 .*"default" was not read yet \(read it now with: holdfast veeam sync\)/,
  );
  w.fake.addSession({ job: 99, name: "Tapes" });
  await w.sync();
  assert.match(await refused({ veeam_job: "Daily VM" }), /^404 .*"Daily VM".*did you mean "Daily VMs"/);
  assert.match(await refused({ veeam_server: "vbr-2" }), /^404 .*"vbr-2" \(there are: default/);
  assert.match(await refused({ way: "ping" }), /^400 .*veeam_job: is needed for way veeam/);
  const tapes = await w.local("POST", "/api/v1/jobs", { ...JOB, veeam_job: "tapes" });
  assert.deepEqual([tapes.name, tapes.veeam_job_id], ["Tapes", null]);
  // Of two with one name the id says which.
  w.fake.addJob({ name: "Job 0002" });
  await w.sync();
  assert.match(await refused({ veeam_job: "Job 0002" }), /^409 .*several have that name/);
  const listed = await w.local("GET", "/api/v1/veeam/jobs");
  const two = listed.find(({ name }: { name: string }) => name === "Job 0002");
  const made = await w.local("POST", "/api/v1/jobs", { ...JOB, veeam_job: two.id });
  assert.deepEqual([made.name, made.veeam_job], ["Job 0002", two.id]);
});

Deno.test("after a time in which nothing was read its servers are waited for, as a scan is", async () => {
  await using w = await site("2026-03-02T12:00:00Z");
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", { ...JOB, timezone: "UTC" });
  w.session("2026-03-02T22:00:00Z", 60, "Success");
  w.session("2026-03-03T22:00:00Z", 60, "Success");
  // Two days later it is judged in the minute in which it begins to be read.
  w.clock.set("2026-03-04T12:00:00Z");
  await w.tick();
  w.clock.advance(9 * MINUTE);
  await w.tick();
  assert.deepEqual(await w.findings(), []);
  await w.sync();
  await w.tick();
  assert.deepEqual((await w.entries(job.id)).map((text: string) => text.slice(0, 8)), [
    "03-04T06",
    "03-03T06",
  ]);
  assert.deepEqual(await w.findings(), []);
  // One that stays unread is told ten minutes after it is seen.
  for (const [at, expected] of [["12:00", []], ["12:09", []], ["12:10", ["unread default"]]] as const) {
    w.clock.set(`2026-03-06T${at}:00Z`);
    await w.tick();
    assert.deepEqual(await w.findings(), expected, at);
  }
});

Deno.test("a daemon that begins anew does not take back that a server is not read", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00Z");
  await using store = await tempStore(clock);
  const told: string[] = [];
  const absent = () => Promise.reject(new Error("there are none"));
  const begin = () =>
    new Monitor({
      database: store.database,
      clock,
      settings: MonitorConfig.parse({}),
      notify: {
        enqueue: (_tx, { kind, code }) => {
          told.push(`${kind} ${code}`);
          return Promise.resolve();
        },
      },
      schedules: { get: absent, ledger: { list: absent } },
      backups: { troubled: () => Promise.resolve([]) },
      veeam: {
        find: () => Promise.resolve({ server: "vbr-1", job: "Daily", job_id: null, name: "Daily" }),
        servers: () => Promise.resolve(new Map([["vbr-1", { synced_at: null, is_late: true, error: null }]])),
        sessions: absent,
      },
    });
  const first = begin();
  await first.expected.create(JobCreate.parse({ ...JOB, timezone: "UTC" }), caller());
  for (const at of ["06:00", "06:10"]) {
    clock.set(`2026-03-03T${at}:00Z`);
    await first.tick();
  }
  assert.deepEqual(told, ["finding unread"]);
  clock.advance(HOUR);
  await begin().tick();
  assert.deepEqual(told, ["finding unread"]);
});

Deno.test("a session that goes on beyond the next instant is good for the one it ends for", async () => {
  await using w = await site("2026-03-02T08:30:00Z");
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", {
    ...JOB,
    timezone: "UTC",
    cron_expression: "0 * * * *",
  });
  w.session("2026-03-02T08:50:00Z", 5, "Success");
  const long = w.session("2026-03-02T09:50:00Z", 0, "None");
  Object.assign(long, { ended: null });
  for (const at of ["09:01", "10:01", "11:01"]) await w.at(`2026-03-02T${at}:00Z`);
  assert.deepEqual(await w.findings(), ["overdue Daily VMs"]);
  Object.assign(long, { ended: Date.parse("2026-03-02T11:05:00Z"), result: "Success" });
  await w.at("2026-03-02T11:06:00Z");
  assert.deepEqual((await w.entries(job.id)).map((text: string) => text.slice(6)), [
    "11:00 ok: its session ended with Success, after the deadline",
    "10:00 missing: its session has not ended in time",
    "09:00 ok: its session ended with Success",
  ]);
  assert.deepEqual(await w.findings(), []);
});

Deno.test("a nightly job that takes more than a day ends its own missing when it is done", async () => {
  await using w = await site("2026-03-02T12:00:00Z");
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", { ...JOB, timezone: "UTC" });
  const long = w.session("2026-03-02T22:00:00Z", 0, "None");
  Object.assign(long, { ended: null });
  await w.at("2026-03-03T06:01:00Z");
  Object.assign(long, { ended: Date.parse("2026-03-04T00:00:00Z"), result: "Success" });
  await w.at("2026-03-04T00:05:00Z");
  assert.deepEqual(await w.findings(), []);
  await w.at("2026-03-04T06:01:00Z");
  assert.deepEqual(await w.entries(job.id), [
    "03-04T06:00 ok: its session ended with Success",
    "03-03T06:00 missing: its session has not ended in time",
  ]);
});

Deno.test("a nightly job that begins after its deadline is late each night, and never good for the next one", async () => {
  await using w = await site("2026-03-02T05:00:00Z");
  await w.sync();
  const job = await w.local("POST", "/api/v1/jobs", { ...JOB, timezone: "UTC" });
  for (const day of ["02", "03"]) {
    await w.at(`2026-03-${day}T06:01:00Z`);
    assert.deepEqual(await w.findings(), ["overdue Daily VMs"], day);
    w.session(`2026-03-${day}T06:05:00Z`, 20, "Success");
    await w.at(`2026-03-${day}T06:30:00Z`);
    assert.deepEqual(await w.findings(), [], day);
  }
  const late = "ok: its session ended with Success, after the deadline";
  assert.deepEqual(await w.entries(job.id), [`03-03T06:00 ${late}`, `03-02T06:00 ${late}`]);
  // What ends later than the window is for the next instant.
  await w.at("2026-03-04T06:01:00Z");
  w.session("2026-03-04T06:30:00Z", 31, "Success");
  await w.at("2026-03-04T07:05:00Z");
  assert.deepEqual((await w.entries(job.id)).slice(0, 2), [
    "03-05T06:00 ok: its session ended with Success",
    "03-04T06:00 missing: no session of it came in time",
  ]);
});

Deno.test("what was read is judged once: a minute in which nothing was read asks for no session and writes nothing", async () => {
  await using w = await site("2026-03-02T12:00:00Z");
  await w.sync();
  using asked = counted(SyncedJobs.prototype, "sessions");
  using written = counted(Database.prototype, "transaction");
  const costOf = async (work: () => Promise<unknown>) => {
    const before = [asked.calls, written.calls];
    await work();
    return [asked.calls - before[0]!, written.calls - before[1]!];
  };
  const idle = await costOf(() => w.tick());
  const job = await w.local("POST", "/api/v1/jobs", { ...JOB, timezone: "UTC" });
  w.session("2026-03-03T02:00:00Z", 60, "Failed");
  await w.at("2026-03-03T03:05:00Z");
  assert.equal((await w.entries(job.id)).length, 1);
  w.clock.advance(MINUTE);
  assert.deepEqual(await costOf(() => w.tick()), idle);
  // A reading that says nothing new is looked at, and nothing is written.
  w.clock.advance(MINUTE);
  await w.sync();
  const [sessions, transactions] = await costOf(() => w.tick());
  assert.deepEqual([sessions! > 0, transactions], [true, idle[1]]);
  // Who changes the job has it judged again by the same reading.
  w.clock.advance(MINUTE);
  await w.local("PUT", `/api/v1/jobs/${job.id}`, { cron_expression: "30 3 * * *" });
  await w.tick();
  assert.equal((await w.entries(job.id)).length, 2);
});

/** Counts the calls of a method until it is disposed. */
function counted<Name extends string>(
  of: Record<Name, (...args: never[]) => unknown>,
  name: Name,
): Disposable & { calls: number } {
  const real = of[name];
  const counter = {
    calls: 0,
    [Symbol.dispose]: () => void (of[name] = real),
  };
  of[name] = function (this: unknown, ...args: never[]) {
    counter.calls++;
    return real.apply(this, args);
  };
  return counter;
}

Deno.test("of the sessions that ended in time the last one counts; a good one after it takes a failure back", () => {
  const deadline = Date.parse("2026-03-02T06:00:00Z");
  const session = (ended: string | null, result: string) =>
    sessionRow(`${ended} ${result}`, {
      result,
      message: result === "Failed" ? "no space" : null,
      ended_at: ended === null ? null : `2026-03-02T${ended}:00.000Z`,
    });
  const rows: [string, [string | null, string][], string, string | undefined][] = [
    ["nothing yet", [], "05:59", undefined],
    ["nothing", [], "06:00", "missing: no session of it came in time"],
    ["one goes on", [[null, "None"]], "06:00", "missing: its session has not ended in time"],
    ["one goes on, early", [[null, "None"]], "05:00", undefined],
    ["failed", [["03:00", "Failed"]], "04:00", "failed: its session ended with Failed: no space"],
    ["retried", [["04:00", "Success"], ["03:00", "Failed"]], "05:00", "ok: its session ended with Success"],
    [
      "failed last",
      [["03:00", "Success"], ["04:00", "Failed"]],
      "05:00",
      "failed: its session ended with Failed: no space",
    ],
    [
      "good in time, then bad",
      [["03:00", "Success"], ["06:30", "Failed"]],
      "07:00",
      "ok: its session ended with Success",
    ],
    [
      "bad in time, then good",
      [["03:00", "Failed"], ["06:30", "Success"]],
      "07:00",
      "ok: its session ended with Success, after the deadline",
    ],
    [
      "late and bad",
      [["06:30", "Failed"]],
      "07:00",
      "failed: its session ended with Failed, after the deadline: no space",
    ],
    ["no result", [["03:00", "None"]], "07:00", "failed: its session ended with None"],
    ["too late", [["07:01", "Success"]], "07:05", "missing: its session has not ended in time"],
  ];
  for (const [name, sessions, readAt, expected] of rows) {
    const judged = decideSessions(
      sessions.map(([ended, result]) => session(ended, result)),
      { after: deadline - 23 * HOUR, deadline, until: deadline + HOUR },
      Date.parse(`2026-03-02T${readAt}:00Z`),
    );
    const text = judged === undefined ? undefined : `${judged.decision.status}: ${judged.decision.message}`;
    assert.equal(text, expected, name);
  }
});
