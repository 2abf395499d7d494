import assert from "node:assert/strict";
import { sql } from "kysely";
import {
  appendChain,
  auditDigest,
  type AuditTables,
  CHAIN_START,
  type ChainEntry,
  type ChainReport,
  type ChainTables,
  type Database,
  digestOf,
  hashOf,
  pruneChain,
  strayAuditLines,
  verifyChain,
} from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, type TempStore, tempStore } from "../support/store.ts";

const clock = new FakeClock("2026-01-02T03:04:05Z");

/** A store with `count` linked outcomes, and the rows they stand for. */
async function chained(count: number): Promise<TempStore & { rows: Map<string, string> }> {
  const store = await tempStore(clock);
  const rows = new Map<string, string>();
  await append(store.database, rows, 1, count);
  return { ...store, rows };
}

async function append(
  database: Database,
  rows: Map<string, string>,
  from: number,
  to: number,
): Promise<void> {
  const entries: ChainEntry[] = [];
  for (let i = from; i <= to; i++) {
    const digest = digestOf([i, "ran"]);
    rows.set(String(i), digest);
    entries.push({ kind: "outcome", ref: String(i), digest });
  }
  await database.transaction((tx) => appendChain(tx, entries, clock.now()));
}

/** Prunes links up to `last`, and the rows they stand for. */
async function prune(
  store: { database: Database; rows: Map<string, string> },
  last: number,
): Promise<boolean> {
  const { database, rows } = store;
  const links = await chainOf(database).selectFrom("chain").select("ref").where("seq", "<=", last)
    .where("kind", "=", "outcome").execute();
  for (const link of links) rows.delete(link.ref);
  return await database.transaction((tx) => pruneChain(tx, last, `{"up_to":${last}}`, clock.now()));
}

const chainOf = (database: Database) => database.tables<ChainTables>();

function verify({ database, rows }: { database: Database; rows: Map<string, string> }): Promise<ChainReport> {
  return verifyChain(chainOf(database), {
    audit: () => Promise.resolve(new Map()),
    outcome: (refs) =>
      Promise.resolve(new Map(refs.flatMap((ref) => rows.has(ref) ? [[ref, rows.get(ref)!]] : []))),
  });
}

const problems = (report: ChainReport) =>
  report.problems.map((p) => `${p.seq} ${p.kind} ${p.ref}: ${p.problem}`);

Deno.test("links are numbered from 1, each fits the one before, and the head is the newest hash", async () => {
  await using store = await chained(3);
  const links = await chainOf(store.database).selectFrom("chain").selectAll().orderBy("seq").execute();
  assert.deepEqual(links.map((link) => link.seq), [1, 2, 3]);
  assert.equal(links[0]!.prev_hash, CHAIN_START);
  assert.equal(links[1]!.prev_hash, links[0]!.hash);
  assert.equal(links[2]!.prev_hash, links[1]!.hash);
  const { hash, ...open } = links[2]!;
  assert.equal(hashOf(open), hash);
  assert.deepEqual(await verify(store), { ok: true, links: 3, head: hash, pruned_links: 0, problems: [] });
});

Deno.test("an empty chain is sound", async () => {
  await using store = await chained(0);
  const report = await verify(store);
  assert.deepEqual([report.ok, report.links, report.head], [true, 0, CHAIN_START]);
});

Deno.test("a chain of several pages and inserts is sound", async () => {
  await using store = await chained(2500);
  const report = await verify(store);
  assert.deepEqual([report.ok, report.links], [true, 2500]);
});

