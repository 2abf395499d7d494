/** Pings over HTTP: signals, runs, what is refused, and how fast they are taken. */
import assert from "node:assert/strict";
import { type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

interface PingWorld extends TestApp {
  clock: FakeClock;
  id: number;
  ping(signal: string, options?: Parameters<TestApp["request"]>[2] & { method?: string }): Promise<Response>;
  status(): Promise<string>;
  findings(): Promise<string[]>;
}

/** A job that pings daily at 13:00, and a minute before that. */
async function pingWorld(fields: object = {}): Promise<PingWorld> {
  const clock = new FakeClock("2026-03-02T12:59:00Z");
  const world = await testApp({}, clock);
  const { id, ping_id } = await world.local("POST", "/api/v1/jobs", {
    database_name: "mail",
    way: "ping",
    expected_hour_utc: 13,
    backup_frequency: "daily",
    ...fields,
  });
  return Object.assign(world, {
    clock,
    id,
    async ping(signal: string, { method = "GET", ...options } = {}) {
      const answer = await world.request(method, `/api/v1/ping/${ping_id}${signal}`, options);
      await world.app.services.monitor.pings.idle();
      return answer;
    },
    status: async () => (await world.local("GET", `/api/v1/jobs/${id}`)).current_status,
    findings: async () =>
      (await world.local("GET", `/api/v1/monitor/findings?job_id=${id}`)).map((one: { code: string }) =>
        one.code
      ),
  });
}

Deno.test("GET, HEAD and POST without a signal are a success", async () => {
  for (const method of ["GET", "HEAD", "POST"]) {
    await using world = await pingWorld();
    const answer = await world.ping("", { method });
    assert.equal(answer.status, 200, method);
    assert.equal(await world.status(), "ok", method);
  }
});

Deno.test("an exit code above zero fails the due instant, with the end of what was sent; zero mends it", async () => {
  await using world = await pingWorld();
  const bytes = new Uint8Array([
    ...new TextEncoder().encode("disk "),
    0xff,
    ...new TextEncoder().encode(" full"),
  ]);
  assert.equal((await world.ping("/start")).status, 200);
  world.clock.advance(90_000);
  assert.equal((await world.ping("/2", { method: "POST", body: bytes })).status, 200);
  assert.equal(await world.status(), "failed");
  const [entry] = await world.local("GET", `/api/v1/entries/by_job/${world.id}`);
  assert.equal(entry.due_at, "2026-03-02T13:00:00.000Z");
  assert.match(entry.error_message, /exit code 2 after 1m 30s: disk \uFFFD full/);
  assert.deepEqual(await world.findings(), ["failed"]);
  assert.equal((await world.ping("/0", { method: "POST", body: "done" })).status, 200);
  assert.equal(await world.status(), "ok");
  assert.deepEqual(await world.findings(), []);
  const pings = await world.local("GET", `/api/v1/jobs/${world.id}/pings`);
  assert.deepEqual(
    pings.map((ping: { signal: string; exit_code: number | null }) => `${ping.signal} ${ping.exit_code}`),
    ["exit 0", "exit 2", "start null"],
  );
});

Deno.test("a log is kept and decides nothing; of a long body the beginning is kept", async () => {
  await using world = await pingWorld();
  assert.equal((await world.ping("/log", { method: "POST", body: "x".repeat(200_000) })).status, 200);
  assert.equal(await world.status(), "unknown");
  const [ping] = await world.local("GET", `/api/v1/jobs/${world.id}/pings`);
  assert.equal(ping.body.length, 10_000);
  assert.equal(ping.cut, true);
});

Deno.test("a run that takes too long is a finding until it ends; runs are told apart by their id", async () => {
  await using world = await pingWorld({ max_run_seconds: 600 });
  const { monitor } = world.app.services;
  await world.ping("/start?rid=a");
  await world.ping("/start?rid=b");
  await world.ping("/success?rid=b");
  world.clock.advance(599_000);
  await monitor.tick();
  assert.deepEqual(await world.findings(), []);
  world.clock.advance(2_000);
  await monitor.tick();
  await monitor.tick();
  assert.deepEqual(await world.findings(), ["too_long"]);
  await world.ping("/success?rid=a");
  assert.deepEqual(await world.findings(), []);
});

Deno.test("without a ping by the deadline the job is overdue, and a ping of the next day mends it", async () => {
  await using world = await pingWorld({ grace_seconds: 600 });
  const { monitor } = world.app.services;
  world.clock.set("2026-03-02T13:09:00Z");
  await monitor.tick();
  assert.equal(await world.status(), "unknown");
  world.clock.set("2026-03-02T13:10:00Z");
  await monitor.tick();
  assert.equal(await world.status(), "missing");
  assert.deepEqual(await world.findings(), ["overdue"]);
  world.clock.set("2026-03-03T13:01:00Z");
  await world.ping("");
  assert.equal(await world.status(), "ok");
  assert.deepEqual(await world.findings(), []);
});

Deno.test("an unknown id is not found, an unknown signal refused, and one job may ping sixty times a minute", async () => {
  await using world = await pingWorld();
  for (const id of ["no-such-id", crypto.randomUUID(), "x%2f..%2fy"]) {
    const answer = await world.request("GET", `/api/v1/ping/${id}`);
    assert.equal(answer.status, 404, id);
    assert.equal((await answer.json()).detail, "Cannot find this ping address");
  }
  for (const signal of ["/never", "/256", "/-1"]) {
    assert.equal((await world.ping(signal)).status, 400, signal);
  }
  const statuses = [];
  for (let i = 0; i < 61; i++) statuses.push((await world.ping("/log")).status);
  // The three that were refused count too: a flood of nonsense is a flood.
  assert.equal(statuses.filter((status) => status === 200).length, 57);
  assert.equal(statuses.at(-1), 429);
  world.clock.advance(60_000);
  assert.equal((await world.ping("/log")).status, 200);
});

Deno.test("a failure far from any due instant is a finding at once, until the next success; each ping says what it counted for", async () => {
  await using world = await pingWorld();
  const counted = async () =>
    (await world.local("GET", `/api/v1/jobs/${world.id}/pings`)).map((
      ping: { signal: string; counted_for: string },
    ) => `${ping.signal}: ${ping.counted_for}`);
  world.clock.set("2026-03-02T00:00:00Z");
  await world.ping("/start");
  await world.ping("/fail");
  assert.deepEqual(await world.findings(), ["failed"]);
  assert.equal((await world.local("GET", "/api/v1/monitor/check")).state, "critical");
  assert.deepEqual(await world.local("GET", `/api/v1/entries/by_job/${world.id}`), []);
  assert.deepEqual(await counted(), ["fail: no due instant near", "start: the beginning of a run"]);
  // A success is one wherever it comes.
  await world.ping("");
  assert.deepEqual(await world.findings(), []);
  await world.ping("/3");
  assert.deepEqual(await world.findings(), ["failed"]);
  world.clock.set("2026-03-02T13:01:00Z");
  await world.ping("/log", { method: "POST", body: "done" });
  await world.ping("/0");
  assert.deepEqual(await world.findings(), []);
  assert.deepEqual((await counted()).slice(0, 3), [
    "exit: 2026-03-02T13:00:00.000Z",
    "log: nothing: a log",
    "exit: no due instant near",
  ]);
});

Deno.test("a job that is deleted while pings are taken loses its own, and no other ping is lost with it", async () => {
  await using world = await pingWorld();
  const other = await world.local("POST", "/api/v1/jobs", {
    database_name: "files",
    way: "ping",
    expected_hour_utc: 13,
    backup_frequency: "daily",
  });
  const { ping_id } = await world.local("GET", `/api/v1/jobs/${world.id}`);
  const { pings, expected } = world.app.services.monitor;
  const take = (id: string) =>
    pings.take({ ping_id: id, address: null }).then(() => "taken", (error) => error.message);
  // Known to be there when they come; gone when they are written.
  await take(other.ping_id);
  const taken = [take(ping_id), take(other.ping_id)];
  await world.local("DELETE", `/api/v1/jobs/${world.id}`);
  const [own, others] = await Promise.all(taken);
  assert.ok(["taken", "Cannot find this ping address"].includes(own!), own);
  assert.equal(others, "taken");
  await pings.idle();
  assert.equal((await expected.get(other.id)).current_status, "ok");
});
