/** File events hurry a scan up; without them nothing is lost. */
import assert from "node:assert/strict";
import { DepositWatch } from "../../src/monitor/scan/watch.ts";
import { until } from "../support/wait.ts";
import { reportA } from "./report_samples.ts";
import { scanWorld } from "./scan_world.ts";

Deno.test("a report is judged soon after it arrived, without a tick", async () => {
  await using world = await scanWorld();
  const watch = new DepositWatch(world.deposit, world.scanner, world.clock);
  watch.ensure();
  watch.ensure();
  assert.ok(watch.active);
  try {
    await world.report("1.json", reportA());
    await until("the report to be judged", () => {
      if (world.clock.sleeping > 0) world.clock.advance(1000);
      return world.judge.judged.length === 1;
    });
    await world.report("2.json", reportA({ end: "2026-03-02T13:30:00Z" }));
    await until("the next report to be judged", () => {
      if (world.clock.sleeping > 0) world.clock.advance(1000);
      return world.judge.judged.length === 2;
    });
  } finally {
    watch.stop();
  }
  assert.equal(watch.active, false);
  watch.ensure();
  assert.equal(watch.active, false, "what was stopped stays so");
});

Deno.test("a deposit that cannot be watched is left to the tick, and watched once it is there", async () => {
  await using world = await scanWorld();
  await Deno.rename(world.deposit, `${world.deposit}.away`);
  const watch = new DepositWatch(world.deposit, world.scanner, world.clock);
  watch.ensure();
  assert.equal(watch.active, false);
  await Deno.rename(`${world.deposit}.away`, world.deposit);
  watch.ensure();
  assert.equal(watch.active, true);
  watch.stop();
});
