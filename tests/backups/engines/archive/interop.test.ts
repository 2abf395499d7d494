/** Other programs read what Holdfast writes, and Holdfast reads what GNU tar writes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TreeSpec } from "../../../support/tree.ts";
import { compareTrees, makeTree, oddTime, oddTree } from "../../../support/tree.ts";
import { restore } from "../../../../src/backups/engines/archive/restore.ts";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { inTempDir, RecordingContext, run } from "../context.ts";
import { padding } from "../../../../src/backups/engines/archive/tar-encode.ts";
import { quietHost, tarBytes } from "./in_process.ts";

const GNU = await run("sh", "-c", "tar --version | grep -q GNU && zstd --version && gzip --version");
if (!GNU) {
  console.log("skipped: exchange with GNU tar: tar, zstd or gzip not found: install GNU tar, zstd and gzip");
}

function test(sentence: string, body: (dir: string) => Promise<void>): void {
  if (GNU) Deno.test(`archive: ${sentence}`, () => inTempDir(body));
}

for (const [compression, flag] of [["zstd", "--zstd"], ["gzip", "-z"]] as const) {
  test(`GNU tar ${flag} lists and restores an artifact`, async (dir) => {
    const source = join(dir, "source");
    await makeTree(source, oddTree());
    const artifact = await archiveEngine.make({
      options: { sources: [source], destination: join(dir, "backups"), compression },
      name: "n",
      labels: {},
    }, new RecordingContext());
    const target = join(dir, "restored");
    await Deno.mkdir(target);
    await sh(dir, `tar ${flag} -tvf "$1" > list && tar ${flag} -xpf "$1" -C "$2"`, artifact.path, target);
    assert.deepEqual(await compareTrees(source, join(target, source)), []);
    const lines = (await Deno.readTextFile(join(dir, "list"))).trimEnd().split("\n");
    assert.equal(lines.length, artifact.item_count);
  });
}

/** Directories that nobody gave a time have one with a fraction. */
const WHOLE = "find source -type d -exec touch -d @1500000000 {} + && ";

const rows: [format: string, pack: string, spec: TreeSpec][] = [
  ["GNU's format", WHOLE + "tar --format=gnu -cf - source", inWholeSeconds(oddTree())],
  ["POSIX format with zstd", "tar --format=posix -cf - source | zstd -q", oddTree()],
  [
    "POSIX format with zstd in one frame of many blocks",
    "tar --format=posix -cf - source | zstd -q -9 --no-check",
    oddTree(),
  ],
  ["POSIX format with gzip", "tar --format=posix -cf - source | gzip", oddTree()],
  ["ustar", WHOLE + "tar --format=ustar -cf - source", inWholeSeconds({ ...shortNames(oddTree()) })],
  ["an archive of .", "tar --format=posix -cf - -C . ./source", oddTree()],
  [
    "a long name that GNU tar's short form cuts inside a letter,",
    "tar --format=posix -cf - source",
    // With "source/" before it, the hundredth byte is the first of a letter of four.
    { [`${"n".repeat(92)}🦕${"n".repeat(60)}`]: { content: "1", mtime: oddTime(1) } },
  ],
  [
    "concatenated frames",
    "tar --format=posix -cf - source | (head -c 100000 | zstd -q; cat | zstd -q)",
    oddTree(),
  ],
];
for (const [format, pack, spec] of rows) {
  test(`${format} made by GNU tar is restored`, async (dir) => {
    await makeTree(join(dir, "source"), spec);
    await sh(dir, `${pack} > artifact`);
    const target = join(dir, "restored");
    const request = { target, patterns: [], force: false, owners: false };
    const path = join(dir, "artifact");
    const done = await restore(
      { task: "restore", path, request, sha256: null, total_bytes: null },
      quietHost(),
    );
    assert.deepEqual(done.warnings, []);
    assert.deepEqual(await compareTrees(join(dir, "source"), join(target, "source")), []);
  });
}

for (const format of ["gnu", "posix"]) {
  test(`a sparse file in GNU's ${format} way is refused by name, and what follows it is restored`, async (dir) => {
    await makeTree(join(dir, "source"), { "a hole": { hole: 50_000_000 }, "z": "after it" });
    // Many stretches of data make a map that needs blocks of its own.
    using file = await Deno.open(join(dir, "source", "a hole"), { write: true });
    for (let i = 1; i < 40; i++) {
      await file.seek(i * 1_000_000, Deno.SeekMode.Start);
      await file.write(new TextEncoder().encode("data"));
    }
    await sh(dir, `tar --format=${format} -S -cf artifact source`);
    const target = join(dir, "restored");
    const request = { target, patterns: [], force: false, owners: false };
    const path = join(dir, "artifact");
    const done = await restore(
      { task: "restore", path, request, sha256: null, total_bytes: null },
      quietHost(),
    );
    assert.equal(done.warnings.length, 1);
    assert.match(done.warnings[0]!, /a hole" is not restored: GNU's sparse format is not supported/);
    assert.equal(await Deno.readTextFile(join(target, "source/z")), "after it");
  });
}

test("a file of more than 8 GiB is listed with its size by GNU tar, and so is what follows it", async (dir) => {
  const size = 8 * 2 ** 30 + 5;
  const path = join(dir, "large.tar");
  await Deno.writeFile(path, tarBytes([{ kind: "file", path: "large", size }]).subarray(0, -1024));
  // The content is a hole, which GNU tar jumps over.
  const end = (await Deno.stat(path)).size + size + padding(size);
  await Deno.truncate(path, end);
  await Deno.writeFile(path, tarBytes([{ kind: "file", path: "next", content: "1" }]), { append: true });
  await sh(dir, `tar -tvf large.tar | awk '{ print $3, $6 }' > list`);
  assert.equal(await Deno.readTextFile(join(dir, "list")), `${size} large\n1 next\n`);
});

test("an artifact without a manifest is identified, verified as far as possible and listed", async (dir) => {
  await makeTree(join(dir, "source"), { "a": "1" });
  const path = join(dir, "x.tar.zst");
  await sh(dir, "tar --zstd -cf x.tar.zst source");
  assert.deepEqual(await archiveEngine.identify?.(path), { path, size_bytes: null, sha256: null });
  const context = new RecordingContext();
  const artifact = { path, size_bytes: null, sha256: null };
  const found = await archiveEngine.verify(artifact, context);
  assert.deepEqual(found.problems, []);
  assert.equal(found.item_count, 2);
  assert.match(context.warnings[0]!, /has no manifest/);
  const names = [];
  for await (const entry of archiveEngine.list(artifact, context)) names.push(entry.path);
  assert.deepEqual(names, ["source", "source/a"]);
});

/** Formats before POSIX.1-2001 keep times in whole seconds and no others. */
function inWholeSeconds(spec: TreeSpec): TreeSpec {
  return Object.fromEntries(
    Object.entries(spec).map(([path, node]) => {
      if (typeof node === "string" || !("mtime" in node) || node.mtime === undefined) return [path, node];
      return [path, { ...node, mtime: Math.max(0, Math.floor(node.mtime / 1000) * 1000) }];
    }),
  );
}

/** What ustar can hold: 255 bytes of path, 100 of name and of link. */
function shortNames(spec: TreeSpec): TreeSpec {
  return Object.fromEntries(
    Object.entries(spec).filter(([path, node]) =>
      path.length < 90 && !(typeof node !== "string" && "symlink" in node && node.symlink.length > 100) &&
      path !== "future"
    ),
  );
}

async function sh(cwd: string, script: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-eo", "pipefail", "-c", script, "bash", ...args],
    cwd,
    env: { TZ: "UTC" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
