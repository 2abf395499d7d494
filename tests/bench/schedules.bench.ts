/** How fast due schedules are claimed and run, what that leaves in memory, and how fast a page of a long history is read. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EngineContext } from "../../src/backups/engine.ts";
import type { MakeBackup } from "../../src/backups/make.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { FileBackups, type World, world } from "../schedules/support.ts";
import { caller } from "../support/store.ts";
import { fillSchedules } from "./many.ts";
import { type BenchResult, median } from "./result.ts";

const SCHEDULES = 10_000;
const DUE = 1000;
const TICK_GOAL_MS = 500;
const RUNS = 1_000_000;
const PAGE_GOAL_MS = 20;
const START = "2026-01-01T00:00:30.000Z";
const FIRST_TICK = Date.parse("2026-01-01T00:01:00Z");
const MINUTE_MS = 60_000;
const ROUNDS = 5;

/** One tick that finds a tenth of many schedules due. The runs themselves wait: claiming is what is measured. */
export async function tickTime(): Promise<BenchResult[]> {
  await using w = await world(START);
  w.backups.work = () => new Promise(() => {});
  fillSchedules(w, SCHEDULES, ofMinute);
  await w.schedules.settleAtStart();
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    w.clock.set(FIRST_TICK + round * MINUTE_MS);
    const before = performance.now();
    const { claimed } = await w.schedules.tick();
    values.push(performance.now() - before);
    if (claimed !== DUE) throw new Error(`Cannot measure the tick: ${claimed} of ${DUE} were claimed`);
  }
  const value = median(values);
  return [{
    name: `tick with ${SCHEDULES} schedules of which ${DUE} are due`,
    value,
    unit: "ms",
    goal: `under ${TICK_GOAL_MS} ms`,
    met: value < TICK_GOAL_MS,
  }];
}

/** Each minute of an hour has its share of schedules; those of the first minutes are due in turn. */
function ofMinute(n: number): string {
  return new Date(FIRST_TICK + Math.floor(n / DUE) * MINUTE_MS).toISOString();
}

/** Backups that take no time and leave nothing, in memory neither. */
class NoBackups extends FileBackups {
  override validateEngine(_engine: string, options: unknown): Promise<Record<string, unknown>> {
    return Promise.resolve({ ...(options as Record<string, unknown>) });
  }

  override make(request: MakeBackup, context: EngineContext): ReturnType<FileBackups["make"]> {
    return Promise.resolve(this.record(request, `/b/${request.run_id}.tar`, context.now()));
  }

  override applyRetention() {
    return Promise.resolve({ removed: [], waiting: null });
  }
}

const CONCURRENT = 20;
const MANY_RUNS = 100_000;
const WARM_RUNS = 10_000;
const MEMORY_GOAL_MB = 20;

/**
 * A thousand schedules due at once, from the tick to the recorded end of the last run, each with its ledger row, its chain
 * link and its log; again and again until a hundred thousand have run, what memory that takes, and what it leaves there.
 */
export async function dispatchRate(): Promise<BenchResult[]> {
  await using w = await world(START);
  w.settings.max_concurrent_runs = CONCURRENT;
  w.schedules = new Schedules(w.options({ backups: new NoBackups(w.dir) }));
  fillSchedules(w, DUE, () => new Date(FIRST_TICK).toISOString());
  await w.schedules.settleAtStart();
  const rates: number[] = [];
  let [warm, highest] = [0, 0];
  for (let run = 0; run < MANY_RUNS; run += DUE) {
    w.clock.set(FIRST_TICK + run / DUE * 60 * MINUTE_MS);
    const before = performance.now();
    const { claimed } = await w.schedules.tick();
    await w.schedules.idle();
    rates.push(DUE / (performance.now() - before) * 1000);
    if (claimed !== DUE) throw new Error(`Cannot measure the runs: ${claimed} of ${DUE} were claimed`);
    highest = Math.max(highest, memoryMb());
    if (run + DUE === WARM_RUNS) warm = memoryAtRestMb();
  }
  const after = memoryAtRestMb();
  return [{
    name: `dispatch of ${DUE} due runs, ${CONCURRENT} at a time`,
    value: median(rates),
    unit: "runs/s",
  }, {
    name: `highest memory during ${MANY_RUNS} runs`,
    value: highest,
    unit: "MB",
  }, {
    name: `memory after ${MANY_RUNS} runs`,
    value: after,
    baseline: warm,
    ratio: after / warm,
    unit: "MB",
    goal: `at most ${MEMORY_GOAL_MB} MB more than after ${WARM_RUNS}`,
    met: after - warm <= MEMORY_GOAL_MB,
  }];
}

function memoryMb(): number {
  return Deno.memoryUsage().rss / 1e6;
}

/**
 * Memory without what V8 has not collected yet, which is a matter of when one looks and hides what is really kept. The
 * same comes about in a daemon that has had nothing to do for some seconds.
 */
function memoryAtRestMb(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return memoryMb();
}

/** The slowest of the first, a middle and the last page, of all runs and of one schedule. */
export async function pageTime(): Promise<BenchResult[]> {
  await using w = await world(START);
  fillSchedules(w, SCHEDULES, ofMinute);
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
  return [{
    name: `logs page with ${RUNS} rows`,
    value,
    unit: "ms",
    goal: `under ${PAGE_GOAL_MS} ms`,
    met: value < PAGE_GOAL_MS,
  }];
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
     insert into run_days select substr(started_at, 1, 10), server_id, count(*) from runs group by 1, 2;
     commit; pragma synchronous = full`,
  );
}
