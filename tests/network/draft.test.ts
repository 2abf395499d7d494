import assert from "node:assert/strict";
import {
  changeMachine,
  type Drafting,
  draftMachine,
  type MachineWish,
  withPorts,
} from "../../src/network/draft.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { objectsOf } from "../../src/network/objects.ts";
import { plan, withSubnets } from "../../src/network/plan.ts";
import { profileOf, releaseOf } from "../../src/network/release.ts";
import { Taken } from "../../src/network/taken.ts";
import { claimMap, drafting, handmade, LAN, MAC, machine, SSH, WAN, wish } from "./samples.ts";

const LIVE = handmade("rolling");

function refused(
  changes: Partial<MachineWish>,
  kind: string,
  message: RegExp,
  with_: Partial<Drafting> = {},
  release: "1.3" | "1.5" | "rolling" = "rolling",
): void {
  assert.throws(
    () => draftMachine(wish(changes), drafting(release, handmade(release), [], with_)),
    (error) => error instanceof HoldfastError && error.kind === kind && message.test(error.message),
    `${kind} ${message}`,
  );
}

const port = (changes: object) => ({ ports: [{ ...SSH, ...changes }] });

Deno.test("bad wishes are refused, each with its reason", () => {
  refused({ address: "10.99.0.5" }, "invalid", /outside of the subnet 10\.20\.0\.0\/24/);
  refused({ address: "10.20.0.0" }, "invalid", /outside/);
  refused({ address: "10.20.0.5" }, "conflict", /address 10\.20\.0\.5 is in use by the router/);
  refused({ address: "10.20.0.20" }, "conflict", /in use by the router's configuration or a lease/);
  refused({ mac: "52:54:00:00:00:06" }, "conflict", /MAC address .* in use by reservation "printer"/);
  refused({ name: "printer" }, "conflict", /host name "printer" is in use/);
  refused({ name: "a b" }, "invalid", /host name "a b" may have/);
  refused({ name: "a_b" }, "invalid", /release 1\.5/, {}, "1.5");
  refused(port({ external_port: 465 }), "conflict", /port 465 is in use by rule 100 of the router/);
  refused(port({ source: "10.0.0.1/24" }), "invalid", /source "10\.0\.0\.1\/24" is no IPv4/);
  refused(port({ description: "it's" }), "invalid", /no quotes/);
  refused(port({ description: "two\nlines" }), "invalid", /line ends/);
  refused({}, "exhausted", /no address is free in pool "lan"/, {
    ipPool: { ...LAN, ranges: ["10.20.0.10-10.20.0.20"] },
  });
  refused({}, "exhausted", /no port is free in pool "wan"/, { portPool: { ...WAN, ranges: ["465"] } });
  refused({}, "exhausted", /no rule number is free from 100 to 100/, { rules: [100, 100] });
  refused({}, "conflict", /no active address pool/, { ipPool: null });
  refused({}, "conflict", /no active port pool/, { portPool: null });
  refused({}, "invalid", /release 1\.3 needs an outside interface/, {
    portPool: { ...WAN, interface: null },
  }, "1.3");
  refused({ hairpin: true }, "invalid", /outside address/, { externalAddress: null });
});

Deno.test("a name with an underscore is fine where the release allows it", () => {
  assert.equal(machine("1.3", { name: "a_b" }).name, "a_b");
});

Deno.test("addresses of leases, interfaces, routers and exclusions are not drawn", () => {
  const pool = { ...LAN, ranges: ["10.20.0.1-10.20.0.8"], exclusions: ["10.20.0.2-10.20.0.3"] };
  const taken = new Taken(new Map(), LIVE, ["10.20.0.4"]);
  // 1 is the router, 2 and 3 are excluded, 4 is leased, 5 a forward's, 6 the printer's.
  const drawn = draftMachine(wish(), drafting("rolling", LIVE, [], { ipPool: pool, taken }));
  assert.equal(drawn.address, "10.20.0.7");
});

Deno.test("addresses that the router has on bridges and trunks are not drawn either", () => {
  const interfaces = {
    ethernet: { eth1: { vif: { "20": { address: ["10.20.0.100/24", "dhcp"] } } } },
    bridge: { br0: { address: "10.20.0.101/24" } },
  };
  const drawn = draftMachine(wish(), drafting("rolling", { ...LIVE, interfaces }));
  assert.equal(drawn.address, "10.20.0.102");
});

Deno.test("a port of a foreign rule on another interface is free, on any interface it is not", () => {
  const rule = (on: object) => ({
    nat: { destination: { rule: { "5": { ...on, destination: { port: "32000" }, protocol: "tcp" } } } },
  });
  const drawn = (on: object) => {
    const live = { ...LIVE, ...rule(on) };
    return draftMachine(wish(), drafting("rolling", live)).ports[0]!.external_port;
  };
  assert.equal(drawn({ "inbound-interface": { name: "eth9" } }), 32_000);
  assert.equal(drawn({ "inbound-interface": { name: "eth*" } }), 32_001);
  assert.equal(drawn({ "inbound-interface": { group: "outside" } }), 32_001);
  assert.equal(drawn({}), 32_001);
});

Deno.test("ranges, lists, names and exceptions of foreign rules count", () => {
  const ports = (text: string) => ({
    nat: { destination: { rule: { "5": { destination: { port: text }, protocol: "tcp" } } } },
  });
  const taken = (text: string, port: number) =>
    new Taken(new Map(), ports(text)).port(port, "eth0") !== undefined;
  assert.ok(taken("22,8000-9000", 8500));
  assert.ok(!taken("22,8000-9000", 9001));
  assert.ok(taken("https", 443));
  assert.ok(taken("!22", 443));
  assert.ok(!taken("!22", 22));
});

Deno.test("what one machine of a plan draws, the next does not", () => {
  const at = drafting("rolling", LIVE);
  const names = Array.from({ length: 50 }, (_, i) => `m${i}`);
  const machines = names.map((name, i) =>
    draftMachine(
      wish({
        name,
        mac: `52:54:00:00:01:${String(i).padStart(2, "0")}`,
        ports: [SSH, { ...SSH, name: "b" }],
      }),
      at,
    )
  );
  assert.equal(claimMap(machines).size, 50 * (4 + 4));
});

Deno.test("update changes what is given and keeps the rest", () => {
  const before = machine("rolling");
  const at = drafting("rolling", LIVE);
  const after = changeMachine(before, { mac: null }, at);
  assert.deepEqual([after.mac, after.reservation, after.address], [null, null, before.address]);
  assert.throws(() => changeMachine(before, { mac: "52:54:00:00:00:06" }, at), /in use/);
  assert.throws(() => changeMachine(before, { address: "10.20.0.6" }, at), /in use/);
  assert.throws(() => withPorts(before, [SSH], at), /exists already/);
  assert.equal(MAC, before.mac);
});

Deno.test("the last reservation of a subnet that is not ours is not removed", () => {
  const profile = profileOf("rolling");
  const one = machine("rolling");
  const [reservation] = objectsOf(one, profile);
  const live = {
    service: {
      "dhcp-server": {
        "shared-network-name": {
          LAB: {
            subnet: {
              "10.20.0.0/24": { "subnet-id": "1", "static-mapping": { "vm-17": reservation!.tree } },
            },
          },
        },
      },
    },
  };
  const steps = plan([], live, [reservation!]);
  assert.throws(
    () => withSubnets(steps, live, profile, () => false),
    /the last one of subnet "10\.20\.0\.0\/24"/,
  );
  assert.deepEqual(withSubnets(steps, live, profile, () => true)[0]!.path, ["service", "dhcp-server"]);
});

Deno.test("releases are known by their version texts, and others are not guessed", () => {
  const texts: Record<string, string | undefined> = {
    "VyOS 1.3.5": "1.3",
    "1.4.0": "1.4",
    "VyOS 1.4-rolling-202307170317": undefined,
    "VyOS 1.5-rolling-202410210007": "rolling",
    "1.5.0": "1.5",
    "2026.02.01-0020-rolling": "rolling",
    "VyOS 1.2.9": undefined,
    "2.0": undefined,
  };
  for (const [text, release] of Object.entries(texts)) assert.equal(releaseOf(text), release, text);
});
