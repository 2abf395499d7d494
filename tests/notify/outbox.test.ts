/** The outbox: what is written with the change, what is sent, and what happens when it cannot be. */
import assert from "node:assert/strict";
import { type Notify, type NotifyTables } from "../../src/notify/mod.ts";
import { caller } from "../support/store.ts";
import { until } from "../support/wait.ts";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

Deno.test("an event reaches every channel once, under a key of its own for each", async () => {
  await using world = await notifyWorld();
  await world.tell(event());
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail"]);
  assert.equal(world.hook.bodies[0].key, "entry:1:missing/hook");
  await world.tell(event());
  await world.pass(3);
  assert.equal(world.mail.mails.length, 1);
  assert.equal(world.hook.requests.length, 1);
  assert.deepEqual(await world.rows(), ["mail sent 1", "hook sent 1"]);
});

Deno.test("an event of a transaction that fails is neither stored nor sent", async () => {
  await using world = await notifyWorld();
  const failing = world.store.database.transaction(async (tx) => {
    await world.notify.enqueue(tx, event());
    throw new Error("the change failed");
  });
  await assert.rejects(failing, /the change failed/);
  await world.notify.idle();
  assert.deepEqual(await world.rows(), []);
  await world.tell(event());
  assert.equal(world.mail.mails.length, 1);
});

Deno.test("a story is told as one mail per change", async () => {
  await using world = await notifyWorld();
  await world.tell(event());
  await world.tell(event({ key: "entry:2:missing" }));
  await world.tell(event({ key: "entry:3:failed", code: "failed" }));
  await world.tell(event({ key: "entry:4:ok", kind: "recovered", code: "ok" }));
  await world.tell(event({ key: "entry:5:ok", kind: "recovered", code: "ok" }));
  assert.deepEqual(world.mail.subjects, [
    "[Holdfast] MISSING: shop",
    "[Holdfast] FAILED: shop",
    "[Holdfast] RECOVERED: shop",
  ]);
  assert.match(world.mail.mails.at(-1)!.text, /Was: failed/);
});

Deno.test("a subject's own recipients, channels and policy count", async () => {
  await using world = await notifyWorld({
    policies: { silent: { subjects: ["x"], min_severity: "critical" } },
  });
  await world.tell(event({ recipients: ["dba@example.org"], channels: ["mail"] }));
  assert.deepEqual(world.mail.mails[0]?.to, ["ops@example.org", "dba@example.org"]);
  assert.equal(world.hook.requests.length, 0);
  await world.tell(event({ key: "2", alert: "job:2", severity: "warning", policy: "silent" }));
  assert.equal(world.mail.mails.length, 1);
});

Deno.test("a discarded message is not sent, and what was sent is not sent again", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "defer";
  await world.tell(event());
  const [mail, hook] = (await world.notify.outbox.list({ limit: 10 })).reverse();
  assert.deepEqual(await world.notify.outbox.discard({ ids: [mail!.id, hook!.id] }, caller()), {
    changed: 1,
  });
  world.mail.behaviour = "ok";
  await world.pass(120, 2);
  assert.equal(world.mail.mails.length, 0);
  assert.deepEqual(await world.notify.outbox.retry({ ids: [hook!.id] }, caller()), { changed: 0 });
  assert.equal(world.hook.requests.length, 1);
});

Deno.test("what a process that died had claimed is sent by the next one, under the same key", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "hang";
  await world.store.database.transaction((tx) => world.notify.enqueue(tx, event()));
  await until("the connection", () => world.mail.connections === 1);
  assert.equal((await world.rows())[0], "mail sending 1");
  world.mail.behaviour = "ok";
  const next = world.again();
  await sendAll(next);
  assert.equal((await world.rows())[0], "mail sending 1");
  await next.settle();
  await sendAll(next);
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail"]);
});

Deno.test("a lease runs out for other processes, and never for the one that holds it", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "hang";
  await world.store.database.transaction((tx) => world.notify.enqueue(tx, event()));
  await until("the connection", () => world.mail.connections === 1);
  assert.equal((await world.rows())[0], "mail sending 1");
  world.clock.advance(600_000);
  await world.notify.tick();
  assert.equal((await world.rows())[0], "mail sending 1");
  world.mail.behaviour = "ok";
  await sendAll(world.again());
  assert.equal((await world.rows())[0], "mail sent 2");
});

async function sendAll(notify: Notify): Promise<void> {
  await notify.tick();
  await notify.idle();
}

Deno.test("a service that stops leaves what it was sending to the next one", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "hang";
  await world.store.database.transaction((tx) => world.notify.enqueue(tx, event()));
  await until("the claim", async () => (await world.rows())[0] === "mail sending 1");
  await world.notify.stop(Promise.resolve());
  assert.equal((await world.rows())[0], "mail waiting 1");
});

Deno.test("messages of a channel that was taken out of the configuration wait, and are given up in the end", async () => {
  await using world = await notifyWorld();
  await world.tell(event());
  const db = world.store.database.tables<NotifyTables>();
  await db.updateTable("notify_outbox").set({ channel: "gone", status: "waiting" }).where("id", "=", 1)
    .execute();
  await world.pass(10);
  assert.equal((await world.rows())[0], "gone waiting 1");
  world.clock.advance(3 * 86_400_000);
  await world.pass(1);
  assert.equal((await world.rows())[0], "gone dead 1");
});

Deno.test("old messages are forgotten, dead ones and what an open alert needs are not", async () => {
  await using world = await notifyWorld({ policies: { default: { repeat_seconds: 86_400 } } });
  await world.tell(event());
  await world.tell(
    event({ key: "2", alert: "job:2" }),
    event({ key: "3", alert: "job:2", kind: "recovered" }),
  );
  world.clock.advance(200 * 86_400_000);
  assert.deepEqual(await world.notify.prune(world.clock.now() - 90 * 86_400_000), { notifications: 6 });
  const events = await world.store.database.tables<NotifyTables>().selectFrom("notify_events").select("key")
    .execute();
  assert.deepEqual(events.map(({ key }) => key), ["entry:1:missing"]);
  await world.pass(1);
  assert.equal(world.mail.subjects.at(-1), "[Holdfast] STILL MISSING: shop");
  assert.deepEqual(await world.notify.prune(null), { notifications: 0 });
});
