import assert from "node:assert/strict";
import type { AuditTables } from "../../src/store/mod.ts";
import {
  checkServer,
  createServer,
  deleteServer,
  getServer,
  listServers,
  operations,
  updateServer,
} from "../../src/servers/operations.ts";
import { admin, local, nobody, ofKind, operator, registry, user } from "./fixture.ts";

const WEB = { name: "web-1", host: "192.0.2.7" };

Deno.test("every operation refuses nobody, and every write refuses a user", async () => {
  await using world = await registry();
  const web = await world.ask(createServer, WEB, operator());
  for (const op of operations) {
    const input = op === listServers
      ? {}
      : op === createServer
      ? { ...WEB, name: "other" }
      : { server: "web-1" };
    await assert.rejects(world.ask(op, input, nobody()), ofKind("unauthenticated"), op.name);
    if (op.role === "operator") {
      await assert.rejects(world.ask(op, input, user(web.id)), ofKind("forbidden", /needs role/), op.name);
    }
  }
  assert.equal((await world.ask(listServers, {}, admin())).length, 1);
});

Deno.test("a server is created with its defaults, found by name and by number, changed and deleted", async () => {
  await using world = await registry();
  const web = await world.ask(createServer, WEB, operator());
  assert.deepEqual(web, {
    id: 1,
    name: "web-1",
    host: "192.0.2.7",
    description: null,
    running_check: { kind: "none" },
    default_engine: null,
    default_engine_options: null,
    default_engine_authority: null,
    created_at: "2026-01-02T03:04:05.000Z",
    updated_at: "2026-01-02T03:04:05.000Z",
    last_check_at: null,
    last_check_running: null,
    last_check_detail: null,
  });
  assert.deepEqual(await world.ask(getServer, { server: "1" }, user(1)), web);
  assert.deepEqual(await world.ask(getServer, { server: "web-1" }, user(1)), web);

  world.clock.advance(1000);
  const changed = await world.ask(
    updateServer,
    { server: "web-1", description: "shop", name: "shop" },
    operator(),
  );
  assert.deepEqual(changed, {
    ...web,
    name: "shop",
    description: "shop",
    updated_at: "2026-01-02T03:04:06.000Z",
  });
  const emptied = await world.ask(updateServer, { server: "shop", description: null }, operator());
  assert.equal(emptied.description, null);

  assert.equal(await world.ask(deleteServer, { server: "shop" }, operator()), null);
  await assert.rejects(world.ask(getServer, { server: "1" }, admin()), ofKind("not_found"));
  const again = await world.ask(createServer, { ...WEB, name: "shop" }, operator());
  assert.equal(again.id, 2, "numbers are never given twice");
});

Deno.test("a limited caller sees only the servers it is assigned to", async () => {
  await using world = await registry();
  for (const name of ["a", "b", "c"]) await world.ask(createServer, { ...WEB, name }, operator());
  const names = async (...ids: number[]) =>
    (await world.ask(listServers, {}, user(...ids))).map((server) => server.name);
  assert.deepEqual(await names(1, 3), ["a", "c"]);
  assert.deepEqual(await names(), []);
  await assert.rejects(world.ask(getServer, { server: "b" }, user(1)), ofKind("forbidden"));
  const limited = operator({ servers: [1] });
  await assert.rejects(world.ask(updateServer, { server: "b", host: "h" }, limited), ofKind("forbidden"));
  await assert.rejects(world.ask(createServer, { ...WEB, name: "d" }, limited), ofKind("forbidden"));
  assert.equal((await world.ask(updateServer, { server: "a", host: "h" }, limited)).host, "h");
});

Deno.test("a name in use is a conflict and changes nothing", async () => {
  await using world = await registry();
  await world.ask(createServer, WEB, operator());
  await world.ask(createServer, { ...WEB, name: "web-2" }, operator());
  await assert.rejects(world.ask(createServer, WEB, operator()), ofKind("conflict", /"web-1"/));
  await assert.rejects(
    world.ask(updateServer, { server: "web-2", name: "web-1" }, operator()),
    ofKind("conflict"),
  );
  assert.equal((await world.ask(updateServer, { server: "web-1", name: "web-1" }, operator())).name, "web-1");
  assert.deepEqual((await world.ask(listServers, {}, admin())).map((s) => s.name), ["web-1", "web-2"]);
});

Deno.test("a server that has schedules is not deleted", async () => {
  await using world = await registry();
  await world.ask(createServer, WEB, operator());
  world.schedules.set(1, 2);
  await assert.rejects(
    world.ask(deleteServer, { server: "web-1" }, admin()),
    ofKind("conflict", /it has 2 schedules/),
  );
  world.schedules.clear();
  await world.ask(deleteServer, { server: "web-1" }, admin());
});

