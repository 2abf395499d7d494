import assert from "node:assert/strict";
import { join } from "node:path";
import { type Kysely, sql } from "kysely";
import { Database, migrate, type Migrations, requireSchema, schemaStatus } from "../../src/store/mod.ts";
import { MIGRATIONS } from "../../src/store/migrations/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { type TempStore, tempStore } from "../support/store.ts";

const clock = new FakeClock("2026-01-02T03:04:05Z");
const NEWEST = Object.keys(MIGRATIONS).at(-1)!;

/** A further release: one migration more. */
const next = (up: (db: Kysely<unknown>) => Promise<void>): Migrations => ({
  ...MIGRATIONS,
  "9000_next": { up },
});

const addColor = next(async (db) => {
  await db.schema.alterTable("servers").addColumn("color", "text").execute();
});

async function tables(database: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
    database.kysely,
  );
  return rows.map((row) => row.name);
}

async function addServer({ database }: TempStore, name: string): Promise<void> {
  await sql`insert into servers (name, host, running_check, created_at, updated_at)
    values (${name}, 'h', '{}', '2026', '2026')`.execute(database.kysely);
}

Deno.test("an empty database is brought to the newest schema without a copy", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const database = new Database(join(dir, "holdfast.db"), clock);
  try {
    assert.deepEqual(await schemaStatus(database), {
      current: null,
      latest: NEWEST,
      pending: Object.keys(MIGRATIONS),
      unknown: [],
    });
    await assert.rejects(requireSchema(database), { kind: "unavailable", code: "database_old" });
    assert.deepEqual(await migrate(database, dir, clock), { applied: Object.keys(MIGRATIONS), copy: null });
    assert.deepEqual(await schemaStatus(database), {
      current: NEWEST,
      latest: NEWEST,
      pending: [],
      unknown: [],
    });
    await requireSchema(database);
    assert.deepEqual(await migrate(database, dir, clock), { applied: [], copy: null });
    await assert.rejects(Deno.stat(join(dir, "copies")), Deno.errors.NotFound);
  } finally {
    await database.close();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a copy is taken before a later migration, and opens with the release before", async () => {
  await using store = await tempStore(clock);
  await addServer(store, "web-1");
  const { applied, copy } = await migrate(store.database, store.dir, clock, addColor);
  assert.deepEqual(applied, ["9000_next"]);
  assert.equal(copy, join(store.dir, "copies", "before-9000_next-2026-01-02T03-04-05-000Z.db"));
  assert.equal((await Deno.stat(copy)).mode! & 0o777, 0o600);
  assert.equal((await Deno.stat(join(store.dir, "copies"))).mode! & 0o777, 0o700);
  const before = new Database(copy, clock, { readonly: true });
  try {
    await requireSchema(before);
    const { rows } = await sql<Record<string, unknown>>`select * from servers`.execute(before.kysely);
    assert.equal(rows[0]?.name, "web-1");
    assert.equal("color" in rows[0], false);
  } finally {
    await before.close();
  }
});

Deno.test("a migration that fails half-way leaves nothing behind, and says where the copy is", async () => {
  await using store = await tempStore(clock);
  const before = await tables(store.database);
  const failing = next(async (db) => {
    await db.schema.createTable("half").addColumn("a", "integer").execute();
    await sql`delete from chain`.execute(db);
    await sql`insert into no_such_table values (1)`.execute(db);
  });
  await assert.rejects(migrate(store.database, store.dir, clock, failing), {
    kind: "unavailable",
    message: /^Cannot migrate database ".*" at "9000_next": no such table: no_such_table$/,
    hint: /nothing was changed; a copy from before is in .*before-9000_next/,
  });
  assert.deepEqual(await tables(store.database), before);
  await requireSchema(store.database);
  // The release after, mended, goes on from there.
  assert.deepEqual((await migrate(store.database, store.dir, clock, addColor)).applied, ["9000_next"]);
});

Deno.test("of two pending migrations the first is undone when the second fails", async () => {
  await using store = await tempStore(clock);
  const two: Migrations = { ...addColor, "9001_broken": { up: () => Promise.reject(new Error("broken")) } };
  await assert.rejects(migrate(store.database, store.dir, clock, two), {
    message: /at "9001_broken": broken$/,
  });
  assert.equal((await schemaStatus(store.database)).current, NEWEST);
});

Deno.test("a database newer than the program is refused by everything, and stays as it is", async () => {
  await using store = await tempStore(clock);
  await migrate(store.database, store.dir, clock, addColor);
  const refusal = {
    kind: "unavailable",
    code: "database_newer",
    message: new RegExp(
      `written by a newer release \\(it has "9000_next", this program knows up to "${NEWEST}"\\)`,
    ),
  };
  await assert.rejects(migrate(store.database, store.dir, clock), refusal);
  await assert.rejects(requireSchema(store.database), refusal);
  assert.equal((await schemaStatus(store.database, addColor)).current, "9000_next");
});

Deno.test("the schema of a file that is no database is an error people can act on", async () => {
  await using store = await tempStore(clock);
  const path = join(store.dir, "junk.db");
  await Deno.writeTextFile(path, "no database ".repeat(100));
  const junk = new Database(path, clock, { readonly: true });
  await assert.rejects(requireSchema(junk), { kind: "unavailable", code: "database_damaged" });
  await junk.close();
});

Deno.test("runs that ended before days were counted are counted by the migration", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const database = new Database(join(dir, "holdfast.db"), clock);
  try {
    const before = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0017"));
    await migrate(database, dir, clock, before);
    const runs = [
      "2026-01-01 1 success",
      "2026-01-01 1 failed",
      "2026-01-01 2 success",
      "2026-01-02 1 running",
    ];
    for (const [i, run] of runs.entries()) {
      const [day = "", server = "", status = ""] = run.split(" ");
      const at = `${day}T02:00:00.000Z`;
      await sql`insert into runs (id, schedule_id, server_id, trigger, attempt, status, outcome, queued_at, started_at,
          created_by, requested_by)
        values (${`r${i}`}, 's', ${Number(server)}, 'manual', 1, ${status}, ${status}, ${at}, ${at}, 0, '')`
        .execute(database.kysely);
    }
    await migrate(database, dir, clock);
    const { rows } = await sql`select * from run_days order by day, server_id`.execute(database.kysely);
    assert.deepEqual(rows.map((row) => ({ ...row as object })), [
      { day: "2026-01-01", server_id: 1, runs: 2 },
      { day: "2026-01-01", server_id: 2, runs: 1 },
    ]);
  } finally {
    await database.close();
    await Deno.remove(dir, { recursive: true });
  }
});
