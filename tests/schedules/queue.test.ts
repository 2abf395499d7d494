import assert from "node:assert/strict";
import { type Limits, RunQueue, type Waiting } from "../../src/schedules/queue.ts";
import { fastest } from "../support/fastest.ts";

const LIMITS: Limits = { total: 2, per_server: null, group: () => 1 };

function queue(limits: Partial<Limits> = {}): RunQueue<string> {
  return new RunQueue<string>({ ...LIMITS, ...limits });
}

/** Adds runs written as `schedule1`: the letters are the schedule. */
function add(q: RunQueue<string>, ids: string[], needs: Partial<Waiting> = {}): void {
  for (const id of ids) {
    q.add({ ...run(id), ...needs }, id);
  }
}

/** A run that needs nothing but a place. */
function run(id: string): Waiting {
  const schedule_id = id.replace(/\d+$/, "");
  return {
    run_id: id,
    schedule_id,
    name: schedule_id,
    server_id: 1,
    locks: [],
    group: null,
    beside: false,
    windows: null,
    deadline: null,
  };
}

/** Starts whatever can start. */
function fill(q: RunQueue<string>, now = 0): string[] {
  const started: string[] = [];
  for (let next = q.next(now); next !== undefined; next = q.next(now)) started.push(next);
  return started;
}

/** Lets one run at a time go through, in the order the queue gives. */
function drain(q: RunQueue<string>): string[] {
  const order: string[] = [];
  for (let next = q.next(0); next !== undefined; next = q.next(0)) {
    order.push(next);
    q.release(next);
  }
  return order;
}

Deno.test("so many at a time, in the order they came", () => {
  const q = queue();
  add(q, ["a", "b", "c", "d"]);
  assert.deepEqual(fill(q), ["a", "b"]);
  assert.deepEqual([...q.reasons(0)], [["c", "one of 2 places"], ["d", "one of 2 places"]]);
  q.release("b");
  assert.deepEqual(fill(q), ["c"]);
  q.release("a");
  q.release("c");
  assert.deepEqual(fill(q), ["d"]);
});

Deno.test("schedules take turns: a hundred runs of one hold up no other", () => {
  const q = queue({ total: 1 });
  add(q, Array.from({ length: 100 }, (_, i) => `greedy${i}`));
  assert.deepEqual(fill(q), ["greedy0"]);
  add(q, ["a1", "b1", "a2"]);
  q.release("greedy0");
  assert.deepEqual(drain(q).slice(0, 6), ["a1", "b1", "greedy1", "a2", "greedy2", "greedy3"]);
  // Somebody who comes later still gets in next.
  add(q, Array.from({ length: 10 }, (_, i) => `greedy${i}`));
  assert.deepEqual(fill(q), ["greedy0"]);
  add(q, ["late1"]);
  q.release("greedy0");
  assert.equal(q.next(0), "late1");
});

Deno.test("runs of one schedule never overlap unless they may, and those waiting reserve nothing", () => {
  const q = queue({ total: 5, group: () => 2 });
  add(q, ["a1", "a2"], { group: "g" });
  add(q, ["b1"], { group: "g" });
  assert.deepEqual(fill(q), ["a1", "b1"]);
  assert.equal(q.reasons(0).get("a2"), "the run before it");
  q.release("a1");
  assert.deepEqual(fill(q), ["a2"]);
  const allowed = queue();
  add(allowed, ["a1", "a2"], { beside: true });
  assert.deepEqual(fill(allowed), ["a1", "a2"]);
});

Deno.test("schedules that share a lock never run together; the reason names the holder", () => {
  const q = queue({ total: 5 });
  add(q, ["a1"], { locks: ["disk"] });
  add(q, ["b1"], { locks: ["disk", "net"] });
  add(q, ["c1"], { locks: ["tape"] });
  assert.deepEqual(fill(q), ["a1", "c1"]);
  assert.equal(q.reasons(0).get("b1"), 'lock "disk", held by run a1 of a');
  q.release("a1");
  assert.deepEqual(fill(q), ["b1"]);
});

