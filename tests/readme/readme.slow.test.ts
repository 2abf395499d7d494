/**
 * The README, run: every `$` line of its `console` blocks in order, on one host, compared with what stands below it.
 *
 *     deno test -A tests/readme/readme.slow.test.ts                 compares
 *     deno test -A tests/readme/readme.slow.test.ts -- --update     writes what differs into the README
 *
 * So outputs are never typed by hand: write the command, leave its output away, run with `--update`, and read what
 * came. Shorten it with `...` where that helps; an output that still fits is left alone. A name (an id, an artifact)
 * in a new command may be any of its kind: it becomes the one shown last.
 *
 * How a block is marked, what is put on the host and what is compared how is said in `document.ts`, `host.ts` and
 * `compare.ts`. Besides: a `yaml` block whose first line is a path in a comment is written to that path, and the
 * commands of a block marked `console wait` are repeated until their output fits, because it needs time to pass.
 */
import assert from "node:assert/strict";
import { until } from "../support/wait.ts";
import { UPDATE } from "../support/golden.ts";
import { bindWhatFits, matches, Names } from "./compare.ts";
import {
  type Block,
  type Example,
  isConsole,
  isShown,
  joinParts,
  readExamples,
  splitParts,
  writeExamples,
} from "./document.ts";
import { Host, type Ran } from "./host.ts";

const README = "README.md";
const WAIT_SECONDS = 300;

/** Programs that examples use beside our own; where one is absent, what begins with it is not run. */
const TOOLS = ["curl", "tar", "zstd"];

const absent = TOOLS.filter((tool) => !isPresent(tool));
for (const tool of absent) {
  console.log(`skipped: the README's examples with ${tool}: it is not installed: install ${tool}`);
}

function isPresent(tool: string): boolean {
  try {
    return new Deno.Command(tool, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

Deno.test("every example of the README prints what the README says", async (t) => {
  const parts = splitParts(await Deno.readTextFile(README));
  const names = new Names();
  await using host = await Host.start();
  for (const part of parts) {
    if ("text" in part) continue;
    const { block } = part;
    const file = /^# (\/\S+)$/.exec(block.lines[0] ?? "")?.[1];
    if (block.info === "yaml" && file !== undefined) await host.write(file, block.lines);
    if (!isConsole(block) || isShown(block)) continue;
    await t.step(`line ${block.line}: ${block.lines[0]}`, async () => {
      block.lines = await runBlock(block, host, names);
    });
  }
  if (UPDATE) await Deno.writeTextFile(README, joinParts(parts));
});

/** Runs a block; returns its lines, which are new ones where the person wants that. */
async function runBlock(block: Block, host: Host, names: Names): Promise<string[]> {
  const examples: Example[] = [];
  for (const example of readExamples(block)) {
    if (absent.some((tool) => new RegExp(`\\b${tool}\\b`).test(example.command))) examples.push(example);
    else examples.push(await runExample(example, block.info.endsWith(" wait"), host, names));
  }
  return writeExamples(examples);
}

async function runExample(example: Example, wait: boolean, host: Host, names: Names): Promise<Example> {
  const command = UPDATE ? names.guess(example.command) : example.command;
  const run = () => host.run(names.forRun(command).replaceAll("\\\n", " "));
  let ran = await run();
  const fits = ({ output, exit }: Ran) => exit === example.exit && matches(example.output, output, names);
  const good = fits(ran) ||
    wait && await until("the output", async () => fits(ran = await run()), WAIT_SECONDS)
        .catch(() => false);
  names.see(ran.output);
  if (good) return { ...example, command };
  if (!UPDATE) {
    assert.deepEqual(
      [...ran.output, `# exit ${ran.exit}`],
      [...example.output, `# exit ${example.exit}`],
      `"${command}" does not print what ${README} says (actual, expected); see the head of the test`,
    );
  }
  bindWhatFits(example.output, ran.output, names);
  return { command, output: names.forReadme(ran.output), exit: ran.exit };
}
