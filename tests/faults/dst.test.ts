/** Changes to and from summer time, with every rule for them, and a restart in the middle of each. */
import assert from "node:assert/strict";
import { create, world } from "../schedules/support.ts";
import { Tally } from "./tally.ts";

const dst = new Tally("dst");
const MINUTE = 60_000;

for (
  const [zone, change] of [
    ["Europe/Paris", "2026-03-29T01:00Z"],
    ["Europe/Paris", "2026-10-25T01:00Z"],
    ["America/New_York", "2026-03-08T07:00Z"],
    ["America/New_York", "2026-11-01T06:00Z"],
    ["America/Santiago", "2026-04-05T03:00Z"],
    ["America/Santiago", "2026-09-06T04:00Z"],
    // Half an hour only.
    ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ] as const
) {
  Deno.test(`around ${change} in ${zone} each real minute runs once, and every rule's instants are accounted for`, async () => {
    await dst.survive(async () => {
      const from = Date.parse(change) - 45 * MINUTE;
      await using w = await world(new Date(from).toISOString());
      await create(w, { timezone: zone });
      for (const rule of ["standard", "skip", "wall"] as const) {
        await create(w, { name: rule, timezone: zone, dst: rule, cron_expression: "*/10 0-3,22-23 * * *" });
      }
      await w.live(new Date(from + 50 * MINUTE).toISOString());
      await w.restart();
      await w.live(new Date(from + 90 * MINUTE).toISOString());
      const { id } = await w.tables.selectFrom("schedules").select("id").where("name", "=", "nightly")
        .executeTakeFirstOrThrow();
      const rows = await w.tables.selectFrom("occurrences").selectAll().where("schedule_id", "=", id)
        .orderBy("due_at").execute();
      assert.deepEqual(
        rows.map((row) => `${row.due_at} ${row.outcome}`),
        Array.from({ length: 90 }, (_, i) => `${new Date(from + (i + 1) * MINUTE).toISOString()} ran`),
      );
      const report = await w.prove();
      assert.deepEqual([report.problems, report.clean], [[], true]);
      assert.deepEqual(Object.keys(report.outcomes), ["ran"], "at no rule did anything go by");
      assert.equal(report.schedules.length, 4);
    });
  });
}
