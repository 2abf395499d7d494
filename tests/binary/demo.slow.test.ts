/** `holdfast demo`: what it promises, and what it does when it does not hold. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sandbox } from "../support/daemon.ts";
import { within } from "../support/wait.ts";

Deno.test("the demo ends with 0 when everything held, with 20 when not, and leaves nothing behind", async () => {
  await using box = await sandbox();
  const [source, empty, temporary] = [box.path("source"), box.path("empty"), box.path("tmp")];
  for (const folder of [source, empty, temporary]) await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(source, "notes.txt"), "good");
  const demo = (folder: string) =>
    box.run(["demo", "--once", "--source", folder], { env: { TMPDIR: temporary } });

  const good = await demo(source);
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /equal: 1 files, 4 B\n\nBacked up, .* everything held\.\n$/);

  // Nothing to compare is no proof of anything.
  const bad = await demo(empty);
  assert.equal(bad.code, 20, bad.stdout + bad.stderr);
  assert.match(bad.stdout, /there is no file in it\n\nSomething did not hold; see above\.\n$/);

  const none = await demo(box.path("nowhere"));
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^error: Cannot back up ".*nowhere": it is no directory\nhint: name one/);
  assert.deepEqual([...Deno.readDirSync(temporary)], []);
});

Deno.test("without --once the demo goes on serving until it is interrupted", async () => {
  await using box = await sandbox();
  const [source, temporary] = [box.path("source"), box.path("tmp")];
  await Deno.mkdir(source, { recursive: true });
  await Deno.mkdir(temporary, { recursive: true });
  await Deno.writeTextFile(join(source, "notes.txt"), "good");
  const child = new Deno.Command(box.program.command, {
    ...box.command(["demo", "--source", source, "--api-listen", "127.0.0.1:0"], {
      env: { TMPDIR: temporary },
    }),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!/Set-up code for the first administrator: \S+\n/.test(text)) {
      const { value, done } = await within(120, "what the demo says", reader.read());
      assert.equal(done, false, text);
      text += value;
    }
    const url = /goes on serving at (\S+) until/.exec(text)?.[1];
    const answer = await fetch(`${url}/api/v1/health`);
    assert.equal((await answer.json()).status, "ok");
    child.kill("SIGINT");
    await reader.cancel();
    await within(120, "the end of the demo", child.status);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended, as it should.
    }
  }
  assert.deepEqual([...Deno.readDirSync(temporary)], []);
});
