/** kill -9, with real processes, the real engine and a real disk: at each named step of a run, and at any moment. */
import assert from "node:assert/strict";
import { FAULT_STEPS } from "../../src/schedules/options.ts";
import { live, MINUTE, Mortal, START, worldOf } from "./mortal.ts";
import { FAULTS, Tally } from "./tally.ts";

const steps = new Tally("steps");

for (const step of FAULT_STEPS) {
  Deno.test(`a process killed at ${step} leaves the old state or the new one, and its successor goes on`, async () => {
    const nightly = { name: "nightly", only_when_running: false };
    // Only what waits is resumed.
    const after = { name: "after", run_after: "nightly", only_when_running: false };
    await using w = await worldOf(step === "resume-committed" ? [nightly, after] : [nightly]);
    const { dataDir } = w;
    await steps.survive(async () => {
      // Far enough in that old copies have to go too.
      const fate = { dataDir, from: START + MINUTE / 2, minutes: 5, step: { name: step, visit: 4 } };
      assert.equal(await live(fate), true, "the step was reached");
      await w.check(START + 4 * MINUTE);
      assert.equal(await live({ dataDir, from: START + 4.5 * MINUTE, minutes: 2 }), false);
      await w.check(START + 6 * MINUTE);
      const ledger = await w.ledger("nightly");
      assert.deepEqual(ledger.slice(0, 3), ["00:01 ran success", "00:02 ran success", "00:03 ran success"]);
      assert.match(ledger[3] ?? "", /^00:04 (ran|missed) (success|interrupted|null)$/);
      assert.deepEqual(ledger.slice(4), ["00:05 ran success", "00:06 ran success"]);
    });
  });
}

const kills = new Tally("kills");
const KILLS = FAULTS.kills.least;
/** Kills in one data directory. */
const KILLS_PER_WORLD = 25;
/** More minutes than a life has time for. */
const MINUTES = 10;

Deno.test(`${KILLS} kills at any moment: every minute has its one outcome, and no backup is half`, async () => {
  // A fixed sequence, so that what is tried does not change; where it hits does.
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const outcomes: string[] = [];
  let worlds = KILLS / KILLS_PER_WORLD;
  const lane = async () => {
    while (worlds-- > 0) outcomes.push(...await killInOneWorld(random));
  };
  await Promise.all([lane(), lane()]);
  const words = [...Map.groupBy(outcomes, (word) => word)].map(([word, rows]) => `${rows.length} ${word}`);
  console.log(`After ${KILLS} kills: ${words.join(", ")}`);
});

/** Many lives of three schedules; returns what became of each instant. */
async function killInOneWorld(random: (below: number) => number): Promise<string[]> {
  await using w = await worldOf([
    { name: "one", only_when_running: false },
    { name: "two", only_when_running: true },
    { name: "three", only_when_running: false },
  ]);
  let from = START + MINUTE / 2;
  // The next one is loaded while this one lives.
  let next = new Mortal();
  for (let killed = 0; killed < KILLS_PER_WORLD;) {
    await using mortal = next;
    next = new Mortal();
    await mortal.live({ dataDir: w.dataDir, from, minutes: MINUTES });
    // Every third one while it settles what the one before left, however long that takes on this machine today.
    if (killed % 3 !== 0) assert.equal(await mortal.said(), "begun");
    await new Promise((resolve) => setTimeout(resolve, random(250)));
    mortal.kill();
    const isKilled = await mortal.end();
    from += MINUTES * MINUTE;
    const check = () => w.check(from - MINUTE / 2);
    if (isKilled) {
      await kills.survive(check);
      killed++;
    } else await check();
    from += random(3) * MINUTE;
  }
  await using last = next;
  await last.live({ dataDir: w.dataDir, from, minutes: 2 });
  assert.equal(await last.end(), false);
  await w.check(from + MINUTE);
  const ledger = await w.ledger();
  assert.equal(
    ledger.length,
    3 * ((from - START - MINUTE / 2) / MINUTE + 2),
    "every minute of three schedules",
  );
  return ledger.map((row) => row.slice(6));
}
