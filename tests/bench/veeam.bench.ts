/** How fast long lists of a Veeam server are read, how much memory that takes, and what a report and a reading cost. */
import { systemClock } from "../../src/lib/clock.ts";
import { reportOn } from "../../src/veeam/report.ts";
import { reportText } from "../../src/veeam/report_text.ts";
import { databaseMemory, VeeamStore } from "../../src/veeam/store.ts";
import { Sync } from "../../src/veeam/sync.ts";
import { tempStore } from "../support/store.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { serviceOf } from "../support/veeam/tables.ts";
import type { BenchResult } from "./result.ts";

const SESSIONS = 50_000;
const LATENCY_MS = 50;
const RATIO_GOAL = 1.3;
const MEMORY_GOAL_MIB = 150;
const JOBS = 1000;
const MIB = 1024 * 1024;

/** 50,000 sessions, listed by a process of its own and by the plainest program that reads the pages. */
export async function veeamListBench(): Promise<BenchResult[]> {
  const fake = new FakeVeeam({ clock: systemClock, jobs: 100, sessions: SESSIONS, latencyMs: LATENCY_MS });
  fake.recording = false;
  await using served = fake.serve();
  const list = async (form: string) => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "tests/bench/veeam_list.ts", served.url, form],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`Cannot measure the list: ${decoder.decode(stderr)}`);
    const result = JSON.parse(decoder.decode(stdout));
    if (result.count !== SESSIONS) throw new Error(`Cannot measure the list: ${result.count} rows`);
    return result;
  };
  const bare = await list("bare");
  const listed = await list("csv");
  const ratio = listed.ms / bare.ms;
  const memory = listed.peak_bytes / MIB;
  return [{
    name: `${SESSIONS} sessions listed, each page after ${LATENCY_MS} ms`,
    value: listed.ms,
    unit: "ms",
    baseline: bare.ms,
    ratio,
    goal: `at most ${RATIO_GOAL}x`,
    met: ratio <= RATIO_GOAL,
  }, {
    name: "peak memory of that process",
    value: memory,
    unit: "MiB",
    baseline: bare.peak_bytes / MIB,
    goal: `under ${MEMORY_GOAL_MIB} MiB`,
    met: memory < MEMORY_GOAL_MIB,
  }];
}

/** The morning report on a server with many jobs, and a reading of a server on which nothing has changed. */
export async function veeamReportBench(): Promise<BenchResult[]> {
  const fake = new FakeVeeam({ clock: systemClock, jobs: JOBS, sessions: 2000 });
  const store = await tempStore(systemClock);
  try {
    const { database } = store;
    const veeam = serviceOf({ "vbr-1": fake }, {}, { memory: databaseMemory(database) });
    const before = performance.now();
    reportText(await reportOn(veeam, { since: "24h", days: 2 }, new AbortController().signal));
    const reported = performance.now() - before;
    const kept = serviceOf({ "vbr-1": fake }, {}, { stored: new VeeamStore(database, systemClock) });
    const sync = new Sync({
      database,
      clock: systemClock,
      settings: { ...SETTINGS, servers: { "vbr-1": fake.settings } },
      veeam: kept,
      alerts: { enqueue: () => Promise.resolve() },
    });
    await sync.run({});
    const calls = fake.requests.length;
    const again = performance.now();
    await sync.run({});
    const took = performance.now() - again;
    return [
      { name: `report over ${JOBS} jobs`, value: reported, unit: "ms" },
      { name: `reading of an unchanged server with ${JOBS} jobs`, value: took, unit: "ms" },
      {
        name: "calls of that reading",
        value: fake.requests.length - calls,
        unit: "calls",
        goal: "at most 20, whatever the history",
        met: fake.requests.length - calls <= 20,
      },
    ];
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

const SETTINGS = {
  sync_every_seconds: 300,
  history_days: 30,
  keep_days: 400,
  alerts: false,
  timeout_seconds: 60,
  page_size: 500,
  tape_export: null,
};
