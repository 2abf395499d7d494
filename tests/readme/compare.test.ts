/** The README's test must be able to fail: what is compared how. */
import assert from "node:assert/strict";
import { bindWhatFits, matches, Names } from "./compare.ts";
import { joinParts, readExamples, splitParts, writeExamples } from "./document.ts";

const ID = "61a4c96b7cb14892";
const OTHER = "958c49b01eb4cde5";

for (
  const [what, said, printed, fits] of [
    ["the same text", ["a", "b"], ["a", "b"], true],
    ["another text", ["a"], ["b"], false],
    ["a line that is missing", ["a", "b"], ["a"], false],
    ["a line too many", ["a"], ["a", "b"], false],
    ["an output where none is said", [], ["a"], false],
    ["any lines", ["a", "...", "d"], ["a", "b", "c", "d"], true],
    ["no line where any may be", ["a", "..."], ["a"], true],
    ["anything in a line", ["a ... c"], ["a b b c"], true],
    ["an instant", ["at 2030-01-01 02:03:04Z"], ["at 2031-05-06 07:08:09Z"], true],
    ["no instant", ["at 2030-01-01 02:03:04Z"], ["at noon"], false],
    ["a size", ["19.9 KiB"], ["2 GiB"], true],
    ["a duration", ["took 194ms"], ["took 1.2s"], true],
    ["a number of bytes", ['"size_bytes": 12,'], ['"size_bytes": 13,'], true],
    ["another number", ['"max_backups": 12,'], ['"max_backups": 13,'], false],
    ["the widths of columns", ["ID  NAME"], ["ID                NAME"], true],
    ["an id for an id", [ID], [OTHER], true],
    ["a word for an id", [ID], ["none"], false],
    ["two ids for one", [ID, ID], [ID, OTHER], false],
    ["one id for two", [ID, OTHER], [ID, ID], false],
  ] as const
) {
  Deno.test(`${what}: ${fits ? "fits" : "does not fit"}`, () => {
    assert.equal(matches(said, printed, new Names()), fits);
  });
}

Deno.test("a command gets the name that this run gave the thing", () => {
  const names = new Names();
  assert.ok(matches([`Started run ${ID}`], [`Started run ${OTHER}`], names));
  assert.equal(names.forRun(`holdfast schedules log ${ID}`), `holdfast schedules log ${OTHER}`);
  assert.throws(() => names.forRun(`holdfast schedules log ${OTHER}`), /no output before it shows/);
});

Deno.test("new output keeps the names that the README has for things", () => {
  const names = new Names();
  assert.ok(matches([ID], [OTHER], names));
  assert.deepEqual(names.forReadme([`run ${OTHER}`]), [`run ${ID}`]);
});

Deno.test("an output with a new line keeps the names of the others", () => {
  const names = new Names();
  bindWhatFits(["Started", `run ${ID}`], ["Started", "warning: slow", `run ${OTHER}`], names);
  assert.deepEqual(names.forReadme([`run ${OTHER}`]), [`run ${ID}`]);
});

Deno.test("a name an author made up becomes the one shown last", () => {
  const names = new Names();
  names.see(names.forReadme([ID, OTHER]));
  assert.equal(names.guess("log 0000000000000000"), `log ${OTHER}`);
  assert.equal(names.guess(`log ${ID}`), `log ${ID}`);
});

Deno.test("a document read and written is the same", () => {
  const text = ["# Title", "```console wait", "$ a \\", "    b", "out", "# exit 20", "$ c", "```", "end", ""]
    .join("\n");
  const parts = splitParts(text);
  assert.equal(joinParts(parts), text);
  const block = parts.flatMap((part) => "block" in part ? [part.block] : [])[0]!;
  const examples = readExamples(block);
  assert.deepEqual(examples, [{ command: "a \\\n    b", output: ["out"], exit: 20 }, {
    command: "c",
    output: [],
    exit: 0,
  }]);
  assert.deepEqual(writeExamples(examples), block.lines);
});
