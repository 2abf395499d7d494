import assert from "node:assert/strict";
import { Command, CommanderError } from "commander";
import { resolve } from "node:path";
import { z } from "zod";
import { addOperation, commandWords, type Typed } from "../../src/cli/args.ts";
import { HELP_STYLE } from "../../src/cli/help.ts";
import { parseDuration } from "../../src/lib/duration.ts";
import { type CliSpec, type Operation, operation } from "../../src/lib/operation.ts";

const Engine = z.record(z.string(), z.unknown());
const Input = z.strictObject({
  thing: z.string().describe("Name or id"),
  more: z.array(z.string()).optional(),
  name: z.string().optional().describe("What it is called"),
  max_items: z.int().default(7).describe("Most to keep"),
  ratio: z.number().optional(),
  tags: z.array(z.string()).optional(),
  ids: z.array(z.int()).optional(),
  kind: z.enum(["full", "incremental"]).optional(),
  verbose: z.boolean().optional(),
  enabled: z.boolean().default(true),
  force: z.boolean().default(false),
  keep_seconds: z.int().optional(),
  directory: z.string().optional(),
  internal: z.string().optional(),
  engine_options: Engine.optional(),
  policy: z.strictObject({ retries: z.int(), strict: z.boolean().optional() }).optional(),
  password: z.string().optional(),
  note: z.string().optional(),
});

const CLI: CliSpec = {
  args: ["thing", "more..."],
  flags: {
    name: { short: "-n" },
    keep_seconds: { flag: "--keep <duration>", parse: parseDuration },
    directory: { path: true },
    internal: { hidden: true },
    note: { flag: "--note-file <file>", parse: (path) => `content of ${path}`, env: "THINGS_NOTE" },
    "engine_options.sources": { flag: "--source <path>...", path: true, description: "What is backed up" },
    "engine_options.destination": { flag: "--destination <dir>", path: true },
    "engine_options.follow": { flag: "--follow-links" },
    "policy.retries": { flag: "--retries <n>" },
    "policy.strict": { flag: "--strict" },
  },
  examples: ["holdfast things make a --name x", "holdfast things make b --source /srv"],
  secret: { field: "password", prompt: "Password" },
  confirm: "Sure?",
  exit: () => 0,
};

const make = (cli: CliSpec = CLI, overrides: Partial<Operation> = {}): Operation =>
  operation({
    name: "things.make",
    route: "POST /api/v1/things/{thing}",
    role: "operator",
    summary: "Make a thing",
    description: "More about making.",
    input: Input,
    output: z.unknown(),
    run: () => null,
    cli,
    ...overrides,
  });

/** What a command line collects; commander's complaints become errors. */
async function typed(
  argv: readonly string[],
  op = make(),
  env: Record<string, string> = {},
): Promise<Typed> {
  const results: Typed[] = [];
  const program = new Command("holdfast").exitOverride().configureOutput({ writeErr: () => {} });
  addOperation(program, op, { things: "All about things" }, (result) => {
    results.push(result);
    return Promise.resolve();
  }, env);
  await program.parseAsync(["things", "make", ...argv], { from: "user" });
  assert.equal(results.length, 1);
  return results[0]!;
}

const inputOf = async (...argv: string[]) => (await typed(argv)).input;

Deno.test("a field that is an argument and a flag is required in one of both ways, and says so", async () => {
  const op = make({ args: ["thing?"], flags: { thing: { both: true } } });
  for (const argv of [["a"], ["--thing", "a"]]) {
    assert.deepEqual((await typed(argv, op)).input, { thing: "a" });
  }
  const { words } = await typed([], op);
  assert.equal(words.get("thing"), "<thing> or --thing");
  const program = new Command("holdfast").configureHelp(HELP_STYLE);
  addOperation(program, op, {}, () => Promise.resolve());
  const help = program.commands[0]!.commands[0]!.helpInformation();
  assert.match(help, /Usage: holdfast things make \[options\] \[thing\]/);
  assert.match(help, /--thing <thing> +Name or id \(instead of the argument\)/);
});

Deno.test("what is not typed is absent: no default, no false, no empty list gets in", async () => {
  assert.deepEqual(await inputOf("a"), { thing: "a" });
});

