import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteEngine } from "../../../../src/backups/engines/sqlite.ts";
import type { SqliteOptions } from "../../../../src/backups/engines/sqlite/options.ts";
import { dumpConformance, type DumpFixture, type DumpScene } from "../dump_conformance.ts";
import { inTempDir, RecordingContext } from "../context.ts";

/** A database in WAL mode, with the last changes in the log only, held open as an application does. */
function fillDatabase(file: string, size: "small" | "large"): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec("pragma journal_mode = wal; pragma wal_autocheckpoint = 0");
  database.exec(`create table people (id integer primary key, name text not null, photo blob);
    create table "odd "" name" (a, b);`);
  const insert = database.prepare("insert into people (name, photo) values (?, ?)");
  const rows = size === "small" ? 50 : 200;
  database.exec("begin");
  for (let i = 0; i < rows; i++) {
    insert.run(`Ada ${i} ünïcode`, crypto.getRandomValues(new Uint8Array(size === "small" ? 100 : 60_000)));
  }
  database.exec("commit");
  database.exec("pragma wal_checkpoint(truncate)");
  insert.run("only in the log", null);
  return database;
}

const dump = (file: string) => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("select * from people order by id").all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
};

const fixture: DumpFixture<SqliteOptions> = {
  engine: sqliteEngine,
  suffix: ".sqlite.zst",
  content: () => "app.db",
  options: ({ dir, destination }) => ({ database: join(dir, "app.db"), destination }),
  fill({ dir }: DumpScene, size) {
    // Held open on purpose: the copy is made while the application runs.
    open.push(fillDatabase(join(dir, "app.db"), size));
    return Promise.resolve();
  },
  compare({ dir }, file) {
    assert.deepEqual(dump(file), dump(join(dir, "app.db")));
    for (const database of open.splice(0)) database.close();
    return Promise.resolve();
  },
  gone: {
    options: ({ dir, destination }) => ({ database: join(dir, "gone.db"), destination }),
    says: /gone\.db" does not exist/,
  },
};
const open: DatabaseSync[] = [];

dumpConformance(fixture);
dumpConformance({
  ...fixture,
  name: "sqlite without compression",
  suffix: ".sqlite",
  options: (scene) => ({ ...fixture.options(scene), compression: "none" as const }),
});

const never = new RecordingContext();

/** Makes one of `options` under a name of its own. */
const make = (options: SqliteOptions, context = never) =>
  sqliteEngine.make({ options, name: "nightly-1", labels: {} }, context);

Deno.test("sqlite: a file that is no database, and one that is damaged, are no backup", async () => {
  await inTempDir(async (dir) => {
    const destination = join(dir, "backups");
    await Deno.writeTextFile(
      join(dir, "text"),
      "this is text, and long enough to be taken for a header".repeat(50),
    );
    await assert.rejects(make({ database: join(dir, "text"), destination }), {
      kind: "invalid",
      message: `Cannot copy database "${join(dir, "text")}": it is not a SQLite database`,
    });
    fillDatabase(join(dir, "app.db"), "small").close();
    const bytes = await Deno.readFile(join(dir, "app.db"));
    bytes.fill(0xff, 4096, 4096 + 64);
    await Deno.writeFile(join(dir, "app.db"), bytes);
    await assert.rejects(make({ database: join(dir, "app.db"), destination }), { code: "source_damaged" });
    assert.deepEqual([...Deno.readDirSync(destination)], []);
  });
});

Deno.test("sqlite: a database that is written to all the time is copied as of one moment", async () => {
  await inTempDir(async (dir) => {
    const file = join(dir, "app.db");
    using database = new DatabaseSync(file);
    database.exec("pragma journal_mode = wal; create table pairs (a integer, b integer)");
    const insert = database.prepare("insert into pairs values (?, ?)");
    let written = 0;
    const writing = setInterval(() => insert.run(written, written++), 0);
    try {
      const artifact = await make({ database: file, destination: join(dir, "backups"), compression: "none" });
      using copy = new DatabaseSync(artifact.path, { readOnly: true });
      const { count, highest } = {
        ...copy.prepare("select count(*) count, max(a) highest from pairs").get(),
      };
      assert.equal(Number(count), Number(highest ?? -1) + 1);
    } finally {
      clearInterval(writing);
    }
  });
});

Deno.test("sqlite: a forced restore removes the journal of the database it replaces", async () => {
  await inTempDir(async (dir) => {
    const file = join(dir, "app.db");
    using before = fillDatabase(file, "small");
    const artifact = await make({ database: file, destination: join(dir, "backups") });
    const expected = dump(file);
    before.exec("delete from people");
    assert.ok((await Deno.stat(`${file}-wal`)).size > 0);
    const request = { target: dir, patterns: [], force: true, owners: false };
    await sqliteEngine.restore({ ...artifact }, request, never);
    await assert.rejects(Deno.stat(`${file}-wal`), Deno.errors.NotFound);
    assert.deepEqual(dump(file), expected);
  });
});
