// Slow because passwords are hashed as they are in earnest.
/** Logging in over HTTP, as existing clients of such APIs do it, and against people who guess. */
import assert from "node:assert/strict";
import { PASSWORD, type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { problemOf } from "./problem.ts";

const START = "2030-01-06T10:30:00.000Z";
const TOKEN = "/api/v1/auth/token";
const ME = "/api/v1/auth/me";

function form(t: TestApp, path: string, fields: Record<string, string>, address = "192.0.2.10") {
  return t.request("POST", path, {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
    peer: { via: "tcp", address },
  });
}

async function withBo(settings: Record<string, string> = {}, clock = new FakeClock(START)) {
  const t = await testApp(settings, clock);
  await t.local("POST", "/api/v1/users", { name: "bo", password: PASSWORD });
  return t;
}

Deno.test("the password form works at both paths, as form or JSON, with what clients send along", async () => {
  await using t = await withBo();
  const fields = { username: "bo", password: PASSWORD };
  const answers = [
    await form(t, TOKEN, fields),
    await form(t, "/v1/auth/token", {
      ...fields,
      grant_type: "password",
      scope: "",
      client_id: "",
      client_secret: "",
    }),
    await t.request("POST", TOKEN, { json: fields }),
    // Clients of the password grant identify their application this way (RFC 6749 section 2.3.1).
    await t.request("POST", TOKEN, {
      json: fields,
      headers: { authorization: `Basic ${btoa("app:secret")}` },
    }),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const pair = await answer.json();
    assert.deepEqual([pair.token_type, pair.expires_in, pair.username, pair.role], [
      "bearer",
      1800,
      "bo",
      "user",
    ]);
    const me = await (await t.request("GET", ME, { token: pair.access_token })).json();
    assert.deepEqual([me.kind, me.name, me.role, me.servers], ["user", "bo", "user", []]);
  }
});

Deno.test("a wrong password, a wrong name and a missing field are told apart only where that helps nobody", async () => {
  await using t = await withBo();
  const wrong = await problemOf(await form(t, TOKEN, { username: "bo", password: "not this one" }), 401);
  const nobody = await problemOf(await form(t, TOKEN, { username: "eve", password: "not this one" }), 401);
  assert.equal(wrong.detail, nobody.detail);
  assert.equal(wrong.code, "invalid_grant");
  const missing = await problemOf(await form(t, TOKEN, { username: "bo" }), 400);
  assert.deepEqual(missing.errors, [{ path: "password", message: "is required" }]);
  await problemOf(await form(t, TOKEN, { username: "bo", password: PASSWORD, grant_type: "implicit" }), 400);
});

Deno.test("a refresh token is good once; one that comes back ends the session", async () => {
  await using t = await withBo();
  const first = await (await form(t, TOKEN, { username: "bo", password: PASSWORD })).json();
  const expired = { authorization: "Bearer not.a.token" };
  const second = await (await t.request("POST", "/api/v1/auth/refresh", {
    json: { refresh_token: first.refresh_token },
    headers: expired,
  })).json();
  const third = await (await form(t, TOKEN, {
    grant_type: "refresh_token",
    refresh_token: second.refresh_token,
  })).json();
  assert.equal((await t.request("GET", ME, { token: third.access_token })).status, 200);
  const reused = { refresh_token: first.refresh_token };
  await problemOf(await t.request("POST", "/api/v1/auth/refresh", { json: reused }), 401);
  await problemOf(await t.request("GET", ME, { token: third.access_token }), 401);
  await problemOf(
    await t.request("POST", "/api/v1/auth/refresh", { json: { refresh_token: third.refresh_token } }),
    401,
  );
});

Deno.test("after the log-out the token is refused at once, after half an hour anyway", async () => {
  const clock = new FakeClock(START);
  await using t = await withBo({}, clock);
  const pair = await (await form(t, TOKEN, { username: "bo", password: PASSWORD })).json();
  const out = await t.request("POST", "/api/v1/auth/logout", { token: pair.access_token });
  assert.equal(out.status, 204);
  await problemOf(await t.request("GET", ME, { token: pair.access_token }), 401);
  const next = await (await form(t, TOKEN, { username: "bo", password: PASSWORD })).json();
  clock.advance(1799_000);
  assert.equal((await t.request("GET", ME, { token: next.access_token })).status, 200);
  clock.advance(2000);
  await problemOf(await t.request("GET", ME, { token: next.access_token }), 401);
});

Deno.test("assignment and role count at once, and nobody sets the password of another", async () => {
  await using t = await withBo();
  await t.local("POST", "/api/v1/servers", { name: "web-1", host: "192.0.2.1" });
  await t.local("POST", "/api/v1/servers", { name: "web-2", host: "192.0.2.2" });
  const { access_token: token } = await (await form(t, TOKEN, { username: "bo", password: PASSWORD })).json();
  const seen = async () => {
    const servers = await (await t.request("GET", "/api/v1/servers", { token })).json();
    return servers.map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await seen(), []);
  await t.local("PUT", "/api/v1/users/bo/servers", { servers: ["web-2"] });
  assert.deepEqual(await seen(), ["web-2"]);
  await problemOf(await t.request("GET", "/api/v1/servers/web-1", { token }), 403);
  assert.equal((await t.request("GET", "/api/v1/servers/web-2", { token })).status, 200);

  await t.local("PATCH", "/api/v1/users/bo", { role: "operator" });
  assert.deepEqual(await seen(), ["web-1", "web-2"]);
  const json = { password: "something else entirely" };
  await t.local("POST", "/api/v1/users", { name: "cy", role: "admin", password: PASSWORD });
  await problemOf(await t.request("PUT", "/api/v1/users/cy/password", { token, json }), 403);
  await problemOf(await t.request("PUT", "/api/v1/users/bo/password", { token, json }), 400);
  const wrong = { ...json, current_password: "not this one" };
  await problemOf(await t.request("PUT", "/api/v1/users/bo/password", { token, json: wrong }), 400);
  await t.local("POST", "/api/v1/users/bo/disable");
  await problemOf(await t.request("GET", ME, { token }), 401);
});

Deno.test("ten attempts a minute for a name and an address, then 429 with the time to wait", async () => {
  const clock = new FakeClock(START);
  await using t = await withBo({ "auth.lockout_after": "0" }, clock);
  const wrong = { username: "bo", password: "not this one" };
  for (let i = 0; i < 10; i++) await problemOf(await form(t, TOKEN, wrong), 401);
  const answer = await form(t, TOKEN, { username: "bo", password: PASSWORD });
  assert.equal(answer.headers.get("retry-after"), "6");
  assert.equal((await problemOf(answer, 429)).code, "login_rate");
  // Neither the alias nor JSON nor capitals nor a claimed origin make it another attempt.
  await problemOf(await form(t, "/v1/auth/token", wrong), 429);
  await problemOf(await t.request("POST", TOKEN, { json: wrong }), 429);
  await problemOf(await form(t, TOKEN, { ...wrong, username: "BO" }), 429);
  const spoofed = await t.request("POST", TOKEN, {
    json: wrong,
    headers: {
      "x-forwarded-for": "198.51.100.7",
      "x-real-ip": "198.51.100.7",
      forwarded: "for=198.51.100.7",
    },
  });
  await problemOf(spoofed, 429);
  assert.equal((await form(t, TOKEN, { username: "bo", password: PASSWORD }, "192.0.2.11")).status, 200);
  clock.advance(6000);
  assert.equal((await form(t, TOKEN, { username: "bo", password: PASSWORD })).status, 200);
});

Deno.test("wrong passwords in a row lock the name for the address, an administrator opens the lock", async () => {
  const clock = new FakeClock(START);
  await using t = await withBo({ "auth.lockout_after": "3", "auth.lockout_seconds": "600" }, clock);
  const good = { username: "bo", password: PASSWORD };
  const guess = async () => {
    for (let i = 0; i < 3; i++) {
      await problemOf(await form(t, TOKEN, { ...good, password: "not this one" }), 401);
    }
  };
  await guess();
  const locked = await form(t, TOKEN, good);
  assert.equal(locked.headers.get("retry-after"), "600");
  assert.equal((await problemOf(locked, 429)).code, "locked_out");
  assert.equal((await form(t, TOKEN, good, "192.0.2.11")).status, 200);
  clock.advance(600_000);
  assert.equal((await form(t, TOKEN, good)).status, 200);
  await guess();
  await t.local("POST", "/api/v1/users/bo/enable");
  assert.equal((await form(t, TOKEN, good)).status, 200);
  const { lines } = await t.local("GET", "/api/v1/audit?operation=auth.token&limit=100");
  const outcomes = lines.map(({ outcome }: { outcome: string }) => outcome);
  assert.ok(outcomes.includes("ok") && outcomes.includes("unauthenticated"), String(outcomes));
  assert.ok(!JSON.stringify(lines).includes("not this one"));
});

Deno.test("the set-up code makes the first administrator and dies with it", async () => {
  await using t = await testApp({}, new FakeClock(START));
  const code = await t.app.setupCode();
  const json = { code, username: "ada", password: PASSWORD };
  const setup = (body: object) => t.request("POST", "/api/v1/auth/setup", { json: body });
  await problemOf(await setup({ ...json, code: "AAAA-BBBB-CCCC-DDDD" }), 401);
  await problemOf(await setup({ ...json, password: "short" }), 400);
  const made = await setup(json);
  assert.equal(made.status, 201);
  const user = await made.json();
  assert.deepEqual([user.name, user.role], ["ada", "admin"]);
  await problemOf(await setup({ ...json, username: "eve" }), 409);
  assert.equal(await t.app.setupCode(), null);
  const { lines } = await t.local("GET", "/api/v1/audit?limit=100");
  assert.ok(!JSON.stringify(lines).includes(String(code)));
});
