/** What changes while instants are open: a job, the clock, a file that is filled later, and a part of the tick that fails. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SOCKET, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { sites } from "./site_world.ts";

const JOB = {
  database_name: "shop",
  agent_id_responsible: "ACME_PARIS_NORTH",
  company_name: "ACME",
  city: "PARIS",
  expected_hour_utc: 13,
  backup_frequency: "daily",
};

/** A job that is due at 13:00, with an hour of grace; it is noon. */
async function oneJob() {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  const world = await testApp({}, clock);
  const { id } = await world.local("POST", "/api/v1/jobs/", JOB);
  const sqlite = new DatabaseSync(join(world.config.data_dir, "holdfast.db"));
  return Object.assign(world, {
    clock,
    id: Number(id),
    sqlite,
    async tick(instant: string) {
      clock.set(instant);
      await world.app.services.monitor.tick();
    },
    async entries(): Promise<string[]> {
      const entries: { due_at: string; status: string }[] = await world.local("GET", "/api/v1/entries/");
      return entries.map(({ due_at, status }) => `${due_at.slice(0, 16)} ${status}`).sort();
    },
    async open(): Promise<string[]> {
      const findings: { code: string }[] = await world.local("GET", "/api/v1/monitor/findings");
      return findings.map(({ code }) => code).sort();
    },
  });
}

Deno.test("a job that is changed while an instant is open still answers for it", async () => {
  await using world = await oneJob();
  world.clock.set("2026-03-02T13:30:00.000Z");
  await world.local("PUT", `/api/v1/jobs/${world.id}`, { grace_seconds: 7200 });
  await world.tick("2026-03-02T14:30:00.000Z");
  assert.deepEqual(await world.entries(), []);
  await world.tick("2026-03-02T15:00:00.000Z");
  assert.deepEqual(await world.entries(), ["2026-03-02T13:00 missing"]);
  world.clock.set("2026-03-03T13:30:00.000Z");
  // It is not due at 13:00 any more, and nobody could have come for 11:00.
  await world.local("PUT", `/api/v1/jobs/${world.id}`, { expected_hour_utc: 11 });
  await world.tick("2026-03-04T14:00:00.000Z");
  assert.deepEqual(await world.entries(), ["2026-03-02T13:00 missing", "2026-03-04T11:00 missing"]);
  world.sqlite.close();
});

Deno.test("the silence of an agent is over when no report of it is expected any more", async () => {
  await using world = await oneJob();
  await world.tick("2026-03-02T14:00:00.000Z");
  assert.deepEqual(await world.open(), ["missing", "silent_agent"]);
  await world.local("PUT", `/api/v1/jobs/${world.id}`, { agent_id_responsible: "ACME_PARIS_SOUTH" });
  assert.deepEqual(await world.open(), ["missing"]);
  await world.tick("2026-03-03T14:00:00.000Z");
  assert.deepEqual(await world.open(), ["missing", "silent_agent"]);
  await world.local("DELETE", `/api/v1/jobs/${world.id}`);
  assert.deepEqual(await world.open(), []);
  world.sqlite.close();
});

Deno.test("what was judged while the clock was a year ahead is taken back, and what is due is judged again", async () => {
  await using world = await oneJob();
  await world.tick("2026-03-02T14:00:00.000Z");
  await world.tick("2027-03-01T12:00:00.000Z");
  assert.equal((await world.local("GET", "/api/v1/entries/?limit=1000")).length, 364);
  await world.tick("2026-03-03T13:30:00.000Z");
  assert.deepEqual(await world.entries(), ["2026-03-02T13:00 missing"]);
  assert.deepEqual(await world.open(), ["missing", "silent_agent"], "as it was before the clock went wrong");
  const job = await world.local("GET", `/api/v1/jobs/${world.id}`);
  assert.deepEqual([job.next_due_at, job.current_status], ["2026-03-03T13:00:00.000Z", "missing"]);
  await world.tick("2026-03-03T14:00:00.000Z");
  assert.deepEqual(await world.entries(), ["2026-03-02T13:00 missing", "2026-03-03T13:00 missing"]);
  assert.deepEqual(await world.open(), ["missing", "silent_agent"]);
  world.sqlite.close();
});

