/**
 * `deno task faults [--readme]`: inflicts every fault, prints a table of what was tried and survived, and writes the
 * counts to `.bench/faults.json`; `--readme` writes the table into the README too, whatever it says.
 */
import { join } from "node:path";
import { Count, Counts, COUNTS_DIR, type FaultKind, KINDS, TABLE, tableOf } from "./tally.ts";

const HERE = new URL("./", import.meta.url).pathname;
const RESULTS = ".bench/faults.json";

/** The tests that count. */
function files(): string[] {
  return [...Deno.readDirSync(HERE)].map((entry) => join(HERE, entry.name)).filter((path) =>
    path.endsWith(".test.ts") && Deno.readTextFileSync(path).includes("new Tally(")
  ).sort();
}

function countOf(kind: FaultKind): Count {
  try {
    return Count.parse(JSON.parse(Deno.readTextFileSync(join(COUNTS_DIR, `${kind}.json`))));
  } catch (error) {
    // Nothing was counted: it could not be tried here.
    if (error instanceof Deno.errors.NotFound) return { tried: 0, survived: 0 };
    throw error;
  }
}

async function main(): Promise<number> {
  await Deno.remove(COUNTS_DIR, { recursive: true }).catch(() => {});
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/support/run.ts", ...files()],
  });
  const { code } = await tests.spawn().status;
  const counts = Counts.parse(Object.fromEntries(KINDS.map((kind) => [kind, countOf(kind)])));
  const table = tableOf(counts);
  await Deno.writeTextFile(
    RESULTS,
    `${JSON.stringify({ measured_at: new Date().toISOString(), counts }, null, 2)}\n`,
  );
  console.log(`\n${table}\n\nCounts as JSON: ${RESULTS}`);
  if (Deno.args.includes("--readme")) {
    const readme = await Deno.readTextFile("README.md");
    await Deno.writeTextFile(
      "README.md",
      readme.replace(TABLE, (_, before, __, after) => before + table + after),
    );
  }
  return code;
}

Deno.exitCode = await main();
