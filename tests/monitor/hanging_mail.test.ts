import assert from "node:assert/strict";
import { whileMoving } from "./scan_world.ts";
import { reportA } from "./report_samples.ts";
import { described, sites } from "./site_world.ts";

Deno.test("a mail server that hangs delays no scan and no judgement", async () => {
  await using world = await sites();
  world.mail.behaviour = "hang";
  const agent = "ACME_PARIS_NORTH";
  await world.expect(agent, "shop");
  for (const [minute, failed] of [["04", ["BACKUP"]], ["05", []]] as const) {
    world.clock.set(`2026-03-02T13:${minute}:30Z`);
    await world.put(`${agent}/databases/shop.sql.zst`, `content ${minute}`);
    const end = `2026-03-02T13:${minute}:00Z`;
    const report = reportA({ agent, end, failed, ...described(`content ${minute}`) });
    await world.put(`${agent}/log/20260302_13${minute}00_${agent}.json`, JSON.stringify(report));
    // Ends although nobody has taken the mail about the first one.
    await whileMoving(world.clock, world.monitor.scanner.scan(new AbortController().signal));
    await world.monitor.tick();
    assert.deepEqual(await world.entries("2026-03-02"), [failed.length > 0 ? "shop failed" : "shop ok"]);
  }
  assert.deepEqual(world.subjects(), []);
  const waiting = await world.local("GET", "/api/v1/notify/outbox");
  assert.equal(waiting.length, 2);
});