Deno.test("a part of the tick that fails keeps no deadline from being judged", async () => {
  await using world = await oneJob();
  world.sqlite.exec("drop table monitor_runs");
  await assert.rejects(world.tick("2026-03-02T14:00:00.000Z"), /monitor_runs/);
  assert.deepEqual(await world.entries(), ["2026-03-02T13:00 missing"]);
  world.sqlite.close();
});

Deno.test("a schedule's word for following another is no cron expression of a job", async () => {
  await using world = await oneJob();
  for (const cron_expression of ["@after", "@after:x"]) {
    const response = await world.request("POST", "/api/v1/jobs/", {
      peer: SOCKET,
      json: { ...JOB, cron_expression },
    });
    assert.equal(response.status, 400);
    assert.match((await response.json()).detail, /unknown nickname/);
  }
  world.sqlite.close();
});

Deno.test("a plain file that was empty when it was seen is good once it is filled before its deadline", async () => {
  await using world = await sites();
  const { id } = await world.local("POST", "/api/v1/jobs/", {
    database_name: "crm",
    way: "file",
    agent_deposit_path_template: "crm.dump",
    expected_hour_utc: 13,
    backup_frequency: "daily",
  });
  world.clock.set("2026-03-02T13:02:00.000Z");
  await world.put("crm.dump", "");
  await world.at("2026-03-02T13:05:00.000Z");
  assert.deepEqual(await world.entries("2026-03-02"), ["crm failed"]);
  await world.at("2026-03-02T13:10:00.000Z");
  assert.equal(world.subjects().length, 1);
  await world.put("crm.dump", "all of it");
  await world.at("2026-03-02T13:15:00.000Z");
  assert.deepEqual(await world.entries("2026-03-02"), ["crm ok"]);
  assert.deepEqual(await world.open(), []);
  // One that is good is not looked for again.
  assert.deepEqual(await world.monitor.judgement.expectedFiles(), []);
  assert.equal((await world.local("GET", `/api/v1/jobs/${id}`)).current_status, "ok");
});

Deno.test("a schedule that follows another can be expected, and the board shows all the same", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  await using world = await testApp({}, clock);
  const { id: server_id } = await world.local("POST", "/api/v1/servers", { name: "web", host: "127.0.0.1" });
  const source = join(world.dir, "source");
  await Deno.mkdir(source);
  const schedule = (fields: object) =>
    world.local("POST", "/api/v1/backup-scheduler/schedules", {
      server_id,
      engine: "archive",
      engine_options: { sources: [source], destination: join(world.dir, "target") },
      backup_type: "scheduled",
      ...fields,
    });
  await schedule({ name: "first", cron_expression: "0 2 * * *" });
  await schedule({ name: "second", run_after: "first" });
  await world.local("POST", "/api/v1/jobs/", {
    schedule: "second",
    backup_frequency: "daily",
    expected_hour_utc: 2,
  });
  await world.local("POST", "/api/v1/jobs/", JOB);
  await world.app.services.monitor.tick();
  const { rows } = await world.local("GET", "/api/v1/monitor/board");
  assert.deepEqual(rows.map(({ name }: { name: string }) => name), ["ACME/PARIS/shop"]);
  assert.equal((await world.local("GET", "/api/v1/monitor/calendar?from=2026-03-01")).jobs.length, 1);
});

Deno.test("of two changes at once neither undoes the other: one of them is refused", async () => {
  await using world = await oneJob();
  const change = (json: object) => world.request("PUT", `/api/v1/jobs/${world.id}`, { peer: SOCKET, json });
  const answers = await Promise.all([change({ grace_seconds: 60 }), change({ min_size_bytes: 7 })]);
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  const job = await world.local("GET", `/api/v1/jobs/${world.id}`);
  assert.equal(job.grace_seconds, answers[0]!.ok ? 60 : null);
  assert.equal(job.min_size_bytes, answers[1]!.ok ? 7 : 1);
  for (const [i, { status }] of answers.entries()) {
    if (status !== 200) assert.match(`${status} ${texts[i]}`, /^409 .*somebody else just did/);
  }
  assert.ok(answers.some(({ ok }) => ok));
  world.sqlite.close();
});
