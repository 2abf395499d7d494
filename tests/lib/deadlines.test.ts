import assert from "node:assert/strict";
import { once } from "node:events";
import { Deadlines } from "../../src/lib/deadlines.ts";

const HOUR_MS = 3_600_000;

Deno.test("each time limit ends at its own time, whatever order they were set in", async () => {
  const deadlines = new Deadlines();
  const never = deadlines.start(HOUR_MS);
  await Promise.all([20, 1, 10].map(async (ms) => {
    const started = performance.now();
    const { signal } = deadlines.start(ms);
    await once(signal, "abort");
    assert.equal(signal.reason.name, "TimeoutError");
    assert.ok(performance.now() - started >= ms, `${ms} ms ended early`);
  }));
  assert.equal(never.signal.aborted, false);
  // The test runner finds a timer that is left.
  deadlines.clear(never);
});

Deno.test("a time limit that is cleared never ends, and others go on", async () => {
  const deadlines = new Deadlines();
  const [cleared, kept] = [deadlines.start(1), deadlines.start(10)];
  deadlines.clear(cleared);
  await once(kept.signal, "abort");
  assert.equal(cleared.signal.aborted, false);
  const later = deadlines.start(1);
  await once(later.signal, "abort");
});
