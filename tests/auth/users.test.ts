import assert from "node:assert/strict";
import { z } from "zod";
import { User } from "../../src/auth/model.ts";
import { caller } from "../support/store.ts";
import { access, nobody, PASSWORD, person, START } from "./access.ts";

const ada = { name: "ada", role: "admin", password: PASSWORD };
const bo = { name: "bo", role: "user", password: PASSWORD };

Deno.test("a user is created, listed, shown by name or id, and never with its password hash", async () => {
  await using a = await access();
  const made = User.parse(await a.call("users.create", { ...bo, servers: ["web-2", 1] }));
  assert.deepEqual(made, {
    id: made.id,
    name: "bo",
    role: "user",
    enabled: true,
    servers: [1, 2],
    created_at: START,
    updated_at: START,
    last_login_at: null,
    disabled_at: null,
  });
  assert.deepEqual(await a.call("users.get", { user: "BO" }), made);
  assert.deepEqual(await a.call("users.get", { user: String(made.id) }), made);
  assert.deepEqual(await a.call("users.list", {}), [made]);
});

Deno.test("names are unique without regard to case, and a deleted user frees its name", async () => {
  await using a = await access();
  const first = User.parse(await a.call("users.create", bo));
  await assert.rejects(a.call("users.create", { ...bo, name: "Bo" }), {
    kind: "conflict",
    message: 'Cannot save user "Bo": the name is taken',
  });
  assert.equal(await a.call("users.delete", { user: "bo" }), null);
  await assert.rejects(a.call("users.get", { user: "bo" }), { kind: "not_found" });
  await assert.rejects(a.call("users.get", { user: String(first.id) }), { kind: "not_found" });
  const second = User.parse(await a.call("users.create", bo));
  assert.notEqual(second.id, first.id);
});

Deno.test("a name that is taken cannot be given to another user", async () => {
  await using a = await access();
  await a.call("users.create", bo);
  await a.call("users.create", ada);
  await assert.rejects(a.call("users.update", { user: "bo", name: "ADA" }), { kind: "conflict" });
  assert.equal(User.parse(await a.call("users.update", { user: "bo", name: "Bo" })).name, "Bo");
});

Deno.test("the last enabled administrator cannot be disabled, deleted or demoted", async () => {
  await using a = await access();
  await a.call("users.create", ada);
  const refused = { kind: "conflict", code: "last_admin" };
  await assert.rejects(a.call("users.disable", { user: "ada" }), refused);
  await assert.rejects(a.call("users.delete", { user: "ada" }), refused);
  await assert.rejects(a.call("users.update", { user: "ada", role: "operator" }), refused);
  assert.deepEqual(await a.call("users.list", {}), [await a.call("users.get", { user: "ada" })]);

  await a.call("users.create", { ...ada, name: "cy" });
  await a.call("users.disable", { user: "cy" });
  await assert.rejects(a.call("users.delete", { user: "ada" }), refused);
  await a.call("users.enable", { user: "cy" });
  assert.equal(User.parse(await a.call("users.update", { user: "ada", role: "operator" })).role, "operator");
});

Deno.test("a refused change leaves no audit line and no trace", async () => {
  await using a = await access();
  await a.call("users.create", ada);
  const before = await a.auth.audit.list({ limit: 10, offset: 0 });
  await assert.rejects(a.call("users.disable", { user: "ada" }), { kind: "conflict" });
  assert.deepEqual(await a.auth.audit.list({ limit: 10, offset: 0 }), before);
});

Deno.test("a bad password, name, role or server is refused by field and changes nothing", async () => {
  await using a = await access();
  const rows: [object, RegExp, string][] = [
    [{ ...bo, password: "short" }, /must have at least 10 characters/, "password"],
    [{ ...bo, password: "🔑".repeat(300) }, /at most 1024 bytes/, "password"],
    [{ ...bo, name: "42" }, /must start with a letter/, "name"],
    [{ ...bo, role: "public" }, /users.create: role/, "role"],
    [{ ...bo, colour: "red" }, /unknown field "colour"/, ""],
  ];
  for (const [input, message, path] of rows) {
    await assert.rejects(a.call("users.create", input), (error: unknown) => {
      const { kind, errors } = z.object({ kind: z.string(), errors: z.array(z.object({ path: z.string() })) })
        .parse(error);
      assert.equal(kind, "invalid");
      assert.equal(errors[0]?.path, path);
      assert.match(String(error), message);
      return true;
    });
  }
  await assert.rejects(a.call("users.create", { ...bo, servers: ["web-9"] }), { kind: "not_found" });
  assert.deepEqual(await a.call("users.list", {}), []);
});

Deno.test("assigning replaces the servers; none takes all away", async () => {
  await using a = await access();
  await a.call("users.create", { ...bo, servers: [1] });
  assert.deepEqual(User.parse(await a.call("users.assign", { user: "bo", servers: ["web-2"] })).servers, [2]);
  await assert.rejects(a.call("users.assign", { user: "bo", servers: ["web-9"] }), { kind: "not_found" });
  assert.deepEqual(User.parse(await a.call("users.get", { user: "bo" })).servers, [2]);
  assert.deepEqual(User.parse(await a.call("users.assign", { user: "bo", servers: [] })).servers, []);
});

Deno.test("users change their own password with the current one, nobody else's", async () => {
  await using a = await access();
  const { id } = User.parse(await a.call("users.create", bo));
  await a.call("users.create", ada);
  const self = person({ id, name: "bo", role: "user", servers: [] });
  const next = { user: "bo", password: "another secret" };
  await assert.rejects(a.call("users.passwd", next, self), {
    kind: "invalid",
    message: /current password is required/,
  });
  await assert.rejects(a.call("users.passwd", { ...next, current_password: "wrong one" }, self), {
    kind: "invalid",
    message: /current password is wrong/,
  });
  for (const user of ["ada", "not-there"]) {
    await assert.rejects(a.call("users.passwd", { ...next, user, current_password: PASSWORD }, self), {
      kind: "forbidden",
    });
  }
  await a.call("users.passwd", { ...next, current_password: PASSWORD }, self);
  await a.auth.sessions.login("bo", "another secret", nobody());
  await assert.rejects(a.auth.sessions.login("bo", PASSWORD, nobody()), { kind: "unauthenticated" });
});

Deno.test("an administrator who is logged in says the current password for their own, not for others'", async () => {
  await using a = await access();
  const admin = await a.as("admin");
  await a.call("users.create", bo);
  await assert.rejects(a.call("users.passwd", { user: "admin-1", password: "another secret" }, admin), {
    kind: "invalid",
  });
  await a.call("users.passwd", { user: "bo", password: "another secret" }, admin);
  await a.call("users.passwd", { user: "admin-1", password: "another secret" }, caller());
});

Deno.test("a key cannot set its namesake's password", async () => {
  await using a = await access();
  const { id } = User.parse(await a.call("users.create", bo));
  const key = person({ kind: "key", id, name: "key:bo", role: "user", servers: null });
  await assert.rejects(
    a.call("users.passwd", { user: "bo", password: "another secret", current_password: PASSWORD }, key),
    { kind: "forbidden" },
  );
});
