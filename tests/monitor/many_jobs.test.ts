/** More jobs are due at one instant than are judged in one transaction. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

const JOBS = 700;
const START = "2026-01-01T12:00:00.000Z";

/** Two agents in turn, due at midnight; nothing came from either. The last job of the first one tells somebody else. */
async function manyJobs() {
  const clock = new FakeClock(START);
  const world = await testApp(
    { SMTP_HOST: "127.0.0.1", SMTP_PORT: "1", SMTP_FROM: "holdfast@example.org", SMTP_TO: "ops@example.org" },
    clock,
  );
  const sqlite = new DatabaseSync(join(world.config.data_dir, "holdfast.db"));
  const insert = sqlite.prepare(
    `insert into monitor_jobs (identity, way, database_name, agent_id_responsible, company_name, city, neighborhood,
       expected_hour_utc, expected_minute_utc, backup_frequency, days_of_week, notification_recipients, is_active,
       min_size_bytes, tell_unchanged, current_status, next_due_at, next_deadline_at, created_at, updated_at)
     values (?, 'report', ?, ?, 'ACME', 'PARIS', '', 0, 0, 'daily', '[]', ?, 1, 1, 1, 'unknown',
       '2026-01-02T00:00:00.000Z', '2026-01-02T01:00:00.000Z', ?, ?)`,
  );
  sqlite.exec("begin");
  for (let n = 0; n < JOBS; n++) {
    const own = n === JOBS - 2 ? '["last@example.org"]' : n === 0 ? '["first@example.org"]' : "[]";
    insert.run(`${n}`, `db${n}`, n % 2 === 0 ? "EVEN" : "ODD", own, START, START);
  }
  sqlite.exec("commit");
  const rows = (query: string) => sqlite.prepare(query).all().map((row) => Object.values(row));
  return Object.assign(world, { clock, rows, close: () => sqlite.close() });
}

Deno.test("each instant of many jobs ends with one entry and is tied to its finding, day after day", async () => {
  await using world = await manyJobs();
  for (const day of [2, 3]) {
    world.clock.set(Date.UTC(2026, 0, day, 1, 0, 30));
    await world.app.services.monitor.tick();
    await world.app.services.monitor.tick();
  }
  assert.deepEqual(world.rows("select due_at, status, count(*) from monitor_entries group by 1, 2"), [
    ["2026-01-02T00:00:00.000Z", "missing", JOBS],
    ["2026-01-03T00:00:00.000Z", "missing", JOBS],
  ]);
  assert.deepEqual(
    world.rows(
      `select count(*), min(f.count), max(f.count), min(f.last_seen_at), max(f.told)
       from monitor_findings f join monitor_entries e on e.id = f.entry_id
       where f.job_id = e.expected_job_id and e.due_at like '2026-01-03%' and f.facts like '%"entry_id":' || e.id || ',%'`,
    ),
    [[JOBS, 2, 2, "2026-01-03T01:00:30.000Z", 0]],
  );
  world.close();
});

Deno.test("a silent agent is told once, to those of all its jobs, however many transactions they take", async () => {
  await using world = await manyJobs();
  world.clock.set(Date.UTC(2026, 0, 2, 1, 0, 30));
  const { monitor } = world.app.services;
  await Promise.all([monitor.tick(), monitor.tick()]);
  assert.deepEqual(
    world.rows("select alert, count, told from monitor_findings where code = 'silent_agent' order by alert"),
    [["agent:EVEN", 1, 1], ["agent:ODD", 1, 1]],
  );
  const messages = world.rows("select recipients from notify_outbox order by id");
  assert.deepEqual(messages.map(([to]) => JSON.parse(String(to))), [
    ["first@example.org", "last@example.org"],
    [],
  ]);
  const [told] = world.rows("select detail from monitor_findings where alert = 'agent:EVEN'");
  assert.match(String(told), new RegExp(`and ${JOBS / 2 - 20} more$`));
  world.close();
});

Deno.test("what is muted is counted and says nothing; once that is over it is open and says so", async () => {
  await using world = await manyJobs();
  const { monitor } = world.app.services;
  const day = (n: number) => world.clock.set(Date.UTC(2026, 0, n, 1, 0, 30));
  day(2);
  await monitor.tick();
  const [[id]] = world.rows("select id from monitor_findings where alert = 'agent:ODD'") as [[number]];
  await world.local("POST", `/api/v1/monitor/findings/${id}/mute`, { until: "2026-01-03T12:00:00Z" });
  const odd = () =>
    world.rows(
      `select state, muted_until, count, (select count(*) from notify_events where alert = 'agent:ODD' and kind = 'finding')
       from monitor_findings where alert = 'agent:ODD'`,
    );
  day(3);
  await monitor.tick();
  assert.deepEqual(odd(), [["muted", "2026-01-03T12:00:00.000Z", 2, 1]]);
  day(4);
  await monitor.tick();
  assert.deepEqual(odd(), [["open", null, 3, 2]]);
  world.close();
});
