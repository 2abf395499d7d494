/** What every answer carries, whom pages of other origins may be, and the methods every path has. */
import assert from "node:assert/strict";
import { testApp } from "../support/app.ts";
import { problemOf } from "./problem.ts";

const SERVERS = "/api/v1/servers";
const UI = "https://ui.example.org";

/** Nothing is sniffed, framed, referred to or taken by other origins. */
const SECURE = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

Deno.test("secure headers and a request id are on every answer, whatever it is", async () => {
  await using t = await testApp({ "api.rate_per_minute": "60", "api.rate_burst": "1" });
  const token = await t.keyFor("admin");
  const create = { token, json: { name: "web-1", host: "192.0.2.1" } };
  const limited = { token: await t.keyFor("user") };
  await t.request("GET", SERVERS, limited);
  const rows = [
    [201, await t.request("POST", SERVERS, create)],
    [429, await t.request("GET", SERVERS, limited)],
    [401, await t.request("GET", SERVERS)],
    [404, await t.request("GET", "/nowhere")],
    [405, await t.request("PUT", "/api/v1/health")],
    [200, await t.request("GET", "/api/v1/health")],
    [200, await t.request("HEAD", "/api/v1/health")],
    [200, await t.request("GET", "/metrics", { token })],
    [401, await t.request("GET", "/metrics")],
    [200, await t.request("GET", "/docs")],
    [200, await t.request("GET", "/redoc")],
    [200, await t.request("GET", "/openapi.json")],
    [200, await t.request("GET", "/docs/swagger-ui.css")],
  ] as const;
  for (const [status, answer] of rows) {
    assert.equal(answer.status, status);
    for (const [name, value] of Object.entries(SECURE)) assert.equal(answer.headers.get(name), value, name);
    assert.match(answer.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    assert.ok(answer.headers.has("cache-control"));
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    assert.equal(answer.headers.get("set-cookie"), null);
    await answer.body?.cancel();
  }
});

Deno.test("a page of an origin on the list may call the API, one of another gets nothing", async () => {
  await using t = await testApp({ "api.cors_origins": UI });
  const token = await t.keyFor("user");
  const from = (origin: string, more: Record<string, string> = {}) => ({ headers: { origin, ...more } });
  const asked = { "access-control-request-method": "PUT", "access-control-request-headers": "authorization" };
  const preflight = await t.request("OPTIONS", `${SERVERS}/web-1`, from(UI, asked));
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), UI);
  assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /\bPUT\b/);
  assert.match(
    preflight.headers.get("access-control-allow-headers") ?? "",
    /\bauthorization\b.*\bx-api-key\b/,
  );
  assert.equal(preflight.headers.get("access-control-allow-credentials"), null);
  assert.equal(preflight.headers.get("vary"), "origin");

  for (const options of [{ token }, {}]) {
    const answer = await t.request("GET", SERVERS, { ...options, ...from(UI) });
    assert.equal(answer.status, "token" in options ? 200 : 401);
    assert.equal(answer.headers.get("access-control-allow-origin"), UI);
    assert.match(answer.headers.get("access-control-expose-headers") ?? "", /x-request-id.*retry-after/);
    await answer.body?.cancel();
  }
  for (
    const origin of [
      "https://evil.example.org",
      "http://ui.example.org",
      `${UI}.evil.org`,
      `${UI}:444`,
      "null",
    ]
  ) {
    const refused = await t.request("OPTIONS", SERVERS, from(origin, asked));
    assert.deepEqual(corsHeaders(refused), [], origin);
    await problemOf(refused, 405);
    const answer = await t.request("GET", SERVERS, { token, ...from(origin) });
    assert.deepEqual(corsHeaders(answer), [], origin);
    await answer.body?.cancel();
  }
});

function corsHeaders(answer: Response): string[] {
  return [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"));
}

Deno.test("without a list no page of any origin may call the API; with * every one may, without cookies", async () => {
  await using closed = await testApp();
  assert.deepEqual(corsHeaders(await closed.request("OPTIONS", SERVERS, { headers: { origin: UI } })), []);
  await using open = await testApp({ "api.cors_origins": "*" });
  const answer = await open.request("GET", "/api/v1/health", { headers: { origin: UI } });
  assert.equal(answer.headers.get("access-control-allow-origin"), UI);
  assert.equal(answer.headers.get("access-control-allow-credentials"), null);
});

Deno.test("HEAD answers what GET does, without the body", async () => {
  await using t = await testApp();
  const token = await t.keyFor("user");
  for (
    const path of [
      SERVERS,
      `${SERVERS}/none`,
      "/api/v1/health",
      "/metrics",
      "/docs",
      "/openapi.json",
      "/nowhere",
    ]
  ) {
    const got = await t.request("GET", path, { token });
    const head = await t.request("HEAD", path, { token });
    assert.equal(head.status, got.status, path);
    assert.equal(head.headers.get("content-type"), got.headers.get("content-type"), path);
    assert.equal(await head.text(), "", path);
    await got.body?.cancel();
  }
});

Deno.test("a form of a foreign page cannot change anything", async () => {
  await using t = await testApp();
  const token = await t.keyFor("admin");
  for (const type of ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]) {
    const options = {
      token,
      headers: { "content-type": type, origin: "https://evil.example.org" },
      body: "name=a",
    };
    await problemOf(await t.request("POST", SERVERS, options), 400);
  }
  assert.deepEqual(await t.local("GET", SERVERS), []);
});
