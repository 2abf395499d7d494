/** kill -9 of real processes at each step from finding a report to the delivery of what it says. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { JobCreate } from "../../src/monitor/model.ts";
import type { MonitorTables } from "../../src/monitor/mod.ts";
import type { NotifyTables } from "../../src/notify/mod.ts";
import { walk } from "../support/files.ts";
import { Killer } from "../support/killer.ts";
import { MailServer } from "../support/mail_server.ts";
import { caller, tempStore } from "../support/store.ts";
import { within } from "../support/wait.ts";
import { JOB, placesOf, putRefused, putReport, services } from "./kill_world.ts";

const KILLS = 102;
/** Reports that each process finds new. */
const FRESH = 4;
/** So often there is one among them that is refused; the last time early enough for a good one to end what is said of it. */
const REFUSED_EACH = 6;

/** When a process is killed, and how many such moments it has: those of a scan it has from itself, deliveries are seen from outside. */
const MOMENTS = [
  { moment: "any", has: 1 },
  { moment: "after read", has: 1 },
  { moment: "connection", has: 3 },
  { moment: "after examine", has: FRESH },
  { moment: "before keep", has: FRESH / 2 },
  { moment: "mail not acknowledged", has: 3 },
  { moment: "after keep", has: FRESH / 2 },
  { moment: "before archive", has: 1 },
  { moment: "mail acknowledged", has: 3 },
  { moment: "after archive", has: 1 },
] as const;

Deno.test(`over ${KILLS} kills every report is judged and archived once, and every change arrives under one key`, async () => {
  await using store = await tempStore(systemClock);
  const { dir } = store;
  const { log, archive, databases, final } = placesOf(dir);
  for (const path of [log, databases, final]) Deno.mkdirSync(path, { recursive: true });
  const killer = new Killer();
  await using mail = await MailServer.start({ onMail: () => killer.at("mail not acknowledged") });
  mail.onConnection = () => killer.at("connection");
  mail.onAcknowledged = () => killer.at("mail acknowledged");
  const { monitor, notify } = services(store.database, dir, mail.port);
  await monitor.expected.create(JobCreate.parse(JOB), caller());
  await notify.stop(Promise.resolve());
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 12 * 3_600_000;
  const child = (moment: string, spared: number) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", "--unstable-cron", "--unstable-net"]
        .concat([new URL("kill_child.ts", import.meta.url).pathname, dir])
        .concat([mail.port, moment, spared].map(String)),
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();

  let refused = 0;
  for (let generation = 0; generation < KILLS; generation++) {
    for (let i = 0; i < FRESH; i++) putReport(dir, generation * FRESH + i, start);
    if (generation % REFUSED_EACH === 0) putRefused(dir, refused++);
    const { moment, has } = MOMENTS[generation % MOMENTS.length]!;
    // Which of several it is, is left to chance.
    const spared = Math.floor(Math.random() * has);
    const afterMs = moment === "any" ? 200 + Math.random() * 900 : 60_000;
    await killer.kill(child(moment, spared), { moment, spared, afterMs });
  }
  const last = await within(120, "the last process", child("end", 0).output());
  assert.equal(last.code, 0);

  const db = store.database.tables<MonitorTables & NotifyTables>();
  const reports = await db.selectFrom("monitor_reports").select(["key", "outcome"]).execute();
  const entries = await db.selectFrom("monitor_entries").select(["due_at", "status", "promotion"])
    .orderBy("due_at").execute();
  const findings = await db.selectFrom("monitor_findings").select(["id", "code", "count", "state"])
    .orderBy("id").execute();
  assert.equal(reports.length, KILLS * FRESH + refused);
  assert.equal(reports.filter(({ outcome }) => outcome === "refused").length, refused);
  assert.equal(entries.length, KILLS * FRESH);
  assert.ok(entries.every(({ status }, n) => status === (n % 2 === 0 ? "failed" : "ok")));
  assert.ok(entries.every(({ promotion }, n) => promotion === (n % 2 === 0 ? "none" : "done")));
  assert.equal(findings.length, KILLS * FRESH / 2 + refused);
  assert.ok(
    findings.every(({ count, state }) => count === 1 && state === "recovered"),
    "nothing was judged twice",
  );

  const left = [...Deno.readDirSync(log)].map(({ name }) => name);
  assert.deepEqual(left, ["_archive"]);
  const archived = [...Deno.readDirSync(archive)].map(({ name }) => name);
  assert.equal(archived.length, reports.length);
  assert.ok(archived.every((name) => /^(\d{6}|refused-\d+)\.json$/.test(name)), "none was archived twice");
  // One that was killed while it copied leaves a part, which is removed a day later.
  const kept = [...walk(final)].filter((path) => /\.zst$/.test(path));
  assert.equal(kept.length, KILLS * FRESH / 2);

  const waiting = await db.selectFrom("notify_outbox").select("key").where("status", "!=", "sent").execute();
  assert.deepEqual(waiting, []);
  const expected = findings.flatMap(({ id }) => [`finding:${id}/mail`, `finding:${id}:recovered/mail`]);
  assert.deepEqual([...new Set(mail.keys)].sort(), expected.sort());
  console.log(
    `After ${KILLS} kills (${killer}): ${expected.length} changes, ${mail.mails.length} mails, ${
      mail.mails.length - expected.length
    } of them again`,
  );
});
