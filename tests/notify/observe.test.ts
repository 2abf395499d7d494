/** What health and metrics say of channels and the outbox, in a whole application. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Database } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { testApp } from "../support/app.ts";
import { Receiver } from "../support/receiver.ts";
import { START } from "./fixture.ts";
import { event } from "./samples.ts";

Deno.test("health and metrics tell of channels that fail and messages that cannot leave", async () => {
  const clock = new FakeClock(START);
  await using hook = new Receiver(() => new Response(null, { status: 503 }));
  await using world = await testApp({
    HOLDFAST_NOTIFY_CHANNELS_HOOK_KIND: "webhook",
    HOLDFAST_NOTIFY_CHANNELS_HOOK_URL: hook.url,
    HOLDFAST_NOTIFY_CHANNELS_HOOK_ALLOW_PRIVATE_ADDRESSES: "true",
  }, clock);
  const { notify } = world.app.services;
  const health = async () => {
    clock.advance(6000);
    const { checks } = await world.local("GET", "/api/v1/health");
    const of = (name: string) => checks.find((check: { name: string }) => check.name === name);
    return [of("outbox"), of("channels")].map(({ status, detail }) => `${status}: ${detail}`);
  };
  assert.deepEqual(await health(), ["ok: 0 waiting, 0 given up", "ok: none fails"]);
  const database = new Database(join(world.config.data_dir, "holdfast.db"), clock);
  await database.transaction((tx) => notify.enqueue(tx, event()));
  await database.close();
  await notify.idle();
  assert.deepEqual(await health(), ["ok: 1 waiting, 0 given up", "degraded: not delivering: hook"]);
  clock.advance(1_800_000);
  assert.match((await health())[0] ?? "", /^degraded: 1 waiting, 0 given up; the oldest since 30m/);
  const { body } = await world.app.metrics.text();
  assert.match(body, /^holdfast_notify_deliveries_total\{channel="hook",result="failed"\} 1$/m);
  assert.match(body, /^holdfast_notify_outbox_messages\{channel="hook",status="waiting"\} 1$/m);
  assert.match(body, /^holdfast_notify_channel_healthy\{channel="hook"\} 0$/m);
  assert.match(body, /^holdfast_notify_outbox_oldest_seconds 18\d\d/m);
});
