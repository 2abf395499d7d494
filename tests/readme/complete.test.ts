/** The README leaves nothing out: every command and every operation has an example, every entry of the contents a place. */
import assert from "node:assert/strict";
import { allOperations } from "../../src/catalogue.ts";
import { commandWords } from "../../src/cli/args.ts";
import { ERROR_KINDS } from "../../src/lib/errors.ts";
import { parseRoute } from "../../src/lib/operation.ts";
import { commandPlaces } from "../support/commands.ts";
import { isConsole, readExamples, splitParts } from "./document.ts";

const readme = await Deno.readTextFile("README.md");
const parts = splitParts(readme);
const commands = parts.flatMap((part) =>
  "block" in part && isConsole(part.block) ? readExamples(part.block) : []
)
  .map(({ command }) => command.replaceAll("\\\n", " "));

Deno.test("every command has an example in the README", async () => {
  const leaves = (await commandPlaces()).filter(({ isGroup }) => !isGroup).map(({ words }) =>
    words.join(" ")
  );
  const without = leaves.filter((words) =>
    !commands.some((command) => new RegExp(`\\bholdfast (--\\S+ \\S+ )*${words}(?![\\w-])`).test(command))
  );
  assert.deepEqual(without, [], "write them into a console block of README.md, then see readme.slow.test.ts");
});

Deno.test("every operation without a command has a call of its route in the README", async () => {
  const calls = commands.filter((command) => command.includes("curl ")).join("\n");
  const without = (await allOperations()).filter((op) => commandWords(op) === null)
    .map(({ route }) => parseRoute(route).path)
    .filter((path) => !new RegExp(`${path.replaceAll(/\{\w+\}/g, "[^/\\s]+")}(?![\\w/-])`).test(calls));
  assert.deepEqual(without, []);
});

Deno.test("every entry of the contents leads to a heading", () => {
  const text = parts.flatMap((part) => "text" in part ? part.text : []);
  const anchors = new Set(
    text.filter((line) => /^#{1,4} /.test(line)).map((line) =>
      line.replace(/^#+ /, "").toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
    ),
  );
  const links = [...text.join("\n").matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!);
  assert.ok(links.length > 20);
  assert.deepEqual(links.filter((link) => !anchors.has(link)), []);
});

Deno.test("the README tells each kind of error with its status and its exit code", () => {
  for (const [kind, { status, exit }] of Object.entries(ERROR_KINDS)) {
    assert.match(readme, new RegExp(`^\\| ${status}\\b[^|]*\\| \`${kind}\` \\| ${exit} \\|$`, "m"));
  }
});
