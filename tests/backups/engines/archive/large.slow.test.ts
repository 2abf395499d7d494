/** Trees and files as large as real ones, and a run killed in its middle. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compareTrees, makeTree, type TreeSpec } from "../../../support/tree.ts";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { until } from "../../../support/wait.ts";
import { filesBelow, manyFiles, wholeRestore } from "../conformance.ts";
import { inTempDir, RecordingContext } from "../context.ts";

async function roundTrip(dir: string, spec: TreeSpec) {
  const source = join(dir, "source");
  await makeTree(source, spec);
  const artifact = await archiveEngine.make({
    options: { sources: [source], destination: join(dir, "backups") },
    name: "n",
    labels: {},
  }, new RecordingContext());
  const target = join(dir, "restored");
  const { warnings } = await archiveEngine.restore(artifact, wholeRestore(target), new RecordingContext());
  assert.deepEqual(warnings, []);
  assert.deepEqual(await compareTrees(source, join(target, source)), []);
  return artifact;
}

Deno.test("archive: 50,000 small files come back", () =>
  inTempDir(async (dir) => {
    const artifact = await roundTrip(dir, manyFiles(50_000));
    assert.equal(artifact.item_count, 51_001);
  }));

Deno.test("archive: a file of 2 GiB, nearly all of it a hole, comes back and is small as an artifact", () =>
  inTempDir(async (dir) => {
    const artifact = await roundTrip(dir, { "hole": { hole: 2 * 2 ** 30 }, "after": "it" });
    assert.equal(artifact.source_bytes, 2 * 2 ** 30 + 2);
    assert.ok(artifact.size_bytes < 2 ** 20, `${artifact.size_bytes} bytes`);
  }));

Deno.test("archive: a run killed in its middle leaves a partial file and no backup", () =>
  inTempDir(async (dir) => {
    const [source, destination] = [join(dir, "source"), join(dir, "backups")];
    await makeTree(source, { "a": { size: 60_000_000 } });
    await Deno.mkdir(destination);
    const child = new URL("./make_child.ts", import.meta.url).pathname;
    const request = { options: { sources: [source], destination, level: 19 }, name: "n" };
    const running = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", child, JSON.stringify(request)],
      stdout: "null",
    }).spawn();
    const partial = join(destination, "n.tar.zst.partial");
    // It is being written once it has any content.
    await until("a partial file", async () => ((await Deno.stat(partial).catch(() => null))?.size ?? 0) > 0);
    running.kill("SIGKILL");
    await running.status;
    assert.deepEqual(filesBelow(destination), ["n.tar.zst.partial"]);
    assert.deepEqual(await Array.fromAsync(archiveEngine.discover!(destination)), []);
  }));
