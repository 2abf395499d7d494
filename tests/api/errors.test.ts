import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { createApi } from "../../src/api/app.ts";
import { ERROR_KINDS, type ErrorKind, HoldfastError } from "../../src/lib/errors.ts";
import { type Operation, operation } from "../../src/lib/operation.ts";
import { Metrics } from "../../src/telemetry/mod.ts";
import { SOCKET, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { problemOf } from "./problem.ts";

const SERVERS = "/api/v1/servers";
const SCHEDULES = "/api/v1/backup-scheduler/schedules";

/** An API of one operation that anybody may ask and that throws. */
function failing(error: () => unknown): ReturnType<typeof createApi> {
  const fail: Operation = operation({
    name: "test.fail",
    route: "GET /api/v1/fail",
    role: "public",
    summary: "Fail",
    input: z.strictObject({}),
    output: z.null(),
    run: () => Promise.reject(error()),
  });
  return createApi({
    kernel: { app: {}, audit: () => Promise.resolve() },
    operations: [fail],
    authenticate: ({ address }) =>
      Promise.resolve({
        kind: "anonymous",
        id: 0,
        name: "anonymous",
        role: "public",
        servers: null,
        on_host: false,
        address,
        session_id: null,
      }),
    metrics: new Metrics("test"),
    clock: new FakeClock(0),
    settings: {
      max_body_bytes: 1024,
      rate_per_minute: 1000,
      rate_burst: 1000,
      cors_origins: [],
      trusted_proxies: [],
      metrics_public: false,
    },
  });
}

Deno.test("every kind of error has its own status and the same shape", async () => {
  const kinds = Object.keys(ERROR_KINDS).filter((kind): kind is ErrorKind => kind in ERROR_KINDS);
  for (const kind of kinds) {
    const api = failing(() =>
      new HoldfastError(kind, "Cannot do it: no", {
        hint: "do something else",
        errors: [{ path: "a.b[0]", message: "is wrong" }],
        retry_after_seconds: 1.5,
      })
    );
    const answer = await api(new Request("http://h/api/v1/fail"), { via: "tcp", address: "192.0.2.1" });
    assert.equal(answer.headers.get("retry-after"), "2");
    const problem = await problemOf(answer, ERROR_KINDS[kind].status);
    assert.equal(problem.title, ERROR_KINDS[kind].title);
    assert.equal(problem.code, kind);
    assert.deepEqual(problem.errors, [{ path: "a.b[0]", message: "is wrong" }]);
    assert.equal(problem.hint, "do something else");
    assert.equal(problem.detail, kind === "internal" ? "Internal error" : "Cannot do it: no");
  }
});

Deno.test("an error nobody foresaw tells the client nothing of the inside", async () => {
  const api = failing(() =>
    new TypeError('select * from users where "secret" failed at /src/store/x.ts:1:2')
  );
  const answer = await api(new Request("http://h/api/v1/fail"), { via: "tcp", address: null });
  const problem = await problemOf(answer, 500);
  const { request_id: _, ...rest } = problem;
  assert.deepEqual(rest, {
    detail: "Internal error",
    status: 500,
    title: "Internal error",
    code: "internal",
    errors: [],
  });
});

Deno.test("a broken database is an internal error without statement, path or stack", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  await problemOf(await t.request("GET", `${SERVERS}/nothing`, { token }), 404);
  const other = new DatabaseSync(join(t.dir, "state/holdfast.db"));
  other.exec("pragma foreign_keys = off; drop table servers");
  other.close();
  for (const [method, json] of [["GET", undefined], ["POST", { name: "a", host: "b" }]] as const) {
    const problem = await problemOf(await t.request(method, SERVERS, { token, json }), 500);
    assert.equal(problem.detail, "Internal error");
    assert.deepEqual(Object.keys(problem), ["detail", "status", "title", "code", "request_id", "errors"]);
    assert.deepEqual(problem.errors, []);
  }
});