Deno.test("an unknown server is not found, and the nearest name is offered", async () => {
  await using world = await registry();
  await world.ask(createServer, WEB, operator());
  await assert.rejects(
    world.ask(getServer, { server: "web-l" }, admin()),
    ofKind("not_found", /did you mean "web-1"/),
  );
  await assert.rejects(world.ask(checkServer, { server: "99" }, operator()), ofKind("not_found"));
});

Deno.test("bad input names the field and creates nothing", async () => {
  await using world = await registry();
  const rows: [Record<string, unknown>, RegExp][] = [
    [{ host: "h" }, /name/],
    [{ name: "web" }, /host/],
    [{ name: "42", host: "h" }, /digits only/],
    [{ name: "a/b", host: "h" }, /slashes/],
    [{ name: " ", host: "h" }, /name/],
    [{ name: "web", host: "not a host" }, /host/],
    [{ name: "web", host: "h", colour: "red" }, /unknown field "colour"/],
    [{ name: "web", host: "h", running_check: { kind: "tcp", port: 0 } }, /running_check\.port/],
    [{ name: "web", host: "h", running_check: { kind: "http", url: "ftp://x/" } }, /running_check\.url/],
    [{ name: "web", host: "h", running_check: { kind: "systemd", unit: "--now" } }, /running_check\.unit/],
    [{ name: "web", host: "h", running_check: { kind: "guess" } }, /running_check/],
    [{ name: "web", host: "h", default_engine_options: {} }, /default_engine is not set/],
    [{ name: "web", host: "h", default_engine: "archiv" }, /Cannot use engine/],
  ];
  for (const [input, message] of rows) {
    await assert.rejects(world.ask(createServer, input, admin()), ofKind("invalid", message));
  }
  assert.deepEqual(await world.ask(listServers, {}, admin()), []);
});

Deno.test("default engine options are judged when they are set, and only then", async () => {
  await using world = await registry();
  const server = await world.ask(
    createServer,
    { ...WEB, default_engine: "archive", default_engine_options: { sources: ["/a"] } },
    operator(),
  );
  assert.deepEqual(server.default_engine_options, { sources: ["/a"], judged: true });
  assert.deepEqual(server.default_engine_authority, { role: "operator", on_host: false });
  const same = await world.ask(
    updateServer,
    { server: "1", host: "h", default_engine_options: { sources: ["/a"], judged: true } },
    local(),
  );
  assert.deepEqual([same.host, same.default_engine_authority], ["h", server.default_engine_authority]);
  const other = await world.ask(
    updateServer,
    { server: "1", default_engine_options: { sources: ["/b"] } },
    local(),
  );
  assert.deepEqual(other.default_engine_authority, { role: "admin", on_host: true });
  const none = await world.ask(updateServer, { server: "1", default_engine: null }, operator());
  assert.deepEqual(
    [none.default_engine, none.default_engine_options, none.default_engine_authority],
    [null, null, null],
  );
});

Deno.test("every change leaves an audit line with before and after, a check leaves none", async () => {
  await using world = await registry();
  await world.ask(createServer, WEB, operator());
  await world.ask(updateServer, { server: "1", host: "h" }, operator());
  await world.ask(checkServer, { server: "1" }, operator());
  await world.ask(deleteServer, { server: "1" }, local());
  const lines = await world.store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .execute();
  assert.deepEqual(
    lines.map((
      line,
    ) => [line.operation, line.target, line.caller_name, line.before !== null, line.after !== null]),
    [
      ["servers.create", "servers/1", "olga", false, true],
      ["servers.update", "servers/1", "olga", true, true],
      ["servers.delete", "servers/1", "local:test", true, false],
    ],
  );
});

Deno.test("a check is remembered with the server, and the command ends with 20 when it is not running", async () => {
  await using world = await registry();
  await world.ask(
    createServer,
    { ...WEB, running_check: { kind: "process", name: "no-such-process" } },
    operator(),
  );
  const server = await world.ask(checkServer, { server: "web-1" }, operator());
  assert.equal(server.last_check_running, false);
  assert.equal(server.last_check_at, "2026-01-02T03:04:05.000Z");
  assert.equal(checkServer.cli?.exit?.(server), 20);
  assert.equal(checkServer.cli?.exit?.({ ...server, last_check_running: true }), 0);
  assert.deepEqual(await world.ask(getServer, { server: "1" }, user(1)), server);
});
