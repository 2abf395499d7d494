import assert from "node:assert/strict";
import { forgetChained } from "../../src/store/mod.ts";
import { removeOutcomes } from "../../src/schedules/mod.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { Database } from "../../src/store/mod.ts";
import { verifyLedger } from "../../src/schedules/proof_operations.ts";
import { LedgerReport } from "../../src/schedules/report.ts";
import { caller } from "../support/store.ts";
import { create, gate, until, type World, world } from "./support.ts";

const hourly = { cron_expression: "0 * * * *" };

/** What a report is about, in one line. */
const gist = (report: LedgerReport) =>
  `${report.accounted}/${report.expected} accounted, ${report.unaccounted} unaccounted, ` +
  `${report.duplicates} double, chain ${report.chain_ok ? "ok" : "broken"}, ${
    report.clean ? "clean" : "not clean"
  }`;

const problems = (report: LedgerReport) =>
  report.problems.map(({ kind, schedule_name, due_at, problem }) =>
    [kind, schedule_name, due_at?.slice(0, 16), problem].filter((part) => part != null).join(" ")
  );

/** A day with schedules of several kinds, changes and downtimes. */
async function busyDay(w: World): Promise<void> {
  await create(w, { ...hourly, name: "plain" });
  await create(w, { ...hourly, name: "jittered", jitter_seconds: 900, catch_up: "latest" });
  await create(w, { name: "often", cron_expression: "*/20 * * * *", retries: 1 });
  await create(w, { name: "follower", run_after: "often" });
  await w.live("2026-01-01T03:10:00Z");
  await w.schedules.update("plain", { cron_expression: "30 * * * *" }, caller());
  await w.schedules.disable("often", caller());
  await w.live("2026-01-01T05:00:00Z");
  await w.schedules.enable("often", caller());
  await w.schedules.scheduler.stop(caller());
  await w.live("2026-01-01T07:00:00Z");
  await w.schedules.scheduler.start(caller());
  w.clock.set("2026-01-01T12:34:00Z");
  await w.restart();
  await w.schedules.tick();
  await w.schedules.delete("follower", caller());
  await w.live("2026-01-01T14:00:00Z");
}

Deno.test("a day of changes, stops and downtimes is accounted for to the last instant", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await busyDay(w);
  const report = await w.prove();
  assert.deepEqual(problems(report), []);
  const rows = await w.tables.selectFrom("occurrences").selectAll().execute();
  assert.equal(
    gist(report),
    `${rows.length}/${rows.length} accounted, 0 unaccounted, 0 double, chain ok, clean`,
  );
  assert.deepEqual(report.schedules.map((row) => row.schedule_name), [
    "follower",
    "jittered",
    "often",
    "plain",
  ]);
  assert.equal(report.head, report.chain.head);
  assert.ok(LedgerReport.parse(report));
});

Deno.test("a period has both its ends, and nothing is due before creation or after now", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-02T01:00:00Z");
  const expected = async (from?: string, to?: string) => (await w.prove(from, to)).expected;
  assert.equal(await expected(), 25);
  assert.equal(await expected("2026-01-01", "2026-01-01"), 23);
  assert.equal(await expected("2026-01-01T05:00:00Z", "2026-01-01T06:00:00Z"), 2);
  assert.equal(await expected("2026-01-01T05:00:00.001Z", "2026-01-01T05:59:59.999Z"), 0);
  assert.equal(await expected("2025-01-01", "2030-12-31"), 25);
  assert.equal(await expected("2031-01-01", "2031-12-31"), 0);
  const report = await w.prove("2025-01-01", "2030-12-31");
  assert.deepEqual([report.from, report.to], ["2025-01-01T00:00:00.000Z", "2026-01-02T01:00:00.000Z"]);
  await assert.rejects(w.prove("2026-02-01", "2026-01-01"), { kind: "invalid" });
});

Deno.test("a removed row is named, although next_run_at was moved on to hide it", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T05:00:00Z");
  const lost = "2026-01-01T03:00:00.000Z";
  await w.tables.deleteFrom("occurrences").where("due_at", "=", lost).execute();
  await w.tables.updateTable("schedules").set({ next_run_at: "2026-01-01T09:00:00.000Z" }).execute();
  w.clock.set("2026-01-01T06:05:00Z");
  const report = await w.prove();
  assert.equal(gist(report), "4/6 accounted, 2 unaccounted, 0 double, chain broken, not clean");
  assert.deepEqual(problems(report).map((text) => text.replace(/link \d+/, "link N")), [
    "unaccounted nightly 2026-01-01T03:00 it was due and has no row",
    "unaccounted nightly 2026-01-01T06:00 it was due and has no row",
    "chain nightly 2026-01-01T03:00 the row is gone (link N)",
  ]);
});

