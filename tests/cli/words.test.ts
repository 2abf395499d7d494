/** Errors and help on the command line name what a person types, not the fields that it stands for. */
import assert from "node:assert/strict";
import { migrateDataDir } from "../../src/data_dir.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { inWords, report } from "../../src/cli/report.ts";
import { inFlags, wordFor } from "../../src/cli/words.ts";
import { paper, printed } from "../support/commands.ts";

const WORDS = new Map([
  ["cron_expression", "--cron"],
  ["name", "--name"],
  ["jitter_seconds", "--jitter"],
  ["dst", "--dst"],
  ["engine_options", "--engine-options"],
  ["engine_options.sources", "--source"],
]);

Deno.test("fields in a text become flags; what is quoted, part of a path or a plain word stays", () => {
  const rows = [
    ["cron_expression wins, of engine_options too.", "--cron wins, of --engine-options too."],
    ["engine_options.sources: is required", "--source: is required"],
    ['there is no schedule "cron_expression"', 'there is no schedule "cron_expression"'],
    ["/srv/cron_expression {cron_expression}.sql", "/srv/cron_expression {cron_expression}.sql"],
    ["the name is taken", "the name is taken"],
    ["see backups.allow_commands", "see backups.allow_commands"],
  ] as const;
  for (const [text, expected] of rows) assert.equal(inFlags(text, WORDS), expected);
});

Deno.test("a part of a field without a flag of its own is named behind the flag", () => {
  const rows = [
    ["engine_options.sources[1]", "--source"],
    ["engine_options.level", "--engine-options (level)"],
    ["unknown.field", "unknown.field"],
  ] as const;
  for (const [path, expected] of rows) assert.equal(wordFor(path, WORDS), expected);
});

function told(error: HoldfastError): string[] {
  const { terminal, notes } = paper();
  assert.equal(report(inWords(error, WORDS), terminal, false), 2);
  return notes;
}

Deno.test("what a message says of each field already is not said again", () => {
  const message = "a schedule that follows another is due with it";
  const errors = [{ path: "jitter_seconds", message }, { path: "dst", message }];
  const text = errors.map(({ path }) => `${path}: ${message}`).join("; ");
  assert.deepEqual(told(new HoldfastError("invalid", `Cannot set policies: ${text}`, { errors })), [
    `error: Cannot set policies: --jitter: ${message}; --dst: ${message}`,
  ]);
  const paths = ['Cannot use path "/a": no root', 'Cannot use path "/b": no root'];
  const refused = paths.map((message) => ({ path: "engine_options", message }));
  assert.deepEqual(told(new HoldfastError("invalid", paths.join("; "), { errors: refused })), [
    `error: ${paths.join("; ")}`,
  ]);
  const missing = [{ path: "name", message: "is required" }, { path: "dst", message: "is required" }];
  assert.deepEqual(
    told(new HoldfastError("invalid", "Cannot x.y: name: is required (and 1 more)", { errors: missing })),
    [
      'error: Cannot run "x y": --name: is required (and 1 more)',
      "  --name: is required",
      "  --dst: is required",
    ],
  );
});

Deno.test("commands that are refused name the flags that were typed", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const refused = async (...words: string[]) => {
      const { code, notes } = await printed(["--data-dir", dir, ...words]);
      assert.equal(code, 2);
      return notes;
    };
    const server = ["servers", "create", "--name", "web-1", "--host", "127.0.0.1"];
    assert.deepEqual(await refused(...server, "--running-check", "tcp:99999"), [
      'error: Cannot run "servers create": --running-check (port): must be at most 65535',
    ]);
    assert.match(
      (await refused(...server, "--running-check", '["true"]')).join("\n"),
      /or JSON: \{"kind":"command","command":\["true"\]\}/,
    );
    assert.equal((await printed(["--data-dir", dir, ...server])).code, 0);
    const schedule = ["schedules", "create", "--server", "web-1", "--name"];
    assert.equal((await printed(["--data-dir", dir, ...schedule, "a", "--interval-hours", "6"])).code, 0);
    assert.deepEqual(await refused(...schedule, "b", "--cron", "0 2 * * *", "--run-after", "a"), [
      "error: Cannot schedule: --cron and --run-after exclude each other",
      "hint: leave one of the two out; --run-after none (null in JSON) ends following",
    ]);
    assert.deepEqual(
      (await refused(...schedule, "b"))[0],
      "error: Cannot schedule: neither --cron nor --interval-hours is given",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("without a daemon the scheduler's status says that none runs", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await migrateDataDir(dir);
    const { code, lines } = await printed(["--data-dir", dir, "scheduler", "status"]);
    assert.equal(code, 0);
    assert.equal(lines[0], "No daemon runs: nothing that is due starts until there is one (holdfast serve)");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
