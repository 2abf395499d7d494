import assert from "node:assert/strict";
import {
  countFailure,
  grantProblem,
  KeyName,
  leavesNoAdmin,
  lockSeconds,
  passwordProblem,
  SecretRef,
  UserName,
} from "../../src/auth/model.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");

const LAST_ADMIN: [string, boolean, string, boolean, number, boolean][] = [
  // role, enabled -> role, enabled, other admins: leaves none
  ["admin", true, "operator", true, 0, true],
  ["admin", true, "admin", false, 0, true],
  ["admin", true, "admin", false, 1, false],
  ["admin", true, "admin", true, 0, false],
  ["admin", false, "operator", false, 0, false],
  ["operator", true, "operator", false, 0, false],
];

Deno.test("only a change that takes away the last enabled administrator leaves none", () => {
  for (const [role, enabled, nextRole, nextEnabled, others, expected] of LAST_ADMIN) {
    const result = leavesNoAdmin({ role, enabled }, { role: nextRole, enabled: nextEnabled }, others);
    assert.equal(result, expected, `${role} ${enabled} -> ${nextRole} ${nextEnabled}, ${others} others`);
  }
});

Deno.test("a password has a shortest length in characters and a longest in bytes", () => {
  assert.equal(passwordProblem("long secret", 10), undefined);
  assert.equal(passwordProblem("🔑".repeat(10), 10), undefined);
  assert.match(passwordProblem("short", 10) ?? "", /at least 10 characters/);
  assert.match(passwordProblem("🔑".repeat(257), 10) ?? "", /at most 1024 bytes/);
  assert.equal(passwordProblem("x".repeat(1024), 10), undefined);
});

Deno.test("user names begin with a letter, so that a name is never taken for an id", () => {
  for (const name of ["ada", "Ada.Lovelace", "ada@example.org", "_svc", "a-b+c"]) {
    assert.ok(UserName.safeParse(name).success, name);
  }
  for (const name of ["", "7", "1ada", "ada lovelace", "local:root", "ada/..", "ädä", "x".repeat(65)]) {
    assert.ok(!UserName.safeParse(name).success, name);
  }
  assert.ok(!KeyName.safeParse("42").success);
});

Deno.test("a secret is referred to by its name alone", () => {
  assert.deepEqual(SecretRef.parse({ secret: "db-password" }), { secret: "db-password" });
  assert.ok(!SecretRef.safeParse({ secret: "db-password", value: "x" }).success);
  assert.ok(!SecretRef.safeParse({ secret: "../key" }).success);
});

Deno.test("nobody grants more than they have, and an administrator is never limited to servers", () => {
  const rows: [Parameters<typeof grantProblem>[0], Parameters<typeof grantProblem>[1], RegExp | undefined][] =
    [
      [{ role: "admin", servers: null }, { role: "admin", servers: null }, undefined],
      [{ role: "admin", servers: null }, { role: "user", servers: [1] }, undefined],
      [
        { role: "operator", servers: null },
        { role: "admin", servers: null },
        /needs a creator with that role/,
      ],
      [
        { role: "user", servers: null },
        { role: "operator", servers: null },
        /needs a creator with that role/,
      ],
      [{ role: "admin", servers: null }, { role: "admin", servers: [1] }, /cannot be limited/],
      [{ role: "operator", servers: [1, 2] }, { role: "user", servers: [2] }, undefined],
      [{ role: "operator", servers: [1, 2] }, { role: "user", servers: [2, 3] }, /limited to fewer/],
      [{ role: "operator", servers: [1, 2] }, { role: "user", servers: null }, /limited to fewer/],
    ];
  for (const [from, to, expected] of rows) {
    const problem = grantProblem(from, to);
    if (expected === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? "", expected);
  }
});

Deno.test("wrong passwords in a row lock, and a count that rested starts again", () => {
  const rule = { after: 3, lock_ms: 900_000 };
  const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();
  const row = (failures: number, seconds: number) => ({ failures, last_at: at(seconds), locked_until: null });
  assert.deepEqual(countFailure(undefined, NOW, rule), { failures: 1, locked_until: null });
  assert.deepEqual(countFailure(row(1, -60), NOW, rule), { failures: 2, locked_until: null });
  assert.deepEqual(countFailure(row(2, -60), NOW, rule), { failures: 0, locked_until: NOW + 900_000 });
  assert.deepEqual(countFailure(row(2, -901), NOW, rule), { failures: 1, locked_until: null });
  assert.deepEqual(countFailure(row(500, -1), NOW, { ...rule, after: 0 }), {
    failures: 501,
    locked_until: null,
  });
  assert.equal(lockSeconds({ ...row(0, 0), locked_until: at(1.5) }, NOW), 2);
  assert.equal(lockSeconds({ ...row(0, 0), locked_until: at(0) }, NOW), 0);
  assert.equal(lockSeconds(undefined, NOW), 0);
});
