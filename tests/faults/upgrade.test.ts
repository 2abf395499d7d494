/** The first release's database, taken over by the program of today, on a day long after. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { SchedulesTables } from "../../src/schedules/mod.ts";
import { loadDump } from "../support/content.ts";
import { begin, SetClock } from "./life.ts";
import { nothingIsOpen, theLedgerIsClean } from "./sound.ts";
import { Tally } from "./tally.ts";

const GOLDEN = new URL("../golden/first-release.sql", import.meta.url);

Deno.test("what the first release left is taken over: its ledger stays, and the time since is accounted for", async () => {
  await new Tally("upgrade").survive(async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "holdfast-upgrade-" });
    try {
      await Deno.chmod(dataDir, 0o700);
      loadDump(await Deno.readTextFile(GOLDEN), join(dataDir, "holdfast.db"));
      await using life = await begin(dataDir, new SetClock(Date.parse("2026-03-31T12:00:30Z")));
      const db = life.database.tables<SchedulesTables>();
      const before = await db.selectFrom("occurrences").selectAll().execute();
      assert.ok(before.length >= 5);
      await life.schedules.tick();
      await life.schedules.idle();
      await nothingIsOpen(life);
      await theLedgerIsClean(life);
      const after = await db.selectFrom("occurrences").selectAll().execute();
      assert.deepEqual(after.slice(0, before.length), before);
      assert.ok(after.length > before.length, "what was due since has its rows");
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }
  });
});
