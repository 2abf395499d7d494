/** How fast the scanner hashes a file, against `openssl dgst -sha256` on the same one, and how fast it reads reports. */
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import { reportB } from "../monitor/report_samples.ts";
import { WorkerDisk } from "../../src/monitor/scan/disk.ts";
import { compiledBinary } from "../support/binary.ts";
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

/** Every agent reports each minute of the last hours about one database. */
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

/** 100,000 reports of 100 agents, scanned by the compiled program, and once more after they were put back. */
export async function scanBench(): Promise<BenchResult[]> {
  const binary = await compiledBinary();
  if ("skipped" in binary) throw new Error(`Cannot measure the binary: ${binary.skipped}`);
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    const deposit = join(dir, "deposit");
    fill(deposit, Date.now());
    const first = await scan(binary.path, dir, "judged");
    putBack(deposit);
    return figures(first, await scan(binary.path, dir, "known"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What one scan cost. */
interface ScanRun {
  reports: number;
  ms: number;
  /** Most memory the process ever had in use, as the system counts it; 0 where it does not say. */
  peak_bytes: number;
}

const Scanned = z.object({ reports: z.object({ found: z.int(), judged: z.int(), known: z.int() }) });
const LOOK_EVERY_MS = 10;

/** `holdfast monitor scan`, timed from outside; all reports have to end in one way. */
async function scan(binary: string, dir: string, all: "judged" | "known"): Promise<ScanRun> {
  const start = performance.now();
  const process = new Deno.Command(binary, {
    args: ["monitor", "scan", "--data-dir", join(dir, "state"), "--output", "json"],
    env: { BACKUP_STORAGE_ROOT: join(dir, "deposit") },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let peak_bytes = 0;
  const looking = setInterval(() => peak_bytes = Math.max(peak_bytes, peakBytes(process.pid)), LOOK_EVERY_MS);
  const { success, stdout } = await process.output();
  clearInterval(looking);
  if (!success) throw new Error("Cannot measure the scan: its process failed");
  const ms = performance.now() - start;
  const { reports } = Scanned.parse(JSON.parse(new TextDecoder().decode(stdout)));
  if (reports.found !== AGENTS * EACH || reports[all] !== reports.found) {
    throw new Error(`Cannot measure the scan: ${JSON.stringify(reports)}`);
  }
  return { reports: reports.found, ms, peak_bytes };
}

/** The highest it was so far: what it was between two looks is in it. */
function peakBytes(pid: number): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Puts the archived reports back, as a copy of a backup would. */
function putBack(deposit: string): void {
  for (const { name } of Deno.readDirSync(deposit)) {
    const log = join(deposit, name, "log");
    for (const report of Deno.readDirSync(join(log, "_archive"))) {
      Deno.renameSync(join(log, "_archive", report.name), join(log, report.name));
    }
  }
}

function figures(first: ScanRun, again: ScanRun): BenchResult[] {
  const peak = Math.max(first.peak_bytes, again.peak_bytes) / MIB;
  return [
    {
      name: `scan: ${first.reports} reports judged, stored and archived`,
      value: first.reports / (first.ms / 1000),
      unit: "files/s",
    },
    {
      name: "scan: the same reports again, known already",
      value: again.reports / (again.ms / 1000),
      unit: "files/s",
    },
    {
      name: "scan: peak memory of the process",
      value: peak,
      unit: "MiB",
      goal: `under ${MEMORY_GOAL_MIB} MiB`,
      met: peak > 0 && peak < MEMORY_GOAL_MIB,
    },
  ];
}
