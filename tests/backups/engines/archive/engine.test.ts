/** What is particular to this engine as a whole: checks, manifest, order of things on disk. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeTree } from "../../../support/tree.ts";
import {
  archiveEngine,
  type ArchiveOptions,
  manifestPath,
  readManifest,
} from "../../../../src/backups/engines/archive.ts";
import { noteRequest } from "../../../../src/lib/courtesy.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { inTempDir, RecordingContext, run, withSmallDisk } from "../context.ts";
import { filesBelow } from "../conformance.ts";

interface Scene {
  dir: string;
  source: string;
  destination: string;
}

function test(sentence: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test(`archive: ${sentence}`, () =>
    inTempDir((dir) => body({ dir, source: join(dir, "source"), destination: join(dir, "backups") })));
}

function make(
  { source, destination }: Scene,
  changes: Partial<ArchiveOptions> = {},
  context = new RecordingContext(),
) {
  const options = { sources: [source], destination, ...changes };
  return archiveEngine.make({ options, name: "nightly-1", labels: { schedule: "nightly" } }, context);
}

test("an artifact has a manifest beside it, and both are private", async (scene) => {
  await makeTree(scene.source, { "a": "12345", "b": { hardlink: "a" }, "c": { symlink: "a" } });
  const context = new RecordingContext();
  const artifact = await make(scene, { excludes: ["*.tmp"] }, context);
  assert.equal(artifact.path, join(scene.destination, "nightly-1.tar.zst"));
  assert.deepEqual(filesBelow(scene.destination), ["nightly-1.tar.zst", "nightly-1.tar.zst.manifest.json"]);
  for (const path of [artifact.path, manifestPath(artifact.path)]) {
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }
  assert.equal((await Deno.stat(scene.destination)).mode! & 0o777, 0o700);
  assert.deepEqual(await readManifest(manifestPath(artifact.path)), {
    manifest_version: 1,
    engine: "archive",
    name: "nightly-1",
    file: "nightly-1.tar.zst",
    created_at: "2026-01-02T03:04:05.678Z",
    labels: { schedule: "nightly" },
    compression: "zstd",
    sha256: artifact.sha256,
    size_bytes: artifact.size_bytes,
    source_bytes: 5,
    counts: { files: 1, directories: 1, symlinks: 1, hardlinks: 1 },
    roots: [{ source: scene.source, path: scene.source.slice(1) }],
    excludes: ["*.tmp"],
    skipped: [],
    skipped_counts: {},
    incomplete: false,
    not_kept: "extended attributes, access lists, file flags and access times",
  });
  const notKept = context.logs.filter((line) => line.text.startsWith("Not kept: "));
  assert.equal(notKept.length, 1);
});

test("a name that is taken is a conflict, and what has it stays", async (scene) => {
  await makeTree(scene.source, { "a": "1" });
  await makeTree(scene.destination, { "nightly-1.tar.zst": "an earlier backup" });
  await assert.rejects(make(scene), (error) => error instanceof HoldfastError && error.kind === "conflict");
  assert.deepEqual(filesBelow(scene.destination), ["nightly-1.tar.zst"]);
  assert.equal(await Deno.readTextFile(join(scene.destination, "nightly-1.tar.zst")), "an earlier backup");
});

test("a partial file that an ended run left is a conflict and not touched", async (scene) => {
  await makeTree(scene.source, { "a": "1" });
  await makeTree(scene.destination, { "nightly-1.tar.zst.partial": "half" });
  await assert.rejects(make(scene), /nightly-1.tar.zst.partial": it exists already/);
  assert.deepEqual(filesBelow(scene.destination), ["nightly-1.tar.zst.partial"]);
});

test("paths are what is read and what is written", ({ source, destination }) => {
  const paths = archiveEngine.paths({ sources: [`${source}/../source/`], destination: `${destination}/.` });
  assert.deepEqual(paths, { read: [source], write: [destination] });
  return Promise.resolve();
});

async function problems(scene: Scene, changes: Partial<ArchiveOptions> = {}): Promise<string[]> {
  const found = await archiveEngine.check({
    sources: [scene.source],
    destination: scene.destination,
    ...changes,
  });
  return found.map((problem) => problem.replaceAll(scene.dir, ""));
}

test("a check finds nothing wrong with a destination that is yet to be made, and makes nothing", async (scene) => {
  await makeTree(scene.source, { "a": "1" });
  assert.deepEqual(await problems(scene, { destination: join(scene.dir, "to/be/made") }), []);
  assert.deepEqual(filesBelow(scene.dir), ["source/a"]);
  assert.deepEqual([...Deno.readDirSync(scene.dir)].length, 1);
});

test("a check names every source that is missing or of a kind that cannot be archived", async (scene) => {
  await makeTree(scene.dir, { "file": "1", "source/a": "1" });
  await run("mkfifo", join(scene.dir, "pipe"));
  const sources = ["nothing", "file/below", "pipe", "file"].map((name) => join(scene.dir, name));
  assert.deepEqual(await problems(scene, { sources }), [
    'Source "/nothing" does not exist',
    'Source "/pipe" is neither a directory nor a file',
  ]);
  assert.deepEqual(await problems(scene, { sources: [join(scene.dir, "file/below")] }), [
    'Source "/file/below" does not exist: part of its path is a file',
  ]);
});

test("a destination inside a source is refused, by whatever links it is reached", async (scene) => {
  await makeTree(scene.dir, {
    "source/sub/a": "1",
    "way in": { symlink: "source/sub" },
    "alias": { symlink: "source" },
  });
  const inside = [
    join(scene.source, "b"),
    scene.source,
    join(scene.dir, "way in"),
    join(scene.dir, "way in/new/deep"),
  ];
  for (const destination of inside) {
    const [problem] = await problems(scene, { destination });
    assert.match(problem ?? "", /^Destination ".*" lies inside source "\/source"$/, destination);
  }
  assert.match(
    (await problems(scene, { sources: [join(scene.dir, "alias")], destination: inside[0]! }))[0] ?? "",
    /lies inside source "\/alias"/,
  );
  assert.deepEqual(await problems(scene, { destination: join(scene.dir, "source 2") }), []);
  await assert.rejects(make(scene, { destination: inside[0]! }), /lies inside source/);
  assert.deepEqual(filesBelow(scene.source), ["sub/a"]);
});

test("a destination that is a file or on a read-only file system is refused", async (scene) => {
  await makeTree(scene.dir, { "source/a": "1", "file": "1" });
  assert.deepEqual(await problems(scene, { destination: join(scene.dir, "file") }), [
    'Destination "/file" is not a directory',
  ]);
  const disk = join(scene.dir, "disk");
  await withSmallDisk("archive on a read-only file system", disk, 1, async () => {
    assert.ok(await run("mount", "-o", "remount,ro", disk));
    assert.deepEqual(await problems(scene, { destination: disk }), [
      'Destination "/disk" is on a read-only file system',
    ]);
    await assert.rejects(
      make(scene, { destination: join(disk, "new") }),
      (error) =>
        error instanceof HoldfastError && error.kind === "invalid" && /read-only/.test(error.message),
    );
  });
});

test("a manifest that is not one is an error that says where", async ({ dir }) => {
  const path = join(dir, "x.tar.zst.manifest.json");
  await assert.rejects(
    readManifest(path),
    (error) => error instanceof HoldfastError && error.kind === "not_found",
  );
  for (
    const [text, why] of [["{", /not JSON/], ["{}", /manifest_version/], [
      '{"manifest_version":2}',
      /manifest_version/,
    ]] as const
  ) {
    await Deno.writeTextFile(path, text);
    await assert.rejects(
      readManifest(path),
      (error) => error instanceof HoldfastError && why.test(error.message),
    );
  }
});

test("a manifest that cannot be read or has no artifact is found as such", async (scene) => {
  await makeTree(scene.source, { "a": "1" });
  const artifact = await make(scene);
  await makeTree(scene.destination, {
    "broken.tar.zst": "x",
    "broken.tar.zst.manifest.json": "{",
    "other.json": "{}",
    "half.tar.zst.partial": "x",
  });
  await Deno.copyFile(manifestPath(artifact.path), join(scene.destination, "alone.tar.zst.manifest.json"));
  const found: string[] = [];
  for await (const facts of archiveEngine.discover!(scene.destination)) {
    found.push(facts.path.slice(scene.destination.length + 1) + ("problem" in facts ? " problem" : ""));
  }
  assert.deepEqual(found, [
    "alone.tar.zst.manifest.json problem",
    "broken.tar.zst.manifest.json problem",
    "nightly-1.tar.zst",
  ]);
});

test("verify tells a manifest from the catalogue, and both from the file", async (scene) => {
  await makeTree(scene.source, { "a": "1" });
  const artifact = await make(scene);
  const verify = (sha256: string | null) =>
    archiveEngine.verify({ ...artifact, sha256 }, new RecordingContext());
  assert.deepEqual((await verify("0".repeat(64))).problems, [
    `Its SHA-256 is ${artifact.sha256}, the catalogue has ${"0".repeat(64)}`,
  ]);
  const path = manifestPath(artifact.path);
  const manifest = await readManifest(path);
  await Deno.writeTextFile(path, JSON.stringify({ ...manifest, counts: { ...manifest.counts, files: 3 } }));
  assert.deepEqual((await verify(artifact.sha256)).problems, ["It holds 1 files, recorded are 3"]);
  await Deno.writeTextFile(path, "not a manifest");
  assert.match((await verify(artifact.sha256)).problems[0]!, /Cannot read manifest/);
});

test("files that cannot be read make an artifact incomplete, unless that is allowed", async (scene) => {
  await makeTree(scene.source, { "readable": "1", "secret": { content: "2", mode: 0 }, "closed/x": "3" });
  await Deno.chmod(join(scene.source, "closed"), 0);
  for (const allow_unreadable of [false, true]) {
    const made = await makeUnprivileged(scene, { allow_unreadable }, `n-${allow_unreadable}`);
    if (made === null) return;
    assert.equal(made.incomplete, !allow_unreadable);
    assert.equal(made.verified, true);
    assert.deepEqual(
      made.skipped.map(({ path, reason }) => [path.slice(scene.source.length), reason]),
      [["/closed", "unreadable"], ["/secret", "unreadable"]],
    );
    assert.match(made.skipped[0]!.detail ?? "", /Permission denied; a directory, with all it holds/);
    assert.equal((await readManifest(manifestPath(made.path))).incomplete, !allow_unreadable);
  }
});

/** Makes an artifact in a process that modes bind, root's own included; null, with a visible line, where that cannot be had. */
async function makeUnprivileged(scene: Scene, changes: Partial<ArchiveOptions>, name: string) {
  const options = { sources: [scene.source], destination: scene.destination, ...changes };
  const child = new URL("./make_child.ts", import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", "-q", child, JSON.stringify({ options, name })];
  const bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
  if (Deno.uid() === 0) {
    if (!await run("setpriv", "--version")) {
      console.log(
        "skipped: unreadable files: root reads them all: install setpriv (util-linux), or do not run as root",
      );
      return null;
    }
    command.unshift(...bound);
  }
  const { stdout } = await new Deno.Command(command[0]!, { args: command.slice(1), stderr: "inherit" })
    .output();
  const made: Awaited<ReturnType<typeof make>> = JSON.parse(new TextDecoder().decode(stdout));
  return made;
}

for (const compression of ["zstd", "gzip"] as const) {
  test(`${compression}: what is made while the daemon is asked is what is made while it is not`, async (scene) => {
    const noise = new Uint8Array(3 << 20);
    for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
    await makeTree(scene.source, {
      "noise": { content: noise },
      "words": "word ".repeat(1 << 20),
      "empty": "",
    });
    const quiet = await make(scene, { compression });
    await Deno.remove(quiet.path);
    await Deno.remove(manifestPath(quiet.path));
    const asking = setInterval(noteRequest, 1);
    try {
      const asked = await make(scene, { compression });
      assert.deepEqual([asked.sha256, asked.verified], [quiet.sha256, true]);
    } finally {
      clearInterval(asking);
    }
  });
}
