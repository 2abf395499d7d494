/** What the first release left behind, opened by the program of today. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { ApiKey, SecretInfo, User } from "../../src/auth/model.ts";
import { BackupSchedule } from "../../src/schedules/model.ts";
import { Server } from "../../src/servers/model.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { begin } from "../faults/life.ts";
import { theChainFits } from "../faults/sound.ts";
import { backupsOf, ledgerOf, logsOf } from "../support/backed_up.ts";
import { contentOf, loadDump } from "../support/content.ts";
import { SAMPLE_LOGIN } from "../support/freeze.ts";
import { type Sandbox, sandbox } from "../support/daemon.ts";

const GOLDEN = new URL("../golden/first-release.sql", import.meta.url);
const Migrated = z.object({ applied: z.array(z.string()), copy: z.string() });

async function firstRelease(): Promise<{ box: Sandbox; database: string }> {
  const box = await sandbox();
  await Deno.mkdir(box.dataDir, { mode: 0o700 });
  const database = box.path("state", "holdfast.db");
  loadDump(await Deno.readTextFile(GOLDEN), database);
  return { box, database };
}

Deno.test("the first release's database is brought to today's schema, and nothing of it is lost", async () => {
  const { box, database } = await firstRelease();
  await using _ = box;
  const before = tablesOf(database);
  const content = contentOf(database);
  const refused = await box.cli("schedules", "list");
  assert.equal(refused.code, 9, refused.stderr);
  assert.match(refused.stderr, /schema is older.*\nhint: run: holdfast db migrate/);

  const { applied, copy } = await box.json(Migrated, "db", "migrate");
  assert.ok(applied.length > 0 && !applied.includes("0001_frame"), applied.join(", "));
  assert.equal(contentOf(copy), content, "the copy from before is what there was");
  for (const [table, columns] of before) {
    if (table.startsWith("migrations")) continue;
    assert.deepEqual(rowsOf(database, table, columns), rowsOf(copy, table, columns), table);
  }

  const fresh = box.path("fresh");
  await Deno.mkdir(fresh);
  {
    await using _ = await begin(fresh, systemClock);
  }
  assert.deepEqual(schemaOf(database), schemaOf(`${fresh}/holdfast.db`), "old and new databases are alike");
});

Deno.test("today's commands show what the first release stored, and its users log in", async () => {
  const { box } = await firstRelease();
  await using _ = box;
  // The daemon migrates by itself.
  const { url } = await box.serve();
  const names = (rows: { name: string }[]) => rows.map((row) => row.name).sort();
  assert.deepEqual(names(await box.json(z.array(Server), "servers", "list")), ["web-1", "web-2"]);
  const schedules = await box.json(z.array(BackupSchedule), "schedules", "list");
  assert.deepEqual(names(schedules), ["defaults", "minutely", "nightly", "paused"]);
  assert.deepEqual(schedules.find((s) => s.name === "nightly")?.engine_options, {
    sources: ["/srv/holdfast-sample/data"],
    destination: "/srv/holdfast-sample/backups",
  });
  const ledger = (await ledgerOf(box, "minutely")).map((entry) => entry.outcome);
  assert.deepEqual(ledger, [
    "ran",
    "ran",
    "ran",
    "refused",
    "skipped",
    "missed",
    "missed",
    "missed",
    "missed",
    "ran",
  ]);
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.outcome), ["success"]);
  assert.equal((await backupsOf(box)).length, 3);
  assert.deepEqual(names(await box.json(z.array(User), "users", "list")), ["ada", "bob", "carl"]);
  assert.deepEqual(names(await box.json(z.array(ApiKey), "api-keys", "list")), ["agent-1"]);
  assert.deepEqual(names(await box.json(z.array(SecretInfo), "secrets", "list")), ["db-password"]);
  const answer = await fetch(`${url}/api/v1/auth/token`, {
    method: "POST",
    body: new URLSearchParams(SAMPLE_LOGIN),
  });
  assert.equal(answer.status, 200, await answer.text());
});

Deno.test("the chain that the first release began goes on and still fits", async () => {
  const { box } = await firstRelease();
  await using _ = box;
  await using life = await begin(box.dataDir, systemClock);
  await theChainFits(life);
  await life.schedules.tick();
  await life.schedules.idle();
  await theChainFits(life);
});

/** Tables with their columns. */
function tablesOf(path: string): Map<string, string[]> {
  using database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare(
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'",
  );
  return new Map(
    tables.all().map(({ name }) => [
      String(name),
      database.prepare(`pragma table_info("${name}")`).all().map((column) => String(column.name)),
    ]),
  );
}

function rowsOf(path: string, table: string, columns: string[]): unknown[] {
  using database = new DatabaseSync(path, { readOnly: true });
  const list = columns.map((column) => `"${column}"`).join(", ");
  return database.prepare(`select ${list} from "${table}" order by ${list}`).all();
}

/** The statements that made each object of a database. */
function schemaOf(path: string): string[] {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare("select sql from sqlite_master where sql is not null").all().map(({ sql }) =>
    String(sql)
  ).sort();
}
