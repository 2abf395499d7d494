/** `/api/v1/health` over HTTP: what load balancers and monitoring see. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

const START = "2030-01-06T10:30:00.000Z";

async function ask(t: TestApp, path = "/api/v1/health") {
  const answer = await t.request("GET", path);
  assert.equal(answer.headers.get("content-type"), "application/json");
  const body = await answer.json();
  const checks: Record<string, string> = {};
  for (const { name, status } of body.checks) checks[name] = status;
  return { status: answer.status, body, checks };
}

Deno.test("a fresh daemon is well: a scheduler that has not ticked yet counts as fresh", async () => {
  await using t = await testApp({}, new FakeClock(START));
  for (const path of ["/api/v1/health", "/v1/health"]) {
    const { status, body, checks } = await ask(t, path);
    assert.equal(status, 200);
    assert.equal(body.status, "ok");
    assert.equal(body.time, START);
    for (const name of ["database", "scheduler", "disk"]) assert.equal(checks[name], "ok", name);
  }
});

Deno.test("a scheduler that does not tick, or that somebody stopped, is degraded and still 200", async () => {
  const clock = new FakeClock(START);
  await using t = await testApp({}, clock);
  clock.advance(200_000);
  const late = await ask(t);
  assert.deepEqual([late.status, late.body.status, late.checks.scheduler], [200, "degraded", "degraded"]);
  await t.app.services.schedules.tick();
  clock.advance(10_000);
  assert.equal((await ask(t)).body.status, "ok");
  await t.local("POST", "/api/v1/backup-scheduler/scheduler/stop");
  clock.advance(10_000);
  const stopped = await ask(t);
  assert.deepEqual([stopped.status, stopped.checks.scheduler], [200, "degraded"]);
});

Deno.test("too little space is degraded and still 200, so that somebody can mend it", async () => {
  await using t = await testApp({ "health.min_free_bytes": "9007199254740991" }, new FakeClock(START));
  const { status, checks } = await ask(t);
  assert.deepEqual([status, checks.disk], [200, "degraded"]);
});

Deno.test("a database whose file is gone is failed, 503, one whose file was replaced degraded; no path is told", async () => {
  const clock = new FakeClock(START);
  await using t = await testApp({}, clock);
  const path = join(t.dir, "state/holdfast.db");
  const judge = async () => {
    clock.advance(10_000);
    const { status, body, checks } = await ask(t);
    assert.ok(!JSON.stringify(body).includes(t.dir));
    return [status, body.status, checks.database];
  };
  assert.deepEqual(await judge(), [200, "ok", "ok"]);
  await Deno.rename(path, `${path}.moved`);
  assert.deepEqual(await judge(), [503, "failed", "failed"]);
  await Deno.copyFile(`${path}.moved`, path);
  assert.deepEqual(await judge(), [200, "degraded", "degraded"]);
  await Deno.remove(path);
  await Deno.rename(`${path}.moved`, path);
  assert.deepEqual(await judge(), [200, "ok", "ok"]);
});
