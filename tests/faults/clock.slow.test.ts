/** A clock that jumps, with the real services, engine and files: whatever it shows, each instant has its one outcome. */
import assert from "node:assert/strict";
import type { SchedulesTables } from "../../src/schedules/mod.ts";
import type { FaultStep } from "../../src/schedules/options.ts";
import { begin, type Life, SetClock } from "./life.ts";
import { MINUTE, START, type World, worldOf } from "./mortal.ts";
import { nothingIsOpen, theCatalogueIsWhatIsThere, theLedgerIsClean } from "./sound.ts";
import { Tally } from "./tally.ts";

const clockTally = new Tally("clock");
const HOUR = 60 * MINUTE;
const TEN = 10 * MINUTE;

const JUMPS: Record<string, (now: number) => number> = {
  "an hour ahead": (now) => now + HOUR,
  "an hour back": (now) => now - HOUR,
  "a day ahead": (now) => now + 24 * HOUR,
  "back to 1970": () => 0,
};

/** Lives through so many instants at which all is due, from where the clock stands. */
async function instants(life: Life, clock: SetClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.set((Math.floor(clock.now() / TEN) + 1) * TEN);
    await life.schedules.tick();
    await life.schedules.idle();
  }
}

/** The world, after the clock stood right again for a while, in this life and in the next. */
async function isSoundLater(w: World, life: Life, clock: SetClock, at: number): Promise<void> {
  clock.set(at);
  await instants(life, clock, 2);
  await nothingIsOpen(life);
  await theLedgerIsClean(life);
  await theCatalogueIsWhatIsThere(life, w.destination);
  const rows = await life.database.tables<SchedulesTables>().selectFrom("occurrences").selectAll()
    .orderBy("due_at").execute();
  assert.equal(new Set(rows.map((row) => `${row.schedule_id} ${row.due_at}`)).size, rows.length);
  const latest = rows.filter((row) => Date.parse(row.due_at) > at).map((row) => row.outcome);
  assert.ok(latest.length >= 4 && latest.every((outcome) => outcome === "ran"), "it goes on as before");
}

const SCHEDULES = [
  { name: "plain" },
  { name: "eager", only_when_running: true, catch_up: "all", catch_up_window_seconds: 1800 },
  { name: "after", run_after: "plain", cron_expression: undefined },
].map((fields) => ({ cron_expression: "*/10 * * * *", only_when_running: false, ...fields }));

for (const [what, jump] of Object.entries(JUMPS)) {
  Deno.test(`a clock that jumps ${what} and right again loses no instant and starts none twice`, async () => {
    await using w = await worldOf(SCHEDULES);
    await clockTally.survive(async () => {
      const clock = new SetClock(START);
      {
        await using life = await begin(w.dataDir, clock);
        await instants(life, clock, 2);
        const right = clock.now();
        clock.set(jump(right));
        await instants(life, clock, 2);
        await theLedgerIsClean(life);
        clock.set(right + 2 * TEN);
        await instants(life, clock, 2);
        await theLedgerIsClean(life);
        // Time that was shown and accounted for is not lived again: it goes on after that.
        await isSoundLater(w, life, clock, right + 26 * HOUR);
      }
      // A process that begins while the clock is wrong has nothing else to go by.
      clock.set(jump(clock.now()));
      await using life = await begin(w.dataDir, clock);
      await instants(life, clock, 2);
      await isSoundLater(w, life, clock, START + 60 * HOUR);
    });
  });
}

Deno.test("a clock set back during a run leaves the run, its instant and its backup right", async () => {
  await using w = await worldOf(SCHEDULES);
  await clockTally.survive(async () => {
    const clock = new SetClock(START);
    let set = false;
    const fault = (step: FaultStep) => {
      if (step !== "run-begun" || set) return;
      set = true;
      clock.set(clock.now() - 2 * HOUR);
    };
    await using life = await begin(w.dataDir, clock, fault);
    await instants(life, clock, 1);
    assert.ok(set, "it was set back");
    const [run] = await life.database.tables<SchedulesTables>().selectFrom("runs").selectAll().execute();
    assert.equal(run?.outcome, "success");
    await instants(life, clock, 2);
    await isSoundLater(w, life, clock, START + 3 * HOUR);
  });
});
