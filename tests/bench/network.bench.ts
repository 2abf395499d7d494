/** How fast a large router is planned, how long a change takes beyond the router's own time, and how fast pools are drawn from. */
import { draftMachine } from "../../src/network/draft.ts";
import { claimsOf, type Machine } from "../../src/network/machine.ts";
import { objectsOf } from "../../src/network/objects.ts";
import { ownOnly, plan, render } from "../../src/network/plan.ts";
import { profileOf } from "../../src/network/release.ts";
import type { Tree } from "../../src/network/tree.ts";
import { drafting, handmade, LAN, SSH, WAN, wish } from "../network/samples.ts";
import { request, rig } from "../network/support.ts";
import { type BenchResult, median } from "./result.ts";

const RULES = 10_000;
const PLAN_GOAL_MS = 300;
const LATENCY_GOAL_MS = 20;
const ROUNDS = 5;
const CHANGES = 40;
const DRAWN = 5000;

export async function networkBench(): Promise<BenchResult[]> {
  return [planTime(), await latency(), allocation()];
}

/** Machines with a forward each, from pools that are large enough. */
function manyMachines(count: number): Machine[] {
  const at = drafting("rolling", handmade("rolling"), [], {
    ipPool: { ...LAN, cidr: "10.20.0.0/16", ranges: ["10.20.64.0-10.20.255.0"] },
    portPool: { ...WAN, ranges: ["20000-60000"] },
    rules: [10_000, 99_999],
  });
  return Array.from(
    { length: count },
    (_, i) => draftMachine(wish({ name: `m${i}`, mac: null, ports: [SSH] }), at),
  );
}

/** All rules of a router against as many live ones, of which one in ten differs. */
function planTime(): BenchResult {
  const profile = profileOf("rolling");
  const objects = manyMachines(RULES).flatMap((machine) => objectsOf(machine, profile));
  const rule: Record<string, Tree> = {};
  for (const [i, { path, tree }] of objects.entries()) {
    rule[path.at(-1)!] = i % 10 === 0 ? { ...tree, protocol: "udp" } : tree;
  }
  const live: Tree = { nat: { destination: { rule } } };
  const values = Array.from({ length: ROUNDS }, () => {
    const before = performance.now();
    const own = ownOnly(objects, objects, live);
    const commands = render(plan(own.wanted, live, own.unwanted));
    const value = performance.now() - before;
    if (commands.length !== RULES / 10) {
      throw new Error(`Cannot measure the plan: ${commands.length} commands`);
    }
    return value;
  });
  const value = median(values);
  return {
    name: `plan for ${RULES} rules against ${RULES} live rules`,
    value,
    unit: "ms",
    goal: `under ${PLAN_GOAL_MS} ms`,
    met: value < PLAN_GOAL_MS,
  };
}

/** Provisions one by one; what the router takes is taken off. */
async function latency(): Promise<BenchResult> {
  await using r = await rig();
  let inRouter = 0;
  const values: number[] = [];
  r.router.onAnswer = (ms) => inRouter += ms;
  for (let i = 0; i < CHANGES; i++) {
    inRouter = 0;
    const before = performance.now();
    await r.network.machines.provision(request(`vm-${i}`), {}, r.admin);
    values.push(performance.now() - before - inRouter);
  }
  const value = median(values);
  return {
    name: "provision beyond the router's own time",
    value,
    unit: "ms",
    goal: `under ${LATENCY_GOAL_MS} ms`,
    met: value < LATENCY_GOAL_MS,
  };
}

/** Addresses, ports and numbers drawn for machines on a router that has some already. */
function allocation(): BenchResult {
  const values = Array.from({ length: ROUNDS }, () => {
    const before = performance.now();
    const machines = manyMachines(DRAWN);
    const value = DRAWN / (performance.now() - before) * 1000;
    const claims = machines.flatMap((machine) => claimsOf(machine));
    if (new Set(claims).size !== claims.length) throw new Error("Cannot measure: something was drawn twice");
    return value;
  });
  return { name: "machines drawn from pools", value: median(values), unit: "/s" };
}
