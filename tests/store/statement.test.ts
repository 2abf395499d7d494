import assert from "node:assert/strict";
import { Database, preparedRows, statement, tablesOf } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";

interface Tables {
  t: { a: number; b: string };
}

Deno.test("a statement built once answers each value with its own rows, in a transaction too", async () => {
  const database = new Database(":memory:", new FakeClock(0));
  database.sqlite.exec("create table t (a integer primary key, b text)");
  const t = database.tables<Tables>();
  await t.insertInto("t").values([{ a: 1, b: "one" }, { a: 2, b: "two" }]).execute();
  let built = 0;
  const find = statement<Tables, Tables["t"], number>(-1, (db, a) => {
    built++;
    return db.selectFrom("t").selectAll().where("a", "=", a).where("b", "!=", "none");
  });
  const texts = async (a: number) => (await find(t, a)).map((row) => row.b);
  assert.deepEqual([await texts(1), await texts(2), await texts(3), await texts(1)], [["one"], ["two"], [], [
    "one",
  ]]);
  assert.equal(built, 1);
  await database.transaction(async (tx) => {
    await tablesOf<Tables>(tx).updateTable("t").set({ b: "new" }).where("a", "=", 1).execute();
    assert.deepEqual((await find(tablesOf<Tables>(tx), 1)).map((row) => row.b), ["new"]);
  });
  await database.close();
});

Deno.test("a statement of rows takes any number of them, built once for each power of two", async () => {
  const database = new Database(":memory:", new FakeClock(0));
  database.sqlite.exec("create table t (a integer primary key, b text)");
  const t = database.tables<Tables>();
  let built = 0;
  const add = preparedRows<Tables, Pick<Tables["t"], "a">, Tables["t"]>((db, rows) => {
    built++;
    return db.insertInto("t").values(rows.map(({ a, b }) => ({ a, b }))).returning("a");
  });
  const rowsOf = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => ({ a: from + i, b: `text ${from + i}` }));
  let stored = 0;
  for (const count of [0, 1, 3, 700, 513]) {
    const wanted = rowsOf(count, stored);
    assert.deepEqual(
      (await add(t, wanted)).map(({ a }) => a).sort((a, b) => a - b),
      wanted.map(({ a }) => a),
    );
    stored += count;
  }
  const kept = await t.selectFrom("t").selectAll().orderBy("a").execute();
  assert.deepEqual(kept.map(({ a, b }) => ({ a, b })), rowsOf(stored, 0));
  // 700 is 512 + 128 + 32 + 16 + 8 + 4, and 3 is 2 + 1.
  assert.equal(built, 8);
  await database.close();
});