Deno.test("a path that does not exist is 404 with a hint, for every method", async () => {
  await using t = await testApp();
  for (
    const path of ["/", "/api/v1/nothing", "/api/v2/servers", `${SERVERS}/a/b/c`, "/..%2f..%2fetc/passwd"]
  ) {
    for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"]) {
      const problem = await problemOf(await t.request(method, path), 404);
      assert.match(problem.detail, /no such path/);
      assert.match(problem.hint ?? "", /\/docs/);
    }
  }
});

Deno.test("a trailing slash is another path", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  await problemOf(await t.request("GET", `${SERVERS}/`, { token }), 404);
});

Deno.test("a wrong method is 405 and names the right ones", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  for (
    const [method, path, allow] of [
      ["DELETE", SERVERS, "GET, HEAD, POST"],
      ["PATCH", `${SERVERS}/web-1`, "DELETE, GET, HEAD, PUT"],
      ["GET", "/api/v1/auth/token", "POST"],
      ["GET", "/v1/auth/token", "POST"],
      ["POST", "/api/v1/health", "GET, HEAD"],
      ["PUT", "/api/v1/backups/prune", "DELETE, GET, HEAD, POST"],
      ["POST", "/metrics", "GET, HEAD"],
      ["POST", "/openapi.json", "GET, HEAD"],
      ["PROPFIND", SERVERS, "GET, HEAD, POST"],
      ["OPTIONS", SERVERS, "GET, HEAD, POST"],
    ] as const
  ) {
    const answer = await t.request(method, path, { token });
    assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
    const problem = await problemOf(answer, 405);
    assert.match(problem.detail, new RegExp(`^Cannot ${method} ${path}: `));
  }
});

Deno.test("a body that cannot be read is told apart and changes nothing", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  const json = { "content-type": "application/json" };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const rows: readonly (readonly [Record<string, string>, BodyInit, RegExp])[] = [
    [json, '{"name": "web-1", ', /is not JSON/],
    [json, "{'name': 'web-1'}", /is not JSON/],
    [json, "[]", /must be a JSON object/],
    [json, "null", /must be a JSON object/],
    [json, '"text"', /must be a JSON object/],
    [json, "42", /must be a JSON object/],
    [json, new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), /is not UTF-8/],
    [json, `{"name": "${"a".repeat(100_000)}", "host": "a"}`, /name: .*100/],
    [form, "name=web-1&host=a", /content type "application\/x-www-form-urlencoded"/],
    [{ "content-type": "text/plain" }, '{"name":"web-1","host":"a"}', /content type "text\/plain"/],
    [{ "content-type": "multipart/form-data; boundary=x" }, "--x--", /content type "multipart\/form-data"/],
    [{}, new Uint8Array([0x7b, 0x7d]), /content type ""/],
    [json, '{"name": "web-1", "host": 1e400}', /host: /],
    [json, '{"name": "web-1", "host": "a", "__proto__": {"role": "admin"}}', /"__proto__"/],
    [json, '{"name": "web-1", "host": "a", "constructor": {}}', /"constructor"/],
    [json, '{"name": "web-1", "host": "a\\u0000"}', /host: /],
    [json, '{"name": "we\\u0000b", "host": "a"}', /name: /],
  ];
  for (const [headers, body, message] of rows) {
    const problem = await problemOf(await t.request("POST", SERVERS, { token, headers, body }), 400);
    assert.match(problem.detail, message);
  }
  assert.deepEqual(await t.local("GET", SERVERS), []);
});