Deno.test("a row that was never written is named, without any trace in the chain", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T02:00:00Z");
  await w.tables.updateTable("schedules").set({ next_run_at: "2026-01-01T04:00:00.000Z" }).execute();
  await w.live("2026-01-01T05:00:00Z");
  const report = await w.prove();
  assert.equal(gist(report), "4/5 accounted, 1 unaccounted, 0 double, chain ok, not clean");
  assert.deepEqual(problems(report), ["unaccounted nightly 2026-01-01T03:00 it was due and has no row"]);
});

Deno.test("an altered row, an added row and an altered audit line are each found and named", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T03:00:00Z");
  const row = await w.tables.selectFrom("occurrences").selectAll().where("due_at", "like", "%T02:%")
    .executeTakeFirstOrThrow();
  await w.tables.updateTable("occurrences").set({ result: "failed" }).where("id", "=", row.id).execute();
  const { id: _, ...added } = row;
  await w.tables.insertInto("occurrences").values({ ...added, due_at: "2026-01-01T02:30:00.000Z" }).execute();
  await w.database.tables<{ audit_lines: { caller_name: string } }>().updateTable("audit_lines")
    .set({ caller_name: "somebody else" }).execute();
  const found = problems(await w.prove()).map((text) => text.replace(/link \d+/, "link N"));
  assert.deepEqual(found, [
    "chain audit 1: the row was altered (link N)",
    "chain nightly 2026-01-01T02:00 the row was altered (link N)",
    "chain nightly 2026-01-01T02:30 the row has no link",
  ]);
});

Deno.test("two rows of an instant and two runs of an attempt are double", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T01:00:00Z");
  const { sqlite } = w.database;
  // The database itself refuses them as long as it is whole.
  sqlite.exec("drop index runs_once");
  sqlite.exec("create table copied as select * from occurrences; drop table occurrences");
  sqlite.exec("alter table copied rename to occurrences; insert into occurrences select * from occurrences");
  const run = await w.tables.selectFrom("runs").selectAll().executeTakeFirstOrThrow();
  await w.tables.insertInto("runs").values({ ...run, id: "twin" }).execute();
  const report = await w.prove();
  assert.equal(report.duplicates, 2);
  assert.equal(report.clean, false);
  assert.deepEqual(problems(report), [
    "duplicate nightly 2026-01-01T01:00 it has 2 rows",
    "duplicate nightly 2026-01-01T01:00 its attempt 1 has 2 runs",
  ]);
});

Deno.test("what runs or waits is accounted for", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  const { promise, open } = gate();
  w.backups.work = () => promise;
  await create(w, { ...hourly, overlap: "queue_all" });
  for (const at of ["01", "02"]) {
    w.clock.set(`2026-01-01T${at}:00:00Z`);
    await w.schedules.tick();
  }
  await until(() => w.backups.made.length === 1);
  const report = await w.prove();
  assert.equal(gist(report), "2/2 accounted, 0 unaccounted, 0 double, chain ok, clean");
  assert.deepEqual(report.outcomes, { open: 2 });
  open();
  await w.schedules.idle();
});

Deno.test("what passed is settled first: by the daemon's tick, and by a process that starts nothing", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T01:00:00Z");
  w.clock.set("2026-01-01T02:00:05Z");
  assert.equal(gist(await w.prove()), "2/2 accounted, 0 unaccounted, 0 double, chain ok, clean");
  await w.schedules.idle();
  assert.equal((await w.ledger()).at(-1), "2026-01-01T02:00 ran success");
  w.clock.set("2026-01-01T04:00:10Z");
  await w.restart();
  const offline = await w.prove();
  // The last one is so young that a daemon that starts now still runs it.
  assert.deepEqual([offline.accounted, offline.pending, offline.clean], [3, 1, true]);
  assert.match((await w.ledger()).at(-1)!, /^2026-01-01T03:00 missed/);
  await w.schedules.tick();
  await w.schedules.idle();
  assert.equal((await w.ledger()).at(-1), "2026-01-01T04:00 ran success");
});

