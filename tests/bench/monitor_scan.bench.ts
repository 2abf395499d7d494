/** How fast the scanner hashes a file, against `openssl dgst -sha256` on the same one, and how fast it reads reports. */
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import { reportB } from "../monitor/report_samples.ts";
import { WorkerDisk } from "../../src/monitor/scan/disk.ts";
import type { ScanRun } from "./monitor_scan_run.ts";
import type { BenchResult } from "./result.ts";

const HASH_BYTES = 2 ** 30;
const BLOCK_BYTES = 64 << 20;
const TURNS = 5;
const MIB = 2 ** 20;
const MEMORY_GOAL_MIB = 200;

/** Both take turns on a file in the cache; the best of each counts. */
export async function hashBench(): Promise<BenchResult[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    const path = join(dir, "dump");
    writeRandom(path);
    using disk = new WorkerDisk(new AbortController().signal);
    const [before] = await disk.run("glance", [path]);
    if (before === undefined) throw new Error("Cannot look at the file");
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      const openssl = await opensslMs(path);
      if (openssl !== null) theirs.push(openssl);
      const start = performance.now();
      await disk.run("examine", path, before);
      ours.push(performance.now() - start);
    }
    return [rate(Math.min(...ours), theirs.length === 0 ? undefined : Math.min(...theirs))];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function writeRandom(path: string): void {
  const block = randomFillSync(new Uint8Array(BLOCK_BYTES));
  using file = Deno.openSync(path, { write: true, create: true });
  for (let written = 0; written < HASH_BYTES; written += BLOCK_BYTES) file.writeSync(block);
}

async function opensslMs(path: string): Promise<number | null> {
  try {
    const start = performance.now();
    const { success } = await new Deno.Command("openssl", { args: ["dgst", "-sha256", path] }).output();
    return success ? performance.now() - start : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function rate(ms: number, baselineMs: number | undefined): BenchResult {
  const mibPerSecond = (time: number) => HASH_BYTES / MIB / (time / 1000);
  const value = mibPerSecond(ms);
  const result = {
    name: "scan: SHA-256 of a file of 1 GiB",
    value,
    unit: "MiB/s",
    goal: "at least 0.8x openssl",
  };
  if (baselineMs === undefined) return result;
  const baseline = mibPerSecond(baselineMs);
  return { ...result, baseline, ratio: value / baseline, met: value / baseline >= 0.8 };
}

const [AGENTS, EACH] = [100, 1000];
const MINUTE_MS = 60_000;
/** What the README recommends where memory is scarce (`DENO_V8_FLAGS`); otherwise garbage is collected late. */
const FLAGS = "--optimize-for-size";

/** Every agent reports each minute of the last hours about one database, which a job expects once a day. */
function fill(deposit: string, now: number): void {
  const content = "a dump";
  for (let agent = 0; agent < AGENTS; agent++) {
    const id = `ACME_SITE${agent}_NORTH`;
    const [log, databases] = [join(deposit, id, "log"), join(deposit, id, "databases")];
    Deno.mkdirSync(log, { recursive: true });
    Deno.mkdirSync(databases);
    Deno.writeTextFileSync(join(databases, "shop.zst"), content);
    for (let i = 0; i < EACH; i++) {
      const end = new Date(now - (EACH - i) * MINUTE_MS).toISOString().replace(/\.\d+/, "");
      const said = { agent: id, file: "shop.zst", sha256: hashBytes(content), size: content.length, end };
      Deno.writeTextFileSync(
        join(log, `${end.replace(/\D/g, "")}_${id}.json`),
        JSON.stringify(reportB(said)),
      );
    }
  }
}

/** 100,000 reports of 100 agents; in a process of its own, so that its peak memory is its own too. */
export async function scanBench(): Promise<BenchResult[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    fill(join(dir, "deposit"), Date.now());
    return figures(await scanTwice(dir));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function scanTwice(dir: string): Promise<ScanRun> {
  const script = new URL("./monitor_scan_run.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", `--v8-flags=${FLAGS}`, "--unstable-cron", "--unstable-net", script, dir],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot measure the scan: its process failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

function figures(run: ScanRun): BenchResult[] {
  const peak = run.peak_bytes / MIB;
  return [
    {
      name: `scan: ${run.reports} reports judged, stored and archived`,
      value: run.reports / (run.first_ms / 1000),
      unit: "files/s",
    },
    {
      name: "scan: the same reports again, known already",
      value: run.reports / (run.again_ms / 1000),
      unit: "files/s",
    },
    {
      name: `scan: peak memory of the process with ${FLAGS}`,
      value: peak,
      unit: "MiB",
      goal: `under ${MEMORY_GOAL_MIB} MiB`,
      met: peak > 0 && peak < MEMORY_GOAL_MIB,
    },
  ];
}
