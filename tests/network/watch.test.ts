/** Drift, repair, adoption, alerts, and versions of configurations. */
import assert from "node:assert/strict";
import { systemCaller } from "../../src/lib/caller.ts";
import { treeAt } from "../../src/network/tree.ts";
import { leasesOf } from "../../src/network/leases.ts";
import { handmade } from "./samples.ts";
import { refusal, request, type Rig, rig } from "./support.ts";

const rule = "nat destination rule";

async function kinds(r: Rig): Promise<string[]> {
  const { routers } = await r.network.watch.report(undefined, r.admin.signal);
  return routers.flatMap(({ differences }) => differences.map(({ kind }) => kind));
}

Deno.test("drift is told both ways: missing, changed, disabled, unknown but ours, foreign and in the way", async () => {
  await using r = await rig();
  for (const name of ["a", "b", "c", "d"]) await r.network.machines.provision(request(name), {}, r.admin);
  assert.deepEqual(await kinds(r), []);
  r.router.edit(`delete ${rule} 10000`);
  r.router.edit(`set ${rule} 10001 translation port 2222`);
  r.router.edit(`set ${rule} 10002 disable`);
  r.router.edit(
    `set ${rule} 500 protocol tcp`,
    `set ${rule} 500 destination port 32003`,
    `set ${rule} 500 translation address 10.20.0.60`,
  );
  r.router.edit(
    `set ${rule} 501 description 'left behind holdfast:old/ssh'`,
    `set ${rule} 501 translation address 10.20.0.61`,
  );
  assert.deepEqual((await kinds(r)).sort(), ["changed", "collision", "disabled", "missing", "unknown"]);
  const dry = await r.network.watch.repair({}, { dry_run: true }, r.admin);
  assert.equal(dry.status, "planned");
  const one = await r.network.watch.repair({ vm: "a" }, {}, r.admin);
  assert.deepEqual(one.steps.map(({ what }) => what), ["forward a/ssh"]);
  const repaired = await r.network.watch.repair({}, {}, r.admin);
  assert.match(repaired.warnings.join(), /foreign rule 500 .* left alone/);
  assert.deepEqual((await kinds(r)).sort(), ["collision", "unknown"]);
  await r.network.watch.repair({ remove_unknown: true }, {}, r.admin);
  assert.deepEqual(await kinds(r), ["collision"]);
  assert.notEqual(treeAt(r.router.running, [...rule.split(" "), "500"]), undefined);
});

Deno.test("a rule of somebody else in the place of ours is left alone, also by decommission", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("a", ["ssh", "https"]), {}, r.admin);
  r.router.edit(`delete ${rule} 10000`);
  r.router.edit(
    `set ${rule} 10000 protocol udp`,
    `set ${rule} 10000 destination port 5000`,
    `set ${rule} 10000 translation address 10.20.0.60`,
  );
  const theirs = JSON.stringify(treeAt(r.router.running, [...rule.split(" "), "10000"]));
  assert.deepEqual(await kinds(r), ["collision"]);
  const error = await refusal(r.network.machines.actOnPorts("a", "disable", ["ssh"], {}, r.admin));
  assert.equal(error.code, "foreign");
  await r.network.machines.actOnPorts("a", "disable", ["https"], {}, r.admin);
  await r.network.watch.repair({}, {}, r.admin);
  await r.network.machines.decommission("a", false, {}, r.admin);
  assert.equal(JSON.stringify(treeAt(r.router.running, [...rule.split(" "), "10000"])), theirs);
});

Deno.test("decommission removes what is ours although it was changed on the router", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("a", ["ssh", "https"]), {}, r.admin);
  r.router.edit(`set ${rule} 10000 description 'somebody was here'`);
  r.router.edit(`set ${rule} 10001 disable`, `set ${rule} 10001 log`);
  await r.network.machines.decommission("a", false, {}, r.admin);
  assert.deepEqual(r.router.running, handmade("rolling"));
});

