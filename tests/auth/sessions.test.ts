import assert from "node:assert/strict";
import type { AuthSettings } from "../../src/auth/mod.ts";
import { TokenPair } from "../../src/auth/model.ts";
import type { Caller } from "../../src/lib/operation.ts";
import { caller } from "../support/store.ts";
import { type Access, access, MINUTE, nobody, PASSWORD, person, SETTINGS } from "./access.ts";

const LOGIN = { username: "bo", password: PASSWORD };

async function withUser(settings: Partial<AuthSettings> = {}): Promise<Access> {
  const a = await access(settings);
  await a.call("users.create", { name: "bo", role: "user", password: PASSWORD, servers: [1] });
  return a;
}

async function login(a: Access, input: object = LOGIN, from: Caller = nobody()): Promise<TokenPair> {
  return TokenPair.parse(await a.call("auth.token", input, from));
}

async function who(a: Access, token: string) {
  return await a.auth.authenticate({ authorization: `Bearer ${token}`, address: "192.0.2.1" });
}

async function asSelf(a: Access, token: string): Promise<Caller> {
  return person(await who(a, token));
}

const REFUSED = { kind: "unauthenticated" };

Deno.test("a log-in answers what OAuth clients expect, and its token says who is calling", async () => {
  await using a = await withUser();
  const pair = await login(a);
  assert.equal(pair.token_type, "bearer");
  assert.equal(pair.expires_in, 1800);
  assert.equal(pair.role, "user");
  const identity = await who(a, pair.access_token);
  assert.deepEqual({ ...identity, session_id: typeof identity.session_id }, {
    kind: "user",
    id: pair.user_id,
    name: "bo",
    role: "user",
    servers: [1],
    on_host: false,
    address: "192.0.2.1",
    session_id: "string",
  });
  const { last_login_at } = await a.auth.users.get("bo");
  assert.equal(last_login_at, "2030-01-01T00:00:00.000Z");
});

Deno.test("the form may hold what OAuth clients send besides, and the name in any case", async () => {
  await using a = await withUser();
  await login(a, {
    ...LOGIN,
    username: "BO",
    grant_type: "password",
    scope: "",
    client_id: "",
    client_secret: "",
  });
});

Deno.test("a wrong password, a name nobody has and a disabled user get the same answer", async () => {
  await using a = await withUser();
  await a.call("users.create", { name: "cy", role: "user", password: PASSWORD });
  await a.call("users.disable", { user: "cy" });
  for (
    const input of [{ ...LOGIN, password: "wrong" }, { ...LOGIN, username: "eve" }, {
      ...LOGIN,
      username: "cy",
    }]
  ) {
    await assert.rejects(login(a, input), {
      kind: "unauthenticated",
      code: "invalid_grant",
      message: "Cannot log in: wrong user name or password",
    });
  }
  await assert.rejects(login(a, { username: "bo" }), { kind: "invalid", message: /password is required/ });
  await assert.rejects(login(a, { grant_type: "refresh_token" }), { kind: "invalid" });
  await assert.rejects(login(a, { ...LOGIN, grant_type: "implicit" }), { kind: "invalid" });
});

Deno.test("log-ins are audited: who and from where, failed ones too, never what was typed", async () => {
  await using a = await withUser();
  await login(a);
  await assert.rejects(login(a, { ...LOGIN, password: "mistyped1" }), REFUSED);
  await assert.rejects(
    login(a, { username: "pasted password", password: "x" }, nobody("192.0.2.9")),
    REFUSED,
  );
  const { lines } = await a.auth.audit.list({ operation: "auth", limit: 10, offset: 0 });
  assert.deepEqual(lines.map((l) => [l.caller_name, l.address, l.target, l.outcome]), [
    ["anonymous", "192.0.2.9", "users", "unauthenticated"],
    ["anonymous", "192.0.2.1", "users/bo", "unauthenticated"],
    ["bo", "192.0.2.1", "users/bo", "ok"],
  ]);
});

Deno.test("refreshing answers the next pair, by either way in, and the session lives on", async () => {
  await using a = await withUser();
  const first = await login(a);
  a.clock.advance(29 * 60 * MINUTE);
  const second = TokenPair.parse(
    await a.call("auth.refresh", { refresh_token: first.refresh_token }, nobody()),
  );
  const third = await login(a, { grant_type: "refresh_token", refresh_token: second.refresh_token });
  assert.notEqual(second.refresh_token, third.refresh_token);
  assert.equal((await who(a, third.access_token)).name, "bo");
  assert.equal((await who(a, second.access_token)).session_id, (await who(a, third.access_token)).session_id);
});

Deno.test("a refresh token that comes back after its use ends the session, and the log says so", async () => {
  await using a = await withUser();
  const first = await login(a);
  const second = TokenPair.parse(
    await a.call("auth.refresh", { refresh_token: first.refresh_token }, nobody()),
  );
  await who(a, second.access_token);
  await assert.rejects(
    a.call("auth.refresh", { refresh_token: first.refresh_token }, nobody("192.0.2.66")),
    REFUSED,
  );
  await assert.rejects(who(a, second.access_token), REFUSED);
  await assert.rejects(a.call("auth.refresh", { refresh_token: second.refresh_token }, nobody()), REFUSED);
  const { lines } = await a.auth.audit.list({
    target: "users/bo",
    operation: "auth.refresh",
    limit: 5,
    offset: 0,
  });
  assert.deepEqual(lines.map((line) => [line.outcome, line.address]), [["token_reused", "192.0.2.66"]]);
});

