/** Kept versions over days: what a job does not keep goes to the trash, comes back, or goes for good. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isThere, walk } from "../support/files.ts";
import { type Sites, sites } from "./site_world.ts";

const JOB = {
  way: "file",
  agent_deposit_path_template: "shop.gz",
  keep_versions: 2,
  agent_id_responsible: "",
};

/** A file each day at 13:00, judged and kept. */
async function days(world: Sites, count: number): Promise<void> {
  for (let day = 2; day < 2 + count; day++) {
    world.clock.set(`2026-03-0${day}T13:05:00Z`);
    await world.put("shop.gz", `content of day ${day}`);
    await world.at(`2026-03-0${day}T13:06:00Z`);
  }
}

const inFinal = (world: Sites) =>
  [...walk(world.final)].map((path) => path.slice(world.final.length + 1)).filter((path) =>
    !path.endsWith(".sha256")
  );

const version = (day: number) => `ACME/PARIS/2026/shop/2026030${day}T130000Z_shop.gz`;

Deno.test("pruning only says what it would do, then does it, and the trash gives back or forgets", async () => {
  await using world = await sites();
  const job_id = await world.expect("ACME_PARIS_NORTH", "shop", JOB);
  await days(world, 4);
  assert.deepEqual(inFinal(world), [2, 3, 4, 5].map(version));
  const said = await world.local("POST", "/api/v1/monitor/versions/prune", {});
  assert.deepEqual(said.decisions.map((one: { keep: boolean }) => one.keep), [true, true, false, false]);
  assert.deepEqual([said.applied, said.trashed], [false, []]);
  assert.deepEqual(inFinal(world), [2, 3, 4, 5].map(version));

  const done = await world.local("POST", "/api/v1/monitor/versions/prune", { job_id, apply: true });
  assert.deepEqual([done.trashed.length, done.problems], [2, []]);
  const trash = (day: number) => `.trash/20260305T130602Z/${version(day)}`;
  assert.deepEqual(inFinal(world), [trash(2), trash(3), version(4), version(5)]);
  const listed = await world.local("GET", "/api/v1/monitor/versions?trashed=true");
  assert.deepEqual(
    listed.map((one: { trashed_at: string }) => one.trashed_at),
    Array(2).fill("2026-03-05T13:06:02.000Z"),
  );

  const [newest] = listed;
  const back = await world.local("POST", `/api/v1/monitor/versions/${newest.entry_id}/undelete`);
  assert.equal(back.path, join(world.final, version(3)));
  assert.ok(await isThere(back.path) && await isThere(`${back.path}.sha256`));
  const twice = await world.request("POST", `/api/v1/monitor/versions/${newest.entry_id}/undelete`, {
    token: await world.keyFor("operator"),
  });
  assert.equal(twice.status, 409);
  await twice.body?.cancel();

  // The daily round trashes it again; what was in the trash for its days is gone.
  world.clock.advance(31 * 86_400_000);
  await world.monitor.versions.tend();
  const left = inFinal(world);
  assert.equal(left.filter((path) => path.startsWith(".trash/")).length, 1);
  assert.deepEqual(left.filter((path) => !path.startsWith(".trash/")), [4, 5].map(version));
  assert.deepEqual(await world.open(), [], "what retention removes has not vanished");
});

Deno.test("what a crash left between saying and moving is moved by the next round", async () => {
  await using world = await sites();
  await world.expect("ACME_PARIS_NORTH", "shop", JOB);
  await days(world, 3);
  await world.monitor.versions.tend();
  const [trashed] = inFinal(world).filter((path) => path.startsWith(".trash/"));
  assert.ok(trashed !== undefined);
  // As if the process had died before the move.
  await Deno.rename(join(world.final, trashed), join(world.final, version(2)));
  await world.monitor.versions.tend();
  assert.deepEqual(inFinal(world), [trashed, version(3), version(4)]);
});

Deno.test("history is forgotten, but not that of files which are kept or in the trash", async () => {
  await using world = await sites();
  const job_id = await world.expect("ACME_PARIS_NORTH", "shop", JOB);
  await days(world, 4);
  await world.at("2026-03-06T14:06:00Z");
  const due = async () => (await world.local("GET", `/api/v1/entries/by_job/${job_id}`)).length;
  const forget = () => world.monitor.prune({ entries: world.clock.now(), pings: null });
  assert.equal(await due(), 5);
  await world.local("POST", "/api/v1/monitor/versions/prune", { job_id, apply: true });
  assert.equal((await forget()).monitor_entries, 1, "the day without a file");

  const [newest] = await world.local("GET", "/api/v1/monitor/versions?trashed=true");
  await world.local("POST", `/api/v1/monitor/versions/${newest.entry_id}/undelete`);
  assert.equal((await forget()).monitor_entries, 0);
  world.clock.set("2026-04-10T13:06:00Z");
  await world.monitor.versions.tend();
  assert.equal((await forget()).monitor_entries, 1, "the version that left the trash for good");
  assert.equal(await due(), 3);
  assert.equal(inFinal(world).filter((path) => !path.startsWith(".trash")).length, 2);
});
