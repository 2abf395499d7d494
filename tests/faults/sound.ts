/** What must hold whenever the program has settled what a kill left: between any two lives, and after the last. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { SchedulesTables } from "../../src/schedules/mod.ts";
import { type AuditTables, type ChainTables, strayAuditLines, verifyChain } from "../../src/store/mod.ts";
import { caller } from "../support/store.ts";
import type { Life } from "./life.ts";

const MANIFEST = ".manifest.json";

/** Asserts all of it, of schedules that are due every minute; `destination` is where all backups of this data directory go. */
export async function isSound(life: Life, destination: string): Promise<void> {
  await nothingIsOpen(life);
  await everyInstantHasOneOutcome(life);
  await theLedgerIsClean(life);
  await theCatalogueIsWhatIsThere(life, destination);
}

/** Asserts what `holdfast ledger verify` asks: each instant that should exist has its outcome, and the chain fits. */
export async function theLedgerIsClean({ schedules }: Pick<Life, "schedules">): Promise<void> {
  const report = await schedules.verifyLedger({}, caller());
  assert.deepEqual(report.problems, []);
  assert.ok(report.clean);
}

/** Asserts that nothing is stuck: no run, no instant, no backup in the making. */
export async function nothingIsOpen({ database }: Life): Promise<void> {
  const db = database.tables<SchedulesTables & { backup_makes: { id: string } }>();
  assert.deepEqual(await db.selectFrom("runs").selectAll().where("status", "=", "running").execute(), []);
  assert.deepEqual(
    await db.selectFrom("occurrences").selectAll().where("state", "!=", "settled").execute(),
    [],
  );
  assert.deepEqual(await db.selectFrom("backup_makes").selectAll().execute(), []);
}

async function everyInstantHasOneOutcome({ database }: Life): Promise<void> {
  const db = database.tables<SchedulesTables>();
  const runs = await db.selectFrom("runs").selectAll().execute();
  for (const table of ["run_counts", "run_days"] as const) {
    const ended = await db.selectFrom(table).select(({ fn }) => fn.sum<number | null>("runs").as("runs"))
      .executeTakeFirstOrThrow();
    assert.equal(Number(ended.runs ?? 0), runs.length, `ended runs are counted exactly in ${table}`);
  }
  for (const schedule of await db.selectFrom("schedules").selectAll().execute()) {
    const rows = await db.selectFrom("occurrences").selectAll().where("schedule_id", "=", schedule.id)
      .orderBy("due_at").execute();
    // Every minute from the first on, the next one being the first without a row; who follows another has no next one.
    const due = [
      ...rows.map((row) => row.due_at),
      ...(schedule.next_run_at === null ? [] : [schedule.next_run_at]),
    ];
    const first = Date.parse(due[0] ?? "");
    assert.deepEqual(due, due.map((_, i) => new Date(first + i * 60_000).toISOString()), schedule.name);
    assert.ok(rows.every((row) => row.outcome !== null), "each has its outcome");
    const own = runs.filter((run) => run.schedule_id === schedule.id && run.due_at !== null);
    assert.deepEqual(
      own.map((run) => `${run.due_at} ${run.id} ${run.outcome}`).sort(),
      rows.filter((row) => row.run_id !== null).map((row) => `${row.due_at} ${row.run_id} ${row.result}`)
        .sort(),
      "the ledger and the runs tell the same",
    );
  }
}

/** Asserts that the hash chain fits the rows it stands for. */
export async function theChainFits({ database, services }: Life): Promise<void> {
  const report = await verifyChain(database.tables<ChainTables>(), {
    audit: services.auth.audit.digests,
    outcome: (refs) => services.schedules.ledger.digests(refs),
  }, { audit: () => strayAuditLines(database.tables<AuditTables & ChainTables>()) });
  assert.deepEqual(report.problems, []);
}

/** Asserts that every listed backup is whole, and that nothing else lies beside them. */
export async function theCatalogueIsWhatIsThere(
  { services, database }: Life,
  destination: string,
): Promise<void> {
  const listed = await services.backups.list({ limit: 1000, offset: 0 }, caller());
  for (const backup of listed) {
    assert.equal(backup.status, "completed");
    const bytes = await Deno.readFile(backup.path);
    assert.equal(bytes.length, backup.size_bytes);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), backup.sha256, backup.name);
  }
  // What a look at the destination was killed at is taken away by the next look, not by a start.
  const names = (await Array.fromAsync(Deno.readDir(destination))).map((entry) => entry.name)
    .filter((name) => name !== ".holdfast-probe");
  const files = names.map((name) => `${destination}/${name}`).sort();
  assert.deepEqual(files, listed.flatMap(({ path }) => [path, path + MANIFEST]).sort(), "no other file");
  const db = database.tables<SchedulesTables & { backups: { id: string } }>();
  const ever = new Set((await db.selectFrom("backups").select("id").execute()).map((row) => row.id));
  for (const run of await db.selectFrom("runs").selectAll().where("outcome", "=", "success").execute()) {
    assert.ok(run.backup_id !== null && ever.has(run.backup_id), "a success has its backup");
  }
}
