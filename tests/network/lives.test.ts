/** The service itself through random days: real database, answers lost, processes that die, people at the console. */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import type { Network } from "../../src/network/mod.ts";
import { treeAt } from "../../src/network/tree.ts";
import type { Fault } from "../support/vyos.ts";
import { request, type Rig, rig } from "./support.ts";

const DAYS = 12;
const FAULTS: readonly Fault[] = [
  "lost_done",
  "lost_undone",
  "502",
  "504_done",
  "undone_silently",
  "echo_key",
  "unreachable",
];

/** A number below, from a seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = state * 48_271 % 2_147_483_647;
    return state % below;
  };
}

async function act(network: Network, r: Rig, random: (below: number) => number, day: number): Promise<void> {
  const machines = await network.machines.list(undefined);
  const one = machines[random(Math.max(1, machines.length))];
  const dice = random(6);
  if (one === undefined || dice < 3) {
    const ports = [["ssh"], ["ssh", "https"], ["tcp:8080"], []][random(4)]!;
    await network.machines.provision(request(`vm-${day}`, ports), { idempotency_key: `day-${day}` }, r.admin);
  } else if (dice === 3) {
    await network.machines.actOnPorts(one.name, random(2) === 0 ? "enable" : "disable", [], {}, r.admin);
  } else if (dice === 4) {
    await network.machines.update(one.name, { hairpin: one.hairpin === null }, {}, r.admin);
  } else await network.machines.decommission(one.name, false, {}, r.admin);
}

for (let seed = 1; seed <= 6; seed++) {
  const release = (["1.3", "1.4", "1.5", "rolling"] as const)[seed % 4]!;
  Deno.test(`random days ${seed} of release ${release}: whatever breaks, the next start agrees with the router`, async () => {
    const random = randomOf(seed);
    await using r = await rig({ release });
    const theirs = JSON.stringify(treeAt(r.router.running, ["nat", "destination", "rule", "100"]));
    let network = r.network;
    for (let day = 0; day < DAYS; day++) {
      const fault = random(2) === 0 ? FAULTS[random(FAULTS.length)] : undefined;
      if (fault !== undefined) r.router.fail(/^\/configure$/, fault);
      // Sometimes the router stays away for so long that nobody learns what became of it.
      if (fault?.startsWith("lost") && random(2) === 0) {
        for (let i = 0; i < 20; i++) r.router.fail(/^\/configure$/, "unreachable");
      }
      await act(network, r, random, day).catch((error) =>
        assert.ok(error instanceof HoldfastError, String(error))
      );
      r.router.faults.length = 0;
      if (random(3) === 0) r.router.runOut();
      network = r.restart();
      await network.settle();
      const report = await network.watch.report(undefined, r.admin.signal);
      assert.deepEqual(report.routers[0]?.differences, [], `day ${day} after ${fault}`);
      assert.equal(r.router.pending, undefined);
      const [status] = await network.status(undefined, r.admin.signal);
      assert.deepEqual([status?.unsettled_changes, status?.unsaved_changes], [0, 0]);
    }
    assert.equal(JSON.stringify(treeAt(r.router.running, ["nat", "destination", "rule", "100"])), theirs);
  });
}
