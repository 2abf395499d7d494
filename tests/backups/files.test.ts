import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { archiveEngine } from "../../src/backups/engines/archive.ts";
import { restoreFile, verifyFile } from "../../src/backups/mod.ts";
import { importBackups, restoreBackup, verifyBackup } from "../../src/backups/operations.ts";
import { local, ofKind, operator } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { context, filesIn, type World, world } from "./fixture.ts";

const HOW = { patterns: [], force: false, owners: false, outside_links: false };

/** A world whose engine is the real archive, with one backup made by it. */
async function archived(): Promise<{ given: World; backup: Awaited<ReturnType<World["make"]>> }> {
  const given = await world({ engine: archiveEngine });
  const backup = await given.backups.make({
    engine: "archive",
    engine_options: { sources: [given.source], destination: given.destination },
    schedule: { id: "s1", name: "Nightly run" },
    server: { id: 1, name: "web-1" },
    run_id: "r1",
    backup_type: "scheduled",
  }, context(given.clock));
  return { given, backup };
}

Deno.test("a real archive is made, verified and restored through the catalogue", async () => {
  const { given, backup } = await archived();
  await using _ = given;
  assert.deepEqual([backup.status, backup.verified_ok], ["completed", true]);
  assert.match(backup.path, /Nightly-run-20260102T020000Z-[0-9a-f]{8}\.tar\.zst$/);
  assert.equal((await given.ask(verifyBackup, { backup: backup.id }, operator())).ok, true);
  const to = join(given.destination, "restored");
  await given.ask(restoreBackup, { backup: backup.id, to }, operator());
  assert.deepEqual(filesIn(join(to, given.source)), ["a.txt", "b.txt"]);
});

Deno.test("a real archive is imported with the facts of its manifest, and verifies in the new catalogue", async () => {
  const { given: before, backup } = await archived();
  await using _ = before;
  await using after = await world({ engine: archiveEngine });
  const done = await after.ask(importBackups, { directory: before.destination }, local());
  assert.deepEqual(done, {
    imported: [{ ...backup, verified_at: null, verified_ok: null }],
    known: 0,
    problems: [],
  });
  assert.equal((await after.ask(verifyBackup, { backup: backup.id }, operator())).ok, true);
  assert.equal((await after.backups.get(backup.id)).verified_ok, true);
});

Deno.test("an archive and its manifest that were both replaced do not verify, because the catalogue remembers", async () => {
  const { given, backup } = await archived();
  await using _ = given;
  await Deno.writeTextFile(join(given.source, "a.txt"), "forged");
  const forged = await archived();
  await using __ = forged.given;
  for (const suffix of ["", ".manifest.json"]) {
    await Deno.copyFile(forged.backup.path + suffix, backup.path + suffix);
  }
  const found = await given.ask(verifyBackup, { backup: backup.id }, operator());
  assert.equal(found.ok, false);
  assert.notEqual((await given.backups.get(backup.id)).changed_at, null);
});

Deno.test("a file alone is verified and restored without any database, with its manifest or without", async () => {
  const { given, backup } = await archived();
  await using _ = given;
  const file = join(given.outside, "usb.tar.zst");
  await Deno.copyFile(backup.path, file);
  const verified = await verifyFile([copyEngine(), archiveEngine], file, context(given.clock));
  assert.deepEqual([verified.ok, verified.sha256], [true, backup.sha256]);

  const to = join(given.outside, "restored");
  const done = await restoreFile([copyEngine(), archiveEngine], { file, to, ...HOW }, context(given.clock));
  assert.deepEqual([done.backup_id, done.path, done.to], [null, file, to]);
  assert.deepEqual(filesIn(join(to, given.source)), ["a.txt", "b.txt"]);

  await Deno.copyFile(`${backup.path}.manifest.json`, `${file}.manifest.json`);
  assert.equal((await verifyFile([archiveEngine], file, context(given.clock))).ok, true);
  const bytes = await Deno.readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(file, bytes);
  assert.equal((await verifyFile([archiveEngine], file, context(given.clock))).ok, false);
});

Deno.test("a file that is no backup, or not there, is said to be so", async () => {
  await using given = await world();
  const file = join(given.source, "a.txt");
  await assert.rejects(
    verifyFile([archiveEngine], file, context(given.clock)),
    ofKind("invalid", /no backup/),
  );
  await assert.rejects(
    verifyFile([archiveEngine], "a.txt", context(given.clock)),
    ofKind("invalid", /absolute/),
  );
  const to = join(dirname(file), "to");
  await assert.rejects(
    restoreFile([archiveEngine], { file: `${file}.none`, to, ...HOW }, context(given.clock)),
    ofKind("not_found"),
  );
});

Deno.test("options of the archive are judged by its own rules and by the allowed roots", async () => {
  await using given = await world({ engine: archiveEngine });
  const judge = (options: Record<string, unknown>) =>
    given.backups.validateEngine("archive", options, operator());
  const good = { sources: [given.source], destination: given.destination };
  assert.deepEqual(await judge(good), good);
  await assert.rejects(
    judge({ ...good, destination: join(given.source, "in") }),
    ofKind("invalid", /inside source/),
  );
  await assert.rejects(judge({ ...good, sources: [] }), ofKind("invalid", /engine_options\.sources/));
  await assert.rejects(judge({ ...good, sources: ["/etc"] }), ofKind("forbidden"));
  await assert.rejects(judge({ ...good, sources: [`${given.source}/../../outside`] }), ofKind("forbidden"));
  await Deno.symlink("/etc", join(given.source, "..", "etc"));
  await assert.rejects(judge({ ...good, sources: [join(given.source, "..", "etc")] }), ofKind("forbidden"));
});