Deno.test("a run that needs two locks is not passed by for ever by those that need one", () => {
  const q = queue({ total: 5 });
  add(q, ["a1"], { locks: ["left"] });
  add(q, ["b1"], { locks: ["right"] });
  assert.deepEqual(fill(q), ["a1", "b1"]);
  add(q, ["both1"], { locks: ["left", "right"] });
  add(q, ["c1"], { locks: ["left"] });
  add(q, ["d1"], { locks: ["right"] });
  q.release("a1");
  // The left lock is free, and still kept for the one that came first.
  assert.deepEqual(fill(q), []);
  assert.equal(q.reasons(0).get("c1"), 'lock "left", which others wait for longer');
  q.release("b1");
  assert.deepEqual(fill(q), ["both1"]);
  q.release("both1");
  assert.deepEqual(fill(q), ["c1", "d1"]);
});

Deno.test("limits of groups and servers hold, and a full group holds up nobody else", () => {
  const q = queue({ total: 10, per_server: 2, group: (name) => name === "nas" ? 2 : 1 });
  add(q, ["a1", "b1", "c1"], { group: "nas", server_id: 1 });
  add(q, ["d1", "e1"], { server_id: 1 });
  add(q, ["f1"], { server_id: 2 });
  assert.deepEqual(fill(q), ["a1", "b1", "f1"]);
  const reasons = q.reasons(0);
  assert.equal(reasons.get("c1"), 'one of 2 places in group "nas"');
  assert.equal(reasons.get("d1"), "one of 2 places on its server");
  q.release("a1");
  assert.deepEqual(fill(q), ["c1"]);
  q.release("b1");
  assert.deepEqual(fill(q), ["d1"]);
});

Deno.test("a run outside its windows waits, reserves nothing, and starts when they open", () => {
  const windows = { allowed_windows: ["02:00-03:00"], blackout_windows: [], timezone: "UTC" };
  const q = queue();
  add(q, ["a1"], { windows, locks: ["disk"] });
  add(q, ["b1"], { locks: ["disk"] });
  const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);
  assert.deepEqual(fill(q, at("01:59:00")), ["b1"]);
  assert.equal(q.reasons(at("01:59:00")).get("a1"), "outside the allowed windows (02:00-03:00)");
  q.release("b1");
  assert.deepEqual(fill(q, at("02:00:00")), ["a1"]);
});

Deno.test("what waits past its deadline leaves with the reason it waited for", () => {
  const q = queue();
  add(q, ["a1"], { locks: ["disk"] });
  add(q, ["b1"], { locks: ["disk"], deadline: 1000 });
  fill(q);
  assert.deepEqual(q.expired(1000), []);
  assert.deepEqual(q.expired(1001), [{ item: "b1", reason: 'lock "disk", held by run a1 of a' }]);
  assert.equal(q.size, 0);
});

Deno.test("a waiting run can be taken out, and needs something else after a change", () => {
  const q = queue({ total: 5 });
  add(q, ["a1"], { locks: ["disk"] });
  add(q, ["b1", "c1"], { locks: ["disk"] });
  fill(q);
  assert.equal(q.remove("b1"), "b1");
  assert.equal(q.remove("b1"), undefined);
  q.replan("c", (item) => item, () => ({ ...run("c1"), locks: [] }));
  assert.deepEqual(fill(q), ["c1"]);
  assert.deepEqual(q.clear(), []);
});

Deno.test("ten thousand runs behind one place of a group are looked through fast enough", async () => {
  const q = queue({ total: 100, group: () => 1 });
  for (let i = 0; i < 10_000; i++) add(q, [`s${i}x1`], { schedule_id: `s${i}`, group: "one" });
  const first = q.next(0);
  const look = await fastest(100, () => assert.equal(q.next(0), undefined));
  assert.ok(look < 10, `${look} ms`);
  q.release(first!);
  assert.equal(drain(q).length, 9999);
});
