import assert from "node:assert/strict";
import { Courtesy, requestCount } from "../../src/lib/courtesy.ts";
import { testApp } from "../support/app.ts";

/** A worker that works for so many milliseconds in pieces of a tenth; resolves with how many of them it rested. */
class Work {
  readonly requests = new Int32Array(new SharedArrayBuffer(4));
  #now = 1000;
  #rested = 0;
  readonly #courtesy = new Courtesy(this.requests, () => this.#now, (ms) => {
    this.#now += ms;
    this.#rested += ms;
  });

  ask(): void {
    Atomics.add(this.requests, 0, 1);
  }

  restedWhileWorking(ms: number): number {
    const before = this.#rested;
    for (let pieces = 0; pieces < ms * 10; pieces++) {
      this.#courtesy.giveWay();
      this.#now += 0.1;
    }
    return this.#rested - before;
  }
}

Deno.test("a worker rests for nobody while the daemon is not asked", () => {
  const work = new Work();
  assert.equal(work.restedWhileWorking(1000), 0);
});

Deno.test("a worker rests about as long as it works while the daemon is asked, and then no more", () => {
  const work = new Work();
  let rested = 0;
  for (let requests = 0; requests < 10; requests++) {
    work.ask();
    rested += work.restedWhileWorking(10);
  }
  assert.ok(rested > 50 && rested < 150, `rested ${rested} ms beside 100 ms of work`);
  work.restedWhileWorking(100);
  assert.equal(work.restedWhileWorking(1000), 0);
});

Deno.test("requests of before a worker came are none of its business", () => {
  const work = new Work();
  work.ask();
  const courtesy = new Courtesy(work.requests, () => 0, () => assert.fail("it rested"));
  for (let pieces = 0; pieces < 100; pieces++) courtesy.giveWay();
});

Deno.test("the count may wrap around", () => {
  const work = new Work();
  Atomics.store(work.requests, 0, 2 ** 31 - 1);
  work.restedWhileWorking(100);
  work.ask();
  assert.ok(work.requests[0]! < 0);
  assert.ok(work.restedWhileWorking(10) > 0);
});

Deno.test("every request counts, answered or refused", async () => {
  await using t = await testApp();
  const before = Atomics.load(requestCount, 0);
  await t.request("GET", "/api/v1/health");
  await t.request("GET", "/api/v1/servers");
  await t.request("GET", "/nowhere");
  // Other tests of this file's process may ask beside.
  assert.ok(Atomics.load(requestCount, 0) - before >= 3);
});