Deno.test("a forward made by hand is adopted with its reservation, and only that", async () => {
  for (const release of ["1.3", "rolling"] as const) {
    await using r = await rig({ release });
    const on = release === "1.3" ? "inbound-interface eth0" : "inbound-interface name eth0";
    r.router.edit(
      `set ${rule} 300 description 'the printer'`,
      `set ${rule} 300 ${on}`,
      `set ${rule} 300 protocol tcp`,
      `set ${rule} 300 destination port 9100`,
      `set ${rule} 300 translation address 10.20.0.6`,
    );
    const dry = await r.network.watch.adopt(
      { rule: 300, vm: "office", port: "print" },
      { dry_run: true },
      r.admin,
    );
    assert.ok(dry.commands.some((line) => line.includes("holdfast:office/print")));
    const adopted = await r.network.watch.adopt({ rule: 300, vm: "office", port: "print" }, {}, r.admin);
    const [machine] = adopted.machines;
    assert.deepEqual([machine?.address, machine?.host_name, machine?.mac], [
      "10.20.0.6",
      "printer",
      "52:54:00:00:00:06",
    ]);
    assert.deepEqual(await kinds(r), []);
    await r.network.machines.actOnPorts("office", "disable", ["print"], {}, r.admin);
    const again = await refusal(r.network.watch.adopt({ rule: 300, vm: "x", port: "y" }, {}, r.admin));
    assert.match(again.message, /it is ours already/);
    const many = await refusal(r.network.watch.adopt({ rule: 100, vm: "mail", port: "smtp" }, {}, r.admin));
    assert.match(many.message, /no forward of one port/);
    const none = await refusal(r.network.watch.adopt({ rule: 999, vm: "x", port: "y" }, {}, r.admin));
    assert.equal(none.kind, "not_found");
  }
});

Deno.test("one forward that somebody removed is drift, and no vanished configuration", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("a", ["ssh"], ""), {}, r.admin);
  r.router.edit(`delete ${rule} 10000`);
  assert.equal((await r.network.watch.report(undefined, r.admin.signal)).routers[0]?.vanished, false);
  await r.network.machines.provision(request("b"), {}, r.admin);
  assert.deepEqual(await kinds(r), ["missing"]);
});

Deno.test("a router whose configuration vanished is not changed, and is brought back on request", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("a"), {}, r.admin);
  await r.network.configs.keep(undefined, "test", r.admin.signal);
  r.router.running = {};
  const { routers } = await r.network.watch.report(undefined, r.admin.signal);
  assert.equal(routers[0]?.vanished, true);
  const error = await refusal(r.network.machines.provision(request("b"), {}, r.admin));
  assert.equal(error.code, "vanished");
  r.router.running = structuredClone({ system: handmade("rolling").system }) as typeof r.router.running;
  await r.network.configs.restore(1, {}, r.admin);
  assert.deepEqual(await kinds(r), []);
});

Deno.test("the scheduled check tells drift once, tells its end, and tells a router that stays away", async () => {
  await using r = await rig();
  const system = systemCaller("network-drift");
  const told = () => r.alerts.splice(0).map(({ kind, code, severity }) => `${kind} ${code} ${severity}`);
  await r.network.machines.provision(request("a"), {}, r.admin);
  await r.network.tick();
  assert.deepEqual(told(), []);
  r.router.edit(`set ${rule} 10000 disable`);
  await r.network.tick();
  assert.deepEqual(told(), [], "not its turn yet");
  for (const _ of [1, 2]) {
    r.clock.time += 15 * 60_000;
    await r.network.tick();
  }
  assert.deepEqual(told(), ["finding drift warning"]);
  assert.equal((await r.network.health())[0]?.drift, 1);
  await r.network.watch.repair({}, {}, r.admin);
  await r.network.watch.check("edge", system);
  assert.deepEqual(told(), ["recovered drift warning"]);
  for (let i = 0; i < 4; i++) {
    for (const _ of [1, 2]) r.router.fail(/retrieve/, "unreachable");
    await r.network.watch.check("edge", system);
    r.router.faults.length = 0;
  }
  assert.deepEqual(told(), ["finding unreachable warning"]);
  await r.network.watch.check("edge", system);
  assert.deepEqual(told(), ["recovered unreachable warning"]);
});

