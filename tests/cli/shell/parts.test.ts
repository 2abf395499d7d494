/** The parts of the shell: words of a line, what is offered, what is kept, and screens of a long answer. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Command, Option } from "commander";
import { placesOf } from "../../../src/cli/commands/completion/tree.ts";
import { migrateDataDir } from "../../../src/data_dir.ts";
import { main } from "../../../src/cli/run.ts";
import { offersFor } from "../../../src/cli/shell/complete.ts";
import { addToHistory, isKeepable, readHistory } from "../../../src/cli/shell/history.ts";
import { type More, paged } from "../../../src/cli/shell/pager.ts";
import { contextFlags } from "../../../src/cli/shell/shell.ts";
import { splitAtCursor, typed, wordsOf } from "../../../src/cli/shell/words.ts";
import { fakeTerminal } from "../terminal.ts";

Deno.test("a line is words, with quotes and backslashes as in other shells", () => {
  const rows: [string, string[]][] = [
    ["", []],
    ["  # a remark", []],
    ["jobs  list ", ["jobs", "list"]],
    [`jobs get "Daily VMs"`, ["jobs", "get", "Daily VMs"]],
    [`get 'it\\s' a\\ b "q\\"q" ""`, ["get", "it\\s", "a b", 'q"q', ""]],
    ["--name=x'y z'", ["--name=xy z"]],
  ];
  for (const [line, words] of rows) assert.deepEqual(wordsOf(line), words, line);
  assert.throws(() => wordsOf(`get "open`), /a " is not closed/);
  for (const word of ["plain", "a b", `q"q`, "it's", "", "back\\slash", "#1"]) {
    assert.deepEqual(wordsOf(`x ${typed(word)}`), ["x", word]);
  }
  assert.deepEqual(splitAtCursor(`get "Dai`), { before: ["get"], last: "Dai", written: '"Dai', open: '"' });
});

function program(): Command {
  const root = new Command("holdfast").helpCommand(false)
    .addOption(new Option("-o, --output <form>", "form").choices(["table", "json"]));
  const schedules = root.command("schedules");
  schedules.command("list");
  schedules.command("trigger <schedule>").option("-w, --wait", "wait").option("--source <dir>", "from");
  const veeam = root.command("veeam");
  const jobs = veeam.command("jobs");
  jobs.command("list");
  jobs.command("get <job>");
  jobs.command("stop <jobs...>");
  return root;
}

const NAMES: Record<string, string[]> = {
  schedules: ["nightly", "new year"],
  "veeam.jobs": ["Daily VMs", "Daily files"],
};

Deno.test("Tab offers commands, flags, their values and live names, inside a slice's shell as well", async () => {
  const places = placesOf(program());
  const asked: string[] = [];
  const names = (noun: string) => {
    asked.push(noun);
    return Promise.resolve(NAMES[noun] ?? []);
  };
  const rows: [string, string[], string[]][] = [
    ["sch", [], ["schedules "]],
    ["schedules ", [], ["list", "trigger"]],
    ["schedules trigger n", [], ['"new year"', "nightly"]],
    ["schedules trigger ni", [], ["nightly "]],
    ["schedules trigger --w", [], ["--wait "]],
    ["schedules trigger --wait ni", [], ["nightly "]],
    ["schedules trigger --output t", [], ["table "]],
    ["schedules trigger --output=j", [], ["--output=json "]],
    ["--output json sch", [], ["schedules "]],
    ['schedules trigger "new', [], ['"new year" ']],
    ["schedules trigger nightly n", [], []],
    ["veeam jobs get D", [], ['"Daily VMs"', '"Daily files"']],
    ["jobs stop x Daily\\ V", ["veeam"], ['"Daily VMs" ']],
    ["jo", ["veeam"], ["jobs "]],
    ["nothing like this ", [], []],
  ];
  for (const [line, root, expected] of rows) {
    const { words, replaces } = await offersFor(line, places, root, names);
    assert.deepEqual(words, expected, line);
    assert.ok(line.endsWith(replaces), line);
  }
  assert.deepEqual([...new Set(asked)], ["schedules", "veeam.jobs"]);
});

Deno.test("Tab offers files and directories where a path is wanted", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-shell-" });
  try {
    await Deno.mkdir(join(dir, "data"));
    await Deno.writeTextFile(join(dir, "date"), "");
    const line = `schedules trigger --source ${dir}/da`;
    const { words } = await offersFor(line, placesOf(program()), [], () => Promise.resolve([]));
    assert.deepEqual(words, [`${dir}/data/`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("history keeps lines for their owner only, and none that holds a secret", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-shell-" });
  try {
    const path = join(dir, "state/history");
    const left = [
      " starts with a blank",
      "users create ada --password hunter2",
      "veeam jobs list --veeam-password=hunter2",
      `schedules create --engine-options '{"password":"hunter2"}'`,
      "x https://ada:hunter2@example.org/",
      "PASSWORD hunter2",
      "",
    ];
    const kept = ["schedules list", "users create ada --password-stdin", "secrets list", "api-keys list"];
    for (const line of [...left, ...kept]) addToHistory(path, line);
    assert.deepEqual(left.filter(isKeepable), []);
    assert.deepEqual(readHistory(path), kept);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    for (let i = 0; i < 4000; i++) addToHistory(path, `servers get ${"x".repeat(60)}${i}`);
    assert.ok((await Deno.stat(path)).size < 300_000);
    assert.equal(readHistory(path).length, 1000);
    assert.deepEqual(readHistory(join(dir, "none")), []);
    addToHistory(undefined, "nowhere to keep it");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a long answer stops after each screen; wide lines take more of it, and the end leaves the rest out", () => {
  const terminal = fakeTerminal({ columns: 10 });
  const answers: More[] = ["line", "screen", "end"];
  const asked: number[] = [];
  const pager = paged(terminal, 4, () => {
    asked.push(terminal.printed.length);
    return answers.shift() ?? "screen";
  });
  pager.print("1\n2\n3\n4");
  pager.print("x".repeat(25));
  pager.print("6");
  pager.print("7");
  assert.deepEqual(asked, [3, 4, 5]);
  assert.deepEqual(terminal.printed, ["1", "2", "3", "4", "x".repeat(25)]);
});

Deno.test("what the shell was started with holds for each of its commands", () => {
  const view = { output: "json" as const, filters: [], sortBy: undefined };
  assert.deepEqual(
    contextFlags({ settings: { data_dir: "/d", "metrics.public": "false" }, configFile: "/c", view }),
    ["--data-dir", "/d", "--no-metrics-public", "--config", "/c", "--output", "json"],
  );
});

Deno.test("completion asks for the names of inner lists too", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-shell-" });
  try {
    const terminal = fakeTerminal();
    await migrateDataDir(join(dir, "data"));
    const code = await main(
      ["--data-dir", join(dir, "data"), "completion", "names", "notify.channels"],
      terminal,
    );
    assert.deepEqual([code, terminal.printed], [0, []]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
