import assert from "node:assert/strict";
import type { BackupsTables } from "../../src/backups/mod.ts";
import { deleteBackup, getBackup, listBackups } from "../../src/backups/operations.ts";
import { pruneBackups } from "../../src/backups/retention_operations.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { admin, ofKind, operator } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { filesIn, world } from "./fixture.ts";

Deno.test("a deleted backup is gone from the disk and the list, and its row says who and why", async () => {
  await using given = await world();
  const old = await given.make();
  const kept = await given.make();
  assert.equal(await given.ask(deleteBackup, { backup: old.id, reason: "too old" }, operator()), null);
  assert.deepEqual(filesIn(given.destination), [`${kept.name}.copy`, `${kept.name}.copy.manifest`]);
  assert.deepEqual((await given.ask(listBackups, {}, admin())).map((backup) => backup.id), [kept.id]);
  await assert.rejects(given.ask(getBackup, { backup: old.id }, admin()), ofKind("not_found"));
  const row = await given.store.database.tables<BackupsTables>().selectFrom("backups").selectAll()
    .where("id", "=", old.id).executeTakeFirstOrThrow();
  assert.deepEqual([row.deleted_reason, row.deleting_since], ["too old", null]);
  assert.equal(row.deleted_at, "2026-01-02T04:00:00.000Z");
});

Deno.test("the last verified good copy is only deleted by force", async () => {
  await using given = await world();
  const good = await given.make();
  const bad = await given.make({ options: { ...given.options, unreadable: true } });
  await assert.rejects(
    given.ask(deleteBackup, { backup: good.id }, admin()),
    ofKind("conflict", /last verified good copy.*--force/),
  );
  await given.ask(deleteBackup, { backup: bad.id }, operator());
  await given.ask(deleteBackup, { backup: good.id, force: true }, operator());
  assert.deepEqual(filesIn(given.destination), []);
});

Deno.test("of two good copies only one can be deleted, even at the same time", async () => {
  await using given = await world();
  const ids = [(await given.make()).id, (await given.make()).id];
  const answers = await Promise.allSettled(
    ids.map((backup) => given.ask(deleteBackup, { backup }, operator())),
  );
  assert.deepEqual(answers.map((answer) => answer.status).sort(), ["fulfilled", "rejected"]);
  assert.equal((await given.ask(listBackups, {}, admin())).length, 1);
});

Deno.test("a backup whose files cannot be removed is listed again", async () => {
  const engine = copyEngine({
    remove: () => Promise.reject(new HoldfastError("unavailable", "Cannot reach disk")),
  });
  await using given = await world({ engine });
  const [old] = [await given.make(), await given.make()];
  await assert.rejects(given.ask(deleteBackup, { backup: old.id }, operator()), ofKind("unavailable"));
  assert.deepEqual(await given.backups.get(old.id), old);
});

Deno.test("retention removes the oldest and returns what it removed", async () => {
  await using given = await world();
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await given.make()).id);
  const other = await given.make({ schedule: "s9" });
  assert.deepEqual(await given.backups.applyRetention("s1", 2), {
    removed: ids.slice(0, 2).map((id) => ({ id, reason: "older than the 2 newest" })),
    waiting: null,
  });
  assert.deepEqual(await given.backups.applyRetention("s1", 2), { removed: [], waiting: null });
  const left = await given.ask(listBackups, {}, admin());
  assert.deepEqual(left.map((backup) => backup.id), [other.id, ids[3], ids[2]]);
});

Deno.test("prune --dry-run explains and removes nothing; prune does what it said", async () => {
  await using given = await world();
  const made = [await given.make(), await given.make(), await given.make()];
  const dry = await given.ask(pruneBackups, { schedule: "nightly-1", dry_run: true }, operator());
  assert.deepEqual(dry.decisions.map(({ keep, reason }) => [keep, reason]), [
    [true, "number 1 of the 2 newest"],
    [true, "number 2 of the 2 newest"],
    [false, "older than the 2 newest"],
  ]);
  assert.deepEqual([dry.removed, dry.freed_bytes], [[], 0]);
  assert.equal((await given.ask(listBackups, {}, admin())).length, 3);

  const done = await given.ask(pruneBackups, { schedule: "nightly-1" }, operator());
  assert.deepEqual(done.decisions, dry.decisions);
  assert.deepEqual(done.removed, [made[0]?.id]);
  assert.equal(done.freed_bytes, made[0]?.size_bytes);
  const fewer = await given.ask(pruneBackups, { schedule: "nightly-1", max_backups: 1 }, operator());
  assert.equal(fewer.removed.length, 1);
});

Deno.test("what cannot be removed does not stop the rest, and is named", async () => {
  const engine = copyEngine();
  let failing = "";
  await using given = await world({
    engine: copyEngine({
      remove: (artifact, context) =>
        artifact.path === failing ? Promise.reject(new Error("busy")) : engine.remove(artifact, context),
    }),
  });
  const made = [await given.make(), await given.make(), await given.make(), await given.make()];
  failing = made[0]?.path ?? "";
  const done = await given.ask(pruneBackups, { schedule: "nightly-1" }, operator());
  assert.deepEqual(done.removed, [made[1]?.id]);
  assert.match(done.problems.join(), /busy/);
  assert.equal(pruneBackups.cli?.exit?.(done), 20);
});

Deno.test("a schedule that is gone is pruned by its id, when somebody says how many to keep", async () => {
  await using given = await world();
  for (let i = 0; i < 3; i++) await given.make({ schedule: "gone" });
  await assert.rejects(
    given.ask(pruneBackups, { schedule: "gone" }, operator()),
    ofKind("invalid", /--max-backups/),
  );
  const done = await given.ask(pruneBackups, { schedule: "gone", max_backups: 1 }, operator());
  assert.equal(done.removed.length, 2);
  await assert.rejects(given.ask(pruneBackups, { schedule: "never" }, operator()), ofKind("not_found"));
});

Deno.test("entries of deleted backups are forgotten after their days, and kept for ever with 0", async () => {
  await using given = await world();
  const [old] = [await given.make(), await given.make()];
  await given.ask(deleteBackup, { backup: old.id }, operator());
  const day = 86_400_000;
  assert.equal((await given.backups.forget(given.clock.now() + 400 * day, 0)).deleted_backups, 0);
  assert.equal((await given.backups.forget(given.clock.now() + 9 * day, 10)).deleted_backups, 0);
  assert.equal((await given.backups.forget(given.clock.now() + 11 * day, 10)).deleted_backups, 1);
});
