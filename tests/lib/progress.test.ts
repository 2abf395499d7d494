import assert from "node:assert/strict";
import { type Progress, watchWork } from "../../src/lib/progress.ts";

const at = (done_bytes: number): Progress => ({ phase: "read", done_bytes, done_items: 0 });

Deno.test("watched work yields how far it is, the newest only, and at last its result", async () => {
  const end = Promise.withResolvers<string>();
  let tell: (update: Progress) => void = () => {};
  const events = watchWork((report) => {
    tell = report;
    return end.promise;
  }, () => assert.fail("nobody went away"))[Symbol.asyncIterator]();
  for (const done of [1, 2, 3]) tell(at(done));
  assert.deepEqual((await events.next()).value, { type: "progress", ...at(3) });
  const waiting = events.next();
  tell(at(4));
  assert.deepEqual((await waiting).value, { type: "progress", ...at(4) });
  tell(at(5));
  end.resolve("done");
  await end.promise;
  assert.deepEqual((await events.next()).value, { type: "progress", ...at(5) });
  assert.deepEqual((await events.next()).value, { type: "result", result: "done" });
  assert.equal((await events.next()).done, true);
});

Deno.test("work that says nothing yields its result alone, and what fails throws what it threw", async () => {
  const quiet = watchWork(() => Promise.resolve(null), () => {});
  assert.deepEqual(await Array.fromAsync(quiet), [{ type: "result", result: null }]);
  const failed = watchWork((report) => {
    report(at(1));
    return Promise.reject(new Error("full"));
  }, () => {});
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const event of failed) seen.push(event);
  }, /full/);
  assert.equal(seen.length, 1);
});

Deno.test("a reader that goes away, also while it waits, ends the work and sees it ended", async () => {
  const away = new AbortController();
  let ended = false;
  const events = watchWork(() =>
    new Promise<never>((_, reject) => {
      away.signal.addEventListener("abort", () => {
        ended = true;
        reject(new Error("abandoned"));
      });
    }), () => away.abort())[Symbol.asyncIterator]();
  const waiting = assert.rejects(Promise.resolve(events.next()), /abandoned/);
  assert.equal((await events.return?.())?.done, true);
  assert.equal(ended, true);
  await waiting;
  assert.equal((await events.next()).done, true);
});
