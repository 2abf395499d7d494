/** Lists of sessions as people ask for them: the newest first, no more of them than needed, and as they are read. */
import assert from "node:assert/strict";
import type { VeeamSession } from "../../src/veeam/model.ts";
import { FakeClock } from "../support/clock.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { never } from "../support/veeam/client.ts";
import { serviceOf } from "../support/veeam/tables.ts";

const ALL = { since: "3650d" };

function fakeOf(sessions: number): FakeVeeam {
  return new FakeVeeam({ clock: new FakeClock("2026-03-02T06:00:00Z"), sessions });
}

const pagesOf = (fake: FakeVeeam) => fake.requests.filter(({ path }) => path.endsWith("/sessions")).length;

Deno.test("the newest sessions come first, none lost and none twice, also where some are added meanwhile", async () => {
  const fake = fakeOf(1000);
  await using veeam = serviceOf({ "vbr-1": fake }, { page_size: 100 });
  const before = await veeam.sessions(ALL, never());
  const times = before.map(({ created_at }) => created_at ?? "");
  assert.deepEqual(times, times.toSorted().reverse());
  fake.onPage = (path) => {
    if (path.endsWith("/sessions")) fake.addSession({ job: 1, created: fake.clock.now() });
  };
  const found = (await veeam.sessions(ALL, never())).map(({ id }) => id);
  assert.equal(new Set(found).size, found.length);
  assert.deepEqual(new Set(before.map(({ id }) => id)).difference(new Set(found)), new Set());
});

Deno.test("a few sessions take a page or two, however many there are", async () => {
  const fake = fakeOf(1000);
  await using veeam = serviceOf({ "vbr-1": fake }, { page_size: 100 });
  const [newest] = await veeam.sessions(ALL, never());
  const calls = pagesOf(fake);
  const few = await veeam.sessions({ ...ALL, limit: 3 }, never());
  assert.deepEqual([few.length, few[0]?.id], [3, newest?.id]);
  assert.ok(pagesOf(fake) - calls <= 2);
});

Deno.test("whoever takes rows as they are read gets the same ones; those of several servers have to be merged", async () => {
  const [one, other] = [fakeOf(250), fakeOf(30)];
  other.addSession({ job: 1, created: other.clock.now() + 1 });
  await using single = serviceOf({ "vbr-1": one }, { page_size: 100 });
  const taken: VeeamSession[][] = [];
  assert.deepEqual(await single.sessions(ALL, never(), (rows) => void taken.push([...rows])), []);
  assert.deepEqual(taken.map((rows) => rows.length), [100, 100, 50]);
  assert.deepEqual(taken.flat(), await single.sessions(ALL, never()));

  await using both = serviceOf({ "vbr-1": one, "vbr-2": other });
  const merged = await both.sessions({ ...ALL, all: true, limit: 40 }, never(), () => assert.fail());
  const times = merged.map(({ created_at }) => created_at ?? "");
  assert.deepEqual(times, times.toSorted().reverse());
  assert.deepEqual([merged.length, merged[0]?.server], [40, "vbr-2"]);
});
