/** What could be lost on the way: results that cannot be written, a clock that was ahead, channels that are called otherwise. */
import assert from "node:assert/strict";
import type { NotifyTables } from "../../src/notify/mod.ts";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

Deno.test("a message whose failure could not be written is sent again once that can be", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "refuse";
  world.store.database.sqlite.exec(
    `create trigger full before update of status on notify_outbox when old.status = 'sending'
     begin select raise(fail, 'database or disk is full'); end`,
  );
  await world.tell(event());
  world.mail.behaviour = "ok";
  await assert.rejects(world.notify.tick(), /disk is full/);
  await world.notify.idle();
  assert.equal((await world.rows())[0], "mail sending 1");
  world.store.database.sqlite.exec("drop trigger full");
  await world.pass(1);
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail"]);
  assert.deepEqual(await world.rows(), ["mail sent 2", "hook sent 2"]);
});

Deno.test("what failed while the clock was a year ahead is sent when it is set right", async () => {
  await using world = await notifyWorld();
  const now = world.clock.now();
  world.mail.behaviour = "defer";
  world.clock.advance(365 * 86_400_000);
  await world.tell(event());
  world.mail.behaviour = "ok";
  world.clock.set(new Date(now).toISOString());
  await world.pass(1);
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail"]);
});

Deno.test("an alert's recovery reaches the channels there are when those that heard of it are gone", async () => {
  await using world = await notifyWorld();
  await world.tell(event());
  await world.store.database.tables<NotifyTables>().updateTable("notify_alerts").set({
    channels: '["former"]',
  })
    .execute();
  await world.tell(event({ key: "2", kind: "recovered", code: "ok" }));
  assert.deepEqual(world.mail.subjects, ["[Holdfast] MISSING: shop", "[Holdfast] RECOVERED: shop"]);
  assert.equal(world.hook.requests.length, 2);
});

Deno.test("that a message was given up whose channel is gone is told on those there are", async () => {
  await using world = await notifyWorld();
  await world.tell(event({ channels: ["mail"] }));
  await world.store.database.tables<NotifyTables>().updateTable("notify_outbox")
    .set({ channel: "former", status: "waiting" }).execute();
  world.clock.advance(4 * 86_400_000);
  await world.pass(2);
  assert.deepEqual(await world.rows(), ["former dead 1", "mail sent 1", "hook sent 1"]);
  assert.match(world.mail.mails.at(-1)?.text ?? "", /no channel "former"/);
});
