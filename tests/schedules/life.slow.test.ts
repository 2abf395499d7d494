import assert from "node:assert/strict";
import { caller } from "../support/store.ts";
import { live } from "./life.ts";
import { world } from "./support.ts";

const START = "2026-03-01T00:00:00Z";

Deno.test("eight weeks of a thousand schedules of all policies leave no instant unaccounted and none double", async () => {
  await using w = await world(START);
  const before = performance.now();
  const facts = await live(w, { schedules: 1000, days: 56, start: START, seed: 20_260_301 });
  const report = await w.prove();
  const seconds = Math.round((performance.now() - before) / 1000);
  console.log(
    `Eight weeks took ${seconds} s: ${
      JSON.stringify({ ...facts, due: report.expected, ...report.outcomes })
    }`,
  );
  assert.deepEqual(report.problems, []);
  assert.ok(report.clean && report.chain_ok);
  assert.equal(report.unaccounted, 0);
  assert.ok(report.expected >= 200_000, `${report.expected} instants are too few`);
  const { rows } = await w.tables.selectFrom("occurrences").select(({ fn }) =>
    fn.countAll<number>().as("rows")
  ).executeTakeFirstOrThrow();
  assert.equal(Number(rows), report.expected, "no row is of an instant that should not exist");
  // Every outcome there is has happened, and often, or the life was too easy.
  for (const outcome of ["ran", "skipped", "missed", "caught_up", "superseded"] as const) {
    assert.ok((report.outcomes[outcome] ?? 0) > 100, `${outcome}: ${report.outcomes[outcome]}`);
  }
  assert.ok(facts.restarts > 3 && facts.changes > 50);
  const { current_jobs } = await w.schedules.scheduler.status(caller());
  const idle = current_jobs.filter((job) => !/windows?\b/.test(job.waiting_for ?? ""));
  assert.deepEqual(idle, [], "what has not ended waits for its windows, and for nothing else");
});
