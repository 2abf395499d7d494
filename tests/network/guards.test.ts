/** What must not happen around changes: secrets told, a start that waits, rights widened, things drawn twice. */
import assert from "node:assert/strict";
import { Network } from "../../src/network/mod.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { isTree } from "../../src/network/tree.ts";
import { caller } from "../support/store.ts";
import { handmade } from "./samples.ts";
import { refusal, request, rig, SETTINGS } from "./support.ts";

const SECRET = "$6$abcdefgh$hash-of-a-password";

/** The configuration of the router with a login and, or without, a community of SNMP. */
function withLogin(hash: string, community: string | null) {
  const { system, service, ...rest } = handmade("rolling");
  assert.ok(isTree(system) && isTree(service));
  const login = { user: { ops: { authentication: { "encrypted-password": hash } } } };
  const snmp = community === null ? {} : { snmp: { community: { [community]: { authorization: "ro" } } } };
  return structuredClone({ ...rest, system: { ...system, login }, service: { ...service, ...snmp } });
}

Deno.test("a restored configuration tells its secrets neither in answers, nor in the change, nor in the audit log", async () => {
  await using r = await rig({ strict: false, config: withLogin(SECRET, "hush-hush") });
  const { id } = await r.network.configs.keep(undefined, "test", r.admin.signal);
  Object.assign(r.router.running, withLogin("another-hash", null));
  // The schema of the fake knows no logins; what is told of a change is the same when it is refused.
  r.router.refuse = "not now";
  const told = [
    await r.network.configs.restore(id, { dry_run: true }, r.admin),
    (await refusal(r.network.configs.restore(id, {}, r.admin))).message,
  ];
  const [{ id: change } = { id: 0 }] = await r.network.changes(undefined, { limit: 1, offset: 0 });
  const audit = await r.database.tables<{ audit_lines: Record<string, unknown> }>().selectFrom("audit_lines")
    .selectAll().execute();
  assert.ok(JSON.stringify(audit).includes("set system login"), "the commands are in the audit log");
  const text = JSON.stringify([told, await r.network.change(change), audit]);
  for (const secret of [SECRET, "another-hash", "hush-hush"]) assert.ok(!text.includes(secret), secret);
  assert.ok(text.includes("encrypted-password ***"), "what is changed is told all the same");
});

Deno.test("what a router says of a secret it does not take is told without the secret", async () => {
  await using r = await rig({ strict: false, config: withLogin(SECRET, null) });
  const { id } = await r.network.configs.keep(undefined, "test", r.admin.signal);
  Object.assign(r.router.running, withLogin("another-hash", null));
  r.router.refuse = `Error: value "${SECRET}" of encrypted-password is not valid`;
  const error = await refusal(r.network.configs.restore(id, {}, r.admin));
  assert.match(error.message, /value "\*\*\*" of encrypted-password/);
  const changes = await r.network.changes(undefined, { limit: 1, offset: 0 });
  assert.ok(!JSON.stringify([error, changes]).includes(SECRET), error.message);
});

Deno.test("an operator cannot take back the restore of a configuration, which takes an admin to do", async () => {
  await using r = await rig();
  const { id } = await r.network.configs.keep(undefined, "test", r.admin.signal);
  r.router.edit("delete nat destination rule 100");
  const { change_id } = await r.network.configs.restore(id, {}, r.admin);
  const operator = caller({ role: "operator" });
  assert.equal((await refusal(r.network.rollback(change_id ?? 0, {}, operator))).kind, "forbidden");
  const back = await r.network.rollback(change_id ?? 0, {}, r.admin);
  const again = await refusal(r.network.rollback(back.change_id ?? 0, {}, operator));
  assert.equal(again.kind, "forbidden", "nor by way of the way back");
});

Deno.test("a start waits only so long for a router that takes calls and never answers", async () => {
  await using r = await rig();
  r.router.fail(/^\/configure$/, "lost_done");
  for (let i = 0; i < 20; i++) r.router.fail(/^\/configure$/, "unreachable");
  assert.equal((await refusal(r.network.machines.provision(request("vm-17"), {}, r.admin))).code, "unclear");
  const ends = new AbortController();
  const limit = setTimeout(() => ends.abort(new Error("the start still waits")), 120_000);
  let asked = 0;
  const silent = new Network({
    database: r.database,
    clock: systemClock,
    settings: { routers: { edge: SETTINGS }, keep_versions: 5, check_minutes: 15 },
    alerts: { enqueue: () => Promise.resolve() },
    fetch: (_, { signal }) =>
      new Promise((_, reject) => {
        asked++;
        for (const one of [signal, ends.signal]) {
          one?.addEventListener("abort", () => reject(one.reason), { once: true });
        }
      }),
  });
  await silent.settle(500);
  clearTimeout(limit);
  assert.ok(asked > 0 && !ends.signal.aborted);
  const [change] = await r.network.changes(undefined, { limit: 1, offset: 0 });
  assert.equal(change?.status, "applying", "it is settled another time");
  await silent.stop();
});

Deno.test("forwards are not changed to sources and descriptions that a new one could not have", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("vm-17"), {}, r.admin);
  const commits = r.router.commits.length;
  for (const change of [{ source: "not an address" }, { description: "it's\nbad" }]) {
    const work = r.network.machines.actOnPorts("vm-17", "enable", ["ssh"], {}, r.admin, change);
    assert.equal((await refusal(work)).kind, "invalid");
  }
  assert.equal(r.router.commits.length, commits);
});

Deno.test("a pool is not removed while a change under way draws from it, nor renamed to what another is called", async () => {
  await using r = await rig();
  r.router.fail(/^\/configure$/, "lost_done");
  for (let i = 0; i < 20; i++) r.router.fail(/^\/configure$/, "unreachable");
  await refusal(r.network.machines.provision(request("vm-17"), {}, r.admin));
  for (const pool of ["lan", "wan"]) {
    const error = await refusal(r.network.pools.delete(pool, undefined, r.admin));
    assert.equal(error.code, "pool_in_use", pool);
  }
  const other = {
    name: "dmz",
    ranges: ["40000-40010"],
    interface: "eth0",
    is_default: false,
    is_active: true,
  };
  await r.network.pools.createPorts(other, undefined, r.admin);
  assert.equal(
    (await refusal(r.network.pools.update("dmz", { name: "wan" }, undefined, r.admin))).kind,
    "conflict",
  );
});

Deno.test("repair brings a subnet that Holdfast manages back with its reservations", async () => {
  await using r = await rig({ release: "rolling" }, {}, false);
  const state = { is_default: false, is_active: true };
  const wan = { name: "wan", ranges: ["32000-33000"], interface: "eth0", ...state };
  await r.network.pools.createPorts(wan, undefined, r.admin);
  const pool = {
    name: "own",
    cidr: "10.77.0.0/24",
    ranges: [],
    exclusions: [],
    shared_network: "OWN",
    interface: "eth1",
    manage_subnet: true,
    ...state,
  };
  await r.network.pools.createIp(pool, undefined, r.admin);
  await r.network.machines.provision(request("vm-17"), {}, r.admin);
  const before = structuredClone(r.router.running);
  r.router.edit("delete service dhcp-server shared-network-name OWN");
  await r.network.watch.repair({}, {}, r.admin);
  assert.deepEqual(r.router.running, before);
  await r.network.machines.decommission("vm-17", false, {}, r.admin);
  assert.deepEqual(r.router.running, handmade("rolling"));
});
