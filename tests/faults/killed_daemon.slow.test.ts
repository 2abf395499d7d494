/** A daemon killed at work: what whoever was watching is told, and what the next daemon finds. */
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
import { sandbox } from "../support/daemon.ts";
import { isThere } from "../support/files.ts";
import { until } from "../support/wait.ts";

Deno.test("a daemon killed during a run: commands say that nobody answers, the next daemon settles it", async () => {
  await using box = await sandbox();
  const daemon = await box.serve();
  await holeIn(box, "data", ENDLESS_BYTES);
  await addSchedule(box);
  const waiting = box.cli("schedules", "trigger", "nightly", "--wait");
  await until("a partial file that grows", async () => await partialBytes(box, "backups") > 0);
  await daemon.kill();

  const watched = await waiting;
  assert.equal(watched.code, 9, watched.stderr);
  // The command was reading what happens, or had not begun to.
  assert.match(watched.stderr, /Cannot (read the answer of .*: the connection was lost|reach the daemon: )/);
  for (const words of [["schedules", "list"], ["schedules", "trigger", "nightly"], ["backups", "list"]]) {
    const { code, stderr } = await box.cli(...words);
    assert.equal(code, 9, stderr);
    assert.match(
      stderr,
      /Cannot reach the daemon: nobody answers on ".*holdfast\.sock"\nhint: start the daemon/,
    );
  }

  await holeIn(box, "data", 1000);
  await box.serve();
  const [log] = await logsOf(box, "nightly");
  assert.deepEqual([log?.status, log?.outcome], ["failed", "interrupted"]);
  assert.equal(log?.error_message, "Holdfast ended during the run");
  assert.deepEqual(await backupsOf(box), []);
  assert.deepEqual(await namesIn(box, "backups"), []);
  await box.ok("schedules", "trigger", "nightly", "--wait");
  assert.equal((await backupsOf(box)).length, 1);
});

Deno.test("after a kill the hint helps: without the left-over socket commands work by themselves", async () => {
  await using box = await sandbox();
  const daemon = await box.serve();
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  await daemon.kill();
  assert.ok(await isThere(box.path("state", "holdfast.sock")));
  assert.equal((await box.cli("schedules", "list")).code, 9);
  await Deno.remove(box.path("state", "holdfast.sock"));
  await box.ok("schedules", "trigger", "nightly", "--wait");
  assert.deepEqual((await logsOf(box, "nightly")).map((log) => log.status), ["success"]);
});
