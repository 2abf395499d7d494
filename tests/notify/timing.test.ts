/** What time does to messages: quiet hours, grouping, reminders, escalation, digests, and the order of it all. */
import assert from "node:assert/strict";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

const mild = (key: string, fields = {}) =>
  event({ key, alert: `job:${key}`, severity: "warning", ...fields });

Deno.test("what happens in the quiet hours arrives together at their end, recoveries included", async () => {
  await using world = await notifyWorld({ policies: { default: { quiet: ["07:00-10:00"] } } });
  await world.tell(mild("1"));
  await world.tell(mild("2", { subject: { kind: "job", id: "2", name: "crm" } }));
  await world.tell(event({ key: "3", alert: "job:1", kind: "recovered" }));
  assert.equal(world.mail.mails.length, 0);
  await world.pass(119, 7);
  assert.equal(world.mail.mails.length, 0);
  await world.pass(2);
  assert.deepEqual(world.mail.subjects, ["[Holdfast] 3 changes: shop, crm"]);
  assert.match(world.mail.mails[0]!.text, /MISSING: shop[^]*MISSING: crm[^]*RECOVERED: shop/);
  assert.equal(world.hook.bodies[0].events.length, 3);
});

Deno.test("a critical alert does not wait, nor for what waits", async () => {
  await using world = await notifyWorld({
    policies: { default: { quiet: ["07:00-10:00"], group_seconds: 120 } },
  });
  await world.tell(mild("1"));
  await world.tell(event({ key: "2", alert: "job:1" }));
  await world.pass(3);
  assert.deepEqual(world.mail.keys, ["2/mail"]);
});

Deno.test("changes within the window are one message, those after it another", async () => {
  await using world = await notifyWorld({ policies: { default: { group_seconds: 300 } } });
  await world.tell(mild("1"), mild("2"));
  await world.pass(3);
  await world.tell(mild("3"));
  assert.equal(world.mail.mails.length, 0);
  await world.pass(2);
  assert.deepEqual(world.mail.keys, ["1/mail"]);
  assert.equal(world.hook.bodies[0].events.length, 3);
  await world.tell(mild("4"));
  await world.pass(5);
  assert.deepEqual(world.mail.keys, ["1/mail", "4/mail"]);
});

Deno.test("subjects with recipients of their own share no message, and incidents are never grouped", async () => {
  const url = "http://127.0.0.1:9/";
  await using world = await notifyWorld({
    policies: { default: { group_seconds: 60 } },
    channels: { pager: { kind: "pagerduty", token: "R", url, allow_private_addresses: true } },
  });
  await world.tell(
    mild("1", { recipients: ["a@example.org"] }),
    mild("2", { recipients: ["b@example.org"] }),
  );
  const rows = await world.rows();
  assert.equal(rows.filter((row) => row.startsWith("pager")).length, 2);
  assert.equal(rows.filter((row) => row.startsWith("hook")).length, 1);
  await world.pass(1);
  assert.deepEqual(world.mail.mails.map(({ to }) => to), [
    ["ops@example.org", "a@example.org"],
    ["ops@example.org", "b@example.org"],
  ]);
});

Deno.test("what stays open is repeated and escalated until it recovers, and all who heard of it hear that", async () => {
  await using world = await notifyWorld({
    policies: { default: { channels: ["mail"], repeat_seconds: 3600, escalate: ["90m hook"] } },
  });
  await world.tell(event());
  await world.pass(130, 10);
  assert.deepEqual(world.mail.subjects, [
    "[Holdfast] MISSING: shop",
    "[Holdfast] STILL MISSING: shop",
    "[Holdfast] STILL MISSING: shop",
  ]);
  assert.deepEqual(world.titles(), ["STILL MISSING (escalated): shop", "STILL MISSING: shop"]);
  await world.tell(event({ key: "9", kind: "recovered" }));
  assert.equal(world.mail.subjects.at(-1), "[Holdfast] RECOVERED: shop");
  assert.equal(world.titles().at(-1), "RECOVERED: shop");
  await world.pass(300, 10);
  assert.equal(world.mail.mails.length, 4);
});

