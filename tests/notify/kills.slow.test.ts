/** kill -9 of real processes at each step between a change and the delivery of its alert. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import type { NotifyTables } from "../../src/notify/mod.ts";
import { Killer } from "../support/killer.ts";
import { MailServer } from "../support/mail_server.ts";
import { Receiver } from "../support/receiver.ts";
import { tempStore } from "../support/store.ts";
import { within } from "../support/wait.ts";

const KILLS = 110;
const CHANGES = 3;

/** When a process is killed: at a moment of the delivery, or at any moment. */
const MOMENTS = [
  "any",
  "connection",
  "mail not acknowledged",
  "mail acknowledged",
  "hook not answered",
] as const;

Deno.test(`over ${KILLS} kills every alert arrives, and what comes twice comes under one key`, async () => {
  await using store = await tempStore(systemClock);
  const killer = new Killer();
  await using mail = await MailServer.start({ onMail: () => killer.at("mail not acknowledged") });
  mail.onConnection = () => killer.at("connection");
  mail.onAcknowledged = () => killer.at("mail acknowledged");
  await using hook = new Receiver(() => {
    killer.at("hook not answered");
    return new Response();
  });
  const child = (generation: number, changes: number) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", new URL("crash_child.ts", import.meta.url).pathname]
        .concat([store.dir, generation, changes, mail.port, hook.url].map(String)),
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();

  for (let generation = 0; generation < KILLS; generation++) {
    const moment = MOMENTS[generation % MOMENTS.length]!;
    await killer.kill(child(generation, CHANGES), {
      moment,
      // Which of the messages it hits is left to chance too.
      spared: generation % 3,
      afterMs: moment === "any" ? Math.random() * 1200 : 60_000,
    });
  }
  const last = await within(120, "the last process", child(KILLS, 0).output());
  assert.equal(last.code, 0);

  const db = store.database.tables<NotifyTables>();
  const changes = (await db.selectFrom("notify_marks").select("at").execute()).map((row) => row.at).sort();
  const waiting = await db.selectFrom("notify_outbox").select("key").where("status", "!=", "sent").execute();
  assert.deepEqual(waiting, []);
  assert.ok(changes.length > KILLS, `${changes.length} changes`);
  const hookKeys = hook.bodies.map((body) => String(body.key));
  assert.deepEqual([...new Set(mail.keys)].sort(), changes.map((key) => `${key}/mail`).sort());
  assert.deepEqual([...new Set(hookKeys)].sort(), changes.map((key) => `${key}/hook`).sort());
  const ids = new Map(mail.mails.map(({ key, headers }) => [key, headers.get("message-id")]));
  assert.ok(mail.mails.every(({ key, headers }) => headers.get("message-id") === ids.get(key)));
  const twice = mail.mails.length - ids.size + hookKeys.length - changes.length;
  console.log(
    `After ${KILLS} kills (${killer}): ${changes.length} changes, ${mail.mails.length} mails and ${hookKeys.length} calls, ${twice} of them again`,
  );
  assert.ok(twice > 0, "some were killed between sending and noting it");
});
