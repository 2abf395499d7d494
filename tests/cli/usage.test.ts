/** A command line that cannot be understood: a sentence for people, a problem document for programs, always exit code 2. */
import assert from "node:assert/strict";
import { printed } from "../support/commands.ts";

const WRONG: { argv: string[]; reason: string; hint: string }[] = [
  { argv: ["frobnicate"], reason: "unknown command 'frobnicate'", hint: "add --help for what is possible" },
  { argv: ["servrs", "list"], reason: "unknown command 'servrs'", hint: "Did you mean servers?" },
  {
    argv: ["servers", "list", "--bogus"],
    reason: "unknown option '--bogus'",
    hint: "add --help for what is possible",
  },
  {
    argv: ["servers", "get"],
    reason: "missing required argument 'server'",
    hint: "add --help for what is possible",
  },
];

for (const { argv, reason, hint } of WRONG) {
  Deno.test(`"${argv.join(" ")}" is refused in words, or as a problem document`, async () => {
    const people = await printed(argv);
    assert.equal(people.code, 2);
    assert.equal(people.notes[0], `error: ${reason}`);
    assert.ok(people.notes.includes(`(${hint})`), people.notes.join("\n"));

    const program = await printed([...argv, "--output", "json"]);
    assert.equal(program.code, 2);
    assert.deepEqual(program.notes.map((line) => JSON.parse(line)), [{
      detail: `Cannot run the command: ${reason}`,
      status: 400,
      title: "Invalid request",
      code: "usage",
      request_id: "local",
      errors: [],
      hint,
    }]);
  });
}

Deno.test("a group without its command shows help, whatever form is asked for", async () => {
  const { code, notes } = await printed(["servers", "--output", "json"]);
  assert.equal(code, 2);
  assert.match(notes[0] ?? "", /^Usage: holdfast servers/);
});
