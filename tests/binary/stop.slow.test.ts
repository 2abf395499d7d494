/** The ends people choose: SIGTERM from the service manager, Ctrl-C at the terminal, and both in a hurry. */
import assert from "node:assert/strict";
import {
  addSchedule,
  backupsOf,
  ENDLESS_BYTES,
  holeIn,
  logsOf,
  namesIn,
  partialBytes,
} from "../support/backed_up.ts";
import { type LogLine, type Sandbox, sandbox } from "../support/daemon.ts";
import { isThere } from "../support/files.ts";
import { lateAnswer } from "../support/late_answer.ts";
import { until, within } from "../support/wait.ts";

/** Half a minute and more to archive, for tests in which it must not be over before they say so. */
async function endlessRun(box: Sandbox): Promise<void> {
  await holeIn(box, "data", ENDLESS_BYTES);
  await addSchedule(box);
  await box.ok("schedules", "trigger", "nightly");
  await until("a partial file that grows", async () => await partialBytes(box, "backups") > 0);
}

const tellsOfStopping = (line: LogLine) => String(line.message).startsWith("Stopping");

Deno.test("SIGTERM lets a run finish, then ends with 0 and leaves no socket and no lock", async () => {
  await using box = await sandbox();
  const daemon = await box.serve();
  await using hook = lateAnswer();
  await holeIn(box, "data", 2 ** 20);
  await addSchedule(box, { more: ["--hook-before", hook.url] });
  await box.ok("schedules", "trigger", "nightly");
  await within(60, "the run", hook.asked);
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.status), ["running"]);
  daemon.signal("SIGTERM");
  await daemon.logged(tellsOfStopping);
  assert.deepEqual(await namesIn(box, "backups"), [], "the work lies before it");
  hook.answer();
  assert.equal((await daemon.end()).code, 0);
  assert.ok(!daemon.stderr.includes("Interrupted"), daemon.stderr);
  assert.ok(!await isThere(box.path("state", "holdfast.sock")));
  assert.equal(await Deno.readTextFile(box.path("state", "lock")), "");
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.outcome), ["success"]);
  assert.equal((await backupsOf(box)).length, 1);
});

Deno.test("a run that takes longer than the grace is interrupted, and nothing of it stays", async () => {
  await using box = await sandbox();
  const daemon = await box.serve("--schedules-shutdown-grace-seconds", "1");
  await endlessRun(box);
  const { code, ms } = await daemon.stop();
  assert.equal(code, 0, daemon.stderr);
  assert.ok(ms > 900, `ended after ${ms} ms, and its grace is a second`);
  const [log] = await logsOf(box, "nightly");
  assert.deepEqual([log?.status, log?.outcome], ["failed", "interrupted"]);
  assert.match(log?.error_message ?? "", /stopped during the run/);
  assert.deepEqual(await namesIn(box, "backups"), []);
  assert.deepEqual(await backupsOf(box), []);
});

Deno.test("a second signal ends the runs at once", async () => {
  await using box = await sandbox();
  const daemon = await box.serve();
  await endlessRun(box);
  daemon.signal("SIGTERM");
  await daemon.logged(tellsOfStopping);
  const { code, ms } = await daemon.stop();
  assert.equal(code, 0, daemon.stderr);
  assert.ok(ms < 30_000, `ended after ${ms} ms, and its grace is a minute`);
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.outcome), ["interrupted"]);
  assert.deepEqual(await namesIn(box, "backups"), []);
});

Deno.test("Ctrl-C ends a run in the foreground with 130, and nothing of it stays", async () => {
  await using box = await sandbox();
  await holeIn(box, "data", ENDLESS_BYTES);
  await addSchedule(box);
  const trigger = new Deno.Command(box.program.command, {
    ...box.command(["--data-dir", box.dataDir, "schedules", "trigger", "nightly"]),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until("a partial file that grows", async () => await partialBytes(box, "backups") > 0);
  trigger.kill("SIGINT");
  assert.equal((await within(60, "the end of the command", trigger.status)).code, 130);
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.outcome), ["interrupted"]);
  assert.deepEqual(await namesIn(box, "backups"), []);
});
