/** A report over HTTP is judged like one that was found, with the files in the deposit. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Scanner } from "../../src/monitor/scan/scanner.ts";
import { reportA, reportB } from "./report_samples.ts";
import { AGENT, hashOf, type ScanWorld, scanWorld, whileMoving } from "./scan_world.ts";

const GOOD = { sha256: hashOf("dump"), size: 4 };
const submit = (world: ScanWorld, document: unknown, agent = AGENT) =>
  whileMoving(world.clock, world.scanner.submit(agent, document));

Deno.test("the file it names is read once it is still, and a good one is kept", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, "dump");
  const verdicts = await submit(world, reportB(GOOD));
  assert.deepEqual(verdicts.map((one) => one.status), ["ok"]);
  assert.equal(world.judge.kept.length, 1);
  const { origin } = world.judge.judged[0]!;
  assert.deepEqual([origin.way, origin.file_name, origin.agent_id], ["http", null, AGENT]);
});

Deno.test("what is wrong with it is answered field by field", async () => {
  await using world = await scanWorld();
  await assert.rejects(submit(world, { ...reportA(GOOD), databases: { shop: {} } }), {
    kind: "invalid",
    errors: ["BACKUP", "COMPRESS", "TRANSFER"].map((phase) => ({
      path: `databases.shop.${phase}`,
      message: "is required",
    })),
  });
  await assert.rejects(submit(world, reportA(GOOD), "ACME_LYON_SOUTH"), {
    kind: "invalid",
    message: /agent_id must be "ACME_LYON_SOUTH", the agent that sends it/,
  });
  await assert.rejects(submit(world, reportA({ ...GOOD, agent: ".." }), ".."), { kind: "invalid" });
  assert.equal(world.judge.judged.length, 0);
});

Deno.test("files that are not there, and a deposit that is not, are told apart", async () => {
  await using world = await scanWorld();
  await submit(world, reportA(GOOD));
  await Deno.remove(join(world.deposit, AGENT), { recursive: true });
  await submit(world, reportA({ ...GOOD, end: "2026-03-02T13:10:00Z" }));
  const { judge, clock } = world;
  const settings = { deposit_root: null, final_root: null, scan_minutes: 1 };
  const scanner = new Scanner({ judge, clock, settings });
  await scanner.submit(AGENT, reportA({ ...GOOD, end: "2026-03-02T13:20:00Z" }));
  await assert.rejects(scanner.scan(new AbortController().signal), {
    kind: "invalid",
    message: "Cannot scan: there is no deposit",
  });
  assert.deepEqual(judge.judged.map((one) => one.files.get("shop")), [
    { state: "absent" },
    undefined,
    { state: "unreadable", reason: "there is no deposit to look for it in (monitor.deposit_root)" },
  ]);
  scanner.tick();
  await scanner.idle();
  assert.deepEqual(judge.scans, [clock.now()], "deadlines are judged without a deposit too");
});
