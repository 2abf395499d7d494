import assert from "node:assert/strict";
import {
  appendChain,
  auditDigest,
  type AuditTables,
  type ChainTables,
  digestOf,
  forgetChained,
  strayAuditLines,
  verifyChain,
} from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";

const DAY = 86_400_000;

/** A store that writes audit lines and outcomes, and can check all of them. */
async function history() {
  const clock = new FakeClock("2026-01-01T00:00:00Z");
  const store = await tempStore(clock);
  const { database } = store;
  const outcomes = new Map<string, string>();
  const chain = database.tables<AuditTables & ChainTables>();
  return {
    ...store,
    clock,
    outcomes,
    audit: (target: string) =>
      database.change(caller(), (change) => Promise.resolve(change.audit({ target }))),
    outcome: (ref: string) => {
      const digest = digestOf([ref]);
      outcomes.set(ref, digest);
      return database.transaction((tx) => appendChain(tx, [{ kind: "outcome", ref, digest }], clock.now()));
    },
    forget: (audit: number | null, outcome: number | null) =>
      forgetChained(
        database,
        {
          audit: audit === null ? null : clock.now() - audit * DAY,
          outcome: outcome === null ? null : clock.now() - outcome * DAY,
        },
        (_tx, refs) => {
          for (const ref of refs) outcomes.delete(ref);
          return Promise.resolve(refs);
        },
        clock.now(),
      ),
    problems: async () => {
      const report = await verifyChain(chain, {
        audit: async (refs) => {
          const lines = await chain.selectFrom("audit_lines").selectAll().where("id", "in", refs.map(Number))
            .execute();
          return new Map(lines.map((line) => [String(line.id), auditDigest(line)]));
        },
        outcome: () => Promise.resolve(outcomes),
      }, { audit: () => strayAuditLines(chain) });
      return report.problems;
    },
    targets: async () =>
      (await chain.selectFrom("audit_lines").select("target").orderBy("id").execute()).map((row) =>
        row.target
      ),
    summaries: async () =>
      (await chain.selectFrom("chain_summaries").select("content").orderBy("first_seq").execute())
        .map((row): unknown => JSON.parse(row.content)),
  };
}

/** One audit line and one outcome a day: a1, o1, a2, o2... */
async function days(store: Awaited<ReturnType<typeof history>>, from: number, to: number): Promise<void> {
  for (let day = from; day <= to; day++) {
    await store.audit(`a${day}`);
    await store.outcome(`o${day}`);
    store.clock.advance(DAY);
  }
}

Deno.test("what is older than its days goes, and a summary says what it was", async () => {
  await using store = await history();
  await days(store, 1, 5);
  assert.equal(await store.forget(2, 2), 6);
  assert.deepEqual(await store.targets(), ["a4", "a5"]);
  assert.deepEqual([...store.outcomes.keys()], ["o4", "o5"]);
  assert.deepEqual(await store.summaries(), [{
    from: "2026-01-01T00:00:00.000Z",
    to: "2026-01-03T00:00:00.000Z",
    audit_lines: 3,
    outcomes: ["o1", "o2", "o3"],
  }]);
  assert.deepEqual(await store.problems(), []);
});

Deno.test("a kind with fewer days waits for the kind with more, and one kept for ever keeps both", async () => {
  await using store = await history();
  await days(store, 1, 5);
  // a1, o1 and a2: the first that must stay is o2.
  assert.equal(await store.forget(1, 4), 3);
  assert.equal(await store.forget(1, null), 0);
  assert.deepEqual([...store.outcomes.keys()], ["o2", "o3", "o4", "o5"]);
  assert.deepEqual(await store.problems(), []);
});

Deno.test("forgetting every day for a month leaves a chain that verifies and does not grow when nothing happens", async () => {
  await using store = await history();
  for (let day = 1; day <= 30; day++) {
    await days(store, day, day);
    await store.forget(3, 3);
    assert.deepEqual(await store.problems(), [], `day ${day}`);
  }
  assert.deepEqual(await store.targets(), ["a28", "a29", "a30"]);
  assert.equal((await store.summaries()).length, 27);
  store.clock.advance(30 * DAY);
  await store.forget(3, 3);
  const { length } = await store.summaries();
  for (let day = 0; day < 5; day++) {
    store.clock.advance(DAY);
    assert.equal(await store.forget(3, 3), 0);
  }
  assert.equal((await store.summaries()).length, length);
  assert.deepEqual(await store.problems(), []);
});

Deno.test("a remover that fails leaves rows and links as they were", async () => {
  await using store = await history();
  await days(store, 1, 3);
  const { database, clock } = store;
  const failing = () => Promise.reject(new Error("no"));
  await assert.rejects(
    forgetChained(database, { audit: clock.now(), outcome: clock.now() }, failing, clock.now()),
  );
  assert.deepEqual(await store.targets(), ["a1", "a2", "a3"]);
  assert.deepEqual(await store.problems(), []);
});
