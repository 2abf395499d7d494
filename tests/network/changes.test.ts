/** Changes of a router from asking to saved, and whatever can go wrong on the way. */
import assert from "node:assert/strict";
import { RELEASES } from "../../src/network/release.ts";
import { treeAt } from "../../src/network/tree.ts";
import type { Fault } from "../support/vyos.ts";
import { handmade } from "./samples.ts";
import { refusal, request, rig } from "./support.ts";

const rules = ["nat", "destination", "rule"];

for (const release of RELEASES) {
  Deno.test(`release ${release}: provision, pause, update and decommission leave everything as it was`, async () => {
    await using r = await rig({ release });
    const { network, router, admin } = r;
    const dry = await network.machines.provision(request("vm-17", ["ssh", "https", "tcp:8080"]), {
      dry_run: true,
    }, admin);
    assert.deepEqual([dry.status, dry.change_id, router.commits.length], ["planned", null, 0]);
    assert.ok(dry.commands.length > 15);
    const made = await network.machines.provision(request("vm-17", ["ssh", "https", "tcp:8080"]), {}, admin);
    assert.deepEqual([made.status, router.commits.length], ["saved", 1], "one commit for all");
    assert.deepEqual(made.commands, dry.commands, "what was shown is what was sent");
    assert.deepEqual(router.saved, router.running);
    assert.equal(router.pending, undefined, "confirmed");
    assert.equal((await network.watch.report(undefined, admin.signal)).drift, false);
    const paused = await network.machines.actOnPorts("vm-17", "disable", ["ssh"], {}, admin);
    assert.equal(paused.commands.length, 1);
    const again = await network.machines.actOnPorts("vm-17", "disable", ["ssh"], {}, admin);
    assert.equal(again.status, "unchanged");
    await network.machines.update("vm-17", { mac: "52:54:00:aa:bb:18", host_name: "web" }, {}, admin);
    await network.machines.createPorts("vm-17", request("x", ["udp:53"]).ports, undefined, {}, admin);
    const gone = await network.machines.decommission("vm-17", false, {}, admin);
    assert.equal(gone.status, "saved");
    assert.deepEqual(router.running, handmade(release), "the router is as it was");
    assert.deepEqual(await network.machines.list(undefined), []);
    const statuses = (await network.changes(undefined, { limit: 10, offset: 0 })).map(({ kind }) => kind);
    assert.deepEqual(statuses, ["decommission", "ports", "update", "ports", "provision"]);
  });
}

Deno.test("reflection is set up and taken down with the forwards", async () => {
  await using r = await rig();
  await r.network.machines.provision({ ...request("vm-17"), hairpin: true }, {}, r.admin);
  assert.notEqual(treeAt(r.router.running, ["nat", "source", "rule", "10000"]), undefined);
  await r.network.machines.update("vm-17", { hairpin: false }, {}, r.admin);
  assert.equal(treeAt(r.router.running, ["nat", "source", "rule", "10000"]), undefined);
  assert.equal((await r.network.watch.report(undefined, r.admin.signal)).drift, false);
});

for (
  const [fault, outcome] of [
    ["lost_done", "done"],
    ["504_done", "done"],
    ["lost_undone", "lost"],
    ["502", "lost"],
    ["echo_key", "refused"],
    ["unreachable", "connect"],
    ["undone_silently", "not_verified"],
    ["locked", "done"],
  ] as const satisfies readonly (readonly [Fault, string])[]
) {
  for (const release of ["1.4", "rolling"] as const) {
    Deno.test(`release ${release}: a commit with fault ${fault} ends as ${outcome}, and nothing hangs between`, async () => {
      await using r = await rig({ release });
      r.router.fail(/^\/configure$/, fault);
      const work = r.network.machines.provision(request("vm-17"), {}, r.admin);
      if (outcome === "done") assert.equal((await work).status, "saved");
      else {
        const error = await refusal(work);
        assert.equal(error.code, outcome, error.message);
        assert.ok(!error.message.includes("key-of-the-router"));
        assert.deepEqual(r.router.running, handmade(release));
        const [change] = await r.network.changes(undefined, { limit: 1, offset: 0 });
        assert.equal(change?.status, "failed");
      }
      assert.equal((await r.network.watch.report(undefined, r.admin.signal)).drift, false);
      // Nothing is left taken: the same machine can be made.
      if (outcome !== "done") await r.network.machines.provision(request("vm-17"), {}, r.admin);
      assert.deepEqual((await r.network.machines.get("vm-17", undefined)).address, "10.20.0.100");
    });
  }
}

