import assert from "node:assert/strict";
import { join } from "node:path";
import type { BackupsTables } from "../../src/backups/mod.ts";
import type { AuditTables } from "../../src/store/mod.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { filesIn, world } from "./fixture.ts";

const honest = copyEngine();

Deno.test("a backup that was made is in the catalogue with all that is known of it", async () => {
  await using given = await world();
  const backup = await given.make();
  assert.match(backup.id, /^[0-9a-f]{16}$/);
  assert.equal(backup.name, `nightly-20260102T030000Z-${backup.id.slice(0, 8)}`);
  const path = join(given.destination, `${backup.name}.copy`);
  const size_bytes = (await Deno.stat(path)).size;
  assert.deepEqual({ ...backup, sha256: "" }, {
    id: backup.id,
    backup_id: backup.id,
    server_id: 1,
    schedule_id: "s1",
    run_id: "r1",
    name: backup.name,
    description: null,
    engine: "copy",
    backup_type: "scheduled",
    status: "completed",
    path,
    file_path: path,
    size_bytes,
    sha256: "",
    source_bytes: size_bytes,
    item_count: 2,
    skipped_count: 0,
    created_at: "2026-01-02T03:00:00.000Z",
    verified_at: "2026-01-02T03:00:00.000Z",
    verified_ok: true,
    verify_detail: null,
    missing_since: null,
    changed_at: null,
    trashed_at: null,
  });
  assert.deepEqual(await given.backups.get(backup.id), backup);
  const [line] = await given.store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .where("target", "=", `backups/${backup.id}`).execute();
  assert.equal(line?.caller_name, "system:backups");
  assert.deepEqual(await makes(given), []);
});

Deno.test("an incomplete artifact is recorded as failed, with the reason", async () => {
  await using given = await world();
  const backup = await given.make({ options: { ...given.options, unreadable: true } });
  assert.equal(backup.status, "failed");
  assert.equal(backup.skipped_count, 1);
  assert.match(backup.verify_detail ?? "", /Incomplete: 1/);
});

Deno.test("what an engine reports is not believed without the file", async () => {
  const rows: [string, Parameters<typeof copyEngine>[0], RegExp][] = [
    ["the file is not there", {
      make: async (request, context) => {
        const artifact = await honest.make(request, context);
        await Deno.remove(artifact.path);
        return artifact;
      },
    }, /is not there/],
    ["the file is empty", {
      make: async (request, context) => {
        const artifact = await honest.make(request, context);
        await Deno.writeTextFile(artifact.path, "");
        return artifact;
      },
    }, /is empty/],
    ["the file is shorter", {
      make: async (request, context) => {
        const artifact = await honest.make(request, context);
        return { ...artifact, size_bytes: artifact.size_bytes + 1 };
      },
    }, /were written/],
    ["the file is an old one", {
      make: async (request, context) => {
        const artifact = await honest.make(request, context);
        await Deno.utime(artifact.path, 1_700_000_000, 1_700_000_000);
        return artifact;
      },
    }, /older than the run/],
    ["the hash is another one", {
      make: async (request, context) => {
        const artifact = await honest.make(request, context);
        return { ...artifact, sha256: "0".repeat(64), verified: false };
      },
    }, /hash is/],
  ];
  for (const [name, engine, reason] of rows) {
    await using given = await world({ engine: copyEngine(engine) });
    const backup = await given.make();
    assert.deepEqual([backup.status, backup.verified_ok], ["failed", false], name);
    assert.match(backup.verify_detail ?? "", reason, name);
  }
});

Deno.test("an engine that does not read back what it wrote is verified after it", async () => {
  const engine = copyEngine({
    make: async (request, context) => ({ ...await honest.make(request, context), verified: false }),
  });
  await using given = await world({ engine });
  const backup = await given.make();
  assert.deepEqual([backup.status, backup.verified_ok], ["completed", true]);
});

Deno.test("a make that fails leaves no row, no partial file and no open make", async () => {
  const engine = copyEngine({
    make: async ({ options, name }) => {
      await Deno.writeTextFile(join(options.destination, `${name}.copy.partial`), "half");
      throw new Error("no more disk");
    },
  });
  await using given = await world({ engine });
  await assert.rejects(given.make(), /no more disk/);
  assert.deepEqual(filesIn(given.destination), []);
  assert.deepEqual(await makes(given), []);
  assert.deepEqual(await catalogue(given), []);
});

type World = Awaited<ReturnType<typeof world>>;

function makes({ store }: World) {
  return store.database.tables<BackupsTables>().selectFrom("backup_makes").selectAll().execute();
}

function catalogue({ store }: World) {
  return store.database.tables<BackupsTables>().selectFrom("backups").selectAll().execute();
}
