import assert from "node:assert/strict";
import { join } from "node:path";
import { tryWriting } from "../../../src/backups/engines/probe.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-probe-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("looking whether a directory can be written to leaves nothing in it, however often and at once", () =>
  inFolder(async (folder) => {
    await Promise.all(Array.from({ length: 20 }, () => tryWriting(folder)));
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("what a process that was killed at it left behind is gone after the next look", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, ".holdfast-probe"), "");
    await tryWriting(folder);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a directory that is not there cannot be written to", () =>
  inFolder((folder) => assert.rejects(tryWriting(join(folder, "gone")), Deno.errors.NotFound)));
