/** What a restore writes, and what no archive makes it write; on the test's own thread. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compareTrees, makeTree } from "../../../support/tree.ts";
import { restore } from "../../../../src/backups/engines/archive/restore.ts";
import { inTempDir } from "../context.ts";
import { filesBelow } from "../conformance.ts";
import { concat, type Entry, makeHere, quietHost, tarBytes, writeArchive } from "./in_process.ts";
import type { RestoreRequest } from "../../../../src/backups/engine.ts";

interface Scene {
  dir: string;
  target: string;
  /** A directory beside the target that nothing may touch. */
  outside: string;
}

function test(sentence: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test(`restore: ${sentence}`, () =>
    inTempDir(async (dir) => {
      const scene = { dir, target: join(dir, "target"), outside: join(dir, "outside") };
      await makeTree(scene.outside, {
        "victim": { content: "untouched", mtime: 1_000_000_000_000, mode: 0o640 },
      });
      const before = await Deno.lstat(join(scene.outside, "victim"));
      await body(scene);
      assert.deepEqual(filesBelow(scene.outside), ["victim"]);
      assert.equal(await Deno.readTextFile(join(scene.outside, "victim")), "untouched");
      const after = await Deno.lstat(join(scene.outside, "victim"));
      assert.deepEqual([after.mode, after.mtime, after.nlink], [before.mode, before.mtime, before.nlink]);
    }));
}

async function restoreEntries(
  { dir, target }: Scene,
  entries: Entry[],
  changes: Partial<RestoreRequest> = {},
) {
  const path = await writeArchive(join(dir, "made.tar.zst"), entries);
  const request = { target, patterns: [], force: false, owners: false, ...changes };
  return await restore({ task: "restore", path, request, sha256: null, total_bytes: null }, quietHost());
}

const hostile: [sentence: string, entries: (outside: string) => Entry[], written: string[]][] = [
  ["a name with ..", () => [{ kind: "file", path: "../outside/new", content: "x" }], []],
  [
    "a name with .. in its middle",
    () => [{ kind: "file", path: "a/../../outside/victim", content: "x" }],
    [],
  ],
  ["an absolute name", (outside) => [{ kind: "file", path: `${outside}/victim`, content: "x" }], []],
  ["an absolute directory", (outside) => [{ kind: "directory", path: outside, mode: 0o777 }], []],
  ["a link that leads out", () => [{ kind: "symlink", path: "l", link: "../outside" }], []],
  ["a link to an absolute path", (outside) => [{ kind: "symlink", path: "l", link: outside }], []],
  ["a link out by way of a directory", () => [
    { kind: "directory", path: "d" },
    { kind: "symlink", path: "d/l", link: "../d/../../outside" },
  ], []],
  [
    "a hard link to an absolute path",
    (outside) => [{ kind: "hardlink", path: "h", link: `${outside}/victim` }],
    [],
  ],
  ["a hard link out by ..", () => [{ kind: "hardlink", path: "h", link: "../outside/victim" }], []],
  ["a hard link to what is not there", () => [{ kind: "hardlink", path: "h", link: "nothing" }], []],
];
for (const [sentence, entries, written] of hostile) {
  test(`${sentence} is refused with a warning`, async (scene) => {
    const { warnings } = await restoreEntries(scene, [
      ...entries(scene.outside),
      { kind: "file", path: "good", content: "kept" },
    ]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /is not restored/);
    assert.deepEqual(filesBelow(scene.target), [...written, "good"].sort());
  });
}

test("nothing is written through a link that the archive brings, even one allowed to lead out", async (scene) => {
  const { warnings } = await restoreEntries(scene, [
    { kind: "symlink", path: "out", link: scene.outside },
    { kind: "file", path: "out/victim", content: "x" },
    { kind: "directory", path: "out/new" },
    { kind: "symlink", path: "out/link", link: "x" },
    { kind: "hardlink", path: "mine", link: "out/victim" },
    { kind: "directory", path: "out", mode: 0o777 },
    { kind: "symlink", path: "file", link: join(scene.outside, "victim") },
    { kind: "file", path: "file", content: "replaces the link" },
    { kind: "symlink", path: "again", link: join(scene.outside, "victim") },
    { kind: "hardlink", path: "linked", link: "again" },
  ], { outside_links: true });
  assert.equal(warnings.length, 6, warnings.join("\n"));
  assert.deepEqual(filesBelow(scene.target), ["again", "file", "out"]);
  assert.equal(await Deno.readTextFile(join(scene.target, "file")), "replaces the link");
  assert.equal((await Deno.lstat(join(scene.target, "file"))).isFile, true);
});

test("nothing is written through a link that was in the target before, forced or not", async (scene) => {
  await makeTree(scene.target, { "out": { symlink: "../outside" } });
  for (const force of [false, true]) {
    const { warnings } = await restoreEntries(scene, [
      { kind: "file", path: force ? "out/victim" : "out/new", content: "x" },
      { kind: "file", path: "out/sub/new", content: "x" },
    ], { force });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /nothing is written through links/);
  }
});

