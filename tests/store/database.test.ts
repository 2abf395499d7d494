import assert from "node:assert/strict";
import type { Generated } from "kysely";
import { join } from "node:path";
import { type AuditTables, type ChainTables, Database } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";
import { smallDisk } from "./small_disk.ts";

const clock = new FakeClock("2026-01-02T03:04:05Z");

interface Notes {
  notes: { id: Generated<number>; text: string; flag?: number | null };
}

/** A store with a table of the test's own. */
async function noteStore() {
  const store = await tempStore(clock);
  await store.database.kysely.schema.createTable("notes")
    .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("text", "text", (c) => c.notNull().unique())
    .addColumn("flag", "integer")
    .execute();
  return store;
}

const countOf = async (database: Database, table: "notes" | "audit_lines" | "chain"): Promise<number> => {
  const { n } = await database.tables<Notes & AuditTables & ChainTables>().selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as("n")).executeTakeFirstOrThrow();
  return Number(n);
};

Deno.test("a change and its audit line commit together", async () => {
  await using store = await noteStore();
  const ada = caller({ kind: "user", id: 1, name: "ada", operation: "notes.create", address: "192.0.2.7" });
  const id = await store.database.change(ada, async (change) => {
    const { id } = await change.tables<Notes>().insertInto("notes").values({ text: "a" }).returning("id")
      .executeTakeFirstOrThrow();
    change.audit({ target: `notes/${id}`, after: { text: "a", password: "hunter2" } });
    return id;
  });
  const [line] = await store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll().execute();
  assert.deepEqual({ ...line }, {
    id: 1,
    at: "2026-01-02T03:04:05.000Z",
    caller_kind: "user",
    caller_id: 1,
    caller_name: "ada",
    role: "admin",
    address: "192.0.2.7",
    request_id: "test",
    operation: "notes.create",
    target: `notes/${id}`,
    before: null,
    after: '{"text":"a","password":"***"}',
    outcome: "ok",
  });
  assert.equal(ada.trail.lines, 1);
  assert.equal(await countOf(store.database, "chain"), 1);
});

Deno.test("a change that throws leaves neither rows nor audit lines, and counts none", async () => {
  await using store = await noteStore();
  const ada = caller();
  const failure = new Error("after the insert");
  await assert.rejects(
    store.database.change(ada, async (change) => {
      change.audit({ target: "notes/1" });
      await change.tables<Notes>().insertInto("notes").values({ text: "a" }).execute();
      throw failure;
    }),
    failure,
  );
  assert.equal(await countOf(store.database, "notes"), 0);
  assert.equal(await countOf(store.database, "audit_lines"), 0);
  assert.equal(await countOf(store.database, "chain"), 0);
  assert.equal(ada.trail.lines, 0);
});

Deno.test("a change whose audit line cannot be written is undone", async () => {
  await using store = await noteStore();
  await store.database.kysely.schema.dropTable("audit_lines").execute();
  await assert.rejects(store.database.change(caller(), async (change) => {
    await change.tables<Notes>().insertInto("notes").values({ text: "a" }).execute();
    change.audit({ target: "notes/1" });
  }));
  assert.equal(await countOf(store.database, "notes"), 0);
});

Deno.test("a full disk is an exhausted error, and leaves neither the change nor its audit line", async () => {
  await using disk = await smallDisk();
  if (disk === null) return;
  await using store = await noteStore();
  const path = join(disk.dir, "full.db");
  store.database.sqlite.exec(`vacuum into '${path}'`);
  const full = new Database(path, clock);
  try {
    await assert.rejects(
      full.change(caller(), async (change) => {
        change.audit({ target: "notes/many" });
        for (let i = 0; i < 4000; i++) {
          await change.tables<Notes>().insertInto("notes").values({ text: `${i} ${"x".repeat(1000)}` })
            .execute();
        }
      }),
      { kind: "exhausted", message: /^Cannot write database ".*full\.db": the disk is full$/ },
    );
    assert.equal(await countOf(full, "notes"), 0);
    assert.equal(await countOf(full, "audit_lines"), 0);
    // The connection works on: nothing is left open.
    await full.change(caller(), async (change) => {
      await change.tables<Notes>().insertInto("notes").values({ text: "small" }).execute();
      change.audit({ target: "notes/1" });
    });
    assert.equal(await countOf(full, "audit_lines"), 1);
  } finally {
    await full.close();
  }
});

Deno.test("a read-only database answers and refuses writes", async () => {
  await using store = await noteStore();
  await store.database.tables<Notes>().insertInto("notes").values({ text: "a" }).execute();
  const reader = new Database(store.database.path, clock, { readonly: true });
  try {
    assert.equal(await countOf(reader, "notes"), 1);
    await assert.rejects(reader.tables<Notes>().insertInto("notes").values({ text: "b" }).execute(), {
      kind: "unavailable",
      message: /: it is read-only$/,
    });
  } finally {
    await reader.close();
  }
});

Deno.test("opening for reading never creates a file", async () => {
  await using store = await noteStore();
  const path = join(store.dir, "absent.db");
  assert.throws(() => new Database(path, clock, { readonly: true }), { kind: "unavailable" });
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("the database is readable by its owner alone, and so is its log", async () => {
  await using store = await noteStore();
  for (const suffix of ["", "-wal", "-shm"]) {
    assert.equal((await Deno.stat(store.database.path + suffix)).mode! & 0o777, 0o600, suffix);
  }
});

Deno.test("a file that is no database is refused as damaged, for writing and for reading", async () => {
  await using store = await noteStore();
  const path = join(store.dir, "junk.db");
  await Deno.writeTextFile(path, "this is not a database, and long enough to be looked at ".repeat(20));
  assert.throws(() => new Database(path, clock), { kind: "unavailable", code: "database_damaged" });
  const reader = new Database(path, clock, { readonly: true });
  await assert.rejects(reader.tables<Notes>().selectFrom("notes").selectAll().execute(), {
    kind: "unavailable",
    code: "database_damaged",
    hint: /holdfast db restore/,
  });
  await reader.close();
});

Deno.test("a corrupt page is named as damage when a query meets it", async () => {
  await using store = await noteStore();
  const rows = Array.from({ length: 400 }, (_, i) => ({ text: `${i} ${"x".repeat(400)}` }));
  await store.database.tables<Notes>().insertInto("notes").values(rows).execute();
  const path = join(store.dir, "corrupt.db");
  store.database.sqlite.exec(`vacuum into '${path}'`);
  const file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  for (let page = 20; page * 4096 < size; page++) {
    await file.seek(page * 4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(64).fill(0xff));
  }
  file.close();
  const reader = new Database(path, clock, { readonly: true });
  await assert.rejects(reader.tables<Notes>().selectFrom("notes").selectAll().execute(), {
    kind: "unavailable",
    code: "database_damaged",
  });
  await reader.close();
});

Deno.test("what another connection holds is unavailable, not an internal error", async () => {
  await using store = await noteStore();
  const other = new Database(store.database.path, clock);
  store.database.sqlite.exec("pragma busy_timeout = 10");
  other.sqlite.exec("begin immediate");
  await assert.rejects(store.database.tables<Notes>().insertInto("notes").values({ text: "b" }).execute(), {
    kind: "unavailable",
    message: /another process holds it/,
  });
  other.sqlite.exec("rollback");
  await other.close();
});
