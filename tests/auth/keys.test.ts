import assert from "node:assert/strict";
import { ApiKey, NewApiKey } from "../../src/auth/model.ts";
import { redactText } from "../../src/lib/redact.ts";
import { type Access, access, MINUTE, person, START } from "./access.ts";

const REFUSED = { kind: "unauthenticated" };

async function create(a: Access, input: object = {}): Promise<NewApiKey> {
  return NewApiKey.parse(await a.call("api-keys.create", { name: "agent-1", ...input }));
}

function check(a: Access, key: string) {
  return a.auth.authenticate({ apiKey: key, address: "192.0.2.1" });
}

Deno.test("a key is shown once, and stored as a hash", async () => {
  await using a = await access();
  const made = await create(a, { role: "operator", servers: ["web-2", 1], expires_in_seconds: 3600 });
  assert.match(made.key, /^hf_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
  assert.equal(redactText(`key ${made.key}`), "key hf_***");
  const { key, ...record } = made;
  assert.deepEqual(record, {
    id: made.id,
    name: "agent-1",
    prefix: key.split("_")[1],
    role: "operator",
    all_servers: false,
    servers: [1, 2],
    created_by: 0,
    created_at: START,
    expires_at: "2030-01-01T01:00:00.000Z",
    last_used_at: null,
    revoked_at: null,
  });
  assert.deepEqual(await a.call("api-keys.list", {}), [record]);
  assert.deepEqual(await a.call("api-keys.get", { key: "agent-1" }), record);
  assert.deepEqual(await a.call("api-keys.get", { key: String(made.id) }), record);
});

Deno.test("a key comes in as X-API-Key or as Bearer, with its role and servers", async () => {
  await using a = await access();
  const limited = await create(a, { role: "operator", servers: [1] });
  const free = await create(a, { name: "agent-2" });
  const identity = await check(a, limited.key);
  assert.deepEqual(identity, {
    kind: "key",
    id: limited.id,
    name: "key:agent-1",
    role: "operator",
    servers: [1],
    on_host: false,
    address: "192.0.2.1",
    session_id: null,
  });
  const bearer = await a.auth.authenticate({ authorization: `Bearer ${limited.key}`, address: "192.0.2.1" });
  assert.deepEqual(bearer, identity);
  assert.equal((await check(a, free.key)).servers, null);
});

Deno.test("what is not exactly a key is refused", async () => {
  await using a = await access();
  const { key, prefix } = await create(a);
  const swapped = `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
  const wrong = [
    swapped,
    key.slice(0, -1),
    `${key}A`,
    `hf_${prefix}_${"A".repeat(43)}`,
    `hf_00000000_${key.slice(12)}`,
    "hf_",
    "x",
    key.toUpperCase(),
  ];
  for (const text of wrong) await assert.rejects(check(a, text), REFUSED, text);
  await check(a, key);
});

Deno.test("a key ends when it expires, though it was just used", async () => {
  await using a = await access();
  const { key } = await create(a, { expires_in_seconds: 3600 });
  a.clock.advance(60 * MINUTE - 1);
  await check(a, key);
  a.clock.advance(1);
  await assert.rejects(check(a, key), REFUSED);
  await assert.rejects(a.restart().authenticate({ apiKey: key, address: null }), REFUSED);
});

Deno.test("a revoked key is refused at once, its name is free, its record stays", async () => {
  await using a = await access();
  const first = await create(a);
  await check(a, first.key);
  await assert.rejects(create(a), { kind: "conflict", message: /the name is taken/ });
  assert.equal(ApiKey.parse(await a.call("api-keys.revoke", { key: "agent-1" })).revoked_at, START);
  await assert.rejects(check(a, first.key), REFUSED);
  await assert.rejects(a.call("api-keys.get", { key: "agent-1" }), { kind: "not_found" });
  await assert.rejects(a.call("api-keys.revoke", { key: String(first.id) }), { kind: "conflict" });
  const second = await create(a);
  assert.deepEqual((await a.auth.keys.list(false)).map((key) => key.id), [second.id]);
  assert.deepEqual((await a.auth.keys.list(true)).map((key) => key.id), [first.id, second.id]);
});

Deno.test("the last use is written down at most once a minute", async () => {
  await using a = await access();
  const { key } = await create(a);
  const changes = () => Number(a.database.sqlite.prepare("select total_changes() as n").all()[0]?.n);
  const lastUse = async () => (await a.auth.keys.get("agent-1")).last_used_at;
  await check(a, key);
  assert.equal(await lastUse(), START);
  const before = changes();
  for (let i = 0; i < 100; i++) {
    a.clock.advance(500);
    await check(a, key);
  }
  await a.restart().authenticate({ apiKey: key, address: null });
  assert.equal(changes(), before);
  a.clock.advance(10_000);
  await Promise.all([check(a, key), check(a, key), check(a, key)]);
  assert.equal(changes(), before + 1);
  assert.equal(await lastUse(), "2030-01-01T00:01:00.000Z");
});

Deno.test("a key can be used though its use cannot be written down", async () => {
  await using a = await access();
  const { key } = await create(a);
  a.database.sqlite.exec("pragma query_only = on");
  assert.equal((await check(a, key)).name, "key:agent-1");
  a.database.sqlite.exec("pragma query_only = off");
  await check(a, key);
  assert.equal((await a.auth.keys.get("agent-1")).last_used_at, START);
});

Deno.test("a key is for no more than its creator may do, and one for an administrator has no limits", async () => {
  await using a = await access();
  const operator = person({ role: "operator" });
  await assert.rejects(a.auth.keys.create({ name: "k", role: "admin" }, operator), {
    kind: "forbidden",
    message: 'Cannot create API key "k": a key for role admin needs a creator with that role',
  });
  await assert.rejects(create(a, { role: "admin", servers: [1] }), { kind: "forbidden" });
  const admin = await a.as("admin");
  assert.equal(NewApiKey.parse(await a.call("api-keys.create", { name: "k" }, admin)).created_by, admin.id);
});

Deno.test("a key for a server that is not there, with a bad name or a bad expiry is not made", async () => {
  await using a = await access();
  await assert.rejects(create(a, { servers: ["web-9"] }), { kind: "not_found" });
  for (const input of [{ servers: [] }, { name: "42" }, { role: "public" }, { expires_in_seconds: 0 }]) {
    await assert.rejects(create(a, input), { kind: "invalid" });
  }
  assert.deepEqual(await a.auth.keys.list(true), []);
});
