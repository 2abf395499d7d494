/** Holdfast's own: schedules expected with one flag, and artifacts that vanish. */
import assert from "node:assert/strict";
import { FakeClock } from "../support/clock.ts";
import { world } from "../support/world.ts";

Deno.test("a schedule is expected by naming it: runs that end well are ok, instants that are skipped are not", async () => {
  const clock = new FakeClock("2026-03-02T01:30:00Z");
  await using w = await world({}, clock);
  const { schedules, monitor } = w.app.services;
  const job = await w.local("POST", "/api/v1/jobs", { schedule: w.own.schedule });
  assert.equal(job.way, "schedule");
  assert.equal(job.database_name, "nightly-web-1");
  assert.equal(job.next_due_at, "2026-03-02T02:00:00.000Z");
  const at = async (instant: string) => {
    clock.set(instant);
    await schedules.tick();
    await schedules.idle();
    await monitor.tick();
  };
  const entries = async () =>
    (await w.local("GET", `/api/v1/entries/by_job/${job.id}`)).map((
      entry: { due_at: string; status: string },
    ) => `${entry.due_at.slice(0, 10)} ${entry.status}`);
  await at("2026-03-02T02:00:10Z");
  assert.deepEqual(await entries(), ["2026-03-02 ok"]);
  await w.local("POST", "/api/v1/backup-scheduler/scheduler/stop");
  await at("2026-03-03T02:00:10Z");
  assert.deepEqual(await entries(), ["2026-03-03 failed", "2026-03-02 ok"]);
  assert.match((await w.local("GET", `/api/v1/monitor/findings?job_id=${job.id}`))[0].detail, /skipped/);
  await w.local("POST", "/api/v1/backup-scheduler/scheduler/start");
  await at("2026-03-04T02:00:10Z");
  assert.deepEqual(await entries(), ["2026-03-04 ok", "2026-03-03 failed", "2026-03-02 ok"]);
  assert.deepEqual(await w.local("GET", `/api/v1/monitor/findings?job_id=${job.id}`), []);
});

Deno.test("an artifact that is gone is a finding until it is back", async () => {
  const clock = new FakeClock("2026-03-02T01:30:00Z");
  await using w = await world({}, clock);
  const { backups, monitor } = w.app.services;
  const { path } = await backups.get(w.own.backup);
  const findings = async () =>
    (await w.local("GET", "/api/v1/monitor/findings")).map((one: { code: string; subject_id: string }) =>
      `${one.code} ${one.subject_id}`
    );
  const look = async () => {
    backups.begin("reconcile");
    await backups.idle();
    await monitor.tick();
    await monitor.tick();
  };
  await Deno.rename(path, `${path}.away`);
  await look();
  assert.deepEqual(await findings(), [`vanished ${w.own.backup}`]);
  await Deno.rename(`${path}.away`, path);
  await look();
  assert.deepEqual(await findings(), []);
});