Deno.test("it works on a database that cannot be written, and names what nobody has settled", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T02:00:00Z");
  w.clock.set("2026-01-01T03:30:00Z");
  const database = new Database(w.database.path, w.clock, { readonly: true });
  try {
    const reader = new Schedules(w.options({ database }));
    const report = await reader.verifyLedger({ to: "2026-01-01T02:30:00Z" }, caller());
    assert.equal(gist(report), "2/2 accounted, 0 unaccounted, 0 double, chain ok, clean");
    const late = await reader.verifyLedger({}, caller());
    assert.deepEqual(problems(late), ["unaccounted nightly 2026-01-01T03:00 it was due and has no row"]);
  } finally {
    await database.close();
  }
});

Deno.test("forgotten days are accounted for by number, and a number too few is found", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, { ...hourly, name: "kept" });
  await create(w, { ...hourly, name: "robbed" });
  await w.live("2026-01-02T12:00:00Z");
  const before = Date.parse("2026-01-01T12:30:00Z");
  const forget = () =>
    forgetChained(w.database, { audit: before, outcome: before }, removeOutcomes, w.clock.now());
  const { id } = await w.schedules.get("robbed", caller());
  const whole = await w.prove();
  assert.equal(whole.pruned, 0);
  // Removed before it was forgotten: neither row nor summary tells of it.
  const lost = { schedule_id: id, due_at: "2026-01-01T05:00:00.000Z" };
  await w.tables.deleteFrom("occurrences").where("schedule_id", "=", id).where("due_at", "=", lost.due_at)
    .execute();
  assert.ok(await forget() > 0);
  const report = await w.prove();
  assert.equal(report.expected, whole.expected);
  assert.deepEqual([report.unaccounted, report.pruned, report.chain_ok], [1, 23, true]);
  assert.match(
    problems(report)[0]!,
    /^unaccounted robbed 1 instants between 2026-01-01T01:00:00.000Z and 2026-01-01T12:00:00.000Z have neither row nor summary$/,
  );
  const kept = report.schedules.find((row) => row.schedule_name === "kept");
  assert.deepEqual([kept?.expected, kept?.accounted, kept?.pruned], [36, 36, 12]);
  // Days that were not forgotten are clean by themselves.
  assert.equal((await w.prove("2026-01-02")).clean, true);
});

Deno.test("a report is given to whoever sees every server, and a bad one ends a command with 20", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T02:00:00Z");
  const ask = (as: Parameters<World["ask"]>[2]) => w.ask(verifyLedger, {}, as);
  const user = { kind: "user", name: "bob", on_host: false } as const;
  await assert.rejects(ask({ ...user, role: "user" }), { kind: "forbidden" });
  await assert.rejects(ask({ ...user, role: "operator", servers: [1] }), { kind: "forbidden" });
  const good = LedgerReport.parse(await ask({ ...user, role: "operator" }));
  assert.equal(verifyLedger.cli?.exit?.(good), 0);
  assert.match(
    verifyLedger.cli!.text!(good),
    /2 of 2 due instants are accounted for: 2 ran\n0 unaccounted, 0 double/,
  );
  await w.tables.deleteFrom("occurrences").where("due_at", "like", "%T01:%").execute();
  const bad = LedgerReport.parse(await ask({ ...user, role: "operator" }));
  assert.equal(verifyLedger.cli?.exit?.(bad), 20);
  assert.match(
    verifyLedger.cli!.text!(bad),
    /- nightly at 2026-01-01T01:00:00.000Z: it was due and has no row/,
  );
});

Deno.test("a clock that was set back, with changes in between, leaves nothing unaccounted", async () => {
  await using w = await world("2026-01-01T00:30:00Z");
  await create(w, hourly);
  await w.live("2026-01-01T04:10:00Z");
  for (const back of ["2026-01-01T02:10:00Z", "1970-01-01T00:00:00Z", "2026-01-01T01:30:00Z"]) {
    w.clock.set(back);
    await w.schedules.tick();
    assert.equal((await w.prove()).clean, true, back);
  }
  await w.schedules.update("nightly", { cron_expression: "15 * * * *" }, caller());
  await w.live("2026-01-01T06:00:00Z");
  assert.deepEqual(problems(await w.prove()), []);
});