Deno.test("when nobody can tell what became of a change, it stays open until the router answers", async () => {
  for (const fault of ["lost_done", "lost_undone"] as const) {
    await using r = await rig();
    r.router.fail(/^\/configure$/, fault);
    for (let i = 0; i < 20; i++) r.router.fail(/^\/configure$/, "unreachable");
    const error = await refusal(r.network.machines.provision(request("vm-17"), {}, r.admin));
    assert.equal(error.code, "unclear");
    assert.equal((await r.network.status(undefined, r.admin.signal))[0]?.unsettled_changes, 1);
    r.router.faults.length = 0;
    const next = r.restart();
    await next.settle();
    const [change] = await next.changes(undefined, { limit: 1, offset: 0 });
    assert.equal(change?.status, fault === "lost_done" ? "saved" : "failed");
    assert.equal((await next.watch.report(undefined, r.admin.signal)).drift, false);
    assert.equal((await next.machines.list(undefined)).length, fault === "lost_done" ? 1 : 0);
    assert.equal(r.router.pending, undefined);
  }
});

Deno.test("a change whose timer ran out before the next start has failed, and its things are free again", async () => {
  await using r = await rig();
  r.router.fail(/^\/configure$/, "lost_done");
  for (let i = 0; i < 20; i++) r.router.fail(/^\/configure$/, "unreachable");
  await refusal(r.network.machines.provision(request("vm-17"), {}, r.admin));
  r.router.faults.length = 0;
  r.router.runOut();
  assert.deepEqual(r.router.running, handmade("rolling"));
  await r.restart().settle();
  assert.deepEqual(await r.network.machines.list(undefined), []);
  assert.equal((await r.network.changes(undefined, { limit: 1, offset: 0 }))[0]?.status, "failed");
});

Deno.test("what could not be saved is told, and saved with the next change", async () => {
  await using r = await rig();
  for (const _ of [1, 2]) r.router.fail(/config-file/, "502");
  const made = await r.network.machines.provision(request("a"), {}, r.admin);
  assert.equal(made.status, "applied");
  assert.match(made.warnings[0] ?? "", /did not save/);
  assert.notDeepEqual(r.router.saved, r.router.running);
  await r.network.machines.provision(request("b"), {}, r.admin);
  assert.deepEqual(
    (await r.network.changes(undefined, { limit: 9, offset: 0 })).map(({ status }) => status),
    [
      "saved",
      "saved",
    ],
  );
});

Deno.test("a router that would reboot to go back is not changed unless that is allowed", async () => {
  const { system: _, ...config } = handmade("rolling");
  {
    await using r = await rig({ config });
    const error = await refusal(r.network.machines.provision(request("a"), {}, r.admin));
    assert.equal(error.code, "would_reboot");
    assert.equal(r.router.commits.length, 0);
  }
  await using r = await rig({ config }, { allow_reboot: true });
  assert.equal((await r.network.machines.provision(request("a"), {}, r.admin)).status, "saved");
});

Deno.test("another confirm pending: the change is taken back and the conflict told", async () => {
  await using r = await rig();
  r.router.pending = r.router.running;
  const error = await refusal(r.network.machines.provision(request("a"), {}, r.admin));
  assert.equal(error.code, "confirm_pending");
  assert.equal(treeAt(r.router.running, [...rules, "10000"]), undefined);
});

Deno.test("the same call with the same key is done once; another call with it is refused; one that failed is tried again", async () => {
  await using r = await rig();
  const asked = { idempotency_key: "order-1" };
  r.router.fail(/^\/configure$/, "502");
  await refusal(r.network.machines.provision(request("a"), asked, r.admin));
  const first = await r.network.machines.provision(request("a"), asked, r.admin);
  const second = await r.network.machines.provision(request("a"), asked, r.admin);
  assert.deepEqual([second.change_id, second.machines], [first.change_id, first.machines]);
  assert.equal(r.router.commits.length, 1);
  const error = await refusal(r.network.machines.provision(request("b"), asked, r.admin));
  assert.equal(error.code, "idempotency_key");
});

