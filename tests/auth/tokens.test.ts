import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { TokenPair } from "../../src/auth/model.ts";
import { SigningKeys } from "../../src/auth/signing.ts";
import { type Verified, VerifiedTokens } from "../../src/auth/verified.ts";
import { type Access, access, MINUTE, nobody, PASSWORD } from "./access.ts";
import { fastest } from "../support/fastest.ts";

const REFUSED = { kind: "unauthenticated" };

async function loggedIn(): Promise<{ a: Access; token: string }> {
  const a = await access();
  await a.call("users.create", { name: "bo", role: "operator", password: PASSWORD });
  const { access_token } = TokenPair.parse(
    await a.call("auth.token", { username: "bo", password: PASSWORD }, nobody()),
  );
  return { a, token: access_token };
}

function check(a: Access, token: string) {
  return a.auth.authenticate({ authorization: `Bearer ${token}`, address: null });
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
}

interface KeyFile {
  keys: { kid: string; secret: string }[];
}

function keyFile(a: Access): KeyFile {
  return JSON.parse(Deno.readTextFileSync(join(a.dir, "keys", "signing.json")));
}

/** A token with any content, signed with any secret, as an attacker who knows the format would. */
function forge(header: object, payload: object, secret: string, hash = "sha256"): string {
  const body = `${part(header)}.${part(payload)}`;
  return `${body}.${createHmac(hash, Buffer.from(secret, "base64url")).update(body).digest("base64url")}`;
}

Deno.test("a token that was made exactly as ours passes, so that the attacks below fail for their own reason", async () => {
  const { a, token } = await loggedIn();
  await using _ = a;
  const { secret } = keyFile(a).keys[0]!;
  assert.equal(
    (await check(a, forge(headerOf(token), { ...payloadOf(token), jti: "x" }, secret))).name,
    "bo",
  );
});

const ATTACKS: [string, (token: string, secret: string) => string][] = [
  ["alg none, no signature", (t) => `${part({ ...headerOf(t), alg: "none" })}.${t.split(".")[1]}.`],
  [
    "alg none, old signature",
    (t) => `${part({ ...headerOf(t), alg: "none" })}.${t.split(".").slice(1).join(".")}`,
  ],
  ["alg None in another case", (t) => `${part({ ...headerOf(t), alg: "None" })}.${t.split(".")[1]}.`],
  ["another algorithm", (t, s) => forge({ ...headerOf(t), alg: "HS512" }, payloadOf(t), s, "sha512")],
  ["an asymmetric algorithm", (t, s) => forge({ ...headerOf(t), alg: "RS256" }, payloadOf(t), s)],
  ["a foreign key id", (t, s) => forge({ ...headerOf(t), kid: "ffffffffffff" }, payloadOf(t), s)],
  ["a key id that is a path", (t, s) => forge({ ...headerOf(t), kid: "../../dev/null" }, payloadOf(t), s)],
  ["no key id", (t, s) => forge({ alg: "HS256", typ: "at+jwt" }, payloadOf(t), s)],
  [
    "a key of its own in the header",
    (t) => forge({ ...headerOf(t), jwk: { kty: "oct", k: "AAAA" } }, payloadOf(t), "AAAA"),
  ],
  ["another secret", (t) => forge(headerOf(t), payloadOf(t), "A".repeat(43))],
  ["an empty secret", (t) => forge(headerOf(t), payloadOf(t), "")],
  ["a changed user", (t) => `${t.split(".")[0]}.${part({ ...payloadOf(t), sub: "2" })}.${t.split(".")[2]}`],
  ["another type of token", (t, s) => forge({ ...headerOf(t), typ: "JWT" }, payloadOf(t), s)],
  ["another issuer", (t, s) => forge(headerOf(t), { ...payloadOf(t), iss: "elsewhere" }, s)],
  ["another audience", (t, s) => forge(headerOf(t), { ...payloadOf(t), aud: "elsewhere" }, s)],
  ["another user's session", (t, s) => forge(headerOf(t), { ...payloadOf(t), sub: "2" }, s)],
  ["an unknown session", (t, s) => forge(headerOf(t), { ...payloadOf(t), sid: "x" }, s)],
  ["no session", (t, s) => forge(headerOf(t), { ...payloadOf(t), sid: undefined }, s)],
  ["no expiry", (t, s) => forge(headerOf(t), { ...payloadOf(t), exp: undefined }, s)],
  ["a user id that is no number", (t, s) => forge(headerOf(t), { ...payloadOf(t), sub: "1 or 1=1" }, s)],
  ["a critical header nobody knows", (t, s) => forge({ ...headerOf(t), crit: ["x"], x: 1 }, payloadOf(t), s)],
  ["no token at all", () => "junk"],
  ["two dots", () => ".."],
  ["a very long text", () => "x".repeat(100_000)],
  ["half a token", (t) => t.slice(0, -10)],
];

for (const [attack, make] of ATTACKS) {
  Deno.test(`a token is refused: ${attack}`, async () => {
    const { a, token } = await loggedIn();
    await using _ = a;
    await a.call("users.create", { name: "cy", role: "admin", password: PASSWORD });
    const forged = make(token, keyFile(a).keys[0]!.secret);
    await assert.rejects(check(a, forged), { ...REFUSED, code: "token_invalid" });
    // Neither does a good token before or after it change that.
    await check(a, token);
    await assert.rejects(check(a, forged), REFUSED);
  });
}

Deno.test("a token expires to the second, kept in memory or not", async () => {
  const { a, token } = await loggedIn();
  await using _ = a;
  a.clock.advance(30 * MINUTE - 1);
  assert.equal((await check(a, token)).name, "bo");
  a.clock.advance(1);
  for (const auth of [a.auth, a.restart()]) {
    await assert.rejects(auth.authenticate({ authorization: `Bearer ${token}`, address: null }), {
      kind: "unauthenticated",
      code: "token_expired",
      message: "Cannot log in: the access token has expired",
    });
  }
});

