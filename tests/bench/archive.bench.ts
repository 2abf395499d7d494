/**
 * How fast the archive engine is, against `tar -c | zstd -3` on the same trees in the same run.
 *
 * Both start with warm caches, take turns and yield to other programs alike (the engine's workers do so by
 * themselves); the best of each counts. The engine's time is that of a whole run from options to a hashed, flushed
 * artifact: checks and the start of its workers are in it, the read-back is measured apart. Each run of the engine is
 * a process of its own, so that its peak memory is its own too.
 */
import { join } from "node:path";
import { fillMixed } from "../support/tree.ts";
import type { ArchiveRun } from "./archive_run.ts";
import type { BenchResult } from "./result.ts";

const LARGE_BYTES = 2 * 2 ** 30;
const BLOCK_BYTES = 64 << 20;
const SMALL_FILES = 10_000;
const SMALL_BYTES = 4096;
const MEMORY_GOAL_MIB = 200;

/** Measures everything; takes about two minutes and 6 GiB of the temporary directory. */
export async function archiveBench(): Promise<BenchResult[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    const large = join(dir, "large");
    const small = join(dir, "small");
    writeLarge(large);
    writeSmall(small);
    const largeRuns = await race(large, dir, 3);
    const smallRuns = await race(small, dir, 5);
    const peak = Math.max(...largeRuns.ours.map((run) => run.peak_bytes)) / 2 ** 20;
    return [
      throughput("archive: one file of 2 GiB, hashed", LARGE_BYTES, 0.8, largeRuns),
      throughput("archive: 10,000 files of 4 KB, hashed", SMALL_FILES * SMALL_BYTES, 0.5, smallRuns),
      readBack("archive: reading back 2 GiB", LARGE_BYTES, largeRuns),
      readBack("archive: reading back 10,000 files of 4 KB", SMALL_FILES * SMALL_BYTES, smallRuns),
      {
        name: "archive: peak memory of the process with 2 GiB",
        value: Math.round(peak),
        unit: "MiB",
        goal: `under ${MEMORY_GOAL_MIB} MiB`,
        met: peak < MEMORY_GOAL_MIB,
      },
    ];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

interface Race {
  ours: ArchiveRun[];
  /** Milliseconds of each run of the baseline; empty where its programs are not installed. */
  theirs: number[];
}

async function race(source: string, dir: string, turns: number): Promise<Race> {
  const result: Race = { ours: [], theirs: [] };
  for (let turn = 0; turn < turns; turn++) {
    const theirs = await tarAndZstd(source, join(dir, "baseline.tar.zst"));
    if (theirs !== null) result.theirs.push(theirs);
    result.ours.push(await engine(source, join(dir, "backups")));
  }
  return result;
}

async function tarAndZstd(source: string, output: string): Promise<number | null> {
  const script = 'set -o pipefail; tar -c "$1" 2>/dev/null | zstd -q -3 > "$2"';
  const start = performance.now();
  const { success } = await new Deno.Command("bash", { args: ["-c", script, "bash", source, output] })
    .output();
  const ms = performance.now() - start;
  await Deno.remove(output).catch(() => {});
  return success ? ms : null;
}

async function engine(source: string, destination: string): Promise<ArchiveRun> {
  const script = new URL("./archive_run.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", script, source, destination],
    stderr: "inherit",
  }).output();
  const run: ArchiveRun = JSON.parse(new TextDecoder().decode(stdout));
  return run;
}

function throughput(name: string, bytes: number, goal: number, { ours, theirs }: Race): BenchResult {
  const value = megabytesPerSecond(bytes, Math.min(...ours.map((run) => run.make_ms)));
  if (theirs.length === 0) return { name, value, unit: "MB/s" };
  const baseline = megabytesPerSecond(bytes, Math.min(...theirs));
  const ratio = Math.round(value / baseline * 100) / 100;
  return {
    name,
    value,
    unit: "MB/s",
    goal: `at least ${goal}x of tar | zstd -3`,
    baseline,
    ratio,
    met: ratio >= goal,
  };
}

function readBack(name: string, bytes: number, { ours }: Race): BenchResult {
  return {
    name,
    value: megabytesPerSecond(bytes, Math.min(...ours.map((run) => run.verify_ms))),
    unit: "MB/s",
  };
}

function megabytesPerSecond(bytes: number, ms: number): number {
  return Math.round(bytes / ms / 1000);
}

/** One block again and again: no compressor at this level sees as far back as a block is long. */
function writeLarge(dir: string): void {
  Deno.mkdirSync(dir);
  const block = new Uint8Array(BLOCK_BYTES);
  fillMixed(block, 1);
  using file = Deno.createSync(join(dir, "large"));
  for (let written = 0; written < LARGE_BYTES; written += BLOCK_BYTES) {
    for (let at = 0; at < block.length;) at += file.writeSync(block.subarray(at));
  }
}

function writeSmall(dir: string): void {
  Deno.mkdirSync(dir);
  const content = new Uint8Array(SMALL_FILES * SMALL_BYTES);
  fillMixed(content, 2);
  for (let i = 0; i < SMALL_FILES; i++) {
    const path = join(dir, `${i % 100}`);
    if (i < 100) Deno.mkdirSync(path);
    Deno.writeFileSync(join(path, `file-${i}`), content.subarray(i * SMALL_BYTES, (i + 1) * SMALL_BYTES));
  }
}
