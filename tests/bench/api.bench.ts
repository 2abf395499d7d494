/** What the API does in a second, against the plainest servers there are, and how it behaves while a backup runs. */
import { startDaemon } from "./daemon.ts";
import { type BenchResult, median } from "./result.ts";
import { ensurePackages } from "../support/packages.ts";

const SECONDS = 3;
const ROUNDS = 3;
const BARE_GOAL = 0.1;
const SQLITE_GOAL = 0.3;

/** Authenticated reads of one schedule, in turns with the two bare servers, so that all see the same machine. */
export async function apiReads(): Promise<BenchResult[]> {
  await needWrk();
  await using daemon = await startDaemon();
  const path = `/api/v1/backup-scheduler/schedules/${daemon.scheduleId}`;
  const body = await (await fetch(daemon.url + path, { headers: daemon.headers })).text();
  await using text = await startBare("text", body);
  await using sqlite = await startBare("sqlite", body);
  const rates = { own: [] as number[], text: [] as number[], sqlite: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.text.push((await wrk(text.url, {})).perSecond);
    rates.sqlite.push((await wrk(sqlite.url, {})).perSecond);
    rates.own.push((await wrk(daemon.url + path, daemon.headers)).perSecond);
  }
  const [own, bare, read] = [median(rates.own), median(rates.text), median(rates.sqlite)];
  return [
    ratioRow("GET schedule against bare Deno.serve", own, bare, BARE_GOAL),
    ratioRow("GET schedule against Deno.serve and one SQLite read", own, read, SQLITE_GOAL),
  ];
}

function ratioRow(name: string, value: number, baseline: number, goal: number): BenchResult {
  const ratio = value / baseline;
  return { name, value, unit: "1/s", goal: `at least ${goal}x`, baseline, ratio, met: ratio >= goal };
}

/** Servers created one after the other over HTTP: each is a commit on disk with its audit line and chain link. */
export async function apiInserts(): Promise<BenchResult[]> {
  await using daemon = await startDaemon();
  const started = performance.now();
  const count = 500;
  for (let i = 0; i < count; i++) {
    const response = await fetch(`${daemon.url}/api/v1/servers`, {
      method: "POST",
      headers: { ...daemon.headers, "content-type": "application/json" },
      body: JSON.stringify({ name: `bench-${i}`, host: "127.0.0.1" }),
    });
    if (!response.ok) throw new Error(`Cannot create a server: ${await response.text()}`);
    await response.body?.cancel();
  }
  return [{
    name: "POST server, one at a time",
    value: count / (performance.now() - started) * 1000,
    unit: "1/s",
  }];
}

const BUSY_GOAL = 2;

/** Latency of reads, idle and while an archive is made. */
export async function whileArchiving(): Promise<BenchResult[]> {
  await using daemon = await startDaemon();
  const url = `${daemon.url}/api/v1/backup-scheduler/schedules/${daemon.scheduleId}`;
  await daemon.fill();
  const before = await latencies(url, daemon.headers, () => false);
  const run = daemon.trigger();
  let done = false;
  run.finally(() => done = true).catch(() => {});
  const busy = await latencies(url, daemon.headers, () => done);
  await run;
  // Before and after: a daemon that has just started is slower than any later, and the machine may change meanwhile.
  const idle = [...before, ...await latencies(url, daemon.headers, () => false)];
  const p99 = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
  const [value, baseline] = [p99(busy), p99(idle)];
  const ratio = value / baseline;
  const goal = `within ${BUSY_GOAL}x of idle`;
  return [{
    name: "API p99 while an archive is made",
    value,
    unit: "ms",
    goal,
    baseline,
    ratio,
    met: ratio <= BUSY_GOAL,
  }];
}

const MINUTE_MS = 60_000;

/** Time from the full minute to the start of a run that is due then, idle and while an archive is made. Takes up to three minutes. */
export async function tickDelay(): Promise<BenchResult[]> {
  await using daemon = await startDaemon();
  const everyMinute = await daemon.everyMinute();
  const idle = await everyMinute.delayOfNextRun();
  await daemon.fill();
  // The archive takes ten seconds: started right before the minute, it is at work when the tick comes.
  const untilMinute = MINUTE_MS - Date.now() % MINUTE_MS;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMinute - 1500)));
  const archive = daemon.trigger();
  const busy = await everyMinute.delayOfNextRun();
  await archive;
  const ratio = busy / idle;
  const goal = `within ${BUSY_GOAL}x of idle`;
  return [{
    name: "delay of the tick while an archive is made",
    value: busy,
    unit: "ms",
    goal,
    baseline: idle,
    ratio,
    met: ratio <= BUSY_GOAL,
  }];
}

const SAMPLES = 1500;
const PAUSE_MS = 2;

/** Times of single requests with short pauses between, as a dashboard sends them. */
async function latencies(
  url: string,
  headers: Record<string, string>,
  enough: () => boolean,
): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SAMPLES && !enough(); i++) {
    const started = performance.now();
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

async function needWrk(): Promise<void> {
  const { missing } = await ensurePackages(["wrk"]);
  if (missing.length > 0) throw new Error("Cannot measure requests: wrk is missing (Debian package wrk)");
}

interface Bare extends AsyncDisposable {
  url: string;
}

async function startBare(mode: string, body: string): Promise<Bare> {
  const script = new URL("bare_server.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", script, mode, body],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  return {
    url: `http://127.0.0.1:${value.trim()}/`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}

async function wrk(url: string, headers: Record<string, string>): Promise<{ perSecond: number }> {
  const args = [
    "-t1",
    "-c32",
    `-d${SECONDS}s`,
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    url,
  ];
  const { stdout } = await new Deno.Command("wrk", { args, stdout: "piped" }).output();
  const text = new TextDecoder().decode(stdout);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  if (!(perSecond > 0) || /Non-2xx/.test(text)) throw new Error(`Cannot measure ${url}: ${text}`);
  return { perSecond };
}
