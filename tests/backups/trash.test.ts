import assert from "node:assert/strict";
import { deleteBackup, getBackup, listBackups, restoreBackup } from "../../src/backups/operations.ts";
import {
  emptyTrash,
  listTrash,
  pruneBackups,
  undeleteBackup,
} from "../../src/backups/retention_operations.ts";
import { admin, ofKind, operator } from "../servers/fixture.ts";
import { filesIn, world } from "./fixture.ts";

const DAY = 86_400_000;
const given7 = () => world({ settings: { trash_days: 7 } });

Deno.test("a removed backup goes into the trash, out of the list, and comes back", async () => {
  await using given = await given7();
  const old = await given.make();
  const kept = await given.make();
  const files = filesIn(given.destination);
  await given.ask(deleteBackup, { backup: old.id, reason: "too old" }, operator());
  assert.deepEqual(filesIn(given.destination), files, "its files stay");
  assert.deepEqual((await given.ask(listBackups, {}, admin())).map((one) => one.id), [kept.id]);
  const trash = await given.ask(listTrash, {}, admin());
  assert.deepEqual(trash.map((one) => [one.id, one.trashed_at]), [[old.id, "2026-01-02T04:00:00.000Z"]]);
  assert.equal((await given.ask(getBackup, { backup: old.id }, admin())).trashed_at, trash[0]?.trashed_at);
  const to = `${given.destination}-restored`;
  assert.equal((await given.ask(restoreBackup, { backup: old.id, to }, admin())).item_count > 0, true);

  const back = await given.ask(undeleteBackup, { backup: old.id }, operator());
  assert.deepEqual(back, old);
  assert.equal((await given.ask(listBackups, {}, admin())).length, 2);
  await assert.rejects(
    given.ask(undeleteBackup, { backup: old.id }, operator()),
    ofKind("conflict", /not in the trash/),
  );
});

Deno.test("what is in the trash goes for good after its days, and not before", async () => {
  await using given = await given7();
  const [old] = [await given.make(), await given.make()];
  await given.ask(deleteBackup, { backup: old.id }, operator());
  given.clock.advance(7 * DAY - 1);
  assert.deepEqual((await given.backups.expireTrash()).removed, []);
  given.clock.advance(1);
  const expired = await given.backups.expireTrash();
  assert.deepEqual([expired.removed, expired.freed_bytes], [[old.id], old.size_bytes]);
  assert.equal(filesIn(given.destination).length, 2);
  await assert.rejects(given.ask(getBackup, { backup: old.id }, admin()), ofKind("not_found"));
});

Deno.test("what is in the trash counts for nothing: not as a copy kept, not as a good one", async () => {
  await using given = await given7();
  const made = [await given.make(), await given.make(), await given.make(), await given.make()];
  const done = await given.ask(pruneBackups, { schedule: "nightly-1" }, operator());
  const older = made.slice(0, 2).map((one) => one.id);
  assert.deepEqual([done.removed, done.trashed, done.freed_bytes], [older, older, 0]);
  assert.deepEqual((await given.ask(pruneBackups, { schedule: "nightly-1" }, operator())).removed, []);
  await given.ask(deleteBackup, { backup: made[2]!.id }, operator());
  await assert.rejects(
    given.ask(deleteBackup, { backup: made[3]!.id }, operator()),
    ofKind("conflict", /last verified good copy/),
  );
});

Deno.test("deleting for good, and deleting what is in the trash, removes the files at once", async () => {
  await using given = await given7();
  const made = [await given.make(), await given.make(), await given.make()];
  await given.ask(deleteBackup, { backup: made[0]!.id, for_good: true }, operator());
  assert.equal(filesIn(given.destination).length, 4);
  await given.ask(deleteBackup, { backup: made[1]!.id }, operator());
  await given.ask(deleteBackup, { backup: made[1]!.id }, operator());
  assert.equal(filesIn(given.destination).length, 2);
  assert.deepEqual(await given.ask(listTrash, {}, admin()), []);
});

Deno.test("a backup that is missing has nothing to wait for in the trash", async () => {
  await using given = await given7();
  const [old] = [await given.make(), await given.make()];
  await Deno.remove(old.path);
  await given.backups.verify(old.id, admin());
  await given.ask(deleteBackup, { backup: old.id }, operator());
  assert.deepEqual(await given.ask(listTrash, {}, admin()), []);
});

Deno.test("emptying the trash is limited to a schedule, to an age, and to one's servers", async () => {
  await using given = await given7();
  const [one] = [await given.make(), await given.make()];
  const [two] = [await given.make({ server: 2 }), await given.make({ server: 2 })];
  await given.ask(deleteBackup, { backup: one.id }, operator());
  given.clock.advance(DAY);
  await given.ask(deleteBackup, { backup: two.id }, operator());
  const ids = async (input: object, from = operator()) => (await given.ask(emptyTrash, input, from)).removed;
  assert.deepEqual(await ids({ older_than_seconds: 2 * 86_400 }), []);
  assert.deepEqual(await ids({}, operator({ servers: [9] })), []);
  assert.deepEqual(await ids({ schedule: "nightly-2" }), [two.id]);
  assert.deepEqual(await ids({ older_than_seconds: 86_400 }), [one.id]);
});
