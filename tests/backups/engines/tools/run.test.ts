import assert from "node:assert/strict";
import { join } from "node:path";
import { type Ended, type Run, runTool } from "../../../../src/backups/engines/tools/run.ts";
import { Secrets } from "../../../../src/backups/engines/tools/secrets.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { heldBytes } from "../../../support/memory.ts";
import { until, within } from "../../../support/wait.ts";
import { inTempDir, RecordingContext } from "../context.ts";

const SECRET = "correct horse/battery+staple";

/** Runs a shell script as a program; the context knows one secret. */
async function sh(
  script: string,
  { context = new RecordingContext(), ...run }: Partial<Run> & { context?: RecordingContext } = {},
): Promise<{ ended: Ended; context: RecordingContext }> {
  const secrets = new Secrets(context);
  secrets.add(SECRET);
  const ended = await runTool({ name: "script", program: "/bin/sh", args: ["-c", script], ...run }, {
    context,
    secrets,
  });
  return { ended, context };
}

function isAlive(pid: number): boolean {
  try {
    // A process that ended and was not waited for by anybody is none any more.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("a program's exit code and last lines are told, and its output is logged", async () => {
  const { ended, context } = await sh("echo one; echo two >&2; exit 3");
  assert.equal(ended.code, 3);
  assert.deepEqual(ended.last.toSorted(), ["one", "two"]);
  assert.deepEqual(context.logs.map((line) => line.text).toSorted(), ["script: one", "script: two"]);
});

Deno.test("a program gets little of the environment and what it is given", async () => {
  Deno.env.set("HOLDFAST_TEST_LEAK", "leaked");
  const { context } = await sh("env", { env: { GIVEN: "yes" } });
  const lines = context.logs.map((line) => line.text);
  assert.equal(lines.some((line) => line.includes("leaked")), false);
  assert.equal(lines.includes("script: GIVEN=yes"), true);
  Deno.env.delete("HOLDFAST_TEST_LEAK");
});

Deno.test("secrets are struck out of log and errors in every form a program may print them", async () => {
  const { ended, context } = await sh(
    `echo "plain $S"; echo "url https://$E@example.org"; printf '{"key":"%s"}\\n' "$S"; exit 1`,
    { env: { S: SECRET, E: encodeURIComponent(SECRET) } },
  );
  const all = JSON.stringify([context.logs, ended]);
  assert.equal(all.includes(SECRET), false);
  assert.equal(all.includes(encodeURIComponent(SECRET)), false);
  assert.match(all, /plain \*\*\*/);
});

Deno.test("a secret across the place where a long line is cut does not show its beginning", async () => {
  const context = new RecordingContext();
  const before = "x".repeat(4000 - 8);
  await sh(`printf '%s%s%s\\n' "$X" "$S" "more"`, { context, env: { X: before, S: SECRET } });
  const [line] = context.logs;
  assert.equal(line!.text.includes(SECRET.slice(0, 4)), false);
  assert.match(line!.text, /x \.\.\. \(\d+ more characters\)$/);
});

Deno.test("100 MB of output are taken in bounded memory, with a mark where lines are missing", async () => {
  const before = heldBytes();
  const { context } = await sh(
    "yes 'a line of output that says little' | head -c 100000000; echo; echo the end",
  );
  const lines = context.logs.map((line) => line.text);
  assert.equal(lines.length, 1201);
  assert.match(lines[1000]!, /^\(\d+ lines left out: script printed \d+ lines, 9\d\.\d MiB\)$/);
  assert.equal(lines.at(-1), "script: the end");
  const grown = heldBytes() - before;
  assert.ok(grown < 150_000_000, `${grown} bytes`);
});

Deno.test("100 MB without a single newline are one line that is cut", async () => {
  const { context } = await sh("yes xxxxxxxxx | tr -d '\\n' | head -c 100000000");
  assert.equal(context.logs.length, 1);
  assert.match(context.logs[0]!.text, /x \.\.\. \(99\d+ more characters\)$/);
});

Deno.test("a cancel ends the whole process group, first politely", async () => {
  await inTempDir(async (dir) => {
    const cancel = new AbortController();
    const context = new RecordingContext(cancel.signal);
    const script = `trap 'echo asked > ${dir}/asked; exit 0' TERM; sleep 600 & echo $! > ${dir}/child.tmp
      mv ${dir}/child.tmp ${dir}/child; wait`;
    const running = sh(script, { context });
    const child = await until(
      "the child",
      () => Deno.readTextFile(join(dir, "child")).catch(() => undefined),
    );
    const reason = new Error("cancelled by a test");
    cancel.abort(reason);
    await assert.rejects(running, reason);
    assert.equal(await Deno.readTextFile(join(dir, "asked")), "asked\n");
    await until("the child's end", () => !isAlive(Number(child)));
  });
});

Deno.test("a group that ignores the request is killed after its time", async () => {
  await inTempDir(async (dir) => {
    const cancel = new AbortController();
    const context = new RecordingContext(cancel.signal);
    const script =
      `trap '' TERM; sleep 600 & echo $! > ${dir}/child.tmp; mv ${dir}/child.tmp ${dir}/child; wait`;
    const running = sh(script, { context, graceMs: 100 });
    const child = await until(
      "the child",
      () => Deno.readTextFile(join(dir, "child")).catch(() => undefined),
    );
    cancel.abort(new Error("cancelled by a test"));
    await assert.rejects(within(120, "the end", running), { message: "cancelled by a test" });
    await until("the child's end", () => !isAlive(Number(child)));
  });
});

Deno.test("a time limit ends a program and says so", async () => {
  await assert.rejects(
    sh("sleep 600", { timeoutMs: 100 }),
    (error) =>
      error instanceof HoldfastError && error.code === "timeout" &&
      error.message === "Cannot wait for script: it did not end within 100ms",
  );
});

Deno.test("what keeps the log open after the end of a program is ended and is no error", async () => {
  const { ended } = await within(120, "the end", sh("sleep 600 & echo done", { graceMs: 100 }));
  assert.equal(ended.code, 0);
});

Deno.test("output that something still holds open is not taken for whole", async () => {
  await inTempDir(async (dir) => {
    // It has to have left the group before the script ends, or it is ended with it.
    const script =
      `setsid sh -c ': > ${dir}/free; exec sleep 8' & until [ -e ${dir}/free ]; do sleep 0.01; done
      echo data`;
    await assert.rejects(
      within(120, "the end", sh(script, { onOutput: () => {}, graceMs: 100 })),
      { code: "output_open" },
    );
  });
});

Deno.test("what the taker of output throws ends the program", async () => {
  await assert.rejects(
    within(120, "the end", sh("yes; sleep 600", { onOutput: () => Promise.reject(new Error("no more")) })),
    { message: "no more" },
  );
});

Deno.test("input is handed over, and a program that does not want all of it may end", async () => {
  async function* input() {
    for (let i = 0; i < 1000; i++) yield new TextEncoder().encode("x".repeat(100_000));
  }
  const { ended } = await sh("head -c 3", { stdin: input() });
  assert.equal(ended.code, 0);
  assert.deepEqual(ended.last, ["xxx"]);
});

Deno.test("a program that is not there is an error that says so", async () => {
  await assert.rejects(
    sh("", { program: "/nothing/here" }),
    (error) =>
      error instanceof HoldfastError && error.kind === "invalid" &&
      error.message === 'Cannot run script: "/nothing/here" does not exist',
  );
});