Deno.test("a role in the token counts for nothing", async () => {
  const { a, token } = await loggedIn();
  await using _ = a;
  const forged = forge(headerOf(token), { ...payloadOf(token), role: "admin" }, keyFile(a).keys[0]!.secret);
  assert.equal((await check(a, forged)).role, "operator");
});

Deno.test("after a rotation old tokens stay good until they expire, then the old key is gone", async () => {
  const { a, token } = await loggedIn();
  await using _ = a;
  const old = keyFile(a).keys[0]!;
  a.clock.advance(10 * MINUTE);
  await a.call("auth.rotate-key", {});
  const [fresh, kept] = keyFile(a).keys;
  assert.notEqual(fresh?.kid, old.kid);
  assert.equal(kept?.kid, old.kid);
  const again = a.restart();
  assert.equal((await again.authenticate({ authorization: `Bearer ${token}`, address: null })).name, "bo");
  const pair = await again.sessions.login("bo", PASSWORD, nobody());
  assert.equal(headerOf(pair.access_token).kid, fresh?.kid);

  a.clock.advance(30 * MINUTE);
  const late = forge(headerOf(token), { ...payloadOf(token), exp: 4_000_000_000 }, old.secret);
  await assert.rejects(check(a, late), REFUSED);
  await a.call("auth.rotate-key", {});
  assert.deepEqual(keyFile(a).keys.map((key) => key.kid).slice(1), [fresh?.kid]);
});

Deno.test("the key file is private, made when it is needed, and a damaged one is named", async () => {
  await using a = await access();
  const path = join(a.dir, "keys", "signing.json");
  await a.call("users.list", {});
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  await assert.rejects(check(a, "x.y.z"), REFUSED);
  a.auth.signing.ensureKey();
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(join(a.dir, "keys")).mode! & 0o777, 0o700);
  Deno.writeTextFileSync(path, "{");
  await assert.rejects(a.restart().sessions.login("bo", PASSWORD, nobody()), REFUSED);
  await a.call("users.create", { name: "bo", role: "user", password: PASSWORD });
  await assert.rejects(a.restart().sessions.login("bo", PASSWORD, nobody()), {
    kind: "unavailable",
    message: `Cannot use signing keys "${path}": the file is damaged`,
  });
});

Deno.test("keys are made once, whoever asks first", async () => {
  await using a = await access();
  const path = join(a.dir, "keys", "signing.json");
  const keys = new SigningKeys(path, a.clock, 1800);
  const tokens = await Promise.all([1, 2, 3].map((id) => keys.sign(id, "s")));
  assert.equal(new Set(tokens.map((token) => headerOf(token).kid)).size, 1);
  assert.deepEqual((await new SigningKeys(path, a.clock, 1800).verify(tokens[0]!)).user_id, 1);
});

Deno.test("nobody is anonymous, and what is no credential of ours is refused or passed over", async () => {
  await using a = await access();
  const anonymous = await a.auth.authenticate({ address: "192.0.2.1" });
  assert.deepEqual(anonymous, {
    kind: "anonymous",
    id: 0,
    name: "anonymous",
    role: "public",
    servers: null,
    on_host: false,
    address: "192.0.2.1",
    session_id: null,
  });
  // Clients of the password grant send the client application's credentials this way.
  for (const authorization of ["Basic Og==", "basic YTpi", ""]) {
    assert.equal((await a.auth.authenticate({ authorization, apiKey: "", address: null })).kind, "anonymous");
  }
  for (const authorization of ["Bearer", "Bearer ", "Digest x", "Token abc", "Bearer a b", "bearerx"]) {
    await assert.rejects(a.auth.authenticate({ authorization, address: null }), REFUSED, authorization);
  }
});

Deno.test("a token that is kept in memory is checked in microseconds", async () => {
  const { a, token } = await loggedIn();
  await using _ = a;
  const authorization = `Bearer ${token}`;
  await check(a, token);
  const rounds = 1000;
  const best = await fastest(20, async () => {
    for (let i = 0; i < rounds; i++) await a.auth.authenticate({ authorization, address: null });
  });
  const each = best * 1000 / rounds;
  assert.ok(each < 50, `${each} microseconds`);
});

function entry(id: number, overrides: Partial<Verified> = {}): Verified {
  const identity = { on_host: false, address: null, servers: null, role: "user" as const };
  return {
    identity: { ...identity, kind: "user", id, name: `u${id}`, session_id: `s${id}` },
    expires_at: 1000,
    noted_at: 0,
    ...overrides,
  };
}

Deno.test("verified tokens are bounded, expire, and are dropped by user and by session", () => {
  const verified = new VerifiedTokens();
  for (let id = 0; id < 6000; id++) verified.put(`t${id}`, entry(id), verified.version);
  assert.equal(verified.size, 5000);
  assert.equal(verified.get("t0", 0), undefined);
  assert.equal(verified.get("t5999", 999)?.identity.id, 5999);
  assert.equal(verified.get("t5999", 1000), undefined);
  verified.dropOf("user", 5998);
  verified.dropOf("key", 5997);
  verified.dropSession("s5996");
  assert.deepEqual(["t5998", "t5997", "t5996"].map((token) => verified.get(token, 0)?.identity.id), [
    undefined,
    5997,
    undefined,
  ]);
});

Deno.test("what was read before something was dropped is not kept", () => {
  const verified = new VerifiedTokens();
  const version = verified.version;
  verified.dropOf("user", 7);
  verified.put("t", entry(7), version);
  assert.equal(verified.get("t", 0), undefined);
});
