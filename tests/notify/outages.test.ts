/** Servers that refuse or hang: nothing is lost, and no channel suffers for another. */
import assert from "node:assert/strict";
import { MailServer } from "../support/mail_server.ts";
import { caller } from "../support/store.ts";
import { until } from "../support/wait.ts";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

Deno.test("a channel that hangs delays neither the others nor whoever tells", async () => {
  await using world = await notifyWorld({
    channels: { slow: { kind: "syslog", url: "tcp://127.0.0.1:9" } },
  });
  world.mail.behaviour = "hang";
  const { database } = world.store;
  await database.transaction((tx) => world.notify.enqueue(tx, event()));
  await until("the web hook", () => world.hook.requests.length === 1);
  await database.transaction((tx) => world.notify.enqueue(tx, event({ key: "2", alert: "job:2" })));
  await until("the web hook", () => world.hook.requests.length === 2);
  assert.equal((await world.rows())[0], "mail sending 1");
});

Deno.test("a message that is refused is put off and then given up, others pass, and the refusal is told elsewhere", async () => {
  await using world = await notifyWorld({
    mail: undefined,
    channels: { pager: { kind: "ntfy", url: "http://127.0.0.1:9", topic: "t", enabled: false } },
  }, ({ body }) => new Response(null, { status: body.includes("job:1") ? 400 : 200 }));
  await world.tell(event());
  await world.tell(event({ key: "2", alert: "job:2" }));
  assert.deepEqual(await world.rows(), ["hook waiting 1", "hook sent 1"]);
  await world.pass(60, 2);
  assert.deepEqual(await world.rows(), ["hook dead 6", "hook sent 1"]);
});

Deno.test("a message given up is told on the other channels, once", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "refuse";
  await world.tell(event());
  await world.pass(120, 2);
  assert.deepEqual(world.titles(), ["MISSING: shop", "NOT DELIVERING: mail", "MESSAGE GIVEN UP: shop"]);
  const given = world.hook.bodies[2].events[0];
  assert.match(given.facts.error, /550 No such user/);
  const dead = await world.notify.outbox.list({ status: "dead", limit: 10 });
  assert.deepEqual(dead.map(({ channel, title, attempts }) => [channel, title, attempts]), [
    ["mail", "MISSING: shop", 6],
  ]);
});

Deno.test("what is undeliverable for longer than asked for is given up, and can be sent again by hand", async () => {
  await using world = await notifyWorld({ give_up_after_seconds: 3600 });
  world.mail.behaviour = "defer";
  await world.tell(event());
  await world.pass(200, 5);
  assert.equal((await world.rows())[0]?.replace(/\d+$/, ""), "mail dead ");
  world.mail.behaviour = "ok";
  const ada = caller();
  assert.deepEqual(await world.notify.outbox.retry({ ids: [] }, ada), { changed: 1 });
  await world.notify.idle();
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail"]);
  assert.equal(ada.trail.lines, 1);
  await assert.rejects(world.notify.outbox.retry({ ids: [99] }, ada), /Cannot find message 99/);
});

Deno.test("after a partial success only those who have not got it are written to", async () => {
  await using mail = await MailServer.start({ unknown: ["gone@example.org"] });
  await using world = await notifyWorld({
    mail: { host: "127.0.0.1", port: mail.port, recipients: ["ops@example.org", "gone@example.org"] },
  });
  await world.tell(event());
  await world.tell(event({ key: "2", alert: "job:2" }));
  await world.pass(60, 2);
  assert.deepEqual(mail.mails.map(({ to }) => to), [["ops@example.org"], ["ops@example.org"]]);
  const dead = await world.notify.outbox.list({ status: "dead", limit: 10 });
  assert.equal(dead.length, 2);
  assert.match(dead[0]?.last_error ?? "", /No such user gone@example.org/);
  const [channel] = await world.notify.channels();
  assert.equal(channel?.status, "failing");
});
