import assert from "node:assert/strict";
import { exitOf, follow, ProgressLine, progressText } from "../../src/cli/follow.ts";
import { printed } from "../support/commands.ts";
import { fakeTerminal } from "./terminal.ts";

async function* stream(...events: unknown[]) {
  yield* events;
}

const LINE = { type: "line", level: "info", text: "Reading /srv" };
const PROGRESS = { type: "progress", phase: "read", done_bytes: 512, total_bytes: 1024 };
const RESULT = { type: "result", log: { status: "success" } };

Deno.test("lines are notes, problems say their level, and the last result is what comes back", async () => {
  const terminal = fakeTerminal();
  const warning = { type: "line", level: "warning", text: "changed\x1b[2J\n" };
  const last = { ...RESULT, n: 2 };
  const result = await follow(
    stream(LINE, warning, RESULT, { type: "new kind" }, null, last),
    terminal,
    "table",
  );
  assert.equal(result, last);
  assert.deepEqual(terminal.noted, ["Reading /srv", "warning: changed\\x1b[2J\\n"]);
  assert.deepEqual(terminal.printed, []);
});

Deno.test("as JSON every event but progress is a line of the answer", async () => {
  const terminal = fakeTerminal();
  await follow(stream(LINE, PROGRESS, RESULT), terminal, "json");
  assert.deepEqual(terminal.printed.map((line) => JSON.parse(line)), [LINE, RESULT]);
  assert.deepEqual(terminal.noted, []);
});

Deno.test("progress is drawn on a terminal and cleared at the end, and not on every event elsewhere", async () => {
  const drawn = fakeTerminal({ interactive: true });
  await follow(stream(PROGRESS, PROGRESS, RESULT), drawn, "table");
  assert.equal(drawn.statuses.length, 3);
  assert.match(drawn.statuses[0]!, / 50 %/);
  assert.equal(drawn.statuses[2], "");
  const plain = fakeTerminal();
  await follow(stream(...Array.from({ length: 100 }, () => PROGRESS), RESULT), plain, "table");
  assert.ok(plain.noted.length <= 1);
  assert.deepEqual(plain.statuses, []);
});

Deno.test("without a terminal progress is a line every few seconds, and each phase has a speed of its own", () => {
  let now = 0;
  const plain = fakeTerminal();
  const shown = new ProgressLine(plain, true, () => now);
  for (; now <= 20_000; now += 250) shown.show({ ...PROGRESS, phase: now < 9000 ? "verify" : "restore" });
  shown.clear();
  assert.equal(plain.noted.length, 3);
  assert.match(plain.noted[0]!, /^verify .* 50 %/);
  // 512 bytes in the 1,500 ms since the phase began.
  assert.match(plain.noted[1]!, /^restore .* {2}341 B\/s/);
  const silent = fakeTerminal();
  const unseen = new ProgressLine(silent, false, () => now);
  now += 60_000;
  unseen.show(PROGRESS);
  assert.deepEqual([silent.noted, silent.statuses], [[], []]);
});

Deno.test("an operation has lines of its own for events, where its stream has many results", async () => {
  const terminal = fakeTerminal();
  const tell = (event: unknown) => event === RESULT ? "one\nof many" : null;
  await follow(stream(RESULT, LINE, RESULT), terminal, "table", tell);
  assert.deepEqual(terminal.printed, ["one\\nof many", "one\\nof many"]);
});

Deno.test("a stream without a result gives none, and one that breaks breaks", async () => {
  assert.equal(await follow(stream(LINE), fakeTerminal(), "table"), undefined);
  const broken = (async function* () {
    yield LINE;
    throw new Error("gone");
  })();
  await assert.rejects(follow(broken, fakeTerminal(), "table"), /gone/);
});

Deno.test("progress tells phase, share, amounts, speed and what is left, as far as they are known", () => {
  const rows: [Record<string, unknown>, number, string][] = [
    [PROGRESS, 0, "read    [############------------]  50 %  512 B of 1 KiB"],
    [PROGRESS, 4000, "read    [############------------]  50 %  512 B of 1 KiB  128 B/s  4s left"],
    [{ ...PROGRESS, done_bytes: 0 }, 4000, "read    [------------------------]   0 %  0 B of 1 KiB  0 B/s"],
    [
      { ...PROGRESS, done_bytes: 2048 },
      4000,
      "read    [########################] 100 %  2 KiB of 1 KiB  512 B/s",
    ],
    [{ phase: "scan", done_bytes: 2048, done_items: 3 }, 0, "scan    2 KiB, 3 items"],
    [
      { phase: "apply", done_bytes: 0, done_items: 3, total_items: 12 },
      4000,
      "apply   [######------------------]  25 %  3 of 12  12s left",
    ],
    [{ phase: "a\x1b[2J", total_bytes: 0 }, 0, "a\\x1b[2J 0 B"],
    [{}, 0, "        0 B"],
  ];
  for (const [event, elapsedMs, text] of rows) assert.equal(progressText(event, elapsedMs), text);
});

Deno.test("the exit code is 0 for success alone, and a missing result is an error", () => {
  const rows: [unknown, number][] = [
    [{ log: { status: "success" } }, 0],
    [{ status: "ok" }, 0],
    [{ status: "success" }, 0],
    [{ log: { status: "failed" } }, 20],
    [{ log: { status: "cancelled" }, status: "ok" }, 20],
    [{ status: "degraded" }, 20],
    [{}, 20],
    [null, 20],
  ];
  for (const [result, exit] of rows) assert.equal(exitOf(result), exit, JSON.stringify(result));
  assert.throws(() => exitOf(undefined), { kind: "upstream", message: /the stream ended early/ });
});

Deno.test("a run that is followed tells its end in YAML and CSV too, once", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-follow-" });
  const holdfast = async (...words: string[]) => {
    const { code, lines, notes } = await printed(["--data-dir", `${dir}/state`, ...words]);
    assert.equal(code, 0, notes.join("\n"));
    return lines;
  };
  try {
    await Deno.mkdir(`${dir}/data`);
    await Deno.writeTextFile(`${dir}/data/a.txt`, "alpha");
    await holdfast("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
    // deno-fmt-ignore
    await holdfast("schedules", "create", "--server", "web-1", "--name", "nightly", "--cron", "0 2 * * *",
      "--engine", "archive", "--source", `${dir}/data`, "--destination", `${dir}/backups`);
    const yaml = await holdfast("schedules", "trigger", "nightly", "--output", "yaml");
    assert.equal(yaml[0], "type: result");
    assert.ok(yaml.includes("  status: success"), yaml.join("\n"));
    const csv = await holdfast("schedules", "trigger", "nightly", "--output", "csv");
    assert.equal(csv[0], "type,log");
    assert.equal(csv.length, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
