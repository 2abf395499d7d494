/** A mail server that defers or is down for a long time: nothing is lost, and the web hook does not notice. */
import assert from "node:assert/strict";
import { MailServer } from "../support/mail_server.ts";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

Deno.test("a server that defers mail for a day loses none of it, and the web hook hears at once", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "defer";
  await world.tell(event());
  await world.pass(720, 5);
  await world.tell(event({ key: "entry:2:failed", code: "failed" }));
  await world.pass(720, 5);
  assert.deepEqual(world.titles().slice(0, 2), ["MISSING: shop", "NOT DELIVERING: mail"]);
  assert.ok(world.titles().includes("FAILED: shop"));
  assert.equal(world.mail.mails.length, 0);
  const tries = world.attempts.filter((attempt) => attempt.channel === "mail").length;
  assert.ok(tries > 20 && tries < 80, `${tries} attempts in a day`);
  world.mail.behaviour = "ok";
  await world.pass(65, 5);
  assert.deepEqual(world.mail.keys, ["entry:1:missing/mail", "entry:2:failed/mail"]);
  assert.equal(world.titles().at(-1), "RECOVERED: mail");
});

Deno.test("a server that is down for a day is tried less and less often, and gets everything in order when it is back", async () => {
  await using world = await notifyWorld();
  const { port } = world.mail;
  await world.mail[Symbol.asyncDispose]();
  await world.tell(event(), event({ key: "2", alert: "job:2" }), event({ key: "3", alert: "job:3" }));
  await world.tell(event({ key: "4", kind: "recovered" }));
  await world.pass(1440, 5);
  const failures = world.attempts.filter((attempt) => attempt.channel === "mail").length;
  // One knock each time, however many messages wait.
  assert.ok(failures < 45, `${failures} attempts`);
  await using back = await MailServer.start({ port });
  await world.pass(65, 5);
  const order = back.keys.map((key) => key.replace("/mail", ""));
  assert.deepEqual([...order].sort(), ["2", "3", "4", "entry:1:missing"]);
  assert.ok(order.indexOf("entry:1:missing") < order.indexOf("4"), order.join(" "));
});
