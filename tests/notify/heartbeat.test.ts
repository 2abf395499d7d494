/** Signs of life. */
import assert from "node:assert/strict";
import { Heartbeat } from "../../src/notify/heartbeat.ts";
import { FakeClock } from "../support/clock.ts";
import { Receiver } from "../support/receiver.ts";
import { START } from "./fixture.ts";

const well = () => Promise.resolve(true);

function heartbeat(clock: FakeClock, url: string | null, settings: object = {}): Heartbeat {
  const defaults = { method: "GET", every_seconds: 60, allow_private_addresses: true } as const;
  return new Heartbeat(clock, { ...defaults, url, ...settings });
}

Deno.test("the heartbeat calls its address when it is time", async () => {
  await using receiver = new Receiver();
  const clock = new FakeClock(START);
  const beats = heartbeat(clock, `${receiver.url}/ping/x`, { every_seconds: 300, method: "POST" });
  for (let minute = 0; minute <= 10; minute++) {
    await beats.beat(well);
    clock.advance(60_000);
  }
  assert.deepEqual(
    receiver.requests.map(({ method, path }) => `${method} ${path}`),
    Array(3).fill("POST /ping/x"),
  );
  assert.deepEqual(beats.state, { last_ok_at: "2026-01-05T08:10:00.000Z", last_error: null });
});

Deno.test("the heartbeat is silent while Holdfast is not well", async () => {
  await using receiver = new Receiver();
  const beats = heartbeat(new FakeClock(START), receiver.url);
  await beats.beat(() => Promise.resolve(false));
  assert.equal(receiver.requests.length, 0);
});

Deno.test("a heartbeat that fails is kept and not thrown, and holds no secret", async () => {
  await using receiver = new Receiver(({ path }) => new Response(`no ${path}`, { status: 500 }));
  const clock = new FakeClock(START);
  const beats = heartbeat(clock, `${receiver.url}/ping/unguessable`);
  await beats.beat(well);
  assert.match(beats.state?.last_error ?? "", /^Cannot deliver through channel "heartbeat": it answered 500/);
  assert.ok(!beats.state?.last_error?.includes("unguessable"));
  const guarded = heartbeat(clock, receiver.url, { allow_private_addresses: false });
  await guarded.beat(well);
  assert.match(guarded.state?.last_error ?? "", /not a public address/);
});

Deno.test("without an address there is no heartbeat", async () => {
  const beats = heartbeat(new FakeClock(START), null);
  await beats.beat(well);
  assert.equal(beats.state, null);
});
