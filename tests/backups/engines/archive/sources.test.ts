/** What goes into an archive, and what becomes of files that do not hold still; on the test's own thread. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compareTrees, makeTree } from "../../../support/tree.ts";
import { restore } from "../../../../src/backups/engines/archive/restore.ts";
import { reasonFor, walk } from "../../../../src/backups/engines/archive/walk.ts";
import { writeError } from "../../../../src/backups/engines/archive/system-errors.ts";
import { messageOf } from "../../../../src/lib/errors.ts";
import { verify } from "../../../../src/backups/engines/archive/verify.ts";
import { manyFiles } from "../conformance.ts";
import { inTempDir, run } from "../context.ts";
import { contentsOf, makeHere, quietHost } from "./in_process.ts";

interface Scene {
  dir: string;
  source: string;
  partial: string;
}

function test(sentence: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test(`archive: ${sentence}`, () =>
    inTempDir((dir) =>
      body({ dir, source: join(dir, "source"), partial: join(dir, "made.tar.zst.partial") })
    ));
}

/** Archives the source, running `steps` one after the other while the file "big" is being read. */
function makeWhile({ source, partial }: Scene, ...steps: (() => void)[]) {
  const size = Deno.lstatSync(join(source, "big")).size;
  const host = quietHost(() => {
    // Nothing is read before the root and "big" itself were looked at.
    if (++calls > 2) steps.shift()?.();
  });
  let calls = 0;
  return makeHere([{ source, path: "s" }], partial, host).then((made) => ({ made, host, size }));
}

test("excludes leave out names anywhere and paths below a source", async ({ source, partial }) => {
  await makeTree(source, {
    "a.tmp": "1",
    "a.txt": "2",
    "sub/b.tmp": "3",
    "cache/c": "4",
    "sub/cache/d": "5",
  });
  await makeHere([{ source, path: "s" }], partial, quietHost(), ["*.tmp", "cache/**", join(source, "sub/x")]);
  assert.deepEqual((await contentsOf(partial)).map((entry) => entry.path), [
    "s/",
    "s/a.txt",
    "s/cache/",
    "s/sub/",
    "s/sub/cache/",
    "s/sub/cache/d",
  ]);
});

test("a source that is a file, or a link to a directory, is archived under the name it was given", async ({ dir, source, partial }) => {
  await makeTree(dir, {
    "real/file": "content",
    "link": { symlink: "real" },
    "single": "alone",
    "link to single": { symlink: "single" },
  });
  await Deno.mkdir(source);
  const roots = ["link", "single", "link to single"].map((name) => ({
    source: join(dir, name),
    path: `r/${name}`,
  }));
  const { counts } = await makeHere(roots, partial, quietHost());
  assert.deepEqual((await contentsOf(partial)).map(({ kind, path, content }) => [kind, path, content]), [
    ["directory", "r/link/", ""],
    ["file", "r/link/file", "content"],
    ["file", "r/single", "alone"],
    ["file", "r/link to single", "alone"],
  ]);
  assert.deepEqual(counts, { files: 3, directories: 1, symlinks: 0, hardlinks: 0 });
});

test("one tree gives one archive, byte for byte", async ({ source, partial }) => {
  await makeTree(source, { "b": "1", "a/z": "2", "a/y": "3", "B": "4" });
  const first = await makeHere([{ source, path: "s" }], partial, quietHost());
  await Deno.remove(partial);
  assert.equal((await makeHere([{ source, path: "s" }], partial, quietHost())).sha256, first.sha256);
});

test("hard links across sources and to files outside are one content each", async ({ dir, partial }) => {
  await makeTree(dir, {
    "one/a": "shared",
    "two/b": { hardlink: "one/a" },
    "outside": "elsewhere",
    "two/c": { hardlink: "outside" },
  });
  const roots = ["one", "two"].map((name) => ({ source: join(dir, name), path: name }));
  const { counts } = await makeHere(roots, partial, quietHost());
  assert.deepEqual(counts, { files: 2, directories: 2, symlinks: 0, hardlinks: 1 });
  const entries = await contentsOf(partial);
  assert.deepEqual(entries.find((entry) => entry.path === "two/b")?.link, "one/a");
  assert.deepEqual(entries.find((entry) => entry.path === "two/c")?.content, "elsewhere");
});

