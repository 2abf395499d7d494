import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BackupsTables } from "../../src/backups/queries.ts";
import type { AuditTables } from "../../src/store/mod.ts";
import { rehash } from "../../src/backups/rehash.ts";
import { admin } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { world } from "./fixture.ts";

const DAY_MS = 86_400_000;

Deno.test("an artifact that vanished is recorded since when, and no more once it is found again", async () => {
  await using given = await world();
  const [here, gone] = [await given.make(), await given.make()];
  const look = async () => {
    given.clock.advance(900_000);
    given.backups.begin("reconcile");
    await given.backups.idle();
    return await given.backups.get(gone.id);
  };
  assert.deepEqual(await look(), gone, "all is well");
  await Deno.rename(gone.path, `${gone.path}.away`);
  const first = await look();
  assert.equal(first.missing_since, "2026-01-02T04:30:00.000Z");
  assert.equal((await look()).missing_since, first.missing_since, "since the first look");
  await Deno.rename(`${gone.path}.away`, gone.path);
  assert.deepEqual(await look(), gone, "found again clears it");
  assert.deepEqual(await given.backups.get(here.id), here);
  const lines = await given.store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .where("operation", "=", "backups.reconcile").execute();
  assert.deepEqual(lines.map((line) => line.after && JSON.parse(line.after).missing_since), [
    "2026-01-02T04:30:00.000Z",
    null,
  ]);
});

Deno.test("an artifact with another size is known to have changed, until it verifies again", async () => {
  await using given = await world();
  const backup = await given.make();
  const bytes = await Deno.readFile(backup.path);
  await Deno.writeTextFile(backup.path, "shorter");
  given.backups.begin("reconcile");
  await given.backups.idle();
  assert.equal((await given.backups.get(backup.id)).changed_at, "2026-01-02T03:00:00.000Z");
  await Deno.writeFile(backup.path, bytes);
  await given.backups.verify(backup.id, admin());
  assert.equal((await given.backups.get(backup.id)).changed_at, null);
});

Deno.test("artifacts that are not on this host are looked for through their engine", async () => {
  let found: { size_bytes: number } | "missing" = { size_bytes: 0 };
  const plain = copyEngine();
  const engine = copyEngine({
    make: async (request, context) => ({
      ...await plain.make(request, context),
      path: `far:${request.name}`,
    }),
    locate: () => Promise.resolve(found),
  });
  await using given = await world({ engine });
  const backup = await given.make();
  const look = async () => {
    given.backups.begin("reconcile");
    await given.backups.idle();
    const { missing_since, changed_at } = await given.backups.get(backup.id);
    return [missing_since !== null, changed_at !== null];
  };
  found = { size_bytes: backup.size_bytes ?? 0 };
  assert.deepEqual(await look(), [false, false]);
  found = "missing";
  assert.deepEqual(await look(), [true, false]);
  found = { size_bytes: 1 };
  assert.deepEqual(await look(), [false, true]);
});

Deno.test("artifacts are read again after their days, those first that were read longest ago", async () => {
  const verified: string[] = [];
  const plain = copyEngine();
  const engine = copyEngine({
    verify: (artifact, context) => {
      verified.push(artifact.path);
      return plain.verify(artifact, context);
    },
  });
  await using given = await world({ engine });
  const made = [await given.make(), await given.make(), await given.make()];
  const again = async () => {
    given.backups.begin("reverify");
    await given.backups.idle();
    return await Promise.all(made.map(async ({ id }) => (await given.backups.get(id)).verified_at));
  };
  const before = made.map((one) => one.verified_at);
  given.clock.advance(29 * DAY_MS);
  assert.deepEqual(await again(), before, "not yet");
  given.clock.set(Date.parse(made[1]!.verified_at!) + 30 * DAY_MS + 1);
  const now = new Date(given.clock.now()).toISOString();
  assert.deepEqual(await again(), [now, now, before[2]], "the two that are due");
  assert.deepEqual(verified, [], "a known hash is enough: nothing is unpacked");

  await Deno.writeTextFile(made[2]!.path, "x".repeat(made[2]!.size_bytes ?? 0));
  given.clock.advance(31 * DAY_MS);
  await again();
  const bad = await given.backups.get(made[2]!.id);
  assert.deepEqual([bad.verified_ok, bad.changed_at], [false, new Date(given.clock.now()).toISOString()]);
  assert.match(bad.verify_detail ?? "", /Its SHA-256 is [0-9a-f]{64}, recorded is/);
});

Deno.test("what cannot be read again does not keep the rest from it, however much it is", async () => {
  const plain = copyEngine();
  const engine = copyEngine({
    make: async (request, context) => {
      const made = await plain.make(request, context);
      return request.labels.schedule_id === "far" ? { ...made, path: `far:${request.name}` } : made;
    },
  });
  await using given = await world({ engine });
  const far = await given.make({ schedule: "far" });
  const here = await given.make();
  const db = given.store.database.tables<BackupsTables>();
  const row = await db.selectFrom("backups").selectAll().where("id", "=", far.id).executeTakeFirstOrThrow();
  for (let i = 0; i < 600; i++) {
    await db.insertInto("backups").values({ ...row, id: `far-${i}`, name: `far-${i}`, path: `far:${i}` })
      .execute();
  }
  given.clock.advance(40 * DAY_MS);
  given.backups.begin("reverify");
  await given.backups.idle();
  assert.equal((await given.backups.get(here.id)).verified_at, new Date(given.clock.now()).toISOString());
  assert.equal((await given.backups.get(far.id)).verified_at, far.verified_at, "it is not on this host");
});

Deno.test("re-verification can be switched off, and is ended by a stop", async () => {
  await using given = await world({ settings: { reverify_days: 0 } });
  const backup = await given.make();
  given.clock.advance(400 * DAY_MS);
  given.backups.begin("reverify");
  await given.backups.stop();
  assert.equal((await given.backups.get(backup.id)).verified_at, backup.verified_at);
  assert.equal(given.backups.begin("reverify"), false, "nothing begins after a stop");
});

Deno.test("hashing a file again keeps to its bandwidth and stops when asked", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    const path = join(dir, "artifact");
    const bytes = new Uint8Array(3 << 20).fill(7);
    await Deno.writeFile(path, bytes);
    const { signal } = new AbortController();
    const started = performance.now();
    const found = await rehash(path, { signal, bytesPerSecond: 15 << 20 });
    assert.ok(performance.now() - started >= 190, "3 MiB at 15 MiB/s take 200 ms");
    assert.deepEqual(found, {
      sha256: createHash("sha256").update(bytes).digest("hex"),
      size_bytes: bytes.length,
    });
    const stopped = AbortSignal.abort(new Error("stop"));
    await assert.rejects(rehash(path, { signal: stopped, bytesPerSecond: 1 }), /stop/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
