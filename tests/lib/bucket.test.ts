import assert from "node:assert/strict";
import { Buckets } from "../../src/lib/bucket.ts";

Deno.test("a bucket gives its burst at once, then its rate", () => {
  const buckets = new Buckets({ perMinute: 60, burst: 3 });
  assert.deepEqual([1, 2, 3].map(() => buckets.take("a", 0)), [0, 0, 0]);
  assert.equal(buckets.take("a", 0), 1);
  assert.equal(buckets.take("a", 999), 1);
  assert.equal(buckets.take("a", 1000), 0);
  assert.equal(buckets.take("a", 1000), 1);
});

Deno.test("the wait told is the wait needed", () => {
  for (const perMinute of [1, 7, 10, 1200]) {
    const buckets = new Buckets({ perMinute, burst: 1 });
    assert.equal(buckets.take("a", 0), 0);
    const wait = buckets.take("a", 0);
    assert.equal(wait, Math.ceil(60 / perMinute));
    assert.equal(buckets.take("a", wait * 1000), 0, `${perMinute} a minute`);
  }
});

Deno.test("a long silence fills the bucket to its burst and no further", () => {
  const buckets = new Buckets({ perMinute: 60, burst: 2 });
  buckets.take("a", 0);
  const day = 86_400_000;
  assert.deepEqual([1, 2, 3].map(() => buckets.take("a", day)), [0, 0, 1]);
});

Deno.test("keys do not share tokens", () => {
  const buckets = new Buckets({ perMinute: 1, burst: 1 });
  assert.equal(buckets.take("a", 0), 0);
  assert.equal(buckets.take("b", 0), 0);
  assert.notEqual(buckets.take("a", 0), 0);
});

Deno.test("a clock that goes back gives nothing, takes nothing, and goes on counting from there", () => {
  const buckets = new Buckets({ perMinute: 60, burst: 2 });
  const now = 10_000_000;
  buckets.take("a", now);
  assert.equal(buckets.take("a", now - 3_600_000), 0, "the second token of the burst is still there");
  assert.equal(buckets.take("a", now - 3_600_000), 1);
  assert.equal(buckets.take("a", now - 3_600_000 + 1000), 0, "refilled although the old time is not reached");
});

Deno.test("keys are bounded: the one used longest ago is forgotten first", () => {
  const buckets = new Buckets({ perMinute: 1, burst: 1 });
  buckets.take("first", 0);
  buckets.take("second", 0);
  for (let i = 0; i < 9998; i++) buckets.take(`key ${i}`, 0);
  assert.notEqual(buckets.take("first", 0), 0, "10,000 keys are kept");
  buckets.take("one more", 0);
  assert.notEqual(buckets.take("first", 0), 0, "used a moment ago, so it stays");
  assert.equal(buckets.take("second", 0), 0, "forgotten, so it starts anew");
});