Deno.test("whatever is done to rows or links afterwards is named", async () => {
  const cases: [string, (store: Awaited<ReturnType<typeof chained>>) => unknown, string[]][] = [
    ["a row altered", ({ rows }) => rows.set("4", digestOf([4, "skipped"])), [
      "4 outcome 4: the row was altered",
    ]],
    ["a row removed", ({ rows }) => rows.delete("4"), ["4 outcome 4: the row is gone"]],
    [
      "a link altered",
      ({ database }) =>
        chainOf(database).updateTable("chain").set({ at: "2020" }).where("seq", "=", 4).execute(),
      ["4 outcome 4: the link itself was altered"],
    ],
    [
      "a row and its link's digest altered",
      async ({ database, rows }) => {
        const digest = digestOf([4, "skipped"]);
        rows.set("4", digest);
        await chainOf(database).updateTable("chain").set({ digest }).where("seq", "=", 4).execute();
      },
      ["4 outcome 4: the link itself was altered"],
    ],
    [
      "a row and its whole link altered",
      async ({ database, rows }) => {
        const digest = digestOf([4, "skipped"]);
        rows.set("4", digest);
        const { hash: _, ...link } = await chainOf(database).selectFrom("chain").selectAll().where(
          "seq",
          "=",
          4,
        )
          .executeTakeFirstOrThrow();
        await chainOf(database).updateTable("chain").set({ digest, hash: hashOf({ ...link, digest }) })
          .where("seq", "=", 4).execute();
      },
      ["5 outcome 5: does not fit the link before"],
    ],
    [
      "a link removed",
      ({ database }) => chainOf(database).deleteFrom("chain").where("seq", "=", 4).execute(),
      ["5 outcome 5: links 4 to 4 are missing"],
    ],
    [
      "links removed and the rest numbered anew",
      async ({ database }) => {
        await chainOf(database).deleteFrom("chain").where("seq", "in", [4, 5]).execute();
        await chainOf(database).updateTable("chain").set({ seq: 4 }).where("seq", "=", 6).execute();
      },
      ["4 outcome 6: does not fit the link before", "4 outcome 6: the link itself was altered"],
    ],
    [
      "a link inserted",
      async ({ database, rows }) => {
        rows.set("99", "d");
        await sql`update chain set seq = seq + 100 where seq >= 4`.execute(database.kysely);
        await sql`update chain set seq = seq - 99 where seq >= 100`.execute(database.kysely);
        const { hash: prev_hash } = await chainOf(database).selectFrom("chain").select("hash").where(
          "seq",
          "=",
          3,
        )
          .executeTakeFirstOrThrow();
        const open = { seq: 4, at: "2026", kind: "outcome" as const, ref: "99", digest: "d", prev_hash };
        await chainOf(database).insertInto("chain").values({ ...open, hash: hashOf(open) }).execute();
      },
      ["5 outcome 4: does not fit the link before", "5 outcome 4: the link itself was altered"],
    ],
    [
      "two links exchanged",
      async ({ database }) => {
        for (const [from, to] of [[3, 100], [4, 3], [100, 4]] as const) {
          await chainOf(database).updateTable("chain").set({ seq: to }).where("seq", "=", from).execute();
        }
      },
      ["3 outcome 4: does not fit the link before", "3 outcome 4: the link itself was altered"],
    ],
  ];
  for (const [name, tamper, expected] of cases) {
    await using store = await chained(6);
    await tamper(store);
    const report = await verify(store);
    assert.equal(report.ok, false, name);
    assert.deepEqual(problems(report).slice(0, expected.length), expected, name);
  }
});

Deno.test("a row linked twice is judged by its newest link", async () => {
  await using store = await chained(3);
  const digest = digestOf([2, "corrected"]);
  store.rows.set("2", digest);
  await store.database.transaction((tx) =>
    appendChain(tx, [{ kind: "outcome", ref: "2", digest }], clock.now())
  );
  assert.deepEqual(problems(await verify(store)), []);
});

Deno.test("a pruned chain closes over the gap and counts what is gone", async () => {
  await using store = await chained(10);
  assert.equal(await prune(store, 6), true);
  const report = await verify(store);
  assert.deepEqual(problems(report), []);
  assert.deepEqual([report.links, report.pruned_links], [5, 6]);
  await append(store.database, store.rows, 11, 12);
  assert.deepEqual(problems(await verify(store)), []);
});

Deno.test("pruning again and again stays verifiable, earlier summaries included", async () => {
  await using store = await chained(5);
  let next = 6;
  for (const last of [3, 8, 9, 14]) {
    assert.equal(await prune(store, last), true, `up to ${last}`);
    await append(store.database, store.rows, next, next + 4);
    next += 5;
    assert.deepEqual(problems(await verify(store)), [], `up to ${last}`);
  }
  const contents = await chainOf(store.database).selectFrom("chain_summaries").select("content").orderBy(
    "first_seq",
  )
    .execute();
  assert.deepEqual(contents.map((row) => row.content), [3, 8, 9, 14].map((last) => `{"up_to":${last}}`));
});

Deno.test("pruning everything leaves a sound chain, and pruning nothing or only summaries does nothing", async () => {
  await using store = await chained(4);
  assert.equal(await prune(store, 0), false);
  assert.equal(await prune(store, 4), true);
  assert.deepEqual(problems(await verify(store)), []);
  assert.equal(await prune(store, 5), false);
  assert.equal((await verify(store)).links, 1);
  await append(store.database, store.rows, 5, 6);
  assert.deepEqual(problems(await verify(store)), []);
});

