/** `/metrics` over HTTP: who may read them, and that they count what happens. */
import assert from "node:assert/strict";
import { type TestApp, testApp } from "../support/app.ts";
import { world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const SERVERS = "/api/v1/servers";

async function read(t: TestApp, token: string): Promise<string> {
  const answer = await t.request("GET", "/metrics", { token });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return await answer.text();
}

/** The value of a series with exactly these labels; 0 when there is none. */
function value(text: string, name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels).map(([key, word]) => `${key}="${word}"`).sort();
  for (const line of text.split("\n")) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    const given = (match?.[2] ?? "").match(/\w+="[^"]*"/g) ?? [];
    if (match?.[1] === name && given.sort().join() === wanted.join()) return Number(match[3]);
  }
  return 0;
}

Deno.test("metrics need a login or a key, of whatever role", async () => {
  await using t = await testApp();
  await problemOf(await t.request("GET", "/metrics"), 401);
  await problemOf(await t.request("GET", "/metrics", { token: "wrong" }), 401);
  const key = await t.keyFor("user");
  await read(t, key);
  assert.equal((await t.request("GET", "/metrics", { headers: { "x-api-key": key } })).status, 200);
});

Deno.test("metrics are open to everybody where the setting says so, with wrong credentials too", async () => {
  await using t = await testApp({ "metrics.public": "true" });
  for (const options of [{}, { token: "wrong" }]) {
    const answer = await t.request("GET", "/metrics", options);
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
  }
});

Deno.test("requests are counted by pattern, method and status, never by path", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  const ask = async (method: string, path: string, options = {}) => {
    await (await t.request(method, path, options)).body?.cancel();
  };
  const one = (status: string) => ({ route: "/api/v1/servers/{server}", method: "GET", status });
  const before = await read(t, token);
  assert.equal(value(before, "holdfast_http_requests_total", one("404")), 0);
  for (const name of ["a", "b", "secret-name"]) await ask("GET", `${SERVERS}/${name}`, { token });
  await ask("GET", `${SERVERS}/a`);
  await ask("POST", SERVERS, { token, json: { name: "web-1", host: "192.0.2.1" } });
  await ask("POST", SERVERS, { token, json: {} });
  await ask("GET", "/v1/health");
  const after = await read(t, token);
  const count = (labels: Record<string, string>) => value(after, "holdfast_http_requests_total", labels);
  assert.equal(count(one("404")), 3);
  assert.equal(count(one("401")), 1);
  assert.equal(count({ route: SERVERS, method: "POST", status: "201" }), 1);
  assert.equal(count({ route: SERVERS, method: "POST", status: "400" }), 1);
  assert.equal(count({ route: "/v1/health", method: "GET", status: "200" }), 1);
  const { route, method } = one("404");
  assert.equal(value(after, "holdfast_http_request_duration_seconds_count", { route, method }), 4);
  assert.ok(!after.includes("secret-name") && !after.includes("web-1"));
});

Deno.test("runs are counted by result; version and health are told", async () => {
  await using w = await world();
  const failing = await w.schedule(w.own, { engine: null, engine_options: null });
  await w.local("POST", `/api/v1/backup-scheduler/schedules/${failing}/trigger`);
  await w.app.services.schedules.idle();
  const text = await read(w, await w.keyFor("user"));
  assert.equal(value(text, "holdfast_runs_total", { result: "success" }), 2);
  assert.equal(value(text, "holdfast_runs_total", { result: "refused" }), 1);
  assert.equal(value(text, "holdfast_runs_active"), 0);
  assert.equal(value(text, "holdfast_runs_queued"), 0);
  assert.equal(value(text, "holdfast_run_start_delay_seconds_count"), 3);
  const { version } = await w.local("GET", "/api/v1/health");
  assert.equal(value(text, "holdfast_build_info", { version }), 1);
  assert.equal(value(text, "holdfast_healthy"), 1);
  assert.match(text, /^# HELP holdfast_runs_total .+$/m);
  assert.match(text, /^# TYPE holdfast_runs_total counter$/m);
});
