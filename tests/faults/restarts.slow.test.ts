/** Restarts, one after the other, while one and the same instant is being worked on. */
import assert from "node:assert/strict";
import type { SchedulesTables } from "../../src/schedules/mod.ts";
import { begin, SetClock } from "./life.ts";
import { MINUTE, Mortal, START, worldOf } from "./mortal.ts";
import { nothingIsOpen, theCatalogueIsWhatIsThere, theLedgerIsClean } from "./sound.ts";
import { FAULTS, Tally } from "./tally.ts";

const restarts = new Tally("restarts");
const RESTARTS = FAULTS.restarts.least;

Deno.test(`an instant whose process is killed ${RESTARTS} times at work is tried again each time, and succeeds`, async () => {
  await using w = await worldOf([{
    name: "yearly",
    cron_expression: "1 0 1 1 *",
    only_when_running: false,
    retries: RESTARTS,
    retry_delay_seconds: 1,
    retry_factor: 1,
  }]);
  const { dataDir } = w;
  let from = START + MINUTE / 2;
  let next = new Mortal();
  for (let restart = 0; restart < RESTARTS; restart++) {
    await using mortal = next;
    next = new Mortal();
    await restarts.survive(async () => {
      // Twice: once at the beginning of the run, once when its backup is made but not yet recorded as its own.
      const step = { name: restart % 2 === 0 ? "run-begun" : "backup-made", visit: 1 };
      await mortal.live({ dataDir, from, minutes: 3, step });
      assert.equal(await mortal.end(), true, `the run began for the ${restart + 1}th time`);
      from += 5 * MINUTE;
      await using life = await begin(dataDir, new SetClock(from - MINUTE));
      await theLedgerIsClean(life);
      await theCatalogueIsWhatIsThere(life, w.destination);
      const db = life.database.tables<SchedulesTables>();
      assert.deepEqual(
        (await db.selectFrom("runs").selectAll().orderBy("attempt").execute()).map((run) => run.outcome),
        Array.from({ length: restart + 1 }, () => "interrupted"),
      );
      const open = await db.selectFrom("occurrences").selectAll().execute();
      assert.deepEqual(open.map(({ state, attempt }) => [state, attempt]), [["claimed", restart + 2]]);
    });
  }
  await using last = next;
  await last.live({ dataDir, from, minutes: 3 });
  assert.equal(await last.end(), false);
  await using life = await begin(dataDir, new SetClock(from + 5 * MINUTE));
  await nothingIsOpen(life);
  await theLedgerIsClean(life);
  const rows = await life.database.tables<SchedulesTables>().selectFrom("occurrences").selectAll().execute();
  assert.deepEqual(rows.map(({ outcome, result, attempt }) => [outcome, result, attempt]), [
    ["ran", "success", RESTARTS + 1],
  ]);
});
