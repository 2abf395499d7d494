/** The daemon's copy of Veeam servers: what is kept, how few calls it takes, and who is told what. */
import assert from "node:assert/strict";
import type { AlertEvent } from "../../src/notify/mod.ts";
import type { Database } from "../../src/store/mod.ts";
import type { VeeamConfig } from "../../src/veeam/config.ts";
import { Sync } from "../../src/veeam/sync.ts";
import { databaseMemory, VeeamStore } from "../../src/veeam/store.ts";
import type { Veeam } from "../../src/veeam/veeam.ts";
import { FakeClock } from "../support/clock.ts";
import { tempStore } from "../support/store.ts";
import { never } from "../support/veeam/client.ts";
import { FakeVeeam, type FakeVeeamOptions } from "../support/veeam/fake.ts";
import { serviceOf } from "../support/veeam/tables.ts";

const START = "2026-03-02T06:00:00Z";
const MINUTE = 60_000;

interface Kept extends AsyncDisposable {
  clock: FakeClock;
  fake: FakeVeeam;
  veeam: Veeam;
  sync: Sync;
  database: Database;
  told: AlertEvent[];
  /** Calls since the last time this was asked. */
  calls(): number;
}

async function kept(
  options: Partial<FakeVeeamOptions> = {},
  own: Partial<VeeamConfig> = {},
): Promise<Kept> {
  const clock = new FakeClock(START);
  const fake = new FakeVeeam({ clock, ...options });
  const store = await tempStore(clock);
  const { database } = store;
  const veeam = serviceOf({ "vbr-1": fake }, {}, {
    memory: databaseMemory(database),
    stored: new VeeamStore(database, clock),
  });
  const told: AlertEvent[] = [];
  const keys = new Set<string>();
  const alerts = {
    enqueue: (_tx: unknown, event: AlertEvent) => {
      if (!keys.has(event.key)) told.push(event);
      keys.add(event.key);
      return Promise.resolve();
    },
  };
  const settings = { ...SETTINGS, ...own, servers: { "vbr-1": fake.settings } };
  const sync = new Sync({ database, clock, settings, veeam, alerts });
  let before = 0;
  return {
    clock,
    fake,
    veeam,
    sync,
    database,
    told,
    calls() {
      const made = fake.requests.length - before;
      before = fake.requests.length;
      return made;
    },
    async [Symbol.asyncDispose]() {
      await sync.stop();
      await veeam[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

const SETTINGS = {
  sync_every_seconds: 300,
  history_days: 30,
  keep_days: 400,
  alerts: true,
  timeout_seconds: 20,
  page_size: 500,
  tape_export: null,
};

Deno.test("what was read is answered from the store with its age, also when the server is gone", async () => {
  await using k = await kept();
  const [result] = await k.sync.run({});
  assert.deepEqual([result?.jobs, result?.sessions, result?.points], [5, 20, 12]);
  k.clock.advance(10 * MINUTE);
  k.fake.override = () => new Response("gone", { status: 503, headers: { "retry-after": "9999" } });
  const calls = k.fake.requests.length;
  const [job] = await k.veeam.jobs({}, never());
  assert.equal(job?.read_at, "2026-03-02T06:00:00.000Z");
  const sessions = await k.veeam.sessions({ since: "24h" }, never());
  assert.equal(sessions.length, 20);
  assert.equal((await k.veeam.repositories({}, never())).length, 5);
  assert.equal((await k.veeam.licenses({}, never()))[0]?.status, "Valid");
  assert.equal(k.fake.requests.length, calls);
  const [state] = await k.sync.state();
  assert.deepEqual([state?.age_seconds, state?.revision, state?.sessions], [600, "1.3-rev2", 20]);
});

Deno.test("an unchanged server takes as many calls with a long history as with a short one", async () => {
  const callsOf = async (sessions: number) => {
    await using k = await kept({ sessions });
    await k.sync.run({});
    k.clock.advance(5 * MINUTE);
    await k.sync.run({});
    k.calls();
    k.clock.advance(5 * MINUTE);
    await k.sync.run({});
    return k.calls();
  };
  const [few, many] = [await callsOf(20), await callsOf(3000)];
  assert.equal(many, few);
  assert.ok(few <= 20, `${few} calls`);
});

Deno.test("an hour of readings with a token of 15 minutes has no failed call", async () => {
  await using k = await kept();
  for (let i = 0; i < 13; i++) {
    await k.sync.tick();
    k.clock.advance(5 * MINUTE);
  }
  assert.ok(k.fake.refreshes >= 3);
  assert.equal(k.fake.logins, 1);
  assert.deepEqual(k.fake.requests.filter(({ status }) => status >= 400), []);
});

Deno.test("a session that goes on is read again until it has ended, new ones are added once", async () => {
  await using k = await kept({ sessions: 3 });
  const open = k.fake.addSession({ job: 1, ended: null, result: "None" });
  await k.sync.run({});
  for (let i = 0; i < 6; i++) {
    k.clock.advance(60 * MINUTE);
    k.fake.addSession({ job: 2, created: k.clock.now() - MINUTE, ended: k.clock.now() });
    await k.sync.run({});
  }
  Object.assign(open, { ended: k.clock.now(), result: "Warning", message: "slow" });
  k.clock.advance(5 * MINUTE);
  await k.sync.run({});
  const sessions = await k.veeam.sessions({ since: "30d" }, never());
  assert.equal(sessions.length, 10);
  const [found] = sessions.filter(({ message }) => message === "slow");
  assert.deepEqual([found?.result, found?.state], ["Warning", "Stopped"]);
});

Deno.test("many sessions that go on are read by their time instead of one by one", async () => {
  await using k = await kept({ sessions: 0 });
  for (let i = 0; i < 40; i++) {
    k.fake.addSession({ job: 1, created: k.clock.now() - i * MINUTE, ended: null });
  }
  k.fake.sessions.sort((a, b) => a.created - b.created);
  await k.sync.run({});
  k.clock.advance(60 * MINUTE);
  k.fake.addSession({ job: 1 });
  await k.sync.run({});
  k.clock.advance(60 * MINUTE);
  k.calls();
  for (const session of k.fake.sessions) session.ended ??= k.clock.now();
  await k.sync.run({});
  assert.ok(k.calls() < 20);
  assert.ok((await k.veeam.sessions({ since: "7d" }, never())).every(({ ended_at }) => ended_at !== null));
});

Deno.test("sessions that never end take turns, so that the history is not read again and again for them", async () => {
  await using k = await kept({ sessions: 0 });
  const day = 24 * 60 * MINUTE;
  for (let i = 0; i < 60; i++) {
    k.fake.addSession({ job: 1, created: k.clock.now() - 9 * day + i * MINUTE, ended: null });
  }
  const stuck = k.fake.sessions.map(({ n }) => n);
  k.fake.addSession({ job: 2 });
  await k.sync.run({});
  for (let i = 0; i < 300; i++) {
    k.fake.addSession({ job: 2, created: k.clock.now() - 8 * day + i * MINUTE });
  }
  k.clock.advance(5 * MINUTE);
  const [read] = await k.sync.run({});
  // A part of the sixty, and the newest.
  assert.equal(read?.sessions, 26);
  // Whichever ends is seen after a few turns.
  for (const session of k.fake.sessions) if (stuck.includes(session.n)) session.ended ??= k.clock.now();
  for (let i = 0; i < 3; i++) {
    k.clock.advance(5 * MINUTE);
    await k.sync.run({});
  }
  const sessions = await k.veeam.sessions({ since: "20d" }, never());
  assert.deepEqual(sessions.filter(({ ended_at }) => ended_at === null), []);
});

Deno.test("a clock that was ahead for a while hides nothing that comes once it is right", async () => {
  await using k = await kept({ sessions: 0 });
  const year = 365 * 24 * 60 * MINUTE;
  k.fake.addSession({ job: 1, created: k.clock.now() + year });
  k.fake.points.push({ ...k.fake.points[0]!, n: 99, created: k.clock.now() + year });
  await k.sync.run({});
  k.clock.advance(60 * MINUTE);
  k.fake.addSession({ job: 2, created: k.clock.now() - 5 * MINUTE });
  k.fake.points.push({ ...k.fake.points[0]!, n: 100, created: k.clock.now() - 5 * MINUTE });
  k.clock.advance(60 * MINUTE);
  const [result] = await k.sync.run({});
  assert.deepEqual([result?.sessions, result?.points], [2, 2]);
  const sessions = await k.veeam.sessions({ since: "1d" }, never());
  assert.equal(sessions.length, 2);
});

Deno.test("a job that fails is told once, and once more when it is well again", async () => {
  await using k = await kept();
  await k.sync.run({});
  k.told.length = 0;
  const run = async (result: string) => {
    k.clock.advance(30 * MINUTE);
    k.fake.addSession({
      job: 1,
      created: k.clock.now() - 20 * MINUTE,
      ended: k.clock.now() - MINUTE,
      result,
    });
    await k.sync.run({});
    await k.sync.run({});
  };
  await run("Failed");
  assert.deepEqual(k.told.map(({ kind, code, subject }) => [kind, code, subject.name]), [
    ["finding", "failed", "vbr-1/Daily VMs"],
  ]);
  await run("Failed");
  await run("Success");
  await run("Success");
  assert.deepEqual(k.told.map(({ kind }) => kind), ["finding", "finding", "recovered"]);
  assert.equal(new Set(k.told.map(({ alert }) => alert)).size, 1);
});

Deno.test("a job that was told as failing is told as over when the server has it no more", async () => {
  await using k = await kept();
  await k.sync.run({});
  k.clock.advance(30 * MINUTE);
  k.fake.addSession({ job: 1, ended: k.clock.now() + MINUTE, result: "Failed" });
  await k.sync.run({});
  const [failed] = k.told;
  k.told.length = 0;
  // One that was well goes without a word.
  k.fake.jobs.splice(0, 2);
  // A reading that does not get to the end says nothing of what is there.
  k.fake.override = ({ path }) =>
    path.endsWith("/sessions")
      ? new Response("gone", { status: 503, headers: { "retry-after": "9999" } })
      : undefined;
  await assert.rejects(k.sync.run({}));
  k.fake.override = undefined;
  assert.deepEqual(k.told.filter(({ subject }) => subject.kind === "veeam-job"), []);
  for (let i = 0; i < 2; i++) {
    k.clock.advance(5 * MINUTE);
    await k.sync.run({});
  }
  assert.deepEqual(
    k.told.filter(({ subject }) => subject.kind === "veeam-job").map((
      { kind, alert, subject, detail },
    ) => [kind, alert, subject.name, detail]),
    [["recovered", failed?.alert, "vbr-1/Daily VMs", "the job is gone from the server"]],
  );
});

Deno.test("a job that is still running is judged at its end", async () => {
  await using k = await kept();
  await k.sync.run({});
  k.told.length = 0;
  const session = k.fake.addSession({ job: 1, ended: null, result: "None" });
  const job = k.fake.jobs[0]!;
  for (let i = 0; i < 3; i++) {
    k.clock.advance(5 * MINUTE);
    await k.sync.run({});
  }
  assert.deepEqual(k.told, []);
  Object.assign(session, { ended: k.clock.now(), result: "Failed" });
  Object.assign(job, { running: false, result: "Failed" });
  await k.sync.run({});
  assert.deepEqual(k.told.map(({ code }) => code), ["failed"]);
});

Deno.test("a server that cannot be read is told once, its last state stays, and its return is told", async () => {
  await using k = await kept();
  await k.sync.run({});
  k.told.length = 0;
  k.fake.password = "changed";
  k.fake.forgetLogins();
  for (let i = 0; i < 3; i++) {
    k.clock.advance(5 * MINUTE);
    await k.sync.tick();
  }
  assert.deepEqual(k.told.map(({ kind, code }) => [kind, code]), [["finding", "unreachable"]]);
  const [state] = await k.sync.state();
  assert.match(state?.error ?? "", /Cannot log in/);
  assert.ok(!(state?.error ?? "").includes("correct horse"));
  assert.equal((await k.veeam.jobs({}, never())).length, 5);
  k.fake.password = "correct horse battery";
  k.clock.advance(5 * MINUTE);
  await k.sync.tick();
  assert.deepEqual(k.told.map(({ kind }) => kind), ["finding", "recovered"]);
  assert.equal((await k.sync.state())[0]?.error, null);
});

Deno.test("a role that sees little is read as far as it sees", async () => {
  await using k = await kept({ role: "Viewer" });
  await k.sync.run({});
  const [state] = await k.sync.state();
  assert.deepEqual([state?.error, state?.build], [null, null]);
  assert.equal((await k.veeam.jobs({}, never())).length, 5);
});

Deno.test("a repository that fills tells when it will be full, from what was kept", async () => {
  await using k = await kept();
  const store = k.fake.repositories[0]!;
  for (let day = 0; day < 5; day++) {
    store.free = 100 - day * 10;
    await k.sync.run({});
    k.clock.advance(24 * 60 * MINUTE);
  }
  const rows = await k.veeam.repositories({}, never());
  const [main] = rows.filter(({ name }) => name === "Main store");
  assert.equal(main?.days_to_full, 6);
  assert.ok(
    rows.filter(({ name }) => name !== "Main store").every(({ days_to_full }) => days_to_full === null),
  );
});

Deno.test("jobs that are gone from the server are gone from the list, and old history is forgotten", async () => {
  await using k = await kept();
  await k.sync.run({});
  k.fake.jobs.pop();
  k.clock.advance(5 * MINUTE);
  await k.sync.run({});
  assert.equal((await k.veeam.jobs({}, never())).length, 4);
  const { veeam: forgotten } = await k.sync.prune(k.clock.now() + 401 * 24 * 60 * MINUTE);
  assert.ok(forgotten >= 32);
  assert.deepEqual(await k.veeam.sessions({ since: "30d" }, never()), []);
});

Deno.test("readings that are asked for at once are one", async () => {
  await using k = await kept();
  await Promise.all([k.sync.run({}), k.sync.run({}), k.sync.tick()]);
  assert.equal(
    k.fake.requests.filter(({ path, query }) => path.endsWith("/jobs/states") && query.get("skip") === "0")
      .length,
    1,
  );
});