Deno.test("where it is the policy, drift of own rules is put right by the check, but not a vanished configuration", async () => {
  await using r = await rig({}, { repair: true });
  const system = systemCaller("network-drift");
  await r.network.machines.provision(request("a"), {}, r.admin);
  r.router.edit(`set ${rule} 10000 disable`);
  await r.network.watch.check("edge", system);
  assert.deepEqual(await kinds(r), []);
  const [change] = await r.network.changes(undefined, { limit: 1, offset: 0 });
  assert.deepEqual([change?.kind, change?.requested_by], ["repair", "system:network-drift"]);
  r.router.running = {};
  await r.network.watch.check("edge", system);
  assert.deepEqual(r.router.running, {});
  assert.equal(r.alerts.at(-1)?.severity, "critical");
});

Deno.test("versions are kept when something changed, compared without secrets, and brought back exactly", async () => {
  const config = {
    ...handmade("rolling"),
    service: {
      ...Object(handmade("rolling").service),
      https: { api: { keys: { id: { holdfast: { key: "key-of-the-router" } } } } },
    },
  };
  await using r = await rig({ config });
  const keep = () => r.network.configs.keep(undefined, "test", r.admin.signal);
  const first = await keep();
  assert.equal((await keep()).id, first.id, "nothing changed");
  r.router.running = {
    ...r.router.running,
    vpn: { ipsec: { "pre-shared-secret": "hunter2hunter2" } },
    service: {
      ...Object(r.router.running.service),
      https: { api: { keys: { id: { holdfast: { key: "rotated-key" } } } } },
    },
  };
  const { lines } = await r.network.configs.diff(undefined, first.id, undefined, r.admin.signal);
  assert.deepEqual(lines, [
    "- set service https api keys id holdfast key ***",
    "+ set service https api keys id holdfast key ***",
    "+ set vpn ipsec pre-shared-secret ***",
  ]);
  const second = await keep();
  assert.equal((await r.network.configs.history(undefined, 10)).length, 2);
  assert.equal(
    (await r.network.configs.diff(undefined, first.id, second.id, r.admin.signal)).lines.length,
    3,
  );
  r.router.edit(`delete ${rule} 100`);
  const dry = await r.network.configs.restore(second.id, { dry_run: true }, r.admin);
  assert.deepEqual(dry.steps.map(({ what }) => what), ["nat"]);
  await r.network.configs.restore(second.id, {}, r.admin);
  assert.deepEqual(treeAt(r.router.running, ["nat"]), handmade("rolling").nat);
  assert.equal((await refusal(r.network.configs.restore(99, {}, r.admin))).kind, "not_found");
  for (let i = 0; i < 9; i++) {
    r.router.edit(`set ${rule} 100 description 'number ${i}'`);
    await keep();
  }
  assert.equal((await r.network.configs.history(undefined, 50)).length, 5, "the oldest go");
});

Deno.test("an unknown release is refused by name, unless the configuration says what it writes like", async () => {
  {
    await using r = await rig({ release: "1.4", version: "VyOS 1.4-rolling-202307170317" });
    const error = await refusal(r.network.machines.provision(request("a"), {}, r.admin));
    assert.equal(error.code, "unknown_release");
    assert.match(error.message, /1\.4-rolling/);
  }
  await using r = await rig({ release: "1.4", version: "VyOS 1.4-rolling-202307170317" }, { release: "1.4" });
  assert.equal((await r.network.machines.provision(request("a"), {}, r.admin)).status, "saved");
});

Deno.test("a configuration that stays locked, a wrong key and a release without an interface are told", async () => {
  {
    await using r = await rig();
    r.router.locked = true;
    const error = await refusal(r.network.machines.provision(request("a"), {}, r.admin));
    assert.equal(error.code, "locked");
    r.router.locked = false;
    assert.equal((await r.network.machines.provision(request("a"), {}, r.admin)).status, "saved");
  }
  {
    await using r = await rig({}, { api_key: "another-key" });
    assert.equal((await refusal(r.network.machines.provision(request("a"), {}, r.admin))).code, "wrong_key");
  }
  await using r = await rig({ release: "1.3" }, { release: "1.3" }, false);
  const fields = {
    name: "wan",
    ranges: ["32000-33000"],
    interface: null,
    is_default: false,
    is_active: true,
  };
  assert.match(
    (await refusal(r.network.pools.createPorts(fields, undefined, r.admin))).message,
    /needs an outside interface/,
  );
});

