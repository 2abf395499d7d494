/** How fast due schedules are claimed, and how fast a page of a long history is read. */
import { caller } from "../support/store.ts";
import { type World, world } from "../schedules/support.ts";
import { type BenchResult, median } from "./result.ts";

const SCHEDULES = 10_000;
const DUE = 1000;
const TICK_GOAL_MS = 500;
const RUNS = 1_000_000;
const PAGE_GOAL_MS = 20;
const START = "2026-01-01T00:00:30.000Z";
const FIRST_TICK = Date.parse("2026-01-01T00:01:00Z");
const ROUNDS = 5;

/** Both figures. */
export async function schedulesBench(): Promise<BenchResult[]> {
  return [await tickTime(), await pageTime()];
}

/** One tick that finds a tenth of many schedules due. The runs themselves wait: claiming is what is measured. */
async function tickTime(): Promise<BenchResult> {
  await using w = await world(START);
  w.backups.work = () => new Promise(() => {});
  fillSchedules(w);
  await w.schedules.settleAtStart();
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    w.clock.set(FIRST_TICK + round * 60_000);
    const before = performance.now();
    const { claimed } = await w.schedules.tick();
    values.push(performance.now() - before);
    if (claimed !== DUE) throw new Error(`Cannot measure the tick: ${claimed} of ${DUE} were claimed`);
  }
  const value = median(values);
  return {
    name: `tick with ${SCHEDULES} schedules of which ${DUE} are due`,
    value,
    unit: "ms",
    goal: `under ${TICK_GOAL_MS} ms`,
    met: value < TICK_GOAL_MS,
  };
}

/** Each minute of an hour has its share of schedules; those of the first minutes are due in turn. */
function fillSchedules(w: World): void {
  const insert = w.database.sqlite.prepare(
    `insert into schedules (id, server_id, name, enabled, cron_expression, timezone, anchor_at, max_backups,
       only_when_running, backup_type, engine, engine_options, policies, created_at, updated_at, created_by, next_run_at)
     values (?, 1, ?, 1, ?, 'Europe/Paris', ?, 7, 0, 'scheduled', 'archive', '{"sources":["/srv"]}', '{}', ?, ?, 0, ?)`,
  );
  w.database.sqlite.exec("begin");
  for (let i = 0; i < SCHEDULES; i++) {
    const minute = Math.floor(i / DUE) + 1;
    const due = new Date(Date.parse("2026-01-01T00:00:00Z") + minute * 60_000).toISOString();
    insert.run(`s${i}`, `schedule ${i}`, `${minute} * * * *`, START, START, START, due);
  }
  w.database.sqlite.exec("commit");
}

/** The slowest of the first, a middle and the last page, of all runs and of one schedule. */
async function pageTime(): Promise<BenchResult> {
  await using w = await world(START);
  fillSchedules(w);
  fillRuns(w);
  const asks = [
    { offset: 0 },
    { offset: RUNS / 2 },
    { offset: RUNS - 20 },
    { offset: 0, schedule_id: "s7" },
    { offset: 0, server_id: 1 },
  ];
  const slowest = [];
  for (const ask of asks) {
    const values: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = performance.now();
      const page = await w.schedules.runs.list({ limit: 20, ...ask }, caller());
      values.push(performance.now() - before);
      if (page.logs.length !== 20) throw new Error(`Cannot measure the page: ${page.logs.length} of 20 logs`);
    }
    slowest.push(median(values));
  }
  const value = Math.max(...slowest);
  return {
    name: `logs page with ${RUNS} rows`,
    value,
    unit: "ms",
    goal: `under ${PAGE_GOAL_MS} ms`,
    met: value < PAGE_GOAL_MS,
  };
}

function fillRuns(w: World): void {
  const { sqlite } = w.database;
  sqlite.exec("pragma synchronous = off; begin");
  const insert = sqlite.prepare(
    `insert into runs (id, schedule_id, server_id, trigger, due_at, attempt, status, outcome, queued_at, started_at,
       completed_at, warning_count, created_by, requested_by)
     values (?, ?, 1, 'schedule', ?, 1, ?, ?, ?, ?, ?, 0, 0, 'system:schedules-dispatch')`,
  );
  for (let i = 0; i < RUNS; i++) {
    const at = new Date(Date.parse("2020-01-01T00:00:00Z") + i * 1000).toISOString();
    const word = i % 50 === 0 ? "failed" : "success";
    insert.run(i.toString(16).padStart(16, "0"), `s${i % SCHEDULES}`, at, word, word, at, at, at);
  }
  sqlite.exec(
    `insert into run_counts select schedule_id, server_id, status, count(*) from runs group by 1, 2, 3;
     commit; pragma synchronous = full`,
  );
}
