/** Help as golden files: a flag that changes, appears or goes shows in review. `-- --update` rewrites them. */
import assert from "node:assert/strict";
import { commandPlaces, printed } from "../support/commands.ts";
import { compareGolden } from "../support/golden.ts";

const WIDTH = 100;

const places = await commandPlaces();
const texts = new Map<string, string>();
for (const { words } of places) {
  const { lines } = await printed([...words, "--help"]);
  texts.set(["holdfast", ...words].join("-"), `${lines.join("\n")}\n`);
}

Deno.test("the help of every command is as it was last looked at", async () => {
  await compareGolden("tests/golden/help", texts);
});

Deno.test("the help of every command has an example that names the command", () => {
  const without = places.filter(({ words, isGroup }) => {
    const command = ["holdfast", ...words].join("-");
    const examples = texts.get(command)!.split("Examples:\n")[1] ?? "";
    return !isGroup && !examples.includes(`holdfast ${words.join(" ")}`) &&
      !examples.includes(` ${words.join(" ")} `);
  });
  assert.deepEqual(without.map(({ words }) => words.join(" ")), []);
});

Deno.test(`no line of help is longer than ${WIDTH} columns`, () => {
  const long = [...texts].flatMap(([command, text]) =>
    text.split("\n").filter((line) => line.length > WIDTH).map((line) => `${command}: ${line}`)
  );
  assert.deepEqual(long, []);
});

Deno.test("help for a command says the same in both spellings", async () => {
  const { lines, code } = await printed(["help", "schedules", "create"]);
  assert.equal(code, 0);
  assert.equal(`${lines.join("\n")}\n`, texts.get("holdfast-schedules-create"));
});

Deno.test("help for what does not exist names it and ends with 5", async () => {
  const { code, notes } = await printed(["help", "schedules", "paint"]);
  assert.equal(code, 5);
  assert.match(notes.join("\n"), /Cannot find help for "schedules paint"/);
});
