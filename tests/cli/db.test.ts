/** `db migrate`, `db restore` and `config init` answer in the form that is asked for, as operations do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { MIGRATIONS } from "../../src/store/migrations/mod.ts";
import { printed } from "../support/commands.ts";

async function withDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-db-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("db migrate and db restore answer with JSON where that is asked for, and with sentences else", () =>
  withDir(async (dir) => {
    const holdfast = async (...words: string[]) => {
      const { code, lines, notes } = await printed(["--data-dir", join(dir, "state"), ...words]);
      assert.equal(code, 0, notes.join("\n"));
      return lines.join("\n");
    };
    const applied = Object.keys(MIGRATIONS);
    assert.deepEqual(JSON.parse(await holdfast("db", "migrate", "--output", "json")), {
      applied,
      copy: null,
    });
    assert.equal(await holdfast("db", "migrate"), "The database is at this release's schema already.");
    const copy = join(dir, "copy.db");
    await holdfast("db", "backup", copy);
    const { kept } = JSON.parse(await holdfast("db", "restore", copy, "--yes", "--output", "json"));
    assert.ok((await Deno.stat(kept)).isFile);
    assert.match(
      await holdfast("db", "restore", copy, "--yes"),
      /^Restored .*copy\.db\.\nThe database before is in /,
    );
  }));

Deno.test("config init names the file it wrote, as JSON too", () =>
  withDir(async (dir) => {
    const path = join(dir, "config.yaml");
    const { code, lines } = await printed(["config", "init", path, "--output", "json"]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(lines.join("\n")), { path });
    assert.equal((await printed(["config", "init", path, "--force"])).lines[0], `Wrote ${path}`);
  }));
