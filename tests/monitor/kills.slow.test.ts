/** kill -9 of real processes at each step between judging a report and the delivery of what it says. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { JobCreate } from "../../src/monitor/model.ts";
import type { MonitorTables } from "../../src/monitor/mod.ts";
import type { NotifyTables } from "../../src/notify/mod.ts";
import { MailServer } from "../support/mail_server.ts";
import { caller, tempStore } from "../support/store.ts";
import { within } from "../support/wait.ts";
import { JOB, services } from "./kill_world.ts";

const KILLS = 102;
/** Reports that each process finds new. */
const FRESH = 4;

/** When a process is killed: at a moment of a delivery, or at any. */
const MOMENTS = ["any", "connection", "mail not acknowledged", "mail acknowledged"] as const;

Deno.test(`over ${KILLS} kills every report is judged once, and every change arrives under one key`, async () => {
  await using store = await tempStore(systemClock);
  let kill = (_: typeof MOMENTS[number]) => {};
  await using mail = await MailServer.start({ onMail: () => kill("mail not acknowledged") });
  mail.onConnection = () => kill("connection");
  mail.onAcknowledged = () => kill("mail acknowledged");
  const { monitor, notify } = services(store.database, mail.port);
  await monitor.expected.create(JobCreate.parse(JOB), caller());
  await notify.stop(Promise.resolve());
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 12 * 3_600_000;
  const child = (reports: number, ...more: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", "--unstable-cron", "--unstable-net"]
        .concat([new URL("kill_child.ts", import.meta.url).pathname, store.dir])
        .concat([start, reports, mail.port].map(String), more),
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();

  const hits = new Map<string, number>();
  for (let generation = 0; generation < KILLS; generation++) {
    const moment = MOMENTS[generation % MOMENTS.length]!;
    const process = child((generation + 1) * FRESH);
    const killed = Promise.withResolvers<void>();
    const end = (why: string) => {
      kill = () => {};
      process.kill("SIGKILL");
      hits.set(why, (hits.get(why) ?? 0) + 1);
      killed.resolve();
    };
    // Which of the messages it hits is left to chance too.
    let spared = generation % 3;
    kill = (now) => {
      if (now === moment && spared-- <= 0) end(moment);
    };
    const timer = setTimeout(() => end("any"), moment === "any" ? 200 + Math.random() * 900 : 5000);
    await killed.promise;
    clearTimeout(timer);
    await process.status;
    // Processes that were killed before they judged leave their reports to the next: as many as a child looks back.
    if (moment === "any") {
      const { code } = await within(
        60,
        "the process in between",
        child((generation + 1) * FRESH, "end").output(),
      );
      assert.equal(code, 0);
    }
  }
  const last = await within(120, "the last process", child(KILLS * FRESH, "end").output());
  assert.equal(last.code, 0);

  const db = store.database.tables<MonitorTables & NotifyTables>();
  const reports = await db.selectFrom("monitor_reports").select("key").execute();
  const entries = await db.selectFrom("monitor_entries").select(["due_at", "status"]).orderBy("due_at")
    .execute();
  const findings = await db.selectFrom("monitor_findings").select(["id", "count", "state"]).orderBy("id")
    .execute();
  assert.equal(reports.length, KILLS * FRESH);
  assert.equal(entries.length, KILLS * FRESH);
  assert.ok(entries.every(({ status }, n) => status === (n % 2 === 0 ? "failed" : "ok")));
  assert.equal(findings.length, KILLS * FRESH / 2);
  assert.ok(
    findings.every(({ count, state }) => count === 1 && state === "recovered"),
    "nothing was judged twice",
  );
  const waiting = await db.selectFrom("notify_outbox").select("key").where("status", "!=", "sent").execute();
  assert.deepEqual(waiting, []);
  const expected = findings.flatMap(({ id }) => [`finding:${id}/mail`, `finding:${id}:recovered/mail`]);
  assert.deepEqual([...new Set(mail.keys)].sort(), expected.sort());
  console.log(
    `After ${KILLS} kills (${[...hits].map(([moment, count]) => `${count} ${moment}`).join(", ")}): ` +
      `${expected.length} changes, ${mail.mails.length} mails, ${
        mail.mails.length - expected.length
      } of them again`,
  );
});