Deno.test("pools are judged, say how full they are, and are not shrunk under what machines have", async () => {
  await using r = await rig();
  const { pools, machines } = r.network;
  const lan = {
    exclusions: [],
    shared_network: null,
    interface: null,
    manage_subnet: false,
    is_default: false,
    is_active: true,
  };
  for (
    const [fields, kind, message] of [
      [{ name: "x", cidr: "10.0.0.1/24", ranges: [] }, "invalid", /no IPv4 network/],
      [{ name: "x", cidr: "10.0.0.0/24", ranges: ["10.0.1.1-10.0.1.9"] }, "invalid", /not inside/],
      [{ name: "x", cidr: "10.20.0.0/24", ranges: [] }, "conflict", /overlaps with pool "lan"/],
      [{ name: "lan", cidr: "10.9.0.0/24", ranges: [] }, "conflict", /one of that name/],
    ] as const
  ) {
    const error = await refusal(pools.createIp({ ...lan, ...fields }, undefined, r.admin));
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
  }
  await machines.provision(request("a"), {}, r.admin);
  const [ip, ports] = await pools.list(undefined);
  assert.deepEqual([ip?.used, ip?.free, ports?.used], [1, 119, 1]);
  assert.notEqual(ip?.exhausted_at, null);
  assert.equal((await refusal(pools.delete("lan", undefined, r.admin))).code, "pool_in_use");
  const shrink = pools.update("lan", { ranges: ["10.20.0.150-10.20.0.160"] }, undefined, r.admin);
  assert.match((await refusal(shrink)).message, /in use by a \(10\.20\.0\.100\)/);
  await pools.update("lan", { exclusions: ["10.20.0.101"], is_default: true }, undefined, r.admin);
  await machines.provision(request("b"), {}, r.admin);
  assert.equal((await machines.get("b", undefined)).address, "10.20.0.102");
  await machines.decommission("a", false, {}, r.admin);
  await machines.decommission("b", false, {}, r.admin);
  await pools.update("wan", { ranges: ["33000"] }, undefined, r.admin);
  await machines.provision(request("c"), {}, r.admin);
  const full = await refusal(machines.provision(request("d"), {}, r.admin));
  assert.deepEqual([full.kind, full.code], ["exhausted", "pool_exhausted"]);
  await machines.decommission("c", false, {}, r.admin);
  await pools.delete("lan", undefined, r.admin);
});

Deno.test("leases are read from the tables of the releases", () => {
  const isc =
    `IP address      Hardware address    State    Lease start          Lease expiration     Remaining    Pool    Hostname
--------------  ------------------  -------  -------------------  -------------------  -----------  ------  ----------
10.20.0.11      52:54:00:00:00:11   active   2026/01/01 10:00:00  2026/01/02 10:00:00  20:00:00     LAB     laptop
`;
  const kea =
    `IP Address    MAC address        State    Lease start                Lease expiration           Remaining    Pool    Hostname    Origin
------------  -----------------  -------  -------------------------  -------------------------  -----------  ------  ----------  --------
10.20.0.12    52:54:00:00:00:12  active   2026-01-01 10:00:00+00:00  2026-01-02 10:00:00+00:00  20:00:00     LAB                 local
`;
  assert.deepEqual(leasesOf(isc)[0], {
    address: "10.20.0.11",
    mac: "52:54:00:00:00:11",
    host_name: "laptop",
    state: "active",
    expires: "2026/01/02 10:00:00",
  });
  assert.deepEqual(leasesOf(kea).map(({ address, host_name }) => [address, host_name]), [[
    "10.20.0.12",
    null,
  ]]);
  assert.deepEqual(leasesOf("DHCP server is not configured"), []);
});

Deno.test("leased addresses are not drawn", async () => {
  await using r = await rig();
  r.router.leases = "IP Address\n-----------\n10.20.0.100\n";
  await r.network.machines.provision(request("a"), {}, r.admin);
  assert.equal((await r.network.machines.get("a", undefined)).address, "10.20.0.101");
});