Deno.test("a summary that was altered, removed or added is named", async () => {
  const cases: [string, (database: Database) => Promise<unknown>, RegExp][] = [
    [
      "content",
      (db) => chainOf(db).updateTable("chain_summaries").set({ content: "{}" }).execute(),
      /summary 1-6: the summary was altered or added/,
    ],
    [
      "last hash",
      (db) => chainOf(db).updateTable("chain_summaries").set({ last_hash: CHAIN_START }).execute(),
      /7 outcome 7: does not fit the link before/,
    ],
    [
      "a longer range, to hide a removed link",
      async (db) => {
        await chainOf(db).deleteFrom("chain").where("seq", "=", 7).execute();
        const { prev_hash } = await chainOf(db).selectFrom("chain").select("prev_hash").where("seq", "=", 8)
          .executeTakeFirstOrThrow();
        await chainOf(db).updateTable("chain_summaries").set({ last_seq: 7, last_hash: prev_hash }).execute();
      },
      /summary 1-7: the summary was altered or added/,
    ],
    ["removed", (db) => chainOf(db).deleteFrom("chain_summaries").execute(), /links 1 to 6 are missing/],
    [
      "added, to hide a removed link",
      async (db) => {
        const links = await chainOf(db).selectFrom("chain").selectAll().where("seq", "in", [8, 9]).orderBy(
          "seq",
        )
          .execute();
        const [gone, after] = [links[0]!, links[1]!];
        await chainOf(db).deleteFrom("chain").where("seq", "=", 8).execute();
        await chainOf(db).insertInto("chain_summaries").values({
          seq: 8,
          first_seq: 8,
          last_seq: 8,
          prev_hash: gone.prev_hash,
          last_hash: after.prev_hash,
          content: "{}",
        }).execute();
      },
      /summary 8-8: the summary was altered or added/,
    ],
  ];
  for (const [name, tamper, expected] of cases) {
    await using store = await chained(10);
    await prune(store, 6);
    await tamper(store.database);
    const report = await verify(store);
    assert.equal(report.ok, false, name);
    assert.match(problems(report).join("\n"), expected, name);
  }
});

Deno.test("an audit line's digest covers every field, each in its own place", () => {
  const line = {
    id: 1,
    at: "2026-01-02T03:04:05.000Z",
    caller_kind: "user",
    caller_id: 2,
    caller_name: "ada",
    role: "admin",
    address: null,
    request_id: "r",
    operation: "users.create",
    target: "users/bob",
    before: null,
    after: "{}",
    outcome: "ok",
  };
  // Pinned: chains that exist were written with this order.
  assert.equal(
    auditDigest(line),
    digestOf([
      1,
      line.at,
      "user",
      2,
      "ada",
      "admin",
      null,
      "r",
      "users.create",
      "users/bob",
      null,
      "{}",
      "ok",
    ]),
  );
  const seen = new Set([auditDigest(line)]);
  const changed = [
    ...Object.keys(line).map((key) => ({ ...line, [key]: key === "id" || key === "caller_id" ? 9 : "x" })),
    { ...line, before: "{}", after: null },
    { ...line, operation: "users/bob", target: "users.create" },
    { ...line, address: "null" },
  ];
  for (const other of changed) seen.add(auditDigest(other));
  assert.equal(seen.size, changed.length + 1);
});

Deno.test("audit lines altered, removed or written past Holdfast are named", async () => {
  await using store = await tempStore(clock);
  const { database } = store;
  for (const target of ["a", "b", "c"]) {
    await database.change(caller(), (change) => Promise.resolve(change.audit({ target })));
  }
  const audit = async (refs: readonly string[]) => {
    const lines = await database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
      .where("id", "in", refs.map(Number)).execute();
    return new Map(lines.map((line) => [String(line.id), auditDigest(line)]));
  };
  const verifyAudit = () =>
    verifyChain(chainOf(database), { audit, outcome: () => Promise.resolve(new Map()) }, {
      audit: () => strayAuditLines(database.tables<AuditTables & ChainTables>()),
    });
  assert.deepEqual(problems(await verifyAudit()), []);
  await sql`update audit_lines set outcome = 'forbidden' where id = 1`.execute(database.kysely);
  await sql`delete from audit_lines where id = 2`.execute(database.kysely);
  await sql`insert into audit_lines select 9, at, caller_kind, caller_id, 'mallory', role, address, request_id,
    operation, target, before, after, outcome from audit_lines where id = 3`.execute(database.kysely);
  assert.deepEqual(problems(await verifyAudit()), [
    "1 audit 1: the row was altered",
    "2 audit 2: the row is gone",
    "0 audit 9: the row has no link",
  ]);
});
