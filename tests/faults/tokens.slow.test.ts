/** Tokens that must not open the door of the running program: each answers 401 or 403, and nothing has changed. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { SignJWT } from "jose";
import { z } from "zod";
import { NewApiKey } from "../../src/auth/model.ts";
import { contentOf } from "../support/content.ts";
import { type Sandbox, sandbox } from "../support/daemon.ts";

const SERVERS = "/api/v1/servers";
const KeyFile = z.object({ keys: z.array(z.object({ kid: z.string(), secret: z.string() })).min(1) });
const Claims = z.object({
  sub: z.string(),
  sid: z.string(),
  jti: z.string(),
  iss: z.string(),
  aud: z.string(),
});
const Problem = z.object({ detail: z.string(), code: z.string(), status: z.int() });

/** A daemon with an administrator; answers for a token, which adds a server if it is let in. */
async function guarded(): Promise<
  { box: Sandbox; token: string; add(headers: HeadersInit): Promise<Response> }
> {
  const box = await sandbox();
  const { url } = await box.serve();
  const create = [
    "--data-dir",
    box.dataDir,
    "users",
    "create",
    "--name",
    "ada",
    "--role",
    "admin",
    "--password-stdin",
  ];
  assert.equal((await box.run(create, { stdin: "long secret" })).code, 0);
  const login = await fetch(`${url}/api/v1/auth/token`, {
    method: "POST",
    body: new URLSearchParams({ username: "ada", password: "long secret" }),
  });
  const { access_token } = z.object({ access_token: z.string() }).parse(await login.json());
  const add = (headers: HeadersInit) =>
    fetch(url + SERVERS, {
      method: "POST",
      headers: { ...Object.fromEntries(new Headers(headers)), "content-type": "application/json" },
      body: JSON.stringify({ name: `web-${crypto.randomUUID().slice(0, 8)}`, host: "127.0.0.1" }),
    });
  return { box, token: access_token, add };
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decoded(text: string | undefined): unknown {
  return JSON.parse(Buffer.from(text ?? "", "base64url").toString());
}

Deno.test("expired, forged and alg:none tokens are refused, and the good one is not", async () => {
  const { box, token, add } = await guarded();
  await using _ = box;
  const [header = "", payload = "", signature = ""] = token.split(".");
  const claims = Claims.parse(decoded(payload));
  const [key] =
    KeyFile.parse(JSON.parse(await Deno.readTextFile(box.path("state", "keys", "signing.json")))).keys;
  assert.ok(key !== undefined);
  const now = Math.floor(Date.now() / 1000);
  const sign = (changes: object, secret: string, head: object = {}) => {
    const all = { iat: now - 10, exp: now + 600, ...claims, ...changes };
    return new SignJWT(all).setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: key.kid, ...head })
      .sign(Buffer.from(secret, "base64url"));
  };
  const other = Buffer.alloc(32, 7).toString("base64url");
  const none = (typ: string) => `${part({ alg: "none", typ, kid: key.kid })}.${payload}.`;
  const bad: Record<string, string> = {
    "alg none": none("at+jwt"),
    "alg none with the old signature": none("at+jwt") + signature,
    "alg nOnE": `${part({ alg: "nOnE", typ: "at+jwt", kid: key.kid })}.${payload}.`,
    "another secret": await sign({}, other),
    "an unknown key": await sign({}, other, { kid: "made-up" }),
    "another type": await sign({}, key.secret, { typ: "JWT" }),
    "another audience": await sign({ aud: "else" }, key.secret),
    "another issuer": await sign({ iss: "else" }, key.secret),
    "another user": await sign({ sub: "2" }, key.secret),
    "no such session": await sign({ sid: crypto.randomUUID() }, key.secret),
    "a changed payload": `${header}.${part({ ...claims, exp: now + 600, sub: "2" })}.${signature}`,
    "a cut signature": token.slice(0, -4),
    "nothing but dots": "..",
  };
  const database = box.path("state", "holdfast.db");
  const before = contentOf(database);
  for (const [what, forged] of Object.entries(bad)) {
    const answer = await add({ authorization: `Bearer ${forged}` });
    assert.equal(answer.status, 401, what);
    assert.equal(Problem.parse(await answer.json()).code, "token_invalid", what);
  }
  const expired = await add({
    authorization: `Bearer ${await sign({ iat: now - 100, exp: now - 1 }, key.secret)}`,
  });
  assert.equal(expired.status, 401);
  assert.equal(Problem.parse(await expired.json()).code, "token_expired");
  assert.equal((await add({})).status, 401);
  assert.equal(contentOf(database), before);
  // That the forgeries failed for what is wrong with them: the same hand signs a good one.
  assert.equal((await add({ authorization: `Bearer ${await sign({}, key.secret)}` })).status, 201);
  assert.equal((await add({ authorization: `Bearer ${token}` })).status, 201);
});

Deno.test("a key of another role, a revoked one and an unknown one change nothing but the audit log", async () => {
  const { box, add } = await guarded();
  await using _ = box;
  const make = (name: string, role: string) =>
    box.json(NewApiKey, "api-keys", "create", "--name", name, "--role", role);
  const user = await make("reader", "user");
  const revoked = await make("gone", "admin");
  const operator = await make("maker", "operator");
  await box.ok("api-keys", "revoke", "gone", "--yes");
  const database = box.path("state", "holdfast.db");
  // When a key was last used is noted, and a refusal for rights leaves its audit line.
  const unchanged = () => contentOf(database, ["api_keys", "audit_lines", "chain", "sqlite_sequence"]);
  const before = unchanged();
  const cases: [string, HeadersInit, number][] = [
    ["reader", { "x-api-key": user.key }, 403],
    ["reader as bearer", { authorization: `Bearer ${user.key}` }, 403],
    ["revoked", { "x-api-key": revoked.key }, 401],
    [
      "unknown",
      { "x-api-key": `${operator.key.slice(0, -1)}${operator.key.endsWith("A") ? "B" : "A"}` },
      401,
    ],
  ];
  for (const [what, headers, status] of cases) {
    const answer = await add(headers);
    assert.equal(answer.status, status, what);
    assert.match(Problem.parse(await answer.json()).detail, /^Cannot /);
  }
  assert.equal(unchanged(), before);
  assert.equal((await add({ "x-api-key": operator.key })).status, 201);
});
