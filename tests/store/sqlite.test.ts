import assert from "node:assert/strict";
import { join } from "node:path";
import { sql } from "kysely";
import { Database, isUniqueViolation } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";

interface Tables {
  t: { a: number | null; b?: string | null; c?: number | null };
}

const clock = new FakeClock("2026-01-02T03:04:05Z");

function memory(): Database {
  const database = new Database(":memory:", clock);
  database.sqlite.exec("create table t (a integer primary key, b text)");
  return database;
}

Deno.test("a statement used again takes its new parameters and keeps nothing of the old", async () => {
  const database = memory();
  const t = database.tables<Tables>();
  const insert = (a: number, b: string | null) => t.insertInto("t").values({ a, b }).returning("a").execute();
  assert.deepEqual((await insert(1, "one")).map((row) => row.a), [1]);
  assert.deepEqual((await insert(2, null)).map((row) => row.a), [2]);
  const find = (a: number) => t.selectFrom("t").select("b").where("a", "=", a).executeTakeFirst();
  assert.equal((await find(1))?.b, "one");
  assert.equal((await find(2))?.b, null);
  assert.equal(await find(3), undefined);
  await database.close();
});

Deno.test("a text with NULs comes back whole, each of them replaced", async () => {
  const database = memory();
  const t = database.tables<Tables>();
  await t.insertInto("t").values({ a: 1, b: "ada\0x\0" }).execute();
  assert.equal((await t.selectFrom("t").select("b").executeTakeFirst())?.b, "ada\uFFFDx\uFFFD");
  await database.close();
});

Deno.test("two readings of one statement at a time do not disturb each other", async () => {
  const database = memory();
  const t = database.tables<Tables>();
  await t.insertInto("t").values([{ a: 1 }, { a: 2 }, { a: 3 }]).execute();
  const read = (from: number) => t.selectFrom("t").select("a").where("a", ">=", from).orderBy("a").execute();
  const both = await Promise.all([read(1), read(3), Array.fromAsync(t.selectFrom("t").select("a").stream())]);
  assert.deepEqual(both.map((rows) => rows.map((row) => row.a)), [[1, 2, 3], [3], [1, 2, 3]]);
  await database.close();
});

Deno.test("a kept select * sees a column that was added since", async () => {
  const database = memory();
  const t = database.tables<Tables>();
  await t.insertInto("t").values({ a: 1, b: "one" }).execute();
  const all = () => t.selectFrom("t").selectAll().execute();
  assert.deepEqual((await all()).map((row) => ({ ...row })), [{ a: 1, b: "one" }]);
  await database.kysely.schema.alterTable("t").addColumn("c", "integer", (c) => c.defaultTo(7)).execute();
  assert.deepEqual((await all()).map((row) => ({ ...row })), [{ a: 1, b: "one", c: 7 }]);
  await database.close();
});

Deno.test("more statements than are kept still work", async () => {
  const database = memory();
  for (let i = 0; i < 600; i++) {
    const { rows } = await sql<{ n: number }>`select ${sql.lit(i)} as n`.execute(database.kysely);
    assert.equal(rows[0]?.n, i);
  }
  await database.close();
});

Deno.test("booleans are stored as 0 and 1, and what has no column type is refused", async () => {
  const database = memory();
  const { rows } = await sql<{ yes: number; no: number }>`select ${true} as yes, ${false} as no`.execute(
    database.kysely,
  );
  assert.deepEqual({ ...rows[0] }, { yes: 1, no: 0 });
  await assert.rejects(sql`select ${new Date(0)} as d`.execute(database.kysely), {
    name: "TypeError",
    message: "Cannot store a value of type object",
  });
  await database.close();
});

Deno.test("a second row with the same key is told apart from other failures", async () => {
  const database = memory();
  const insert = () => database.tables<Tables>().insertInto("t").values({ a: 1 }).execute();
  await insert();
  await assert.rejects(insert(), isUniqueViolation);
  assert.equal(isUniqueViolation(new Error("no such table: t")), false);
  await database.close();
});

Deno.test("foreign keys hold", async () => {
  const database = memory();
  database.sqlite.exec("create table child (a integer references t (a))");
  await assert.rejects(sql`insert into child values (5)`.execute(database.kysely), /FOREIGN KEY/);
  await database.close();
});

Deno.test("inserts that return rows let SQLite's automatic checkpoint keep the log small", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const path = join(dir, "wal.db");
  const database = new Database(path, clock);
  try {
    // Flushing to the disk 5,000 times would measure the disk; the checkpoint does not depend on it.
    database.sqlite.exec("pragma synchronous = off; create table t (a integer primary key, b text)");
    const rows = Array.from({ length: 10 }, () => ({ a: null, b: "x".repeat(100) }));
    for (let i = 0; i < 5000; i++) {
      await database.tables<Tables>().insertInto("t").values(rows).returning("a").execute();
    }
    const { size } = await Deno.stat(`${path}-wal`);
    assert.ok(size < 8 * 1024 * 1024, `the log has ${size} bytes after 50,000 rows`);
  } finally {
    await database.close();
    await Deno.remove(dir, { recursive: true });
  }
});
