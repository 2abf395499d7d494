import assert from "node:assert/strict";
import { join } from "node:path";
import { NewApiKey, TokenPair } from "../../src/auth/model.ts";
import { caller } from "../support/store.ts";
import { type Access, access, MINUTE, nobody, PASSWORD, START } from "./access.ts";

const VALUE = "s3cr3t-värde-🔑\nsecond line";

const keyPath = (a: Access) => join(a.dir, "keys", "secrets.key");

function set(a: Access, name: string, value: string) {
  return a.call("secrets.set", { name, value });
}

Deno.test("a secret is set, listed by name, read for engines, replaced and deleted", async () => {
  await using a = await access();
  assert.deepEqual(await set(a, "db-password", VALUE), {
    name: "db-password",
    created_at: START,
    updated_at: START,
  });
  a.clock.advance(MINUTE);
  await set(a, "db-password", "second");
  await set(a, "another", "third");
  assert.deepEqual(await a.call("secrets.list", {}), [
    { name: "another", created_at: "2030-01-01T00:01:00.000Z", updated_at: "2030-01-01T00:01:00.000Z" },
    { name: "db-password", created_at: START, updated_at: "2030-01-01T00:01:00.000Z" },
  ]);
  assert.equal(await a.restart().secrets.read("db-password"), "second");
  assert.equal(await a.call("secrets.delete", { name: "db-password" }), null);
  await assert.rejects(a.auth.secrets.read("db-password"), {
    kind: "not_found",
    hint: "make it with: holdfast secrets set db-password",
  });
  await assert.rejects(a.call("secrets.delete", { name: "db-password" }), { kind: "not_found" });
});

Deno.test("any text survives, and the same value is sealed differently each time", async () => {
  await using a = await access();
  const sealed = () => a.database.sqlite.prepare("select sealed from secrets").all()[0]?.sealed;
  await set(a, "s", VALUE);
  assert.equal(await a.auth.secrets.read("s"), VALUE);
  const before = sealed();
  await set(a, "s", VALUE);
  assert.notEqual(sealed(), before);
  for (const value of [" ", "x".repeat(65_536), "\u0000"]) {
    await set(a, "s", value);
    assert.equal(await a.auth.secrets.read("s"), value);
  }
  for (const value of ["", "x".repeat(65_537)]) await assert.rejects(set(a, "s", value), { kind: "invalid" });
  await assert.rejects(set(a, "../s", "x"), { kind: "invalid" });
});

Deno.test("a sealed value does not open under another name, nor when a bit of it was changed", async () => {
  await using a = await access();
  await set(a, "one", "first");
  await set(a, "two", "second");
  a.database.sqlite.exec(
    "update secrets set sealed = (select sealed from secrets where name = 'one') where name = 'two'",
  );
  await assert.rejects(a.auth.secrets.read("two"), { kind: "unavailable", code: "secrets_key_wrong" });
  assert.equal(await a.auth.secrets.read("one"), "first");
  a.database.sqlite.exec(
    `update secrets set sealed =
       substr(sealed, 1, 10) || case substr(sealed, 11, 1) when 'A' then 'B' else 'A' end || substr(sealed, 12)`,
  );
  await assert.rejects(a.auth.secrets.read("one"), { kind: "unavailable" });
  a.database.sqlite.exec("update secrets set sealed = 'AAAA'");
  await assert.rejects(a.auth.secrets.read("one"), { kind: "unavailable" });
});

