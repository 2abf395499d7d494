import assert from "node:assert/strict";
import { operations } from "../../src/auth/operations.ts";
import { isWrite, type Operation, type Role } from "../../src/lib/operation.ts";
import { caller } from "../support/store.ts";
import { type Access, access, nobody, PASSWORD, person } from "./access.ts";

const ALL: readonly Operation[] = operations;

/** Per operation: an input that works for who may call it, one that does not fit, one that names what is not there. */
interface Row {
  ok: object;
  bad: object;
  missing?: object;
  role: Role;
}

const ROWS: Record<string, Row> = {
  "users.list": { role: "admin", ok: {}, bad: { colour: "red" } },
  "users.get": { role: "admin", ok: { user: "bo" }, bad: {}, missing: { user: "eve" } },
  "users.create": {
    role: "admin",
    ok: { name: "cy", password: PASSWORD },
    bad: { name: "cy" },
    missing: { name: "cy", password: PASSWORD, servers: [9] },
  },
  "users.update": {
    role: "admin",
    ok: { user: "bo", role: "operator" },
    bad: { user: "bo" },
    missing: { user: "eve", role: "user" },
  },
  "users.passwd": {
    role: "user",
    ok: { user: "bo", password: "another secret", current_password: PASSWORD },
    bad: { user: "bo" },
    missing: { user: "eve", password: "another secret" },
  },
  "users.disable": { role: "admin", ok: { user: "bo" }, bad: {}, missing: { user: "eve" } },
  "users.enable": { role: "admin", ok: { user: "bo" }, bad: {}, missing: { user: "eve" } },
  "users.delete": { role: "admin", ok: { user: "bo" }, bad: {}, missing: { user: "99" } },
  "users.assign": {
    role: "admin",
    ok: { user: "bo", servers: [1] },
    bad: { user: "bo", servers: [-1] },
    missing: { user: "bo", servers: ["web-9"] },
  },
  "users.revoke-sessions": { role: "admin", ok: { user: "bo" }, bad: {}, missing: { user: "eve" } },
  "auth.token": { role: "public", ok: { username: "bo", password: PASSWORD }, bad: { username: "" } },
  "auth.refresh": { role: "public", ok: { refresh_token: "TOKEN" }, bad: {} },
  "auth.logout": { role: "user", ok: {}, bad: { all: true } },
  "auth.logout-all": { role: "user", ok: {}, bad: { all: true } },
  "auth.setup": {
    role: "public",
    ok: { code: "CODE", username: "ada", password: PASSWORD },
    bad: { code: "x" },
  },
  "auth.me": { role: "user", ok: {}, bad: { user: 1 } },
  "auth.rotate-key": { role: "admin", ok: {}, bad: { kid: "x" } },
  "api-keys.list": { role: "admin", ok: {}, bad: { include_revoked: "maybe" } },
  "api-keys.get": { role: "admin", ok: { key: "agent-1" }, bad: {}, missing: { key: "agent-9" } },
  "api-keys.create": {
    role: "admin",
    ok: { name: "agent-2" },
    bad: { name: "two words" },
    missing: { name: "agent-2", servers: ["web-9"] },
  },
  "api-keys.revoke": { role: "admin", ok: { key: "agent-1" }, bad: {}, missing: { key: "99" } },
  "secrets.list": { role: "operator", ok: {}, bad: { value: "x" } },
  "secrets.set": { role: "admin", ok: { name: "db", value: "x" }, bad: { name: "db" } },
  "secrets.delete": { role: "admin", ok: { name: "there" }, bad: {}, missing: { name: "not-there" } },
  "audit.list": { role: "admin", ok: {}, bad: { limit: 0 } },
};

const ROLES: readonly ("user" | "operator" | "admin")[] = ["user", "operator", "admin"];

/** An installation with a user, a key and a secret; without administrator, so that set-up works too. */
async function furnished(): Promise<{ a: Access; ready(input: object): object }> {
  const a = await access();
  await a.auth.users.create({ name: "bo", role: "user", password: PASSWORD }, caller());
  await a.auth.keys.create({ name: "agent-1", role: "user" }, caller());
  await a.auth.secrets.set("there", "x", caller());
  const { refresh_token } = await a.auth.sessions.login("bo", PASSWORD, nobody("192.0.2.9"));
  const code = await a.auth.setup.ensureCode() ?? "";
  const ready = (input: object) => {
    const text = JSON.stringify(input).replace('"TOKEN"', JSON.stringify(refresh_token));
    return JSON.parse(text.replace('"CODE"', JSON.stringify(code)));
  };
  return { a, ready };
}