test("a file that replaces another leaves that one's other names alone", async (scene) => {
  await Deno.mkdir(scene.target);
  await Deno.link(join(scene.outside, "victim"), join(scene.target, "a"));
  await restoreEntries(scene, [{ kind: "file", path: "a", content: "new" }], { force: true });
  assert.equal(await Deno.readTextFile(join(scene.target, "a")), "new");
});

test("a link within the target is restored, one out of it when asked", async (scene) => {
  const entries: Entry[] = [
    { kind: "directory", path: "d" },
    { kind: "file", path: "f", content: "x" },
    { kind: "symlink", path: "d/inside", link: "../f" },
    { kind: "symlink", path: "d/outside", link: "/etc/passwd" },
  ];
  assert.equal((await restoreEntries(scene, entries)).warnings.length, 1);
  assert.deepEqual(filesBelow(scene.target), ["d/inside", "f"]);
  const again = { ...scene, target: join(scene.dir, "again") };
  assert.deepEqual((await restoreEntries(again, entries, { outside_links: true })).warnings, []);
  assert.equal(await Deno.readLink(join(again.target, "d/outside")), "/etc/passwd");
});

test("set-id bits come only with the owner they belong to", async (scene) => {
  const other = (Deno.uid() ?? 0) + 1;
  await restoreEntries(scene, [
    { kind: "file", path: "mine", mode: 0o6755, uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
    { kind: "file", path: "another's", mode: 0o6755, uid: other, gid: other },
  ]);
  assert.equal((await Deno.lstat(join(scene.target, "mine"))).mode! & 0o7777, 0o6755);
  assert.equal((await Deno.lstat(join(scene.target, "another's"))).mode! & 0o7777, 0o755);
});

test("owners are restored when asked, and what cannot be is a warning", async (scene) => {
  const entries: Entry[] = [
    { kind: "file", path: "f", uid: 12345, gid: 23456 },
    { kind: "symlink", path: "l", link: "f", uid: 12345, gid: 23456 },
  ];
  const { warnings } = await restoreEntries(scene, entries, { owners: true });
  const owners = ["f", "l"].map((name) => Deno.lstatSync(join(scene.target, name)))
    .map(({ uid, gid }) => `${uid}:${gid}`);
  if (Deno.uid() === 0) {
    assert.deepEqual(warnings, []);
    assert.deepEqual(owners, ["12345:23456", "12345:23456"]);
  } else {
    console.log("skipped: restoring owners: only root may give files away: run the tests as root");
    assert.match(warnings[0]!, /"f" is restored without its owner/);
  }
});

test("a directory is never replaced by something else, and something else only when forced", async (scene) => {
  await makeTree(scene.target, { "d/inside": "mine", "f": "mine" });
  const entries: Entry[] = [
    { kind: "file", path: "d", content: "x" },
    { kind: "directory", path: "f" },
    { kind: "file", path: "f/new", content: "y" },
  ];
  await assert.rejects(restoreEntries(scene, entries), /files exist already: "d", "f"$/);
  const { warnings } = await restoreEntries(scene, entries, { force: true });
  assert.deepEqual(warnings, ['"d" is not restored: a directory has its place']);
  assert.deepEqual(filesBelow(scene.target), ["d/inside", "f/new"]);
});

test("a target's own mode and time stay, unless the restore made it", async (scene) => {
  await makeTree(scene.dir, { "target": { directory: true, mode: 0o1777, mtime: 5_000 } });
  const entries: Entry[] = [{ kind: "directory", path: "./", mode: 0o700, mtime: 1_000 }];
  await restoreEntries(scene, entries);
  assert.equal((await Deno.lstat(scene.target)).mode! & 0o7777, 0o1777);
  const made = { ...scene, target: join(scene.dir, "made") };
  await restoreEntries(made, entries);
  assert.equal((await Deno.lstat(made.target)).mtime?.getTime(), 1_000);
});

test("directories above a part are restored with their modes, unknown ones privately", async (scene) => {
  await restoreEntries(scene, [
    { kind: "directory", path: "known", mode: 0o751, mtime: 1_234_567 },
    { kind: "file", path: "known/unknown/f", content: "x" },
    { kind: "file", path: "other", content: "y" },
  ], { patterns: ["f"] });
  assert.deepEqual(filesBelow(scene.target), ["known/unknown/f"]);
  const known = await Deno.lstat(join(scene.target, "known"));
  assert.deepEqual([known.mode! & 0o7777, known.mtime?.getTime()], [0o751, 1_234_567]);
  assert.equal((await Deno.lstat(join(scene.target, "known/unknown"))).mode! & 0o7777, 0o700);
});

test("a part with hard links gets their content, whichever names are chosen", async ({ dir, target }) => {
  const source = join(dir, "source");
  await makeTree(source, {
    "a": { content: "shared", mtime: 1_111_111_222_333 },
    "b": { hardlink: "a" },
    "sub/c": { hardlink: "a" },
    "sub/d": "alone",
  });
  const path = join(dir, "made.tar.zst");
  await makeHere([{ source, path: "s" }], path, quietHost());
  for (
    const [patterns, files] of [[["b", "c"], ["b", "sub/c"]], [["s/sub"], ["sub/c", "sub/d"]], [["a", "c"], [
      "a",
      "sub/c",
    ]]] as const
  ) {
    const request = { target, patterns: [...patterns], force: false, owners: false };
    const done = await restore(
      { task: "restore", path, request, sha256: null, total_bytes: null },
      quietHost(),
    );
    assert.deepEqual(done.warnings, []);
    assert.deepEqual(filesBelow(join(target, "s")), files);
    const names = files.filter((name) => !name.endsWith("d")).map((name) => join(target, "s", name));
    for (const name of names) {
      assert.equal(await Deno.readTextFile(name), "shared");
      assert.equal((await Deno.lstat(name)).nlink, names.length);
      assert.equal((await Deno.lstat(name)).mtime?.getTime(), 1_111_111_222_333);
    }
    await Deno.remove(target, { recursive: true });
  }
});

test("an entry that is there twice counts as it was last", async (scene) => {
  await restoreEntries(scene, [
    { kind: "file", path: "a", content: "first" },
    { kind: "file", path: "a", content: "second" },
  ]);
  assert.equal(await Deno.readTextFile(join(scene.target, "a")), "second");
});

test("kinds that are not supported, and names that are not UTF-8, are refused by name", async ({ dir, target }) => {
  const bytes = concat(["6", "3", "V"].map((flag) => retyped({ kind: "file", path: `kind ${flag}` }, flag)));
  const garbled = tarBytes([{ kind: "symlink", path: "bad", link: "x" }]);
  garbled[1] = 0xff;
  fixSum(garbled);
  const path = join(dir, "made.tar");
  await Deno.writeFile(path, concat([bytes, garbled]));
  const request = { target, patterns: [], force: false, owners: false };
  const { warnings } = await restore(
    { task: "restore", path, request, sha256: null, total_bytes: null },
    quietHost(),
  );
  assert.deepEqual(warnings, [
    '"kind 6" is not restored: named pipes are not',
    '"kind 3" is not restored: devices are not',
    '"kind V" is not restored: its kind is unknown (type "V")',
    '"b\uFFFDd" is not restored: its name is not UTF-8',
  ]);
});

test("an artifact that is not the recorded one is refused before anything is written", async ({ dir, target }) => {
  const path = await writeArchive(join(dir, "made.tar.zst"), [{ kind: "file", path: "a", content: "x" }]);
  const request = { target, patterns: [], force: false, owners: false };
  const task = { task: "restore" as const, path, request, sha256: "0".repeat(64), total_bytes: null };
  await assert.rejects(restore(task, quietHost()), /its SHA-256 is not the recorded one/);
  await assert.rejects(Deno.lstat(target), Deno.errors.NotFound);
});

test("an archive cut short restores no half file", async (scene) => {
  const source = join(scene.dir, "source");
  await makeTree(source, { "a": "first", "b": { size: 3_000_000 } });
  const path = join(scene.dir, "made.tar.zst");
  const { size_bytes } = await makeHere([{ source, path: "s" }], path, quietHost());
  await Deno.truncate(path, size_bytes - 100_000);
  const request = { target: scene.target, patterns: [], force: false, owners: false };
  await assert.rejects(
    restore({ task: "restore", path, request, sha256: null, total_bytes: null }, quietHost()),
    /The archive is damaged/,
  );
  assert.deepEqual(filesBelow(scene.target), ["s/a"]);
});

test("a target that is a file or cannot be made is an error", async (scene) => {
  await makeTree(scene.dir, { "file": "x" });
  const into = (target: string) => restoreEntries({ ...scene, target }, [{ kind: "file", path: "a" }]);
  await assert.rejects(into(join(scene.dir, "file")), /it is not a directory/);
  await assert.rejects(into(join(scene.dir, "file", "below")), /part of its path is a file/);
});

test("force restores over an earlier restore", async ({ dir, target }) => {
  const source = join(dir, "source");
  await makeTree(source, { "a": "1", "d/b": "2", "l": { symlink: "a" }, "d/h": { hardlink: "a" } });
  const path = join(dir, "made.tar.zst");
  await makeHere([{ source, path: "s" }], path, quietHost());
  const request = { target, patterns: [], force: true, owners: false };
  for (let i = 0; i < 2; i++) {
    const done = await restore(
      { task: "restore", path, request, sha256: null, total_bytes: null },
      quietHost(),
    );
    assert.deepEqual(done.warnings, []);
    assert.deepEqual(await compareTrees(source, join(target, "s")), []);
  }
});

/** One block that says it is of another kind. */
function retyped(entry: Entry, flag: string): Uint8Array {
  const header = tarBytes([entry]).slice(0, 512);
  header[156] = flag.charCodeAt(0);
  return fixSum(header);
}

function fixSum(header: Uint8Array): Uint8Array {
  header.fill(0x20, 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
  return header;
}
