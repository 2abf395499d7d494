import assert from "node:assert/strict";
import { join } from "node:path";
import { Auth } from "../../src/auth/mod.ts";
import { User } from "../../src/auth/model.ts";
import { Database } from "../../src/store/mod.ts";
import { type Access, access, MINUTE, nobody, PASSWORD, SETTINGS } from "./access.ts";

const file = (a: Access) => join(a.dir, "setup-code");

async function code(a: Access): Promise<string> {
  const code = await a.auth.setup.ensureCode();
  assert.ok(code !== null);
  return code;
}

function redeem(a: Access, code: string, username = "ada", address?: string) {
  return a.call("auth.setup", { code, username, password: PASSWORD }, nobody(address));
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.test("the code makes the first administrator, who logs in, and it ends with that", async () => {
  await using a = await access();
  const given = await code(a);
  assert.match(given, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  assert.equal(Deno.statSync(file(a)).mode! & 0o777, 0o600);
  assert.equal(Deno.readTextFileSync(file(a)), `${given}\n`);
  assert.equal(a.auth.setup.codeEndsAt(), "2030-01-01T01:00:00.000Z");
  const user = User.parse(await redeem(a, given.toLowerCase().replaceAll("-", " ")));
  assert.deepEqual([user.name, user.role, user.enabled], ["ada", "admin", true]);
  assert.equal(exists(file(a)), false);
  await a.call("auth.token", { username: "ada", password: PASSWORD }, nobody());
  await assert.rejects(redeem(a, given, "eve"), { kind: "conflict", code: "already_set_up" });
  assert.equal(await a.auth.setup.ensureCode(), null);
});

Deno.test("a wrong, empty or expired code makes nobody, and the log says that it was tried", async () => {
  await using a = await access();
  const given = await code(a);
  const other = `${given.slice(0, -1)}${given.endsWith("0") ? "1" : "0"}`;
  for (const wrong of [other, given.slice(0, -1), "-", `${given}0`]) {
    await assert.rejects(redeem(a, wrong), { kind: "unauthenticated", code: "setup_code" });
  }
  a.clock.advance(60 * MINUTE);
  await assert.rejects(redeem(a, given), { kind: "unauthenticated" });
  assert.deepEqual(await a.auth.users.list(), []);
  const { lines } = await a.auth.audit.list({ target: "setup", limit: 10, offset: 0 });
  assert.deepEqual(lines.map((line) => line.outcome), Array(5).fill("unauthenticated"));
  assert.ok(!JSON.stringify(lines).includes(given));
});

Deno.test("without a file nobody sets up", async () => {
  await using a = await access();
  await assert.rejects(redeem(a, ""), { kind: "invalid" });
  await assert.rejects(redeem(a, "0000-0000-0000-0000"), { kind: "unauthenticated" });
});

Deno.test("a restart keeps a code that is good and renews one that is not", async () => {
  await using a = await access();
  const first = await code(a);
  a.clock.advance(59 * MINUTE);
  assert.equal(await a.restart().setup.ensureCode(), first);
  assert.equal(a.auth.setup.codeEndsAt(), "2030-01-01T01:00:00.000Z");
  a.clock.advance(MINUTE);
  const second = await a.restart().setup.ensureCode();
  assert.notEqual(second, first);
  Deno.writeTextFileSync(file(a), "junk");
  assert.notEqual(await a.restart().setup.ensureCode(), second);
});

Deno.test("an administrator made on the host ends the code, another user does not", async () => {
  await using a = await access();
  const given = await code(a);
  await a.call("users.create", { name: "bo", role: "operator", password: PASSWORD });
  assert.equal(exists(file(a)), true);
  await a.call("users.update", { user: "bo", role: "admin" });
  assert.equal(exists(file(a)), false);
  await assert.rejects(redeem(a, given), { kind: "conflict" });
});

Deno.test("a code left by a crash is removed at start, and counts for nothing before", async () => {
  await using a = await access();
  const given = await code(a);
  const text = Deno.readTextFileSync(file(a));
  await a.call("users.create", { name: "ada", role: "admin", password: PASSWORD });
  Deno.writeTextFileSync(file(a), text);
  await assert.rejects(redeem(a, given, "eve"), { kind: "conflict" });
  assert.equal(await a.restart().setup.ensureCode(), null);
  assert.equal(exists(file(a)), false);
});

Deno.test("codes are tried at the rate of log-ins", async () => {
  await using a = await access();
  const given = await code(a);
  for (let i = 0; i < 10; i++) await assert.rejects(redeem(a, "wrong"), { kind: "unauthenticated" });
  await assert.rejects(redeem(a, given), { kind: "rate_limited" });
  await redeem(a, given, "ada", "192.0.2.2");
});

Deno.test("of two who use the code at the same time one becomes administrator", async () => {
  await using a = await access();
  const given = await code(a);
  const results = await Promise.allSettled([redeem(a, given, "ada"), redeem(a, given, "eve")]);
  assert.deepEqual(results.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
  assert.equal((await a.auth.users.list()).length, 1);
});

Deno.test("a bad name or password does not use the code up", async () => {
  await using a = await access();
  const given = await code(a);
  await assert.rejects(redeem(a, given, "42"), { kind: "invalid" });
  await assert.rejects(a.call("auth.setup", { code: given, username: "ada", password: "short" }, nobody()), {
    kind: "invalid",
  });
  await redeem(a, given);
});

Deno.test("on a database opened for reading, lists work and no file is made", async () => {
  await using a = await access();
  await a.call("users.create", { name: "bo", role: "user", password: PASSWORD });
  const database = new Database(a.database.path, a.clock, { readonly: true });
  try {
    const auth = new Auth({ database, clock: a.clock, dataDir: a.dir, settings: SETTINGS });
    assert.equal(await auth.setup.ensureCode(), null);
    auth.signing.ensureKey();
    assert.equal((await auth.users.list()).length, 1);
    assert.deepEqual([await auth.keys.list(true), await auth.secrets.list()], [[], []]);
    assert.equal((await auth.audit.list({ limit: 5, offset: 0 })).total, 1);
    assert.deepEqual([exists(file(a)), exists(join(a.dir, "keys", "signing.json"))], [false, false]);
  } finally {
    await database.close();
  }
});
