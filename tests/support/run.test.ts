import assert from "node:assert/strict";

/** Runs the runner over one file with the given text; the settings of this run are not handed down. */
async function runTests(
  source: string,
  env: Record<string, string> = {},
): Promise<{ code: number; lines: string[] }> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-run-" });
  try {
    await Deno.writeTextFile(`${folder}/given.test.ts`, source);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tests/support/run.ts", "--no-check", `${folder}/given.test.ts`],
      env: { HOLDFAST_API_URL: "https://backup.example.org", ...env },
      stderr: "null",
    }).output();
    return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the last line of a run counts what passed and what failed, and a failure is the exit code", async () => {
  const { code, lines } = await runTests(`
    Deno.test("holds", () => {});
    Deno.test("does not hold", () => { throw new Error("no"); });
  `);
  assert.equal(lines.at(-1), "1 passed, 1 failed");
  assert.equal(code, 1);
});

Deno.test("what was skipped is repeated right before the last line, once", async () => {
  const { code, lines } = await runTests(`
    Deno.test("first", () => console.log("skipped: dump: no server: install it"));
    Deno.test("second", () => console.log("skipped: dump: no server: install it"));
  `);
  assert.deepEqual(lines.slice(-2), ["skipped: dump: no server: install it", "2 passed, 0 failed"]);
  assert.equal(lines.at(-3), "");
  assert.equal(code, 0);
});

Deno.test("a test file that does not even load is a failure", async () => {
  const { code, lines } = await runTests("this is not a program");
  assert.equal(lines.at(-1), "0 passed, 1 failed");
  assert.equal(code, 1);
});

Deno.test("settings of the person at the keyboard do not reach the tests", async () => {
  const { lines } = await runTests(`
    Deno.test("reads", () => { if (Deno.env.has("HOLDFAST_API_URL")) throw new Error("leaked"); });
  `);
  assert.equal(lines.at(-1), "1 passed, 0 failed");
});

Deno.test("a test that hangs ends the run as a failure, and not never", async () => {
  const hanging = `Deno.test("hangs", () => new Promise((done) => setTimeout(done, 600_000)));`;
  const { code, lines } = await runTests(hanging, { HOLDFAST_TEST_PATIENCE_SECONDS: "1" });
  assert.equal(lines.at(-2), "Nothing ended for 1 s; long-running were: none");
  assert.equal(lines.at(-1), "0 passed, 1 failed");
  assert.notEqual(code, 0);
});
