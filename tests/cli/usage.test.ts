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

for (
  const argv of [
    ["schedules", "create", "--server", "a", "--name", "b", "--keep-within", "90"],
    ["schedules", "update", "b", "--timeout", "90"],
    ["api-keys", "create", "--name", "m", "--expires-in", "90"],
    ["backups", "trash", "empty", "--older-than", "90", "--yes"],
  ]
) {
  Deno.test(`"${argv.join(" ")}" is refused: 90 of what`, async () => {
    const { code, lines, notes } = await printed(argv);
    assert.equal(code, 2);
    assert.deepEqual(lines, []);
    assert.deepEqual(notes, [
      'error: Cannot read duration "90": a number needs a unit here',
      "hint: write it with one, such as 90d, 90h or 90s",
    ]);
  });
}

Deno.test("an API key is printed alone, and when it ends beside it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const key = (...more: string[]) =>
      printed(["api-keys", "create", "--data-dir", dir, "--name", `key-${more.length}`, ...more]);
    const limited = await key("--expires-in", "365d");
    assert.equal(limited.lines.length, 1);
    assert.match(limited.lines[0]!, /^hf_/);
    assert.match(limited.notes.join("\n"), /API key "key-2" expires at \d{4}-\d\d-\d\dT[\d:.]+Z\./);
    const endless = await key();
    assert.match(endless.notes.join("\n"), /API key "key-0" never expires\./);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("an object that is no JSON is refused with its flag, whatever it holds", async () => {
  for (const text of ["{bad", "[1,", "{'sources': ['/srv']}"]) {
    const argv = ["schedules", "create", "--server", "1", "--name", "n", "--engine-options", text];
    const { code, notes } = await printed(argv);
    assert.equal(code, 2);
    assert.equal(notes[0], "error: Cannot read --engine-options: it is no JSON");
    assert.match(notes[1] ?? "", /quotes/);
  }
});

Deno.test("the version is told to people and to programs", async () => {
  assert.match((await printed(["version"])).lines.join("\n"), /^holdfast \d+\.\d+\.\d+$/);
  const { lines } = await printed(["version", "--output", "json"]);
  assert.match(JSON.parse(lines.join("\n")).version, /^\d+\.\d+\.\d+$/);
});
