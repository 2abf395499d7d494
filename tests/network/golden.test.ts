/** For each release and each kind of change the exact commands; and that the release knows every one of them. */
import assert from "node:assert/strict";
import { changeMachine, draftMachine, withHairpin, withPorts } from "../../src/network/draft.ts";
import type { Machine } from "../../src/network/machine.ts";
import { objectsOf } from "../../src/network/objects.ts";
import { inverse, plan, progress, render, type Step, withSubnets } from "../../src/network/plan.ts";
import { profileOf, type Release, RELEASES } from "../../src/network/release.ts";
import { Taken } from "../../src/network/taken.ts";
import { commandText, diffTrees, type Tree, treeAt } from "../../src/network/tree.ts";
import { compareGolden } from "../support/golden.ts";
import { FakeVyos } from "../support/vyos.ts";
import { sayIfAbsent, schemaOf } from "../support/vyos_schema.ts";
import { drafting, handmade, LAN, MAC, machine, SSH, wish } from "./samples.ts";

const FOLDER = "tests/golden/network";

/** One change: the router before it, and the machines before and after. */
interface Case {
  live: Tree;
  before: Machine[];
  after: Machine[];
  managed?: boolean;
}

function liveWith(release: Release, machines: readonly Machine[], base = handmade(release)): Tree {
  const router = new FakeVyos({ release, config: base });
  const objects = machines.flatMap((one) => objectsOf(one, profileOf(release)));
  const steps = withSubnets(plan(objects, base), base, profileOf(release), () => true);
  assert.equal(router.commit(render(steps)), undefined);
  return router.running;
}

/** What is free for a machine that has these already. */
function free(release: Release, live: Tree) {
  return drafting(release, live, [], { taken: new Taken(new Map(), handmade(release)) });
}

function casesOf(release: Release): Record<string, Case> {
  const live = handmade(release);
  const bare = machine(release);
  const withLive = liveWith(release, [bare]);
  const ports = (change: (port: Machine["ports"][number]) => Machine["ports"][number]) => ({
    ...bare,
    ports: bare.ports.map(change),
  });
  const change = (after: Machine): Case => ({ live: withLive, before: [bare], after: [after] });
  const { service: _, ...noDhcp } = live;
  const tcp8080 = { ...SSH, name: "tcp-8080", internal_port: 8080 };
  const dns = { ...SSH, name: "dns", protocol: "tcp_udp", internal_port: 53, external_port: 32_500 } as const;
  const managed = draftMachine(
    wish(),
    drafting(release, noDhcp, [], { ipPool: { ...LAN, manage_subnet: true } }),
  );
  return {
    provision: { live, before: [], after: [bare] },
    "provision-three-ports": {
      live,
      before: [],
      after: [machine(release, { ports: [SSH, { ...SSH, name: "https", internal_port: 443 }, tcp8080] })],
    },
    "provision-without-reservation": { live, before: [], after: [machine(release, { mac: null })] },
    "provision-many": {
      live,
      before: [],
      after: [
        bare,
        draftMachine(wish({ name: "vm-18", mac: "52:54:00:aa:bb:18" }), drafting(release, live, [bare])),
      ],
    },
    "provision-with-source-and-description": {
      live,
      before: [],
      after: [machine(release, {
        host_name: "build",
        ports: [{ ...dns, source: "203.0.113.0/24", description: "names, for the branch" }],
      })],
    },
    "provision-hairpin": { live, before: [], after: [machine(release, { hairpin: true })] },
    "provision-first-of-subnet": { live: noDhcp, before: [], after: [managed], managed: true },
    "decommission-last-of-subnet": {
      live: liveWith(release, [managed], noDhcp),
      before: [managed],
      after: [],
      managed: true,
    },
    pause: change(ports((port) => ({ ...port, enabled: false }))),
    resume: {
      live: liveWith(release, [ports((port) => ({ ...port, enabled: false }))]),
      before: [],
      after: [bare],
    },
    "port-create": change(withPorts(bare, [tcp8080], drafting(release, withLive))),
    "port-delete": change({ ...bare, ports: [] }),
    "update-mac": change({ ...bare, mac: "52:54:00:aa:bb:99" }),
    "update-host-name": change({ ...bare, host_name: "web" }),
    "update-address": change(changeMachine(bare, { address: "10.20.0.150" }, free(release, withLive))),
    "hairpin-on": change(withHairpin(bare, true, drafting(release, withLive))),
    decommission: { live: withLive, before: [bare], after: [] },
    "repair-a-changed-rule": {
      live: edited(release, withLive, (rule) => ({
        ...rule,
        log: {},
        translation: { address: "10.20.0.9", port: "22" },
      })),
      before: [bare],
      after: [bare],
    },
    "move-rule": change(ports((port) => ({ ...port, rule: 12_000 }))),
  };
}

