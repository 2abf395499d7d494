/** No half-copied file is judged: one has to look the same for two seconds of the given clock. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isThere } from "../support/files.ts";
import { until } from "../support/wait.ts";
import { reportA } from "./report_samples.ts";
import { AGENT, hashOf, scanWorld, whileMoving } from "./scan_world.ts";

const WHOLE = "first half, second half";
const GOOD = { sha256: hashOf(WHOLE), size: WHOLE.length };

Deno.test("a scan that was asked for waits until the file is whole, and then judges it", async () => {
  await using world = await scanWorld();
  const path = await world.put(`${AGENT}/databases/shop.sql.zst`, "first half");
  await world.report("1.json", reportA(GOOD));
  const scan = world.scanner.scan(new AbortController().signal);
  await until("the scan to wait", () => world.clock.sleeping > 0);
  assert.equal(world.judge.judged.length, 0);
  await Deno.writeTextFile(path, WHOLE);
  const result = await whileMoving(world.clock, scan);
  assert.deepEqual([result.reports.judged, result.reports.waiting], [1, 0]);
  const file = world.judge.judged[0]?.files.get("shop");
  assert.ok(file?.state === "present" && file.sha256 === GOOD.sha256);
});

Deno.test("a scan that came by itself leaves a file that is being written to the next one", async () => {
  await using world = await scanWorld();
  const path = await world.put(`${AGENT}/databases/shop.sql.zst`, "first half");
  const report = await world.report("1.json", reportA(GOOD));
  world.scanner.tick();
  await until("the scan to wait", () => world.clock.sleeping > 0);
  await Deno.writeTextFile(path, WHOLE);
  await whileMoving(world.clock, world.scanner.idle());
  assert.equal(world.judge.judged.length, 0);
  assert.ok(await isThere(report));
  world.clock.advance(60_000);
  world.scanner.tick();
  await whileMoving(world.clock, world.scanner.idle());
  assert.equal(world.judge.judged.length, 1);
  assert.equal(await isThere(report), false);
});

Deno.test("a file that is put in place while the scan waits is not judged as absent", async () => {
  await using world = await scanWorld();
  await world.report("1.json", reportA(GOOD));
  const scan = world.scanner.scan(new AbortController().signal);
  await until("the scan to wait", () => world.clock.sleeping > 0);
  await world.put(`${AGENT}/databases/shop.sql.zst`, WHOLE);
  await whileMoving(world.clock, scan);
  assert.equal(world.judge.judged[0]?.files.get("shop")?.state, "present");
});

Deno.test("many files are waited for once, not one after the other", async () => {
  await using world = await scanWorld({ final_root: null });
  for (let at = 0; at < 450; at++) {
    await world.put(`${AGENT}/databases/f${at}`, `${at}`);
    await world.report(`${1000 + at}.json`, reportA({ file: `f${at}`, sha256: hashOf(`${at}`) }));
  }
  const before = world.clock.now();
  const result = await world.scan();
  assert.equal(result.reports.judged, 450);
  assert.deepEqual([...new Set(result.backups.map((one) => one.status))], ["ok"]);
  assert.equal(world.clock.now() - before, 2000);
});

Deno.test("ticks come when they are due, and are merged with a scan under way", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, WHOLE);
  await world.report("1.json", reportA(GOOD));
  world.scanner.tick();
  world.scanner.tick();
  world.scanner.begin();
  await whileMoving(world.clock, world.scanner.idle());
  assert.equal(world.judge.samples.length, 2, "one scan of two roots");
  world.scanner.tick();
  await world.scanner.idle();
  assert.equal(world.judge.samples.length, 2, "not due yet");
  // A clock that was set back must not stop it.
  world.clock.advance(-3_600_000);
  world.scanner.tick();
  await whileMoving(world.clock, world.scanner.idle());
  assert.equal(world.judge.samples.length, 4);
});

Deno.test("a scan that is stopped ends at once, and the next one goes on", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, WHOLE);
  const report = await world.report("1.json", reportA(GOOD));
  const impatient = new AbortController();
  const scan = world.scanner.scan(impatient.signal);
  await until("the scan to wait", () => world.clock.sleeping > 0);
  impatient.abort(new Error("interrupted"));
  await assert.rejects(scan, /interrupted/);
  assert.ok(await isThere(report));
  assert.equal(world.scanner.state.last_error, null);
  assert.equal((await world.scan()).reports.judged, 1);
  assert.ok(await isThere(join(world.final, "ACME/PARIS/2026/shop/20260302T130000Z_shop.sql.zst")));
});
