import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { Database, Maintenance, type Pruner, requireSchema } from "../../src/store/mod.ts";
import { MIGRATIONS } from "../../src/store/migrations/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";

const HOUR = 3_600_000;

/** A store with maintenance: a copy a day, two kept. The clock starts now, as files get their times from the system. */
async function maintained(
  pruners: Pruner[] = [],
  settings = { backup_every_seconds: 86_400, backup_keep: 2 },
) {
  const clock = new FakeClock(Date.now());
  const store = await tempStore(clock);
  const { database, dir } = store;
  const maintenance = new Maintenance({ database, dataDir: dir, clock, settings, pruners });
  return { ...store, clock, maintenance };
}

Deno.test("status tells schema, size, soundness and copies", async () => {
  await using store = await maintained();
  const before = await store.maintenance.status();
  assert.deepEqual(before, {
    path: store.database.path,
    size_bytes: (await Deno.stat(store.database.path)).size,
    schema: Object.keys(MIGRATIONS).at(-1),
    latest: Object.keys(MIGRATIONS).at(-1),
    pending: [],
    integrity: "ok",
    copies: [],
  });
  const { path } = await store.maintenance.backup(null, caller());
  assert.deepEqual((await store.maintenance.status()).copies, [path]);
});

Deno.test("a copy goes to the data directory, or where a caller on this host says", async () => {
  await using store = await maintained();
  const own = await store.maintenance.backup(null, caller({ on_host: false }));
  assert.match(own.path, /\/copies\/holdfast-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.db$/);
  assert.equal(own.size_bytes, (await Deno.stat(own.path)).size);
  const path = join(store.dir, "elsewhere.db");
  assert.equal((await store.maintenance.backup(path, caller())).path, path);
  const copy = new Database(path, store.clock, { readonly: true });
  await requireSchema(copy);
  await copy.close();
});

Deno.test("a copy never replaces a file, and is not written elsewhere for the network", async () => {
  await using store = await maintained();
  const path = join(store.dir, "precious.db");
  await Deno.writeTextFile(path, "precious");
  await assert.rejects(store.maintenance.backup(path, caller()), {
    kind: "conflict",
    message: `Cannot copy the database to "${path}": the file exists`,
  });
  assert.equal(await Deno.readTextFile(path), "precious");
  await Deno.symlink(join(store.dir, "nowhere"), join(store.dir, "link.db"));
  await assert.rejects(store.maintenance.backup(join(store.dir, "link.db"), caller()), { kind: "conflict" });
  await assert.rejects(store.maintenance.backup(join(store.dir, "x.db"), caller({ on_host: false })), {
    kind: "forbidden",
  });
  await assert.rejects(Deno.stat(join(store.dir, "x.db")), Deno.errors.NotFound);
});

Deno.test("the periodic work copies when a copy is due and keeps the newest few", async () => {
  await using store = await maintained();
  const copies: string[] = [];
  for (let day = 0; day < 4; day++) {
    const { copy } = await store.maintenance.run();
    assert.ok(copy !== null, `day ${day}`);
    // A copy's age is told by its file; the system's clock stands where the test began.
    await Deno.utime(copy, store.clock.now() / 1000, store.clock.now() / 1000);
    copies.push(basename(copy));
    store.clock.advance(23 * HOUR);
    assert.equal((await store.maintenance.run()).copy, null, `day ${day}, 23 hours later`);
    store.clock.advance(HOUR);
  }
  const left = (await store.maintenance.status()).copies.map((path) => basename(path));
  assert.deepEqual(left, copies.slice(2).reverse());
});

Deno.test("copies taken before migrations, and files that are not ours, are never cleared away", async () => {
  await using store = await maintained([], { backup_every_seconds: 1, backup_keep: 1 });
  const copies = join(store.dir, "copies");
  await Deno.mkdir(copies);
  for (const name of ["before-0002_x-2020.db", "mine.db", "holdfast-2020.db.txt"]) {
    await Deno.writeTextFile(join(copies, name), "");
  }
  for (let i = 0; i < 3; i++) {
    const { copy } = await store.maintenance.run();
    assert.ok(copy !== null);
    store.clock.advance(HOUR);
  }
  const names = (await Array.fromAsync(Deno.readDir(copies))).map((entry) => entry.name).sort();
  assert.equal(names.filter((name) => /^holdfast-.*\.db$/.test(name)).length, 1);
  assert.equal(names.length, 4);
});

Deno.test("no copies are taken when the period is 0, and records are forgotten all the same", async () => {
  const asked: number[] = [];
  const pruner = (name: string): Pruner => (now) => {
    asked.push(now);
    return Promise.resolve({ [name]: 3 });
  };
  await using store = await maintained([pruner("sessions"), pruner("runs")], {
    backup_every_seconds: 0,
    backup_keep: 1,
  });
  assert.deepEqual(await store.maintenance.run(), { copy: null, removed: { sessions: 3, runs: 3 } });
  assert.deepEqual(asked, [store.clock.now(), store.clock.now()]);
});

Deno.test("a copy or a pruner that fails does not stop the others, and is told", async () => {
  const done: string[] = [];
  const pruners: Pruner[] = [
    () => Promise.reject(new Error("a bad row")),
    () => {
      done.push("second");
      return Promise.resolve({});
    },
  ];
  await using store = await maintained(pruners);
  await assert.rejects(store.maintenance.run(), /a bad row/);
  assert.deepEqual(done, ["second"]);
  // A file where the copies should go.
  await Deno.remove(join(store.dir, "copies"), { recursive: true });
  await Deno.writeTextFile(join(store.dir, "copies"), "");
  await assert.rejects(store.maintenance.run());
  assert.deepEqual(done, ["second", "second"]);
});
