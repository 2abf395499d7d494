import assert from "node:assert/strict";
import type { AuthSettings } from "../../src/auth/mod.ts";
import { type Access, access, MINUTE, nobody, PASSWORD } from "./access.ts";

async function withUser(settings: Partial<AuthSettings> = {}): Promise<Access> {
  const a = await access(settings);
  await a.call("users.create", { name: "ada", role: "admin", password: PASSWORD });
  return a;
}

function login(a: Access, password: string, address = "192.0.2.1", username = "ada") {
  return a.call("auth.token", { username, password }, nobody(address));
}

const WRONG = { kind: "unauthenticated" };
const LOCKED = { kind: "rate_limited", code: "locked_out" };
const RATE = { kind: "rate_limited", code: "login_rate" };

async function fail(a: Access, times: number, address?: string, username?: string): Promise<void> {
  for (let i = 0; i < times; i++) await assert.rejects(login(a, "wrong", address, username), WRONG);
}

Deno.test("the eleventh attempt in a minute has to wait, right password or not, and is told how long", async () => {
  await using a = await withUser({ lockout_after: 0 });
  await fail(a, 10);
  await assert.rejects(login(a, PASSWORD), { ...RATE, retryAfterSeconds: 6 });
  await assert.rejects(login(a, PASSWORD, "192.0.2.1", "ADA"), RATE);
  a.clock.advance(6000);
  await login(a, PASSWORD);
});

Deno.test("the rate is by name and address: others and elsewhere are not held up", async () => {
  await using a = await withUser({ lockout_after: 0 });
  await fail(a, 10);
  await login(a, PASSWORD, "192.0.2.2");
  await fail(a, 10, "192.0.2.1", "bo");
});

Deno.test("an address that tries many names has to wait too", async () => {
  await using a = await withUser();
  for (let i = 0; i < 100; i++) await fail(a, 1, "192.0.2.1", `name${i}`);
  await assert.rejects(login(a, PASSWORD), RATE);
  await login(a, PASSWORD, "192.0.2.2");
});

Deno.test("attempts that were turned away leave no line in the audit log", async () => {
  await using a = await withUser({ lockout_after: 0 });
  await fail(a, 10);
  const { total } = await a.auth.audit.list({ limit: 1, offset: 0 });
  for (let i = 0; i < 20; i++) await assert.rejects(login(a, "wrong"), RATE);
  assert.equal((await a.auth.audit.list({ limit: 1, offset: 0 })).total, total);
});

Deno.test("wrong passwords in a row lock the name at that address, over a restart too, until the time is over", async () => {
  await using a = await withUser();
  await fail(a, 5);
  await assert.rejects(login(a, PASSWORD), { ...LOCKED, retryAfterSeconds: 900 });
  await assert.rejects(a.restart().sessions.login("ada", PASSWORD, nobody()), LOCKED);
  a.clock.advance(15 * MINUTE - 1000);
  await assert.rejects(login(a, PASSWORD), { ...LOCKED, retryAfterSeconds: 1 });
  a.clock.advance(1000);
  await login(a, PASSWORD);
  const { lines } = await a.auth.audit.list({ operation: "auth.token", limit: 10, offset: 0 });
  assert.deepEqual(lines.map((line) => line.outcome), [
    "ok",
    "locked_out",
    ...Array(4).fill("unauthenticated"),
  ]);
});

Deno.test("a stranger cannot lock an administrator out from elsewhere", async () => {
  await using a = await withUser();
  await fail(a, 5, "203.0.113.66");
  await assert.rejects(login(a, PASSWORD, "203.0.113.66"), LOCKED);
  await login(a, PASSWORD, "192.0.2.1");
});

Deno.test("guessing from many addresses locks the name for strangers, not where its owner was before", async () => {
  await using a = await withUser();
  await login(a, PASSWORD, "192.0.2.1");
  for (let i = 0; i < 25; i++) await fail(a, 2, `203.0.113.${i}`);
  await assert.rejects(login(a, PASSWORD, "198.51.100.1"), { ...LOCKED, retryAfterSeconds: 900 });
  await assert.rejects(a.restart().sessions.login("ada", PASSWORD, nobody("198.51.100.1")), LOCKED);
  await login(a, PASSWORD, "192.0.2.1");
  a.clock.advance(15 * MINUTE);
  await login(a, PASSWORD, "198.51.100.1");
});

Deno.test("a name nobody has is locked in the same way, so that a lock tells nothing", async () => {
  await using a = await withUser();
  await fail(a, 5, "192.0.2.1", "eve");
  await assert.rejects(login(a, PASSWORD, "192.0.2.1", "eve"), { ...LOCKED, retryAfterSeconds: 900 });
});

Deno.test("the right password starts the count again", async () => {
  await using a = await withUser();
  for (let round = 0; round < 3; round++) {
    await fail(a, 4);
    await login(a, PASSWORD);
    a.clock.advance(MINUTE);
  }
});

Deno.test("addresses of one IPv6 network count as one", async () => {
  await using a = await withUser();
  for (let i = 1; i <= 5; i++) await fail(a, 1, `2001:db8:1:2::${i}`);
  await assert.rejects(login(a, PASSWORD, "2001:db8:1:2:ffff::9"), LOCKED);
  await login(a, PASSWORD, "2001:db8:1:3::1");
});

Deno.test("a lock is opened by a new password and by enabling the user", async () => {
  await using a = await withUser();
  await fail(a, 5);
  await a.call("users.enable", { user: "ada" });
  await login(a, PASSWORD);
  a.clock.advance(MINUTE);
  await fail(a, 5);
  await a.call("users.passwd", { user: "ada", password: "another secret" });
  await login(a, "another secret");
});

Deno.test("with lockout_after 0 nothing locks", async () => {
  await using a = await withUser({ lockout_after: 0, login_per_minute: 1000 });
  await fail(a, 60);
  await login(a, PASSWORD);
});

Deno.test("one's own password cannot be guessed with a stolen token either", async () => {
  await using a = await withUser();
  const admin = await a.as("admin");
  const guess = () =>
    a.call("users.passwd", { user: "admin-1", password: "another secret", current_password: "wrong" }, admin);
  for (let i = 0; i < 5; i++) await assert.rejects(guess(), { kind: "invalid" });
  await assert.rejects(guess(), LOCKED);
});

Deno.test("counts of wrong passwords are bounded, the oldest leave first", async () => {
  await using a = await withUser();
  const put = a.database.sqlite.prepare(
    "insert into login_failures values (?, '192.0.2.9', 1, '2029-12-31T23:59:00.000Z', null)",
  );
  a.database.sqlite.exec("begin");
  for (let i = 0; i < 10_050; i++) put.run(`hash${i}`);
  a.database.sqlite.exec("commit");
  await fail(a, 1);
  const rows = a.database.sqlite.prepare("select count(*) as n from login_failures").all();
  assert.ok(Number(rows[0]?.n) <= 10_000, String(rows[0]?.n));
  await fail(a, 4);
  await assert.rejects(login(a, PASSWORD), LOCKED);
});