Deno.test("the key file is private, made with the first secret, and never replaced behind one's back", async () => {
  await using a = await access();
  await a.call("secrets.list", {});
  assert.throws(() => Deno.statSync(keyPath(a)), Deno.errors.NotFound);
  await set(a, "one", "first");
  assert.equal(Deno.statSync(keyPath(a)).mode! & 0o777, 0o600);
  const kept = Deno.readTextFileSync(keyPath(a));

  Deno.removeSync(keyPath(a));
  await assert.rejects(a.auth.secrets.read("one"), {
    kind: "unavailable",
    message: `Cannot read secret "one": key file "${keyPath(a)}" is missing`,
  });
  await assert.rejects(set(a, "two", "x"), {
    kind: "unavailable",
    hint: "restore it, or delete what it sealed: one",
  });

  Deno.writeTextFileSync(keyPath(a), "junk");
  await assert.rejects(a.auth.secrets.read("one"), { kind: "unavailable", code: "secrets_key_damaged" });
  Deno.writeTextFileSync(keyPath(a), "A".repeat(43));
  await assert.rejects(a.auth.secrets.read("one"), {
    kind: "unavailable",
    message: 'Cannot read secret "one": the key file does not fit it',
  });

  Deno.writeTextFileSync(keyPath(a), kept);
  assert.equal(await a.auth.secrets.read("one"), "first");
});

Deno.test("after the last secret is deleted a lost key file is no loss", async () => {
  await using a = await access();
  await set(a, "one", "first");
  Deno.removeSync(keyPath(a));
  await a.call("secrets.delete", { name: "one" });
  await set(a, "two", "second");
  assert.equal(await a.auth.secrets.read("two"), "second");
});

Deno.test("no table and no answer but the one that shows it holds a password, key, token, code or secret", async () => {
  await using a = await access();
  const answers: unknown[] = [];
  const call = async (name: string, input: object, from = caller()) => {
    const answer = await a.call(name, input, from);
    answers.push(answer);
    return answer;
  };
  const told: string[] = ["plain-secret-value", PASSWORD, "another secret", "mistyped secret"];
  const code = await a.auth.setup.ensureCode();
  assert.ok(code !== null);
  told.push(code);
  await call("auth.setup", { code, username: "ada", password: PASSWORD }, nobody());
  const first = TokenPair.parse(
    await a.call("auth.token", { username: "ada", password: PASSWORD }, nobody()),
  );
  const second = TokenPair.parse(
    await a.call("auth.refresh", { refresh_token: first.refresh_token }, nobody()),
  );
  told.push(first.access_token, first.refresh_token, second.access_token, second.refresh_token);
  await assert.rejects(a.call("auth.token", { username: "ada", password: "mistyped secret" }, nobody()));
  await assert.rejects(a.call("auth.token", { username: "mistyped secret", password: "x" }, nobody()));
  await assert.rejects(a.call("auth.refresh", { refresh_token: first.refresh_token }, nobody()));
  const key = NewApiKey.parse(await a.call("api-keys.create", { name: "agent-1" }));
  told.push(key.key, key.key.split("_").slice(2).join("_"));
  await call("secrets.set", { name: "db", value: "plain-secret-value" });
  await call("users.create", { name: "bo", role: "user", password: "another secret" });
  await call("users.passwd", { user: "ada", password: "another secret" });
  await call("auth.rotate-key", {});
  for (const name of ["users.list", "api-keys.list", "secrets.list", "auth.me"]) await call(name, {});
  await call("users.get", { user: "ada" });
  await call("api-keys.get", { key: "agent-1" });
  await call("audit.list", { limit: 1000 });
  await call("api-keys.revoke", { key: "agent-1" });
  await call("secrets.delete", { name: "db" });
  await call("users.delete", { user: "bo" });

  const hashes = a.database.sqlite.prepare(
    "select password_hash as h from users union select key_hash from api_keys union select token_hash from refresh_tokens union select sealed from secrets",
  ).all().map((row) => String(row.h));
  assert.ok(hashes.length >= 5);
  const shown = JSON.stringify(answers);
  for (const text of [...told, ...hashes]) assert.ok(!shown.includes(text), `an answer holds ${text}`);
  const stored = JSON.stringify(everyRow(a));
  for (const text of told) assert.ok(!stored.includes(text), `a table holds ${text}`);
  const audited = JSON.stringify(a.database.sqlite.prepare("select * from audit_lines").all());
  for (const text of hashes) assert.ok(!audited.includes(text), `the audit log holds ${text}`);
});

function everyRow(a: Access): unknown[] {
  const tables = a.database.sqlite.prepare("select name from sqlite_master where type = 'table'").all();
  return tables.map(({ name }) => a.database.sqlite.prepare(`select * from "${name}"`).all());
}
