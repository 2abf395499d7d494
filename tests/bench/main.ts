/**
 * `deno task bench [--only NAME]`: runs every function that a `*.bench.ts` file here exports, one after the other,
 * prints a table and writes the figures to `.bench/results.json`. NAME is a file (`cli`) or a function.
 * With `--readme` the figures measured now also take the place of the former ones in the README's table.
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { BenchResult } from "./result.ts";

type Bench = () => Promise<BenchResult[]>;

interface Outcome {
  bench: string;
  results: BenchResult[];
  /** Why there are none; the other benches go on. */
  error?: string;
}

const HERE = new URL("./", import.meta.url);
const RESULTS = ".bench/results.json";

/** The benches of every file; a file that cannot be loaded is one bench that fails. */
async function benches(): Promise<{ topic: string; name: string; run: Bench }[]> {
  const files = [...Deno.readDirSync(HERE)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".bench.ts")
  );
  const found = await Promise.all(
    files.sort().map(async (file) => {
      const topic = file.replace(".bench.ts", "");
      try {
        const module: Record<string, unknown> = await import(new URL(file, HERE).href);
        return Object.entries(module).flatMap(([name, run]) => isBench(run) ? [{ topic, name, run }] : []);
      } catch (error) {
        return [{ topic, name: "load", run: () => Promise.reject(error) }];
      }
    }),
  );
  return found.flat();
}

function isBench(value: unknown): value is Bench {
  return typeof value === "function";
}

async function measure(bench: string, run: Bench): Promise<Outcome> {
  try {
    return { bench, results: await run() };
  } catch (error) {
    return { bench, results: [], error: error instanceof Error ? error.message : String(error) };
  }
}

const HEADINGS = ["what", "value", "baseline", "ratio", "goal", "reached"];

function row(result: BenchResult): string[] {
  const { name, value, unit, baseline, ratio, goal, met } = result;
  return [
    name,
    `${figure(value)} ${unit}`,
    baseline === undefined ? "" : `${figure(baseline)} ${unit}`,
    ratio === undefined ? "" : `${ratio.toFixed(2)}x`,
    goal ?? "",
    met === undefined ? "" : met ? "yes" : "NO",
  ];
}

/** Three digits are as much as a repeated measurement agrees on. */
function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function table(rows: string[][]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  )
    .join("\n");
}

const README = "README.md";
const [TABLE_START, TABLE_END] = [
  "<!-- bench: written by deno task bench --readme -->\n",
  "<!-- bench end -->",
];

/** Puts the rows into the README's table: those of the same name are replaced, new ones come last. */
async function writeReadme(rows: string[][]): Promise<void> {
  const text = await Deno.readTextFile(README);
  const [start, end] = [text.indexOf(TABLE_START), text.indexOf(TABLE_END)];
  if (start < 0 || end < start) throw new Error(`Cannot find the place for the figures in ${README}`);
  const old = text.slice(start + TABLE_START.length, end).split("\n").filter((line) => line.startsWith("|"))
    .slice(2).map((line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()));
  const known = new Map(old.map((cells) => [cells[0] ?? "", cells]));
  for (const cells of rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")))) {
    known.set(cells[0] ?? "", cells);
  }
  const lines = [HEADINGS, HEADINGS.map(() => "---"), ...known.values()].map((cells) =>
    `| ${cells.join(" | ")} |`
  );
  const table = `\n${lines.join("\n")}\n\n`;
  await Deno.writeTextFile(README, text.slice(0, start) + TABLE_START + table + text.slice(end));
}

async function main(): Promise<void> {
  const { values: { only, readme } } = parseArgs({
    args: Deno.args,
    options: { only: { type: "string" }, readme: { type: "boolean", default: false } },
  });
  const outcomes: Outcome[] = [];
  for (const { topic, name, run } of await benches()) {
    if (only !== undefined && only !== topic && only !== name) continue;
    console.log(`Measuring ${topic}: ${name}`);
    outcomes.push(await measure(`${topic}: ${name}`, run));
  }
  if (outcomes.length === 0) {
    throw new Error(`Cannot measure "${only ?? ""}": no bench file or function has that name`);
  }

  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory_bytes: totalmem(),
    os: Deno.build.target,
  };
  const report = { measured_at: new Date().toISOString(), deno: Deno.version.deno, machine, outcomes };
  await Deno.mkdir(".bench", { recursive: true });
  await Deno.writeTextFile(RESULTS, `${JSON.stringify(report, null, 2)}\n`);

  const rows = outcomes.flatMap((outcome) => outcome.results.map(row));
  console.log(`\n${table([HEADINGS, ...rows])}\n`);
  if (readme) await writeReadme(rows);
  const failed = outcomes.filter((outcome) => outcome.error !== undefined);
  for (const { bench, error } of failed) console.log(`failed: ${bench}: ${error}`);
  console.log(`Figures as JSON: ${RESULTS}`);
  if (failed.length > 0) Deno.exitCode = 1;
}

await main();