Deno.test("many in one plan: one commit, a result for each, and a bad one harms no other", async () => {
  await using r = await rig();
  const wishes = [request("a"), request("b", ["ssh", "https"]), request("a"), {
    ...request("c"),
    address: "10.99.0.1",
  }];
  const { results, status } = await r.network.machines.provisionMany(wishes, {}, r.admin);
  assert.deepEqual(results.map(({ ok }) => ok), [true, true, false, false]);
  assert.match(results[2]?.error ?? "", /exists already/);
  assert.deepEqual([status, r.router.commits.length], ["saved", 1]);
});

Deno.test("a hundred calls at once make a hundred machines, without collision and one commit at a time", async () => {
  await using r = await rig({ slow: 2 });
  const names = Array.from({ length: 100 }, (_, i) => `vm-${i}`);
  await Promise.all(names.map((name) => r.network.machines.provision(request(name), {}, r.admin)));
  const machines = await r.network.machines.list(undefined);
  assert.equal(machines.length, 100);
  for (
    const values of [
      machines.map(({ address }) => address),
      machines.map(({ ports }) => ports[0]?.external_port),
      machines.map(({ ports }) => ports[0]?.rule),
    ]
  ) assert.equal(new Set<unknown>(values).size, 100);
  assert.equal(r.router.commits.length, 100);
  assert.equal(r.router.most, 1, "changes never overlap");
  assert.equal(r.router.readsDuringWrites, 0, "reads never during a change");
  assert.equal((await r.network.watch.report(undefined, r.admin.signal)).drift, false);
});

Deno.test("who goes away while waiting for a turn leaves nothing behind", async () => {
  await using r = await rig({ slow: 5 });
  const gone = new AbortController();
  const first = r.network.machines.provision(request("a"), {}, r.admin);
  const second = r.network.machines.provision(request("b"), {}, { ...r.admin, signal: gone.signal });
  gone.abort();
  assert.equal((await refusal(second)).message.length > 0, true);
  await first;
  assert.deepEqual((await r.network.machines.list(undefined)).map(({ name }) => name), ["a"]);
});

Deno.test("a change is rolled back exactly, twice even, but not over what came later", async () => {
  await using r = await rig();
  const before = structuredClone(r.router.running);
  const made = await r.network.machines.provision(request("a", ["ssh", "https"]), {}, r.admin);
  const paused = await r.network.machines.actOnPorts("a", "disable", [], {}, r.admin);
  assert.match(
    (await refusal(r.network.rollback(made.change_id!, {}, r.admin))).message,
    /was changed since/,
  );
  const dry = await r.network.rollback(paused.change_id!, { dry_run: true }, r.admin);
  assert.deepEqual(dry.commands.map((line) => line.split(" ")[0]), ["delete", "delete"]);
  await r.network.rollback(paused.change_id!, {}, r.admin);
  assert.ok((await r.network.machines.get("a", undefined)).ports.every(({ enabled }) => enabled));
  const gone = await r.network.machines.decommission("a", false, {}, r.admin);
  assert.deepEqual(r.router.running, before);
  await r.network.rollback(gone.change_id!, {}, r.admin);
  assert.equal((await r.network.machines.get("a", undefined)).ports.length, 2);
  assert.equal((await r.network.watch.report(undefined, r.admin.signal)).drift, false);
  const details = await r.network.change(gone.change_id!);
  assert.equal(Object.keys(details.before).length, 3);
});

Deno.test("an address that was given away meanwhile keeps a decommission from being rolled back", async () => {
  await using r = await rig();
  await r.network.machines.provision(request("a"), {}, r.admin);
  const gone = await r.network.machines.decommission("a", false, {}, r.admin);
  await r.network.machines.provision(request("b"), {}, r.admin);
  assert.match(
    (await refusal(r.network.rollback(gone.change_id!, {}, r.admin))).message,
    /is of machine "b" now/,
  );
});
