/** Looking into backups: what is in them, and how a person finds the paths a restore takes. */
import assert from "node:assert/strict";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { backupContents } from "../../src/backups/contents_operations.ts";
import type { ArtifactEntry } from "../../src/backups/mod.ts";
import { archiveEngine } from "../../src/backups/mod.ts";
import { restoreBackup } from "../../src/backups/operations.ts";
import { admin, ofKind, operator, user } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { context, type World, world } from "./fixture.ts";

const entry = (path: string): ArtifactEntry => ({
  path,
  kind: "file",
  size_bytes: 1,
  mode: 0o644,
  mtime: "",
});

/** A backup of the world's two files by the real engine. */
function archived(given: World, options: Record<string, unknown> = {}) {
  const { source, destination } = given;
  return given.backups.make({
    engine: "archive",
    engine_options: { sources: [source], destination, ...options },
    schedule: { id: "s1", name: "nightly" },
    server: { id: 1, name: "web-1" },
    run_id: "r1",
    backup_type: "scheduled",
  }, context(given.clock));
}

Deno.test("an archive tells each entry with the path that a restore takes, and only operators see it", async () => {
  await using given = await world({ engine: archiveEngine });
  await Deno.symlink("a.txt", join(given.source, "link"));
  await Deno.utime(join(given.source, "a.txt"), 0, 86_400);
  const { id: backup, name, path } = await archived(given);
  const root = given.source.slice(1);
  const found = await given.ask(backupContents, { backup }, operator());
  assert.deepEqual([found.backup_id, found.name, found.path, found.next_offset], [backup, name, path, null]);
  assert.deepEqual(found.entries.map(({ path, kind, size_bytes }) => [path, kind, size_bytes]), [
    [root, "directory", 0],
    [join(root, "a.txt"), "file", 5],
    [join(root, "b.txt"), "file", 4],
    [join(root, "link"), "symlink", 0],
  ]);
  assert.equal(found.entries[1]?.modified_at, "1970-01-02T00:00:00.000Z");
  assert.equal(found.entries[3]?.link_target, "a.txt");

  const to = join(given.destination, "restored");
  const patterns = [found.entries[2]!.path];
  assert.equal((await given.ask(restoreBackup, { backup, to, patterns }, operator())).item_count, 1);
  assert.equal(await Deno.readTextFile(join(to, patterns[0]!)), "beta");

  await assert.rejects(given.ask(backupContents, { backup }, user(1)), ofKind("forbidden"));
  await assert.rejects(
    given.ask(backupContents, { backup }, operator({ servers: [2] })),
    ofKind("forbidden"),
  );
});

Deno.test("a restore whose pattern leaves out where paths begin is told how they look", async () => {
  await using given = await world({ engine: archiveEngine });
  await Deno.mkdir(join(given.source, "docs"));
  await Deno.writeTextFile(join(given.source, "docs", "n.md"), "");
  const { id: backup, path } = await archived(given);
  const to = join(given.destination, "restored");
  const root = given.source.slice(1);
  await assert.rejects(given.ask(restoreBackup, { backup, to, patterns: ["docs/*"] }, operator()), {
    kind: "not_found",
    message: `Cannot restore from "${path}": nothing in it matches "docs/*"`,
    hint: `its paths begin at its root, such as "${root}/docs/n.md" and "${root}"; ` +
      `list them with: holdfast backups contents ${backup}`,
  });
});

Deno.test("patterns mean what they mean to a restore, and one that is no glob is refused by name", async () => {
  const paths = ["./srv/docs/a.md", "srv/docs/b.txt", "srv/web/c.md"];
  const engine = copyEngine({
    async *list() {
      for (const path of paths) yield entry(path);
    },
  });
  await using given = await world({ engine });
  const { id: backup } = await given.make();
  const rows: [string[], string[]][] = [
    [[], ["srv/docs/a.md", "srv/docs/b.txt", "srv/web/c.md"]],
    [["*.md"], ["srv/docs/a.md", "srv/web/c.md"]],
    [["/srv/docs/"], ["srv/docs/a.md", "srv/docs/b.txt"]],
    [["srv/*/b.txt", "web"], ["srv/docs/b.txt", "srv/web/c.md"]],
    [["docs/*"], []],
  ];
  for (const [patterns, wanted] of rows) {
    const { entries } = await given.ask(backupContents, { backup, patterns }, operator());
    assert.deepEqual(entries.map(({ path }) => path), wanted, patterns.join(" "));
  }
  const none = await given.ask(backupContents, { backup, patterns: ["docs/*"] }, operator());
  const [note = ""] = backupContents.cli?.notes?.(none) ?? [];
  const advised = /(\*\*\/) before a pattern finds it anywhere/.exec(note)?.[1];
  const { entries } = await given.ask(backupContents, { backup, patterns: [`${advised}docs/*`] }, operator());
  assert.equal(entries.length, 2);
  await assert.rejects(given.ask(backupContents, { backup, patterns: ["a", "[z-a]"] }, operator()), {
    kind: "invalid",
    message: 'Cannot use pattern "[z-a]": it is no glob',
  });
});

Deno.test("a backup without an end is listed piece by piece, and read no further than asked", async () => {
  let [read, closed] = [0, 0];
  const engine = copyEngine({
    async *list() {
      try {
        for (let i = 0; true; i++, read++) yield entry(`f/${i}`);
      } finally {
        closed++;
      }
    },
  });
  await using given = await world({ engine });
  const { id: backup } = await given.make();
  const first = await given.ask(backupContents, { backup, limit: 3 }, operator());
  assert.deepEqual([first.entries.map(({ path }) => path), first.next_offset], [["f/0", "f/1", "f/2"], 3]);
  assert.deepEqual([read, closed], [3, 1]);
  const [more] = backupContents.cli?.notes?.(first) ?? [];
  assert.equal(more, "There is more: go on with --offset 3");
  const next = await given.ask(
    backupContents,
    { backup, limit: 2, offset: 3, patterns: ["f/?"] },
    operator(),
  );
  assert.deepEqual([next.entries.map(({ path }) => path), next.next_offset], [["f/3", "f/4"], 5]);
});

Deno.test("an encrypted archive is listed with its identity, and not without", async () => {
  const identity = await generateIdentity();
  await using given = await world({ engine: archiveEngine, secrets: { "age-key": identity } });
  const { id: backup } = await archived(given, { encrypt_to: [await identityToRecipient(identity)] });
  await assert.rejects(given.ask(backupContents, { backup }, admin()), {
    kind: "invalid",
    code: "identity_needed",
  });
  for (const opener of [{ identity }, { identity_secret: "age-key" }]) {
    const { entries } = await given.ask(backupContents, { backup, patterns: ["*.txt"], ...opener }, admin());
    assert.equal(entries.length, 2);
  }
});

Deno.test("what is not there cannot be listed", async () => {
  await using given = await world({ engine: archiveEngine });
  const { id: backup, path } = await archived(given);
  await Deno.remove(path);
  await assert.rejects(given.ask(backupContents, { backup }, operator()), {
    kind: "not_found",
    message: `Cannot read artifact "${path}": it does not exist`,
  });
});
