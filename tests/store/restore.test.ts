import assert from "node:assert/strict";
import { join } from "node:path";
import { sql } from "kysely";
import { copyDatabase, Database, migrate, restoreDatabase } from "../../src/store/mod.ts";
import { MIGRATIONS } from "../../src/store/migrations/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { type TempStore, tempStore } from "../support/store.ts";

const clock = new FakeClock("2026-01-02T03:04:05Z");

async function addServer(database: Database, name: string): Promise<void> {
  await sql`insert into servers (name, host, running_check, created_at, updated_at)
    values (${name}, 'h', '{}', '2026', '2026')`.execute(database.kysely);
}

async function serversIn(path: string): Promise<string[]> {
  const database = new Database(path, clock, { readonly: true });
  try {
    const { rows } = await sql<{ name: string }>`select name from servers order by name`.execute(
      database.kysely,
    );
    return rows.map((row) => row.name);
  } finally {
    await database.close();
  }
}

/** A data directory with a database of one server, a copy of it, and one more server since. */
async function copied(): Promise<TempStore & { copy: string; target: string }> {
  const store = await tempStore(clock);
  await addServer(store.database, "old");
  const copy = join(store.dir, "copy.db");
  await copyDatabase(store.database, copy);
  await addServer(store.database, "new");
  return { ...store, copy, target: store.database.path };
}

Deno.test("a copy is whole, private, and leaves no partial file", async () => {
  await using store = await copied();
  assert.deepEqual(await serversIn(store.copy), ["old"]);
  assert.equal((await Deno.stat(store.copy)).mode! & 0o777, 0o600);
  await assert.rejects(Deno.stat(`${store.copy}.partial`), Deno.errors.NotFound);
});

Deno.test("a copy that cannot be written is an error, and leaves no partial file", async () => {
  await using store = await copied();
  await assert.rejects(copyDatabase(store.database, join(store.dir, "absent", "copy.db")), {
    kind: "unavailable",
    message: /^Cannot copy the database to ".*copy\.db": /,
  });
});

Deno.test("restoring puts the copy in place and keeps what was there", async () => {
  await using store = await copied();
  await store.database.close();
  const { kept } = await restoreDatabase(store.copy, store.target, clock);
  assert.equal(kept, `${store.target}.before-2026-01-02T03-04-05-000Z`);
  assert.deepEqual(await serversIn(store.target), ["old"]);
  assert.deepEqual(await serversIn(kept), ["new", "old"]);
  assert.deepEqual(await serversIn(store.copy), ["old"]);
  assert.equal((await Deno.stat(store.target)).mode! & 0o777, 0o600);
});

Deno.test("changes that were only in the log of the database before are kept with it", async () => {
  await using store = await copied();
  // What a killed process leaves: the file and its log, nobody has both open.
  const killed = join(store.dir, "killed.db");
  await Deno.copyFile(store.target, killed);
  await Deno.copyFile(`${store.target}-wal`, `${killed}-wal`);
  const { kept } = await restoreDatabase(store.copy, killed, clock);
  assert.ok(kept !== null);
  await assert.rejects(Deno.stat(`${killed}-wal`), Deno.errors.NotFound);
  assert.deepEqual(await serversIn(killed), ["old"]);
  assert.deepEqual(await serversIn(kept), ["new", "old"]);
});

Deno.test("a copy with a log of its own is restored with what the log holds", async () => {
  await using store = await copied();
  const crashed = join(store.dir, "crashed.db");
  await Deno.copyFile(store.target, crashed);
  await Deno.copyFile(`${store.target}-wal`, `${crashed}-wal`);
  const target = join(store.dir, "fresh.db");
  assert.deepEqual(await restoreDatabase(crashed, target, clock), { kept: null });
  await Deno.remove(`${crashed}-wal`);
  assert.deepEqual(await serversIn(target), ["new", "old"]);
});

Deno.test("what is no sound copy is refused, and nothing is touched", async () => {
  await using store = await copied();
  await store.database.close();
  const before = await Deno.readFile(store.target);
  const cut = (await Deno.readFile(store.copy)).slice(0, 9000);
  const torn = await Deno.readFile(store.copy);
  torn.fill(0xa5, 8192, 60_000);
  const files: [string, Uint8Array, RegExp][] = [
    ["junk.db", new TextEncoder().encode("no database ".repeat(100)), /damaged: file is not a database/],
    ["cut.db", cut, /is damaged: /],
    ["torn.db", torn, /is damaged: /],
    ["empty.db", new Uint8Array(), /it is not a database of Holdfast/],
  ];
  for (const [name, bytes, message] of files) {
    const path = join(store.dir, name);
    await Deno.writeFile(path, bytes);
    await assert.rejects(restoreDatabase(path, store.target, clock), { kind: "invalid", message }, name);
  }
  await assert.rejects(restoreDatabase(join(store.dir, "absent.db"), store.target, clock), {
    kind: "not_found",
    message: /absent\.db": no such file$/,
  });
  assert.deepEqual(await Deno.readFile(store.target), before);
  const left = (await Array.fromAsync(Deno.readDir(store.dir))).map((entry) => entry.name);
  assert.deepEqual(left.filter((name) => /before|partial/.test(name)), []);
});

Deno.test("a copy newer than the program is refused", async () => {
  await using store = await copied();
  await migrate(store.database, store.dir, clock, {
    ...MIGRATIONS,
    "9000_next": { up: () => Promise.resolve() },
  });
  const newer = join(store.dir, "newer.db");
  await copyDatabase(store.database, newer);
  await assert.rejects(restoreDatabase(newer, join(store.dir, "fresh.db"), clock), {
    kind: "unavailable",
    code: "database_newer",
  });
});
