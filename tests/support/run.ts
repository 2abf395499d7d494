/**
 * Runs the tests and ends with one line people and machines can read: `N passed, N failed`.
 *
 *     deno run -A tests/support/run.ts [--fast | --live] [FILE | FOLDER | option of deno test]...
 *
 * `--fast` leaves out `*.slow.test.ts`; `--live` runs only `*.live.test.ts`, which talk to a real server, router
 * or tenant. A test that needs something absent prints `skipped: WHAT: WHY: HOW TO GET IT`; those lines are
 * repeated at the end, so that a green run never hides what it did not look at.
 *
 * A test that hangs does not hold up the run for ever: when nothing ended for ten minutes (or as long as
 * HOLDFAST_TEST_PATIENCE_SECONDS says), the run is ended, names what was still running, and has failed.
 */
import { stripVTControlCharacters } from "node:util";
import { walk } from "./files.ts";
import { ensurePackages, TEST_PACKAGES } from "./packages.ts";

type Kind = "all" | "fast" | "live";

const PATIENCE_VARIABLE = "HOLDFAST_TEST_PATIENCE_SECONDS";
/** Where the vendors' descriptions are, for tests that need them. */
const SPECS_VARIABLE = "HOLDFAST_SPECS";
const LIVE_PREFIX = "HOLDFAST_LIVE_";
const LIVE_HOW =
  `set ${LIVE_PREFIX}VEEAM_URL, ${LIVE_PREFIX}VYOS_URL or ${LIVE_PREFIX}CLOUDCONNEXA_URL and their credentials`;

function testFiles(kind: Kind): string[] {
  const files = [...walk("tests")].filter((path) => path.endsWith(".test.ts"));
  const isLive = (path: string) => path.endsWith(".live.test.ts");
  if (kind === "live") return files.filter(isLive);
  const slow = files.filter((path) => path.endsWith(".slow.test.ts"));
  const fast = files.filter((path) => !slow.includes(path) && !isLive(path));
  // With two workers, a long file that starts last decides how long the whole run takes.
  return kind === "fast" ? fast : [...slow, ...fast];
}

/** Settings of the person at the keyboard must not reach the programs under test. */
function testEnvironment(kind: Kind): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  const kept = all.filter(([name]) =>
    !name.startsWith("HOLDFAST_") || name === SPECS_VARIABLE ||
    (kind === "live" && name.startsWith(LIVE_PREFIX))
  );
  return { DENO_JOBS: "2", ...Object.fromEntries(kept) };
}

interface Summary {
  passed: number;
  failed: number;
  skipped: Set<string>;
  /** What was told to be running for long. */
  long: Set<string>;
}

/** Reads a line of what deno test prints; false when it only tells that a test still runs. */
function readLine(line: string, summary: Summary): boolean {
  const plain = stripVTControlCharacters(line);
  const long = /^(.*) has been running for over /.exec(plain)?.[1];
  if (long !== undefined) summary.long.add(long);
  else readResult(plain, summary);
  return long === undefined;
}

function readResult(plain: string, summary: Summary): void {
  if (plain.startsWith("skipped: ")) summary.skipped.add(plain);
  const counts = /^(?:ok|FAILED) \| (\d+) passed .*?\| (\d+) failed/.exec(plain);
  if (counts === null) return;
  summary.passed = Number(counts[1]);
  summary.failed = Number(counts[2]);
}

async function run(kind: Kind, args: string[]): Promise<number> {
  const summary: Summary = { passed: 0, failed: 0, skipped: new Set(), long: new Set() };
  const patience = Number(Deno.env.get(PATIENCE_VARIABLE) ?? 600);
  const options = args.filter((arg) => arg.startsWith("-"));
  const named = args.filter((arg) => !arg.startsWith("-"));
  const files = named.length > 0 ? named : testFiles(kind);
  // Without a file deno test would look for files itself, and run them all.
  if (files.length === 0) throw new Error(`Cannot run the tests: no ${kind} test file under tests`);
  const child = new Deno.Command(Deno.execPath(), {
    // With DENO_COVERAGE_DIR set, processes that tests start are measured too; the report is made once, afterwards.
    args: ["test", "--allow-all", "--parallel", "--coverage-raw-data-only", ...options, ...files],
    env: testEnvironment(kind),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
  }).spawn();

  let hangs = false;
  const giveUp = () => {
    hangs = true;
    child.kill("SIGKILL");
  };
  let watch = setTimeout(giveUp, patience * 1000);
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      console.log(line);
      if (!readLine(line, summary)) continue;
      clearTimeout(watch);
      watch = setTimeout(giveUp, patience * 1000);
    }
  }
  const { code } = await child.status;
  clearTimeout(watch);
  if (hangs) {
    console.log(
      `Nothing ended for ${patience} s; long-running were: ${[...summary.long].join(", ") || "none"}`,
    );
  }

  for (const line of summary.skipped) console.log(line);
  // A module that does not compile ends the run before any summary: that is a failure too.
  const failed = code === 0 ? summary.failed : Math.max(summary.failed, 1);
  console.log(`${summary.passed} passed, ${failed} failed`);
  return code;
}

const kinds: Record<string, Kind> = { "--fast": "fast", "--live": "live" };
const kind = Deno.args.map((arg) => kinds[arg]).find((found) => found !== undefined) ?? "all";
const args = Deno.args.filter((arg) => !(arg in kinds));

if (kind === "live" && !Object.keys(Deno.env.toObject()).some((name) => name.startsWith(LIVE_PREFIX))) {
  console.log(`skipped: tests against real servers: no ${LIVE_PREFIX}* variable is set: ${LIVE_HOW}`);
  console.log("0 passed, 0 failed");
} else {
  if (kind === "all" && args.length === 0) await ensurePackages(TEST_PACKAGES);
  Deno.exitCode = await run(kind, args);
}