Deno.test("every kind of flag becomes input of its type", async () => {
  const rows: [string[], Record<string, unknown>][] = [
    [["--name", "x"], { name: "x" }],
    [["-n", "x"], { name: "x" }],
    [["--name=a=b"], { name: "a=b" }],
    [["--name", ""], { name: "" }],
    [["--name", "5"], { name: "5" }],
    [["--max-items", "5"], { max_items: 5 }],
    [["--max-items", "-5"], { max_items: -5 }],
    [["--max-items", "five"], { max_items: "five" }],
    [["--ratio", "0.5"], { ratio: 0.5 }],
    [["--tags", "a"], { tags: ["a"] }],
    [["--tags", "a", "--tags", "b"], { tags: ["a", "b"] }],
    [["--ids", "1", "--ids", "x"], { ids: [1, "x"] }],
    [["--kind", "full"], { kind: "full" }],
    [["--keep", "90m"], { keep_seconds: 5400 }],
    [["--engine-options", '{"level":3}'], { engine_options: { level: 3 } }],
    [["--policy", '{"retries":1}'], { policy: { retries: 1 } }],
  ];
  for (const [argv, input] of rows) {
    assert.deepEqual(await inputOf("a", ...argv), { thing: "a", ...input }, argv.join(" "));
  }
});

Deno.test("a switch can be turned off where off is not what it is anyway", async () => {
  assert.deepEqual(await inputOf("a", "--verbose"), { thing: "a", verbose: true });
  assert.deepEqual(await inputOf("a", "--no-verbose"), { thing: "a", verbose: false });
  assert.deepEqual(await inputOf("a", "--enabled"), { thing: "a", enabled: true });
  assert.deepEqual(await inputOf("a", "--no-enabled"), { thing: "a", enabled: false });
  assert.deepEqual(await inputOf("a", "--force"), { thing: "a", force: true });
  await assert.rejects(inputOf("a", "--no-force"), { code: "commander.unknownOption" });
});

Deno.test("flags reach inside a field and meet its JSON", async () => {
  assert.deepEqual(await inputOf("a", "--source", "/x", "--source", "/y", "--destination", "/z"), {
    thing: "a",
    engine_options: { sources: ["/x", "/y"], destination: "/z" },
  });
  assert.deepEqual(await inputOf("a", "--source", "/x", "--engine-options", '{"level":3,"sources":["/o"]}'), {
    thing: "a",
    engine_options: { level: 3, sources: ["/x"] },
  });
  assert.deepEqual(await inputOf("a", "--follow-links"), { thing: "a", engine_options: { follow: true } });
  assert.deepEqual(await inputOf("a", "--retries", "3", "--no-strict"), {
    thing: "a",
    policy: { retries: 3, strict: false },
  });
});

Deno.test("a text instead of an object is left for the schema to refuse, not overwritten by a flag inside it", async () => {
  assert.deepEqual(await inputOf("a", "--engine-options", "broken", "--source", "/x"), {
    thing: "a",
    engine_options: "broken",
  });
});

Deno.test("a path is made absolute here, and an empty one stays empty", async () => {
  assert.deepEqual(await inputOf("a", "--directory", "sub/../dir"), {
    thing: "a",
    directory: resolve("dir"),
  });
  assert.deepEqual(await inputOf("a", "--directory", "/abs"), { thing: "a", directory: "/abs" });
  assert.deepEqual(await inputOf("a", "--directory", ""), { thing: "a", directory: "" });
  assert.deepEqual(await inputOf("a", "--source", "dir"), {
    thing: "a",
    engine_options: { sources: [resolve("dir")] },
  });
});

Deno.test("a field may come from a variable, as it is there and where no flag gives it", async () => {
  const inputWith = async (note: string, ...argv: string[]) =>
    (await typed(argv, make(), { THINGS_NOTE: note })).input;
  assert.deepEqual(await inputWith("from the variable", "a"), { thing: "a", note: "from the variable" });
  assert.deepEqual(await inputWith("from the variable", "a", "--note-file", "x"), {
    thing: "a",
    note: "content of x",
  });
  assert.deepEqual(await inputWith("", "a"), { thing: "a" });
});

