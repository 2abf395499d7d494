import assert from "node:assert/strict";
import { AuditPage } from "../../src/auth/model.ts";
import { type ChainTables, verifyChain } from "../../src/store/mod.ts";
import { caller } from "../support/store.ts";
import { type Access, access, MINUTE, nobody, PASSWORD } from "./access.ts";

async function filled(): Promise<Access> {
  const a = await access();
  await a.call("users.create", { name: "ada", role: "admin", password: PASSWORD });
  a.clock.advance(MINUTE);
  await a.call("users.update", { user: "ada", name: "ada2" }, caller({ name: "local:root" }));
  a.clock.advance(MINUTE);
  await a.call("api-keys.create", { name: "agent_1" });
  await a.call("api-keys.create", { name: "agentx1" });
  await a.call("secrets.set", { name: "db", value: "x" });
  return a;
}

async function list(a: Access, filter: object = {}): Promise<AuditPage> {
  return AuditPage.parse(await a.call("audit.list", filter));
}

Deno.test("each write leaves a line with who, what, before and after, newest first", async () => {
  await using a = await filled();
  const { lines, total, limit, offset } = await list(a);
  assert.deepEqual([total, limit, offset], [5, 50, 0]);
  assert.deepEqual(lines.map((line) => line.operation), [
    "secrets.set",
    "api-keys.create",
    "api-keys.create",
    "users.update",
    "users.create",
  ]);
  const update = lines[3]!;
  assert.deepEqual([update.caller_name, update.target, update.outcome], ["local:root", "users/ada", "ok"]);
  assert.equal(update.at, "2030-01-01T00:01:00.000Z");
  assert.deepEqual([nameOf(update.before), nameOf(update.after)], ["ada", "ada2"]);
  assert.equal(lines[4]?.before, null);
});

function nameOf(record: unknown): unknown {
  return typeof record === "object" && record !== null && "name" in record ? record.name : undefined;
}

const FILTERS: [object, string[]][] = [
  [{ operation: "users" }, ["users.update", "users.create"]],
  [{ operation: "users.create" }, ["users.create"]],
  [{ operation: "user" }, []],
  [{ target: "users" }, ["users.update", "users.create"]],
  [{ target: "api-keys/agent_1" }, ["api-keys.create"]],
  [{ target: "api-keys/agent%" }, []],
  [{ caller: "LOCAL:ROOT" }, ["users.update"]],
  [{ caller: "local" }, []],
  [{ since: "2030-01-01T00:01:00Z", until: "2030-01-01T00:02:00Z" }, ["users.update"]],
  [{ since: "2030-01-01T01:02:00+01:00", operation: "secrets" }, ["secrets.set"]],
  [{ until: "2030-01-01" }, []],
  [{ since: "2030-01-02" }, []],
  [{ limit: 1, offset: 3 }, ["users.update"]],
];

Deno.test("lines are found by time, caller, operation and target", async () => {
  await using a = await filled();
  for (const [filter, expected] of FILTERS) {
    const { lines } = await list(a, filter);
    assert.deepEqual(lines.map((line) => line.operation), expected, JSON.stringify(filter));
  }
  assert.equal((await list(a, { limit: 1, operation: "users" })).total, 2);
});

Deno.test("an instant without a zone, or no instant at all, is refused", async () => {
  await using a = await access();
  for (const since of ["yesterday", "2030-01-01T00:00:00", "2030-13-01", ""]) {
    await assert.rejects(list(a, { since }), { kind: "invalid", message: /since: must be a day such as/ });
  }
  await assert.rejects(list(a, { limit: 1001 }), { kind: "invalid" });
});

Deno.test("a refused write of somebody known leaves a line, of nobody none", async () => {
  await using a = await access();
  const user = await a.as("user");
  await assert.rejects(a.call("users.delete", { user: "user-1" }, user), { kind: "forbidden" });
  await assert.rejects(a.call("users.delete", { user: "user-1" }, nobody()), { kind: "unauthenticated" });
  const { lines } = await list(a, { operation: "users.delete" });
  assert.deepEqual(lines.map((line) => [line.caller_name, line.outcome]), [["user-1", "forbidden"]]);
});

Deno.test("the hash chain holds over the log, and tells which line was altered or removed", async () => {
  await using a = await filled();
  const outcome = () => Promise.resolve(new Map<string, string>());
  const verify = () =>
    verifyChain(a.database.tables<ChainTables>(), { audit: a.auth.audit.digests, outcome });
  assert.deepEqual((await verify()).problems, []);
  a.database.sqlite.exec(
    "update audit_lines set caller_name = 'eve' where id = 2; delete from audit_lines where id = 3",
  );
  assert.deepEqual((await verify()).problems.map(({ ref, problem }) => [ref, problem]), [
    ["2", "the row was altered"],
    ["3", "the row is gone"],
  ]);
});
