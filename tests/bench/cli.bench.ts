/** How long a person waits for the compiled program to answer. */
import { compiledBinary } from "../support/binary.ts";
import { type BenchResult, median } from "./result.ts";

const RUNS = 15;
const START_GOAL = 2;
const LIST_GOAL_MS = 150;

/** `holdfast version` against a compiled program that does nothing, in turns, so that both see the same machine. */
export async function startTime(): Promise<BenchResult[]> {
  const holdfast = await binary();
  const empty = await binary("tests/bench/empty_program.ts");
  const own: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    own.push(time(holdfast, "version"));
    bare.push(time(empty));
  }
  const [value, baseline] = [median(own), median(bare)];
  const ratio = value / baseline;
  return [{
    name: "start of holdfast version",
    value,
    unit: "ms",
    goal: `at most ${START_GOAL}x`,
    baseline,
    ratio,
    met: ratio <= START_GOAL,
  }];
}

/** The whole command, process start included, answered by a daemon on the same machine. */
export async function listSchedules(): Promise<BenchResult[]> {
  const holdfast = await binary();
  const folder = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  const daemon = new Deno.Command(holdfast, {
    args: ["serve", "--data-dir", folder, "--api-listen", "127.0.0.1:0"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let running = true;
  const ended = daemon.status.then(({ code }) => {
    running = false;
    throw new Error(`Cannot measure schedules list: the daemon ended with code ${code}`);
  });
  try {
    await Promise.race([answers(`${folder}/holdfast.sock`, () => running), ended]);
    const values = Array.from(
      { length: RUNS },
      () => time(holdfast, "--data-dir", folder, "schedules", "list"),
    );
    const value = median(values);
    const goal = `under ${LIST_GOAL_MS} ms`;
    return [{ name: "schedules list against a daemon", value, unit: "ms", goal, met: value < LIST_GOAL_MS }];
  } finally {
    if (running) daemon.kill("SIGTERM");
    await ended.catch(() => {});
    await Deno.remove(folder, { recursive: true });
  }
}

async function binary(entry?: string): Promise<string> {
  const found = await compiledBinary(entry);
  if ("skipped" in found) throw new Error(`Cannot measure the binary: ${found.skipped}`);
  return found.path;
}

/** Milliseconds from start to end of one run. */
function time(program: string, ...args: string[]): number {
  const start = performance.now();
  const { success, stderr } = new Deno.Command(program, { args, stdin: "null" }).outputSync();
  const elapsed = performance.now() - start;
  if (!success) {
    throw new Error(`Cannot measure ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return elapsed;
}

/** Waits until somebody answers on the socket; a daemon that never comes up is given up after 30 seconds. */
async function answers(path: string, running: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (running() && performance.now() < deadline) {
    try {
      using _connection = await Deno.connect({ transport: "unix", path });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("Cannot measure schedules list: the daemon did not come up");
}