Deno.test("an acknowledged alert is silent until it recovers", async () => {
  await using world = await notifyWorld({ policies: { default: { repeat_seconds: 3600 } } });
  await world.tell(event());
  await world.tell(event({ key: "ack", kind: "acknowledged" }));
  await world.pass(300, 10);
  assert.equal(world.mail.mails.length, 1);
  await world.tell(event({ key: "ok", kind: "recovered" }));
  assert.equal(world.mail.mails.length, 2);
});

Deno.test("a tick that comes twice, or in two processes, reminds once", async () => {
  await using world = await notifyWorld({ policies: { default: { repeat_seconds: 3600 } } });
  await world.tell(event());
  world.clock.advance(3_600_000);
  const other = world.again();
  await Promise.all([world.notify.tick(), other.tick(), world.notify.tick()]);
  await Promise.all([world.notify.idle(), other.idle()]);
  assert.equal(world.mail.mails.length, 2);
});

Deno.test("a digest says what is open and what recovered, once a day, to the channels that can show it", async () => {
  await using world = await notifyWorld({
    timezone: "Europe/Paris",
    digest: { daily: "10:00" },
    policies: { default: { channels: ["hook"] } },
    channels: { log: { kind: "syslog", url: "udp://127.0.0.1:9" } },
  });
  world.notify.addDigestSource(() =>
    Promise.resolve([{
      heading: "Backups",
      rows: [{ name: "good", text: { en: "12 of 14", fr: "12 sur 14" } }],
    }])
  );
  await world.pass(10);
  await world.tell(mild("1"), mild("2", { subject: { kind: "job", id: "2", name: "crm" } }));
  await world.tell(event({ key: "3", alert: "job:1", kind: "recovered" }));
  await world.pass(49, 7);
  assert.equal(world.mail.mails.length, 0);
  await world.pass(2);
  assert.deepEqual(world.mail.subjects, ["[Holdfast] Daily digest"]);
  assert.equal(
    world.mail.mails[0]?.text.trim(),
    `Open: 1
  crm: missing, 2026-01-05 09:10 Europe/Paris

Recovered since the last digest
  shop: missing, 2026-01-05 09:10 Europe/Paris

Backups
  good: 12 of 14

Reported by backup-1`,
  );
  await world.pass(1440, 60);
  assert.equal(world.mail.mails.length, 2);
  assert.ok(!world.mail.mails[1]?.text.includes("Recovered"));
});

Deno.test("digests that were missed are not made up for, and the weekly one has a name of its own", async () => {
  await using world = await notifyWorld({ language: "fr", digest: { weekly: "mon 09:00" } });
  await world.pass(1);
  world.clock.advance(22 * 86_400_000);
  await world.pass(3);
  assert.deepEqual(world.mail.subjects, ["[Holdfast] Bilan hebdomadaire"]);
  assert.match(world.mail.mails[0]!.text, /^Rien en cours/);
});

Deno.test("a channel that fails for long is told on the others, once, and so is its recovery", async () => {
  await using world = await notifyWorld();
  world.mail.behaviour = "defer";
  await world.tell(event());
  await world.pass(10, 2);
  assert.deepEqual(world.titles(), ["MISSING: shop"]);
  await world.pass(60, 4);
  assert.deepEqual(world.titles(), ["MISSING: shop", "NOT DELIVERING: mail"]);
  const [mail] = await world.notify.channels();
  assert.equal(mail?.status, "failing");
  assert.match(mail?.last_error ?? "", /451/);
  world.mail.behaviour = "ok";
  await world.pass(64, 4);
  assert.deepEqual(world.titles(), ["MISSING: shop", "NOT DELIVERING: mail", "RECOVERED: mail"]);
  assert.equal((await world.notify.channels())[0]?.status, "ok");
});

Deno.test("a channel hears only what is severe enough, and still the recovery of what it heard", async () => {
  await using world = await notifyWorld({
    channels: { log: { kind: "syslog", url: "udp://127.0.0.1:9", min_severity: "critical" } },
  });
  await world.tell(mild("1"));
  await world.tell(event({ key: "2", alert: "job:1" }));
  await world.tell(event({ key: "3", alert: "job:1", kind: "finding", severity: "info" }));
  await world.tell(event({ key: "4", alert: "job:1", kind: "recovered" }));
  const rows = (await world.rows()).filter((row) => row.startsWith("log"));
  assert.deepEqual(rows, ["log sent 1", "log sent 1"]);
});
