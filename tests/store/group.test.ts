import assert from "node:assert/strict";
import type { Generated } from "kysely";
import { prepared, tablesOf } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { tempStore } from "../support/store.ts";

const clock = new FakeClock("2026-01-02T03:04:05Z");

interface Notes {
  notes: { id: Generated<number>; text: string };
}

async function store() {
  const made = await tempStore(clock);
  made.database.sqlite.exec("create table notes (id integer primary key, text text not null)");
  return made;
}

const insert = prepared<Notes, unknown, { text: string }>((db, { text }) =>
  db.insertInto("notes").values({ text })
);
const find = prepared<Notes, { id: number; text: string }, { text: string; least: number }>((db, v) =>
  db.selectFrom("notes").selectAll().where("text", "=", v.text).where("id", ">=", v.least)
);

Deno.test("a prepared statement takes other values each time, each in its place", async () => {
  await using made = await store();
  const db = made.database.tables<Notes>();
  for (const text of ["a", "b", "a"]) {
    assert.equal((await insert(db, { text })).numAffectedRows, 1n);
  }
  const ids = async (text: string, least: number) =>
    (await find(db, { text, least })).rows.map((row) => row.id);
  assert.deepEqual(await ids("a", 0), [1, 3]);
  assert.deepEqual(await ids("a", 2), [3]);
  assert.deepEqual(await ids("b", 0), [2]);
  assert.deepEqual(await ids("c", 0), []);
});

Deno.test("changes asked for at the same moment are one commit, each with its own answer", async () => {
  await using made = await store();
  const { database } = made;
  let transactions = 0;
  const begin = database.transaction.bind(database);
  database.transaction = (work) => {
    transactions++;
    return begin(work);
  };
  const write = (text: string) =>
    database.grouped(async (tx) => {
      await insert(tablesOf<Notes>(tx), { text });
      return text.toUpperCase();
    });
  assert.deepEqual(await Promise.all(["a", "b", "c"].map(write)), ["A", "B", "C"]);
  assert.equal(transactions, 1);
  assert.equal(await write("d"), "D");
  assert.equal(transactions, 2);
});

Deno.test("one that fails takes no other with it, and is told so itself", async () => {
  await using made = await store();
  const { database } = made;
  const results = await Promise.allSettled([
    database.grouped((tx) => insert(tablesOf<Notes>(tx), { text: "before" })),
    database.grouped(async (tx) => {
      await insert(tablesOf<Notes>(tx), { text: "bad" });
      throw new Error("on purpose");
    }),
    database.grouped((tx) => insert(tablesOf<Notes>(tx), { text: "after" })),
  ]);
  assert.deepEqual(results.map((result) => result.status), ["fulfilled", "rejected", "fulfilled"]);
  const rows = await database.tables<Notes>().selectFrom("notes").select("text").orderBy("id").execute();
  assert.deepEqual(rows.map((row) => row.text), ["before", "after"]);
});

Deno.test("many changes are committed in parts, in their order", async () => {
  await using made = await store();
  const texts = Array.from({ length: 1000 }, (_, i) => `note ${i}`);
  await Promise.all(
    texts.map((text) => made.database.grouped((tx) => insert(tablesOf<Notes>(tx), { text }))),
  );
  const rows = await made.database.tables<Notes>().selectFrom("notes").select("text").orderBy("id").execute();
  assert.deepEqual(rows.map((row) => row.text), texts);
});
