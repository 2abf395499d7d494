/** How fast expected jobs are judged, pings taken, and a page of many entries read. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FakeClock } from "../support/clock.ts";
import { type TestApp, testApp } from "../support/app.ts";
import { type BenchResult, median } from "./result.ts";

const JOBS = 10_000;
const TICK_GOAL_MS = 1000;
const PINGS = 4000;
const PING_GOAL_MS = 50;
const ENTRIES = 1_000_000;
const PAGE_GOAL_MS = 20;
const START = "2026-01-01T00:00:00.000Z";
const ROUNDS = 3;

/** All three figures. */
export async function monitorBench(): Promise<BenchResult[]> {
  return [...await tickTime(), await pingTime(), await pageTime()];
}

/** Jobs of a hundred agents, due each day at midnight. */
function fillJobs(world: TestApp, way: "report" | "ping"): void {
  const sqlite = openBeside(world);
  const insert = sqlite.prepare(
    `insert into monitor_jobs (identity, way, database_name, agent_id_responsible, company_name, city, neighborhood,
       expected_hour_utc, expected_minute_utc, backup_frequency, days_of_week, notification_recipients, is_active,
       min_size_bytes, tell_unchanged, ping_id, current_status, next_due_at, next_deadline_at, created_at, updated_at)
     values (?, ?, ?, ?, ?, 'PARIS', '', 0, 0, 'daily', '[]', '[]', 1, 1, 1, ?, 'unknown', ?, ?, ?, ?)`,
  );
  sqlite.exec("begin");
  for (let i = 0; i < JOBS; i++) {
    const [due, deadline] = ["2026-01-02T00:00:00.000Z", "2026-01-02T01:00:00.000Z"];
    const agent = `AGENT_${i % 100}`;
    insert.run(`${i}`, way, `db${i}`, agent, `ACME ${i % 50}`, `ping-${i}`, due, deadline, START, START);
  }
  sqlite.exec("commit");
  sqlite.close();
}

/** A connection of the bench's own, to fill tables past the services. */
function openBeside({ config }: TestApp): DatabaseSync {
  const sqlite = new DatabaseSync(join(config.data_dir, "holdfast.db"));
  sqlite.exec("pragma busy_timeout = 5000");
  return sqlite;
}

/** One tick in which every job has its deadline: nothing came for any, and then everything came for all. */
async function tickTime(): Promise<BenchResult[]> {
  const missing: number[] = [];
  const arrived: number[] = [];
  const clock = new FakeClock(START);
  await using world = await testApp({}, clock);
  fillJobs(world, "report");
  const { monitor } = world.app.services;
  for (let day = 2; day < 2 + ROUNDS; day++) {
    clock.set(Date.UTC(2026, 0, day, 1, 0, 30));
    missing.push(await timeOf(() => monitor.tick()));
  }
  const sqlite = openBeside(world);
  for (let day = 2 + ROUNDS; day < 2 + 2 * ROUNDS; day++) {
    const due = new Date(Date.UTC(2026, 0, day)).toISOString();
    sqlite.exec(
      `insert into monitor_entries (expected_job_id, due_at, status, message, way, agent_id, company_name, city,
         database_name, at, created_at, detail, promotion)
       select id, '${due}', 'ok', 'it arrived', 'report', agent_id_responsible, company_name, city, database_name,
         '${due}', '${due}', '{}', 'none' from monitor_jobs`,
    );
    clock.set(Date.UTC(2026, 0, day, 1, 0, 30));
    arrived.push(await timeOf(() => monitor.tick()));
  }
  sqlite.close();
  return [
    goalResult(`${JOBS} expected jobs judged in one tick, all missing`, median(missing), TICK_GOAL_MS),
    goalResult(`${JOBS} expected jobs judged in one tick, all arrived`, median(arrived), TICK_GOAL_MS),
  ];
}

/** Pings of as many jobs through the API, spread over a second, once the first hundreds have warmed it up. */
async function pingTime(): Promise<BenchResult> {
  await using world = await testApp({}, new FakeClock(Date.parse(START)));
  fillJobs(world, "ping");
  const ping = async (i: number) => {
    const answer = await world.request("POST", `/api/v1/ping/ping-${i}`, { body: "done" });
    await answer.body?.cancel();
    if (answer.status !== 200) throw new Error(`Cannot measure pings: one was answered ${answer.status}`);
  };
  await Promise.all(Array.from({ length: 500 }, (_, i) => ping(PINGS + i)));
  await world.app.services.monitor.pings.idle();
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < PINGS;) {
    const dueBy = Math.min(PINGS, Math.ceil((performance.now() - began) / 1000 * PINGS));
    for (; sent < dueBy; sent++) pending.push(timeOf(() => ping(sent)).then((ms) => void times.push(ms)));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  const sqlite = openBeside(world);
  const stored = sqlite.prepare("select count(*) as n from monitor_pings").get();
  sqlite.close();
  if (Number(stored?.n) !== PINGS + 500) throw new Error(`Cannot measure pings: ${stored?.n} were stored`);
  const value = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  return goalResult(`p99 of ${PINGS} pings in a second, none lost`, value, PING_GOAL_MS);
}

/** The slowest of several filtered and unfiltered pages of a long history. */
async function pageTime(): Promise<BenchResult> {
  await using world = await testApp({}, new FakeClock(Date.parse(START)));
  fillJobs(world, "report");
  const sqlite = openBeside(world);
  sqlite.exec(
    `with recursive days(n) as (select 0 union all select n + 1 from days where n < ${ENTRIES / JOBS - 1})
     insert into monitor_entries (expected_job_id, due_at, status, message, way, agent_id, company_name, city,
       database_name, at, created_at, detail, promotion)
     select id, date('2025-01-01', '+' || n || ' days') || 'T00:00:00.000Z',
       case when (id + n) % 1000 = 0 then 'failed' else 'ok' end, 'it arrived', 'report', agent_id_responsible,
       company_name, city, database_name, '${START}', '${START}', '{}', 'none' from days, monitor_jobs`,
  );
  sqlite.close();
  const { expected } = world.app.services.monitor;
  const page = { skip: 0, limit: 100 };
  const pages = [
    {},
    { skip: 900 },
    { status: "failed" as const },
    { company: "ACME 7" },
    { agent: "AGENT_7" },
    { city: "PARIS" },
    { job_id: 7 },
  ];
  const worst: number[] = [];
  for (const filter of pages) {
    const values = [];
    for (let round = 0; round < 5; round++) {
      values.push(await timeOf(() => expected.entries({ ...page, ...filter })));
    }
    worst.push(median(values));
  }
  return goalResult(
    `a page of ${ENTRIES} entries, the slowest of ${pages.length} filters`,
    Math.max(...worst),
    PAGE_GOAL_MS,
  );
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function goalResult(name: string, value: number, goal: number): BenchResult {
  return { name, value, unit: "ms", goal: `under ${goal} ms`, met: value < goal };
}