test("a file that shrinks while it is read keeps its first size, is recorded and harms nothing after it", async (scene) => {
  await makeTree(scene.source, { "big": { size: 5_000_000 }, "next": "whole" });
  const path = join(scene.source, "big");
  const { made, host } = await makeWhile(scene, () => Deno.truncateSync(path, 3_000_000));
  assert.equal(made.skipped.length, 1);
  assert.deepEqual([made.skipped[0]?.path, made.skipped[0]?.reason], [path, "changed"]);
  assert.match(host.warnings[0]!, /big" changed while it was read: shrank from 5000000 to 3000000 bytes/);
  const entries = await contentsOf(scene.partial);
  assert.equal(entries.find((entry) => entry.path === "s/big")?.size, 5_000_000);
  assert.equal(entries.find((entry) => entry.path === "s/next")?.content, "whole");
});

test("a file that grows while it is read is stored with its first size, and recorded", async (scene) => {
  await makeTree(scene.source, { "big": { size: 5_000_000 }, "next": "whole" });
  const path = join(scene.source, "big");
  const { made, host } = await makeWhile(
    scene,
    () => Deno.writeFileSync(path, new Uint8Array(10), { append: true }),
  );
  assert.deepEqual(made.skipped_counts, { changed: 1 });
  assert.match(host.warnings[0]!, /grew beyond 5000000 bytes/);
  assert.equal((await contentsOf(scene.partial)).find((entry) => entry.path === "s/big")?.size, 5_000_000);
});

test("a file written to between two reads is recorded", async (scene) => {
  await makeTree(scene.source, { "big": { size: 5_000_000, mtime: 1_000_000_000_000 } });
  const path = join(scene.source, "big");
  const { made } = await makeWhile(scene, () => {
    using file = Deno.openSync(path, { write: true });
    file.writeSync(new Uint8Array(10));
  });
  assert.deepEqual(made.skipped, [{ path, reason: "changed", detail: "was written to" }]);
});

test("a file that grew after it was seen and before it was read is recorded", async ({ source, partial }) => {
  await makeTree(source, { "a": "12345" });
  const host = quietHost(() => {
    if (++calls === 2) Deno.writeTextFileSync(join(source, "a"), "more than before");
  });
  let calls = 0;
  const made = await makeHere([{ source, path: "s" }], partial, host);
  assert.deepEqual(made.skipped_counts, { changed: 1 });
  assert.equal((await contentsOf(partial))[1]?.content, "more ");
});

test("files and directories that vanish are recorded and left out", async (scene) => {
  await makeTree(scene.source, { "big": { size: 5_000_000 }, "gone": "1", "gone dir/x": "2", "stays": "3" });
  const { made, host } = await makeWhile(scene, () => {
    Deno.removeSync(join(scene.source, "gone"));
    Deno.removeSync(join(scene.source, "gone dir"), { recursive: true });
  });
  assert.deepEqual(made.skipped.map(({ path, reason }) => [path, reason]), [
    [join(scene.source, "gone"), "vanished"],
    [join(scene.source, "gone dir"), "vanished"],
  ]);
  assert.match(host.warnings[1]!, /gone dir" vanished: gone before it was read/);
  assert.deepEqual((await contentsOf(scene.partial)).map((entry) => entry.path), ["s/", "s/big", "s/stays"]);
});

test("a file replaced by a link or a pipe after it was seen is neither followed nor waited for", async (scene) => {
  await makeTree(scene.dir, { "secret": "not to be archived", "source/a": "123456", "source/b": "123456" });
  let calls = 0;
  const host = quietHost(() => {
    // The item just found is looked at again by the code under test only when it is opened.
    if (++calls === 2) {
      Deno.removeSync(join(scene.source, "a"));
      Deno.symlinkSync("../secret", join(scene.source, "a"));
    }
    if (calls === 3) {
      Deno.removeSync(join(scene.source, "b"));
      new Deno.Command("mkfifo", { args: [join(scene.source, "b")] }).outputSync();
    }
  });
  const made = await makeHere([{ source: scene.source, path: "s" }], scene.partial, host);
  assert.deepEqual(made.skipped.map(({ reason }) => reason), ["changed", "changed"]);
  const content = (await contentsOf(scene.partial)).map((entry) => entry.content).join("");
  assert.equal(content.replaceAll("\0", ""), "");
});

test("sockets, pipes and devices are counted and named", async ({ dir, source, partial }) => {
  await makeTree(source, { "file": "1" });
  using _socket = Deno.listen({ transport: "unix", path: join(source, "socket") });
  assert.ok(await run("mkfifo", join(source, "pipe")));
  const device = await run("mknod", join(source, "device"), "c", "1", "3");
  if (!device) console.log("skipped: archiving a device: cannot make one: run the tests as root on Linux");
  const host = quietHost();
  const made = await makeHere([{ source, path: "s" }], partial, host);
  const expected = [["device", "device"], ["pipe", "fifo"], ["socket", "socket"]].slice(device ? 0 : 1);
  assert.deepEqual(
    made.skipped.map(({ path, reason }) => [path, reason]),
    expected.map(([name, reason]) => [join(source, name!), reason]),
  );
  assert.deepEqual(made.counts, { files: 1, directories: 1, symlinks: 0, hardlinks: 0 });
  assert.match(host.warnings.at(-1)!, /socket" is a socket, which is not kept/);
  assert.ok(dir);
});

test("names and link targets that are not UTF-8 are counted and named", async ({ source, partial }) => {
  await makeTree(source, { "good": "1" });
  const script = `cd "$1" && touch "$(printf 'bad\\377name')" && mkdir "$(printf 'bad\\377dir')" &&
    ln -s "$(printf 'bad\\377target')" link`;
  assert.ok(await run("sh", "-c", script, "sh", source));
  if ([...Deno.readDirSync(source)].length < 4) {
    console.log(
      `skipped: names that are not UTF-8: Deno ${Deno.version.deno} does not list them: use Deno 2.8 or later`,
    );
    return;
  }
  const made = await makeHere([{ source, path: "s" }], partial, quietHost());
  assert.deepEqual(made.skipped, [
    {
      path: join(source, "bad\uFFFDdir"),
      reason: "bad_name",
      detail: "name is not UTF-8; a directory, with all it holds",
    },
    { path: join(source, "bad\uFFFDname"), reason: "bad_name", detail: "name is not UTF-8" },
    { path: join(source, "link"), reason: "bad_name", detail: "link target is not UTF-8" },
  ]);
  assert.deepEqual((await contentsOf(partial)).map((entry) => entry.path), ["s/", "s/good"]);
});

test("a path longer than the system takes is counted and named", async ({ dir, source, partial }) => {
  // Made by going down step by step, as no single call takes such a path.
  const script =
    `cd "$1"; i=0; while [ $i -lt 25 ]; do mkdir "$2" && cd "$2" || exit 1; i=$((i+1)); done; touch end`;
  await Deno.mkdir(source);
  assert.ok(await run("bash", "-c", script, "bash", source, "d".repeat(200)));
  const made = await makeHere([{ source, path: "s" }], partial, quietHost());
  assert.deepEqual(made.skipped_counts, { too_long: 1 });
  // The same, for cleaning up.
  assert.ok(await run("rm", "-rf", join(dir, "source")));
});

test("a source that goes away before its turn is an error", async ({ dir, partial }) => {
  await makeTree(dir, { "one/a": "1", "two/b": "2" });
  const host = quietHost(() => {
    if (++calls === 2) Deno.removeSync(join(dir, "two"), { recursive: true });
  });
  let calls = 0;
  const roots = ["one", "two"].map((name) => ({ source: join(dir, name), path: name }));
  await assert.rejects(makeHere(roots, partial, host), /Cannot back up ".*\/two": it does not exist/);
});

test("a tree with odd sizes around the chunk's comes back", async ({ dir, source, partial }) => {
  const chunk = 2 << 20;
  const sizes = [chunk - 1025, chunk - 512, chunk, chunk + 1, 2 * chunk, 511, 512, 513, 0];
  await makeTree(source, Object.fromEntries(sizes.map((size, i) => [`f${i}`, { size, seed: i + 1 }])));
  const { sha256 } = await makeHere([{ source, path: "s" }], partial, quietHost());
  const request = { target: join(dir, "restored"), patterns: [], force: false, owners: false };
  await restore({ task: "restore", path: partial, request, sha256, total_bytes: null }, quietHost());
  assert.deepEqual(await compareTrees(source, join(dir, "restored", "s")), []);
});

test("thousands of small files are all there when it is read back", async ({ source, partial }) => {
  await makeTree(source, manyFiles(3000));
  const made = await makeHere([{ source, path: "s" }], partial, quietHost());
  const found = await verify({ task: "verify", path: partial, total_bytes: null }, quietHost());
  assert.deepEqual({ ...found, others: 0, problem: null }, {
    sha256: made.sha256,
    size_bytes: made.size_bytes,
    source_bytes: made.source_bytes,
    counts: { files: 3000, directories: 61, symlinks: 0, hardlinks: 0 },
    others: 0,
    problem: null,
    sealed: false,
  });
});

test("damage anywhere in compressed data is found and said, whatever the runtime does with it", async ({ source, partial }) => {
  await makeTree(source, { "a": { size: 1_500_000 } });
  await makeHere([{ source, path: "s" }], partial, quietHost());
  const whole = await Deno.readFile(partial);
  for (let i = 0; i < 24; i++) {
    const damaged = whole.slice();
    damaged[Math.floor((i + 0.5) / 24 * whole.length)]! ^= 0x41;
    await Deno.writeFile(partial, damaged);
    const { problem } = await verify({ task: "verify", path: partial, total_bytes: null }, quietHost());
    assert.match(
      problem ?? "nothing",
      /^The archive is damaged: its compressed data cannot be read/,
      `at ${i}/24`,
    );
  }
});

test("a file that says it is empty and is not is recorded", async ({ partial }) => {
  if (Deno.build.os !== "linux") {
    return console.log("skipped: files that hide their size: only Linux has them: run there");
  }
  const made = await makeHere([{ source: "/proc/self/status", path: "s" }], partial, quietHost());
  assert.deepEqual(made.skipped.map(({ reason, detail }) => [reason, detail]), [
    ["changed", "grew beyond 0 bytes; the rest is left out"],
  ]);
});

Deno.test("archive: what the program itself may not read is unreadable, not a failure of the run", () => {
  const error = new Deno.errors.NotCapable("Requires all access");
  const detail = "it belongs to the operating system, as all of /proc, /sys and /dev";
  assert.deepEqual(reasonFor(error, "/proc/kcore"), { reason: "unreadable", detail });
  assert.deepEqual(messageOf(writeError(error, "/proc/x")), `Cannot write "/proc/x": ${detail}`);
  assert.throws(() => reasonFor(new TypeError("a mistake"), "/x"), TypeError);
});

Deno.test("archive: the root of the file system needs no name of its own", () => {
  const found = walk({ source: "/", path: "." }, (path) => path !== "proc", () => {}).take(2);
  assert.deepEqual([...found].map(({ path, name }) => [path, name]), [["/", "."], ["/proc", "proc"]]);
});
