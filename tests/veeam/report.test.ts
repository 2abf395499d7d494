/** The report, the doctor, coverage, actions and watching, on servers that are not as they should be. */
import assert from "node:assert/strict";
import { systemCaller } from "../../src/lib/caller.ts";
import { followSession, retryJob, startJob } from "../../src/veeam/actions.ts";
import { examine } from "../../src/veeam/doctor.ts";
import type { Letter } from "../../src/veeam/letter.ts";
import { problemsOf, reportOn, reportRows } from "../../src/veeam/report.ts";
import { reportHtml } from "../../src/veeam/report_html.ts";
import { reportText } from "../../src/veeam/report_text.ts";
import { watchJobsOperation } from "../../src/veeam/operations/jobs.ts";
import { watchJobs } from "../../src/veeam/watch.ts";
import { FakeClock } from "../support/clock.ts";
import { fakeId, KIND } from "../support/veeam/model.ts";
import { never } from "../support/veeam/client.ts";
import { FakeVeeam, type FakeVeeamOptions } from "../support/veeam/fake.ts";
import { serviceOf } from "../support/veeam/tables.ts";

const MINUTE = 60_000;

function fakeOf(options: Partial<FakeVeeamOptions> = {}): FakeVeeam {
  return new FakeVeeam({ clock: new FakeClock("2026-03-02T06:00:00Z"), ...options });
}

const asked = { since: "24h", days: 2 };

Deno.test("a report on good servers is well, one failed job makes it bad, a later success well again", async () => {
  const fake = fakeOf();
  fake.points.push({ ...fake.points.at(-1)!, n: 99, created: fake.clock.now() - MINUTE });
  fake.repositories[2]!.free = 500;
  const veeam = serviceOf({ "vbr-1": fake });
  const good = await reportOn(veeam, asked, never());
  assert.deepEqual([good.verdict, good.servers[0]?.problems], ["ok", []]);
  assert.match(reportText(good), /nothing wrong that can be seen/);
  fake.addSession({
    job: 1,
    created: fake.clock.now() - 9 * MINUTE,
    ended: fake.clock.now() - 8 * MINUTE,
    result: "Failed",
    message: "<b>no</b> space",
  });
  const bad = await reportOn(veeam, asked, never());
  assert.equal(bad.verdict, "bad");
  assert.match(reportText(bad), /bad +job Daily VMs +<b>no<\/b> space/);
  assert.ok(reportHtml(bad).includes("&lt;b&gt;no&lt;/b&gt; space"));
  assert.ok(reportRows(bad).some(({ section, status }) => section === "problem" && status === "bad"));
  fake.addSession({ job: 1, created: fake.clock.now() - 2 * MINUTE, ended: fake.clock.now() });
  const again = await reportOn(veeam, asked, never());
  assert.equal(again.verdict, "ok");
  assert.equal(again.servers[0]?.failures[0]?.recovered, true);
});

Deno.test("what a revision and a role hide is in the report, and kinds without a list show by their runs", async () => {
  const fake = fakeOf({ speaks: "1.2-rev1", role: "Viewer" });
  const veeam = serviceOf({ "vbr-1": fake });
  fake.addSession({ job: 99, name: "Laptops nightly", result: "Failed", message: "no network" });
  const { servers: [one] } = await reportOn(veeam, asked, never());
  assert.equal(one?.license, null);
  assert.ok(one?.hidden.some((text) => text.includes("Windows agent backup")), one?.hidden.join("\n"));
  assert.ok(one?.hidden.some((text) => text.includes("Veeam Backup Administrator")));
  assert.ok(one?.kinds.some(({ kind }) => kind === "BackupJob (in no list of jobs)"));
  assert.ok(one?.problems.some(({ name }) => name === "Laptops nightly"));
  const rows = await veeam.coverage({}, never());
  assert.ok(rows.some(({ what, visible }) => what === "licence" && !visible));
  assert.ok(rows.some(({ area, what }) => area === "sessions" && what === "Laptops nightly"));
  // A viewer reads malware events from 13.0.1 on; here it would be told to become what it is.
  await assert.rejects(veeam.malware({ since: "1h" }, never()), { hint: /"Veeam Backup Administrator"/ });
  const rights = (await examine(veeam, {}, never())).find(({ check }) => check === "rights");
  assert.equal(
    rights?.hint,
    'needs role "Veeam Backup Administrator", needs role "Veeam Security Administrator"; the rest keeps working',
  );
});

Deno.test("with several servers one that is away is part of the report and of the doctor, and lists name it", async () => {
  const [here, away] = [fakeOf(), fakeOf()];
  away.mfa = true;
  const veeam = serviceOf({ here, away });
  const report = await reportOn(veeam, asked, never());
  assert.deepEqual(report.servers.map(({ server, error }) => [server, error === null]), [
    ["away", false],
    ["here", true],
  ]);
  assert.equal(report.verdict, "bad");
  await assert.rejects(veeam.jobs({}, never()), { kind: "invalid" });
  await assert.rejects(veeam.jobs({ all: true }, never()), /Cannot log in to Veeam server "away"/);
  assert.equal((await veeam.jobs({ server: "here" }, never())).length, 5);
  await assert.rejects(veeam.jobs({ server: "hera" }, never()), {
    kind: "not_found",
    hint: 'did you mean "here"?',
  });
  const lines = await examine(veeam, {}, never());
  assert.deepEqual(
    lines.filter(({ status }) => status === "bad").map(({ server, check }) => [server, check]),
    [
      ["away", "login"],
    ],
  );
  assert.deepEqual(
    (await veeam.jobs({ server: "here", status: "success", name: "daily" }, never())).map(({ name }) => name),
    ["Daily VMs"],
  );
});