Deno.test("what is nested ten thousand deep is refused like anything else that does not fit", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  const deep = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
  const headers = { "content-type": "application/json" };
  for (
    const body of [
      deep,
      `{"name": "web-1", "host": ${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
      `{"name": "web-1", "host": "a", "default_engine": "archive", "default_engine_options": ${deep}}`,
      `{"name": "web-1", "host": "a", "running_check": ${deep}}`,
    ]
  ) await problemOf(await t.request("POST", SERVERS, { token, headers, body }), 400);
  const server = { name: "web-1", host: "a" };
  await t.local("POST", SERVERS, server);
  const body =
    `{"name": "n", "server_id": 1, "interval_hours": 1, "engine": "archive", "engine_options": ${deep}}`;
  await problemOf(await t.request("POST", SCHEDULES, { token, headers, body }), 400);
});

Deno.test("a body over the limit is refused, whatever its length header says", async () => {
  await using t = await testApp({ "api.max_body_bytes": "2048" });
  const token = await t.keyFor("admin");
  const big = JSON.stringify({ name: "web-1", host: "a", description: "x".repeat(3000) });
  const headers = { "content-type": "application/json" };
  const chunked = () => new Blob([big]).stream();
  for (const body of [big, chunked()]) {
    const problem = await problemOf(await t.request("POST", SERVERS, { token, headers, body }), 400);
    assert.equal(problem.code, "body_too_large");
    assert.match(problem.detail, /larger than 2048 bytes/);
  }
  const lying = { ...headers, "content-length": "10" };
  await problemOf(await t.request("POST", SERVERS, { token, headers: lying, body: chunked() }), 400);
  assert.deepEqual(await t.local("GET", SERVERS), []);
});

Deno.test("the body of somebody who may not ask is not read", async () => {
  await using t = await testApp();
  const token = await t.keyFor("user");
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      read++;
      controller.enqueue(new Uint8Array(1024));
    },
  }, { highWaterMark: 0 });
  await problemOf(await t.request("POST", SERVERS, { token, body }), 403);
  assert.equal(read, 0);
});

Deno.test("query values that do not fit are refused, and of one given twice the last counts", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  const logs = "/api/v1/backup-scheduler/logs";
  for (
    const query of [
      "limit=0",
      "limit=-1",
      "limit=1e3",
      "limit=0x10",
      "limit=99999999999999999999999999",
      "limit=NaN",
      "limit=",
      "offset=-1",
      "offset=9007199254740993",
      "colour=red",
      "__proto__=1",
      "__proto__=1&__proto__=2",
      "constructor=1",
    ]
  ) await problemOf(await t.request("GET", `${logs}?${query}`, { token }), 400);
  const answer = await t.request("GET", `${logs}?limit=5&limit=7`, { token });
  assert.equal((await answer.json()).size, 7);
});

Deno.test("references that are odd are not found, and never an internal error", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  for (
    const ref of [
      "99999999999999999999999999",
      "-1",
      "1.5",
      "0",
      "%00",
      "%E0%A4%A",
      "%F0%9F%92%BE",
      "..%2F..",
      "a%2Fb",
      "__proto__",
      "constructor",
      "'%20or%201=1--",
      "x".repeat(5000),
    ]
  ) {
    for (
      const path of [
        `${SERVERS}/${ref}`,
        `${SCHEDULES}/${ref}`,
        `/api/v1/backups/${ref}`,
        `/api/v1/users/${ref}`,
      ]
    ) {
      const answer = await t.request("GET", path, { token });
      assert.ok(
        [400, 404].includes(answer.status),
        `${path.slice(0, 60)}: ${answer.status} ${await answer.clone().text()}`,
      );
      await problemOf(answer, answer.status);
    }
  }
});

Deno.test("a harmless request id comes back, another one is replaced", async () => {
  await using t = await testApp();
  for (const path of ["/api/v1/health", "/nowhere", "/docs", "/metrics"]) {
    const kept = await t.request("GET", path, { headers: { "x-request-id": "trace-1.2_3" } });
    assert.equal(kept.headers.get("x-request-id"), "trace-1.2_3", path);
    await kept.body?.cancel();
    for (const odd of ["", "a b", "x".repeat(65), '"><script>', "ü"]) {
      const made = await t.request("GET", path, { headers: { "x-request-id": odd } });
      assert.match(made.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, path);
      await made.body?.cancel();
    }
  }
});

Deno.test("callers on the socket get the same errors", async () => {
  await using t = await testApp();
  await problemOf(await t.request("GET", `${SERVERS}/nowhere`, { peer: SOCKET }), 404);
  await problemOf(await t.request("POST", SERVERS, { peer: SOCKET, json: {} }), 400);
});
