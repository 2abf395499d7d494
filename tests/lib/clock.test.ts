import assert from "node:assert/strict";
import { freeBytes } from "../../src/lib/disk.ts";
import { iso, systemClock } from "../../src/lib/clock.ts";

Deno.test("iso() writes UTC with milliseconds", () => {
  assert.equal(iso(0), "1970-01-01T00:00:00.000Z");
});

Deno.test("a sleep ends with the signal's reason, at once or later, and leaves no timer", async () => {
  const reason = new Error("stop");
  await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort(reason);
  await assert.rejects(sleeping, reason);
  await systemClock.sleep(1, new AbortController().signal);
});

Deno.test("a sleep of months is no sleep of nothing", async () => {
  const stop = new AbortController();
  let over = false;
  const sleeping = systemClock.sleep(90 * 86_400_000, stop.signal).then(() => over = true, () => {});
  await systemClock.sleep(20);
  assert.equal(over, false);
  stop.abort();
  await sleeping;
});

Deno.test("free space is a number of bytes, and a missing path is an error", async () => {
  assert.ok(await freeBytes("/") > 0);
  await assert.rejects(freeBytes("/no/such/place"));
});