Deno.test("of two refreshes at the same time one wins, and the session ends", async () => {
  await using a = await withUser();
  const { refresh_token, access_token } = await login(a);
  const results = await Promise.allSettled(
    [1, 2].map(() => a.call("auth.refresh", { refresh_token }, nobody())),
  );
  assert.deepEqual(results.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
  await assert.rejects(who(a, access_token), REFUSED);
});

Deno.test("a session that nobody uses ends, and junk is no refresh token", async () => {
  await using a = await withUser();
  const { refresh_token } = await login(a);
  a.clock.advance(SETTINGS.refresh_token_seconds * 1000);
  await assert.rejects(a.call("auth.refresh", { refresh_token }, nobody()), REFUSED);
  await assert.rejects(a.call("auth.refresh", { refresh_token: "hfr_junk" }, nobody()), REFUSED);
});

Deno.test("a token ends with its session, though it was just used and says longer", async () => {
  await using a = await withUser({ refresh_token_seconds: 600 });
  const { access_token } = await login(a);
  a.clock.advance(10 * MINUTE - 1);
  await who(a, access_token);
  a.clock.advance(1);
  await assert.rejects(who(a, access_token), REFUSED);
});

Deno.test("log-out ends this session only, log-out everywhere ends all", async () => {
  await using a = await withUser();
  const [one, two, three] = [await login(a), await login(a), await login(a)];
  assert.equal(await a.call("auth.logout", {}, await asSelf(a, one.access_token)), null);
  await assert.rejects(who(a, one.access_token), REFUSED);
  await assert.rejects(a.call("auth.refresh", { refresh_token: one.refresh_token }, nobody()), REFUSED);
  assert.deepEqual(await a.call("auth.logout-all", {}, await asSelf(a, two.access_token)), { revoked: 2 });
  await assert.rejects(who(a, two.access_token), REFUSED);
  await assert.rejects(who(a, three.access_token), REFUSED);
});

Deno.test("a caller without a session cannot log out", async () => {
  await using a = await withUser();
  const key = person({ kind: "key", name: "key:agent-1", role: "user" });
  await assert.rejects(a.call("auth.logout", {}, key), { kind: "invalid", message: /has no session/ });
  await assert.rejects(a.call("auth.logout-all", {}, key), { kind: "invalid" });
});

const ENDINGS: [string, object][] = [
  ["users.revoke-sessions", { user: "bo" }],
  ["users.passwd", { user: "bo", password: "another secret" }],
  ["users.disable", { user: "bo" }],
  ["users.delete", { user: "bo" }],
];

for (const [operation, input] of ENDINGS) {
  Deno.test(`${operation} ends the user's sessions at once, though their tokens were just used`, async () => {
    await using a = await withUser();
    const { access_token, refresh_token } = await login(a);
    await who(a, access_token);
    await a.call(operation, input);
    await assert.rejects(who(a, access_token), REFUSED);
    await assert.rejects(a.call("auth.refresh", { refresh_token }, nobody()), REFUSED);
  });
}

Deno.test("sessions of a user that was enabled again stay ended", async () => {
  await using a = await withUser();
  const { access_token } = await login(a);
  await a.call("users.disable", { user: "bo" });
  await a.call("users.enable", { user: "bo" });
  await assert.rejects(who(a, access_token), REFUSED);
  await login(a);
});

Deno.test("a new role and new servers count at once for a token that was just used", async () => {
  await using a = await withUser();
  const { access_token } = await login(a);
  assert.deepEqual((await who(a, access_token)).servers, [1]);
  await a.call("users.assign", { user: "bo", servers: [2] });
  assert.deepEqual((await who(a, access_token)).servers, [2]);
  await a.call("users.update", { user: "bo", role: "operator" });
  const { role, servers } = await who(a, access_token);
  assert.deepEqual({ role, servers }, { role: "operator", servers: null });
});

Deno.test("a token outlives a restart of the daemon", async () => {
  await using a = await withUser();
  const { access_token } = await login(a);
  const again = a.restart();
  assert.equal(
    (await again.authenticate({ authorization: `Bearer ${access_token}`, address: null })).name,
    "bo",
  );
});

Deno.test("a hash with old parameters is renewed at log-in", async () => {
  await using a = await withUser();
  const hash = () => a.database.sqlite.prepare("select password_hash from users").all()[0]?.password_hash;
  const before = hash();
  await login(a);
  assert.equal(hash(), before);
  a.database.sqlite.prepare("update users set password_hash = ?").run(
    await new (await import("../../src/auth/passwords.ts")).Passwords({ ln: 3, r: 1, p: 1 }).hash(PASSWORD),
  );
  await login(a);
  assert.match(String(hash()), /ln=4,/);
  await login(a);
});

Deno.test("old sessions and counts are forgotten, open ones stay", async () => {
  await using a = await withUser();
  await login(a);
  a.clock.advance((SETTINGS.refresh_token_seconds + 91 * 86_400) * 1000);
  const { access_token } = await login(a);
  await assert.rejects(login(a, { ...LOGIN, password: "wrong" }), REFUSED);
  assert.deepEqual(await a.auth.prune(a.clock.now()), { sessions: 1, login_failures: 0 });
  await who(a, access_token);
  a.clock.advance(SETTINGS.lockout_seconds * 1000 + 1);
  assert.deepEqual(await a.auth.prune(a.clock.now()), { sessions: 0, login_failures: 2 });
});

Deno.test("whoever is on the host logs in without limits", async () => {
  await using a = await withUser();
  for (let i = 0; i < 30; i++) {
    await assert.rejects(login(a, { ...LOGIN, password: "wrong" }, caller()), REFUSED);
  }
  await login(a, LOGIN, caller());
});