/** Somebody with a role who has a session; for the role user it is bo. */
async function somebody(a: Access, role: Role) {
  if (role === "public") return nobody();
  const name = role === "user" ? "bo" : role;
  if (name !== "bo") {
    await a.auth.users.create(
      { name, role: role === "admin" ? "admin" : "operator", password: PASSWORD },
      caller(),
    );
  }
  const { access_token } = await a.auth.sessions.login(name, PASSWORD, nobody("192.0.2.8"));
  return person(await a.auth.authenticate({ authorization: `Bearer ${access_token}`, address: "192.0.2.8" }));
}

Deno.test("every operation has its row here, with its role", () => {
  assert.deepEqual(
    Object.fromEntries(ALL.map((op) => [op.name, op.role])),
    Object.fromEntries(Object.entries(ROWS).map(([name, row]) => [name, row.role])),
  );
});

for (const [name, { role, ok, bad, missing }] of Object.entries(ROWS)) {
  const below = ROLES.filter((other) => ROLES.indexOf(other) < ROLES.findIndex((r) => r === role));
  const who = role === "public" ? [] : ["nobody", ...below];
  const what = missing === undefined ? ["bad input"] : ["bad input", "what is not there"];
  Deno.test(`${name}: refused are ${[...who, ...what].join(", ")}`, async () => {
    const { a, ready } = await furnished();
    await using _ = a;
    if (role !== "public") {
      await assert.rejects(a.call(name, ready(ok), nobody()), { kind: "unauthenticated" });
      await assert.rejects(a.call(name, bad, nobody()), { kind: "unauthenticated" });
    }
    for (const other of below) {
      await assert.rejects(a.call(name, ready(ok), await somebody(a, other)), { kind: "forbidden" });
    }
    await assert.rejects(a.call(name, bad), { kind: "invalid" });
    if (missing !== undefined) await assert.rejects(a.call(name, missing), { kind: "not_found" });
  });

  Deno.test(`${name}: ${role === "public" ? "anybody" : role} may, and the answer is as published`, async () => {
    const { a, ready } = await furnished();
    await using _ = a;
    const op = ALL.find((op) => op.name === name)!;
    const answer = await a.call(name, ready(ok), await somebody(a, role));
    assert.deepEqual(op.output.parse(answer), answer);
    const lines = await a.auth.audit.list({ operation: name, limit: 10, offset: 0 });
    const silent = !isWrite(op) || name === "auth.refresh";
    assert.equal(lines.total, silent ? 0 : 1);
  });
}

Deno.test("a key limited to servers may ask about itself, and nothing here that is about others", async () => {
  const { a } = await furnished();
  await using _ = a;
  const key = person({ kind: "key", id: 1, name: "key:agent-1", role: "user", servers: [1] });
  assert.deepEqual(await a.call("auth.me", {}, key), {
    kind: "key",
    id: 1,
    name: "key:agent-1",
    role: "user",
    servers: [1],
  });
  for (const name of ["users.list", "secrets.list", "audit.list", "api-keys.list"]) {
    await assert.rejects(a.call(name, {}, key), { kind: "forbidden" });
  }
});

Deno.test("columns and positional arguments name fields there are", () => {
  for (const op of ALL) {
    for (const arg of op.cli?.args ?? []) {
      assert.ok(arg.replace(/[?.]+$/, "") in op.input.shape, `${op.name} ${arg}`);
    }
    for (const field of Object.keys(op.cli?.flags ?? {})) {
      assert.ok(field in op.input.shape, `${op.name} ${field}`);
    }
    const secret = op.cli?.secret?.field;
    assert.ok(secret === undefined || secret in op.input.shape, op.name);
    for (const example of op.cli?.examples ?? []) {
      assert.ok(example.includes(op.name.replace(".", " ")), example);
    }
  }
});