function edited(release: Release, live: Tree, change: (rule: Tree) => Tree): Tree {
  const path = ["nat", "destination", "rule", "10000"];
  const before = treeAt(live, path) ?? {};
  const router = new FakeVyos({ release, config: live });
  assert.equal(router.commit(diffTrees(path, before, change(before))), undefined);
  return router.running;
}

function stepsOf(release: Release, { live, before, after, managed = false }: Case): Step[] {
  const profile = profileOf(release);
  const objects = (machines: readonly Machine[]) => machines.flatMap((one) => objectsOf(one, profile));
  return withSubnets(plan(objects(after), live, objects(before)), live, profile, () => managed);
}

for (const release of RELEASES) {
  Deno.test(`release ${release}: each kind of change is exactly these commands`, async () => {
    const texts = Object.entries(casesOf(release)).map(([name, one]) => {
      const lines = render(stepsOf(release, one)).map(commandText);
      return [name, lines.join("\n") + "\n"] as const;
    });
    await compareGolden(`${FOLDER}/${release}`, new Map(texts));
  });

  Deno.test(`release ${release}: every command fits its schema, the router takes it, and the way back leads back`, () => {
    const schema = schemaOf(release);
    sayIfAbsent();
    for (const [name, one] of Object.entries(casesOf(release))) {
      const steps = stepsOf(release, one);
      for (const there of [steps, inverse(steps)]) {
        for (const command of render(there)) assert.equal(schema?.refuses(command), undefined, name);
      }
      const router = new FakeVyos({ release, config: one.live });
      assert.equal(router.commit(render(steps)), undefined, name);
      assert.deepEqual(stepsOf(release, { ...one, live: router.running }), [], `${name}: planned again`);
      assert.equal(router.commit(render(inverse(steps))), undefined, `${name}: back`);
      assert.equal(progress(steps, router.running), steps.length === 0 ? "done" : "untouched", name);
    }
  });
}

Deno.test("a fake router refuses what the release does not know", () => {
  sayIfAbsent();
  if (schemaOf("1.3") === undefined) return;
  const rule = ["nat", "destination", "rule", "10"];
  const mapping = [
    "service",
    "dhcp-server",
    "shared-network-name",
    "LAB",
    "subnet",
    "10.0.0.0/24",
    "static-mapping",
  ];
  const refused: [Release, string[], string][] = [
    ["1.3", [...rule, "inbound-interface", "name"], "eth0"],
    ["1.4", [...rule, "inbound-interface"], "eth0"],
    ["1.4", [...mapping, "a", "mac"], MAC],
    ["1.5", [...mapping, "a", "mac-address"], MAC],
    ["1.5", [...mapping, "a_b", "mac"], MAC],
    ["1.3", [...mapping, "a b", "mac-address"], MAC],
    ["1.5", [...rule, "source", "address"], "10.0.0.1/24"],
    ["1.5", [...rule, "description"], "it's"],
    ["1.5", [...rule, "description"], "x".repeat(256)],
    ["rolling", ["nat", "destination", "rule", "0", "disable"], ""],
    ["rolling", ["nat", "destination", "rule", "10", "hairpin"], ""],
    ["rolling", [...rule, "destination", "port"], "70000"],
  ];
  for (const [release, path, value] of refused) {
    assert.notEqual(
      new FakeVyos({ release }).commit([{ op: "set", path, value }]),
      undefined,
      `${release} ${path}`,
    );
  }
  assert.match(
    new FakeVyos().commit([{ op: "set", path: [...rule, "protocol"], value: "tcp" }]) ?? "",
    /translation/,
  );
});