Deno.test("the doctor sees clocks that differ, licences that end and builds that could speak newer", async () => {
  const fake = fakeOf();
  fake.licenseDays = 5;
  fake.override = ({ path }) =>
    path.endsWith("/serverTime") ? Response.json({ serverTime: "2026-03-02T06:10:00Z" }) : undefined;
  const settings = { servers: { "vbr-1": { ...fake.settings, revision: "1.3-rev0" } } };
  const lines = await examine(serviceOf({ "vbr-1": fake }, settings), {}, never());
  const of = (check: string) => lines.find((line) => line.check === check);
  assert.match(of("clock")?.detail ?? "", /10m ahead/);
  assert.match(of("licence")?.detail ?? "", /ends in 5 days/);
  assert.match(of("build")?.detail ?? "", /speaks 1\.3-rev2 too/);
  assert.deepEqual([of("clock")?.status, of("licence")?.status], ["warning", "warning"]);
});

Deno.test("limits of what is a problem", () => {
  const nothing = { failures: [], repositories: [], unprotected: [], license: null, config_backup: null };
  assert.deepEqual(problemsOf(nothing, 2), []);
  const at = { server: "vbr-1", read_at: "" };
  const backup = {
    ...at,
    is_enabled: true,
    repository_id: null,
    restore_points_to_keep: 1,
    is_encrypted: false,
  };
  const age = (days: number) =>
    problemsOf(
      { ...nothing, config_backup: { ...backup, last_success_at: "", age_seconds: days * 86_400 } },
      2,
    )
      .map(({ severity }) => severity);
  assert.deepEqual([age(1), age(8), age(31)], [[], ["warning"], ["bad"]]);
});

Deno.test("a server before 13 has no retry: a failed job is started again, a running or good one is not", async () => {
  const fake = fakeOf({ speaks: "1.2-rev1" });
  const veeam = serviceOf({ "vbr-1": fake });
  const job = fake.jobs[0]!;
  await assert.rejects(retryJob(veeam, { job: "Daily VMs" }, never()), /its last run did not fail/);
  job.result = "Failed";
  job.disabled = true;
  await assert.rejects(retryJob(veeam, { job: "Daily VMs" }, never()), /it is disabled/);
  job.disabled = false;
  const { action, session } = await retryJob(veeam, { job: "Daily VMs" }, never());
  assert.deepEqual([action, fake.requests.at(-1)?.path.split("/").at(-1)], ["start", "start"]);
  assert.notEqual(session, null);
  await assert.rejects(retryJob(veeam, { job: "Daily VMs" }, never()), /it is running/);
  await assert.rejects(startJob(veeam, { job: "Daily VMs", full: false }, never()), { kind: "conflict" });
});

Deno.test("following tells each new line of the log once, and the result at the end", async () => {
  const fake = fakeOf();
  const clock = new FakeClock("2026-03-02T06:00:00Z");
  const client = serviceOf({ "vbr-1": fake }).clients.of("vbr-1");
  const session = fake.addSession({ job: 1, ended: null, result: "None" });
  const id = fakeId(KIND.session, session.n);
  fake.logLines = ["Job started"];
  const lines: string[] = [];
  let looks = 0;
  for await (
    const event of followSession(client, id, {
      now: () => clock.now(),
      sleep: () => {
        looks++;
        fake.logLines.push(looks === 1 ? "Processing web-01" : "Processing failed");
        if (looks === 2) {
          Object.assign(session, { ended: fake.clock.now(), result: "Failed", message: "no space" });
        }
        return Promise.resolve();
      },
    }, never())
  ) {
    if (event.type !== "progress") {
      lines.push(event.type === "line" ? `${event.level} ${event.text}` : event.status);
    }
  }
  assert.deepEqual(lines, [
    "info Job started",
    "info Processing web-01",
    "error Processing failed",
    "failed",
  ]);
});

Deno.test("a watch refuses how often it is to look without a unit, and what is too often or too seldom", () => {
  const veeam = serviceOf({ "vbr-1": fakeOf() });
  for (
    const [every, says] of [["60", /a number needs a unit/], ["0s", /at least 1s/], [
      "30d",
      /at most 24h/,
    ]] as const
  ) {
    const run = () => watchJobsOperation.run({ veeam }, { every, all: false }, systemCaller("test"));
    assert.throws(run, { kind: "invalid", message: says }, every);
  }
});

Deno.test("a watch outlives a server that goes away, and writes mails again that were not taken", async () => {
  const fake = fakeOf();
  const veeam = serviceOf({ "vbr-1": fake });
  const sent: Letter[] = [];
  let round = 0;
  const clock = {
    now: () => fake.clock.now(),
    sleep: () => {
      round++;
      if (round === 1) fake.addSession({ job: 2, result: "Failed", created: fake.clock.now() + 1 });
      fake.mfa = round === 2;
      if (round === 2) fake.forgetLogins();
      return Promise.resolve();
    },
  };
  const mailer = (letter: Letter) => {
    if (round === 1) return Promise.reject(new Error("451 later"));
    sent.push(letter);
    return Promise.resolve();
  };
  const lines: string[] = [];
  const options = { every_seconds: 60, mail: ["ops@example.org"], rounds: 4 };
  for await (const event of watchJobs(veeam, options, mailer, clock, never())) {
    lines.push(event.type === "line" ? event.text : event.status);
  }
  assert.match(
    lines.join("\n"),
    /watching 5 jobs\n.*Job 0002" ended with Failed\nmail not sent.*451 later\n.*Cannot log in.*\n.*can be read again\nok/,
  );
  assert.deepEqual(sent.map(({ subject, to }) => [subject, ...to]), [
    ['Veeam vbr-1: job "Job 0002" failed', "ops@example.org"],
  ]);
});