Deno.test("an address where a path may stand stays as it is", async () => {
  assert.deepEqual(await inputOf("a", "--directory", "s3://bucket/x"), {
    thing: "a",
    directory: "s3://bucket/x",
  });
});

Deno.test("arguments go by their place; an optional or repeated one may be left out", async () => {
  assert.deepEqual(await inputOf("a", "b", "c"), { thing: "a", more: ["b", "c"] });
  const optional = make({ args: ["thing?"] });
  assert.deepEqual((await typed([], optional)).input, {});
  assert.deepEqual((await typed(["a"], optional)).input, { thing: "a" });
  await assert.rejects(typed([]), { code: "commander.missingArgument" });
  await assert.rejects(typed(["a", "b"], optional), { code: "commander.excessArguments" });
});

Deno.test("wrong choices, unknown flags and missing values are refused", async () => {
  const rows: [string[], string][] = [
    [["--kind", "half"], "commander.invalidArgument"],
    [["--nmae", "x"], "commander.unknownOption"],
    [["--name"], "commander.optionMissingArgument"],
    [["--internal", "x"], "commander.unknownOption"],
    [["--password", "x"], "commander.unknownOption"],
  ];
  for (const [argv, code] of rows) {
    await assert.rejects(typed(["a", ...argv]), (error) => {
      assert.ok(error instanceof CommanderError);
      assert.equal(error.code, code, argv.join(" "));
      return true;
    });
  }
  await assert.rejects(typed(["a", "--keep", "soon"]), {
    kind: "invalid",
    message: /Cannot read duration "soon"/,
  });
});

Deno.test("flags of the command line itself are no input", async () => {
  const { input, options } = await typed(["a", "--yes", "--password-stdin"]);
  assert.deepEqual(input, { thing: "a" });
  assert.deepEqual([options.yes, options.passwordStdin], [true, true]);
  const waiting = make({ args: ["thing"], follow: { operation: "x", input: () => ({}) } });
  assert.equal((await typed(["a", "-w"], waiting)).options.wait, true);
});

Deno.test("an operation says its words, or that it has none", () => {
  assert.deepEqual(commandWords(make({})), ["things", "make"]);
  assert.deepEqual(commandWords(make({ command: "thing new" })), ["thing", "new"]);
  assert.equal(commandWords(make({ command: null })), null);
  const program = new Command();
  addOperation(program, make({ command: null }), {}, () => Promise.resolve());
  assert.equal(program.commands.length, 0);
});

Deno.test("an argument that is no field is a mistake in the operation, found when it is added", () => {
  assert.throws(() => addOperation(new Command(), make({ args: ["thign"] }), {}, () => Promise.resolve()), {
    name: "TypeError",
    message: 'Operation "things.make" has no field "thign" for its argument',
  });
});

Deno.test("operations of one group share it, and it has its summary", () => {
  const program = new Command();
  for (const name of ["things.make", "things.list"]) {
    addOperation(program, make({}, { name }), { things: "All about things" }, () => Promise.resolve());
  }
  assert.deepEqual(program.commands.map((c) => [c.name(), c.description()]), [[
    "things",
    "All about things",
  ]]);
  assert.deepEqual(program.commands[0]?.commands.map((c) => c.name()), ["make", "list"]);
});

Deno.test("help tells usage, flags, examples, role and exit codes", () => {
  const program = new Command("holdfast");
  addOperation(program, make(), {}, () => Promise.resolve());
  const command = program.commands[0]!.commands[0]!;
  let help = "";
  command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
  const wanted = [
    "holdfast things make [options] <thing> [more...]",
    "Make a thing",
    "More about making.",
    "-n, --name <name>",
    "What it is called",
    "--source <path>",
    "What is backed up",
    "--keep <duration>",
    "--password-stdin",
    "-y, --yes",
    "$ holdfast things make a --name x",
    "$ holdfast things make b --source /srv",
    "role operator",
    "2 wrong input",
    "20 bad answer",
  ];
  for (const text of wanted) assert.ok(help.includes(text), `help says "${text}"`);
  for (const text of ["--internal", "--no-force", "--password <", "undefined", "_items"]) {
    assert.ok(!help.includes(text), `help does not say "${text}"`);
  }
});
