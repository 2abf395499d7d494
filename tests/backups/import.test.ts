import assert from "node:assert/strict";
import { join } from "node:path";
import { deleteBackup, importBackups, listBackups } from "../../src/backups/operations.ts";
import { admin, local, ofKind, operator } from "../servers/fixture.ts";
import { world } from "./fixture.ts";

Deno.test("a lost catalogue is rebuilt from the manifests, and doing it again changes nothing", async () => {
  await using before = await world();
  const made = [await before.make(), await before.make({ server: 2 })];
  const failed = await before.make({ options: { ...before.options, unreadable: true } });

  await using after = await world();
  const done = await after.ask(importBackups, { directory: before.destination }, local());
  assert.deepEqual([done.imported.length, done.known, done.problems], [3, 0, []]);
  const list = await after.ask(listBackups, {}, admin());
  assert.deepEqual(
    list,
    [failed, made[1], made[0]].map((backup) => ({ ...backup, verified_at: null, verified_ok: null })),
  );
  const again = await after.ask(importBackups, { directory: before.destination }, local());
  assert.deepEqual([again.imported.length, again.known], [0, 3]);
});

Deno.test("servers are found by name, because numbers mean nothing in another database", async () => {
  await using before = await world();
  await before.make({ server: 2 });
  await before.make({ server: 7 });
  await using after = await world();
  const { imported } = await after.ask(importBackups, { directory: before.destination }, local());
  assert.deepEqual(imported.map((backup) => backup.server_id), [2, null]);
});

Deno.test("a deleted or moved artifact that is there again gets its own entry back, a copy becomes a new one", async () => {
  await using given = await world();
  const [first] = [await given.make(), await given.make()];
  const elsewhere = join(given.destination, "moved");
  await Deno.mkdir(elsewhere);
  const names = [`${first.name}.copy`, `${first.name}.copy.manifest`];
  for (const name of names) await Deno.copyFile(join(given.destination, name), join(elsewhere, name));

  const copied = await given.ask(importBackups, { directory: elsewhere }, operator());
  assert.equal(copied.imported.length, 1);
  assert.notEqual(copied.imported[0]?.id, first.id);
  assert.deepEqual(
    [copied.imported[0]?.schedule_id, copied.imported[0]?.description],
    [null, `Copy of backup ${first.id}`],
    "it counts for no schedule: it must push nothing out",
  );
  await given.ask(deleteBackup, { backup: copied.imported[0]?.id, force: true }, operator());

  for (const name of names) await Deno.rename(join(given.destination, name), join(elsewhere, name));
  const moved = await given.ask(importBackups, { directory: elsewhere }, operator());
  assert.deepEqual(moved.imported.map(({ id, path }) => [id, path]), [[
    first.id,
    join(elsewhere, names[0] ?? ""),
  ]]);

  for (const name of names) await Deno.copyFile(join(elsewhere, name), join(given.source, name));
  await given.ask(deleteBackup, { backup: first.id }, operator());
  for (const name of names) await Deno.rename(join(given.source, name), join(elsewhere, name));
  const back = await given.ask(importBackups, { directory: elsewhere }, operator());
  assert.deepEqual(back.imported.map((backup) => backup.id), [first.id]);
});

Deno.test("a manifest that cannot be used is named and keeps nothing else out", async () => {
  await using given = await world();
  await given.make();
  await Deno.writeTextFile(join(given.destination, "broken.copy.manifest"), "nonsense");
  await using after = await world();
  const done = await after.ask(importBackups, { directory: given.destination }, local());
  assert.equal(done.imported.length, 1);
  assert.match(done.problems[0]?.path ?? "", /broken/);
  assert.equal(importBackups.cli?.exit?.(done), 20);
  assert.match(importBackups.cli?.text?.(done) ?? "", /Imported 1, known already 0/);
});

Deno.test("over the network only allowed directories are read, and artifacts that are links out of them are refused", async () => {
  await using other = await world();
  const made = await other.make();
  await using given = await world();
  await assert.rejects(
    given.ask(importBackups, { directory: other.destination }, operator()),
    ofKind("forbidden"),
  );
  await assert.rejects(given.ask(importBackups, { directory: "backups" }, operator()), ofKind("invalid"));
  await assert.rejects(
    given.ask(importBackups, { directory: join(given.destination, "none") }, operator()),
    ofKind("not_found"),
  );
  await assert.rejects(
    given.ask(importBackups, { directory: join(given.source, "a.txt") }, operator()),
    ofKind("invalid", /not a directory/),
  );
  await Deno.symlink(made.path, join(given.destination, "x.copy"));
  await Deno.copyFile(`${made.path}.manifest`, join(given.destination, "x.copy.manifest"));
  const done = await given.ask(importBackups, { directory: given.destination }, operator());
  assert.equal(done.imported.length, 0);
  assert.match(done.problems[0]?.problem ?? "", /allowed_roots/);
});
