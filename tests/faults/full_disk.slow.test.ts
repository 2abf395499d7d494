/** Disks that take nothing: the destination's, the program's own, and the one its log goes to. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { addSchedule, backupsOf, holeIn, logsOf, namesIn } from "../support/backed_up.ts";
import { contentOf } from "../support/content.ts";
import { type Daemon, Sandbox, sandbox, theProgram } from "../support/daemon.ts";
import { makeTree } from "../support/tree.ts";
import { until } from "../support/wait.ts";
import { type SmallDisk, smallDisk } from "../store/small_disk.ts";
import { Tally } from "./tally.ts";

const destinationFull = new Tally("disk_destination");
const stateFull = new Tally("disk_state");

Deno.test("a destination that fills up fails the run with the reason, and keeps nothing of it", async () => {
  await using disk = await smallDisk();
  if (disk === null) return;
  await using box = await sandbox();
  await makeTree(box.path("data"), { "noise.bin": { size: 8_000_000 } });
  await addSchedule(box, { destination: join("..", "..", disk.dir, "backups") });
  for (const withDaemon of [false, true]) {
    if (withDaemon) await box.serve();
    await destinationFull.survive(async () => {
      const { code, stdout, stderr } = await box.cli("schedules", "trigger", "nightly", "--wait");
      assert.equal(code, 20, stderr);
      assert.match(stdout + stderr, /Cannot write ".*": no space left on the device/);
      const [log] = await logsOf(box, "nightly");
      assert.deepEqual([log?.status, log?.outcome, log?.backup_id], ["failed", "failed", null]);
      assert.match(log?.error_message ?? "", /no space left/);
      assert.deepEqual([...Deno.readDirSync(join(disk.dir, "backups"))], []);
      assert.deepEqual(await backupsOf(box), []);
      await box.ok("ledger", "verify");
    });
  }
});

Deno.test("a read-only destination is refused when it is set, and fails the run when it became so", async () => {
  await using disk = await smallDisk();
  if (disk === null) return;
  await using box = await sandbox();
  await holeIn(box, "data", 1000);
  await addSchedule(box, { destination: join("..", "..", disk.dir, "backups") });
  await disk.readOnly();
  const before = contentOf(box.path("state", "holdfast.db"));
  const others = ["--source", box.path("data"), "--destination", join(disk.dir, "others")];
  const refused = await box.cli("schedules", "update", "nightly", ...others);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /is on a read-only file system/);
  assert.equal(contentOf(box.path("state", "holdfast.db")), before);
  const run = await box.cli("schedules", "trigger", "nightly", "--wait");
  assert.equal(run.code, 20, run.stderr);
  assert.match((await logsOf(box, "nightly"))[0]?.error_message ?? "", /read-only file system/);
  assert.deepEqual(await backupsOf(box), []);
});

Deno.test("without room for its database the program says so, changes nothing, and goes on when there is room", async () => {
  await using disk = await smallDisk("4m");
  if (disk === null) return;
  await using box = new Sandbox(await theProgram(), await Deno.makeTempDir(), join(disk.dir, "state"));
  const database = join(box.dataDir, "holdfast.db");
  const create = (name: string) => box.cli("servers", "create", "--name", name, "--host", "127.0.0.1");
  const serve = () => box.run(["serve", "--data-dir", box.dataDir, "--api-listen", "127.0.0.1:0"]);
  await disk.fill();
  for (const { code, stderr } of [await create("web-0"), await serve()]) {
    assert.equal(code, 10, stderr);
    assert.match(stderr, /the disk is full/);
  }
  await disk.free();
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  const before = contentOf(database);
  // Left by the look just taken: a reader could do with the room they have.
  for (const suffix of ["-wal", "-shm"]) await Deno.remove(database + suffix);
  await disk.fill();
  for (const { code, stderr } of [await create("web-2"), await box.cli("servers", "list"), await serve()]) {
    assert.equal(code, 10, stderr);
    assert.match(stderr, /the disk is full/);
  }
  await disk.free();
  assert.equal(contentOf(database), before);

  const daemon = await box.serve();
  await stateFull.survive(() => staysWhole(box, disk, daemon));
});

/** A daemon whose disk fills up refuses what it cannot write down, and goes on when there is room. */
async function staysWhole(box: Sandbox, disk: SmallDisk, daemon: Daemon): Promise<void> {
  const database = join(box.dataDir, "holdfast.db");
  const before = contentOf(database);
  await disk.fill();
  for (
    const words of [["servers", "create", "--name", "web-2", "--host", "h"], [
      "schedules",
      "trigger",
      "nightly",
    ]]
  ) {
    const { code, stderr } = await box.cli(...words);
    assert.equal(code, 10, stderr);
    assert.match(stderr, /the disk is full/);
  }
  assert.equal(contentOf(database), before);
  assert.match(await box.ok("servers", "list"), /web-1/);
  const health = await fetch(`${daemon.url}/api/v1/health`);
  assert.equal(health.status, 200);
  assert.match(await health.text(), /"degraded"/);
  await disk.free();
  await box.ok("schedules", "trigger", "nightly", "--wait");
  await box.ok("ledger", "verify");
}

Deno.test("a run that ends while its end cannot be written is recorded as soon as there is room", async () => {
  await using disk = await smallDisk("4m");
  if (disk === null) return;
  await using box = new Sandbox(await theProgram(), await Deno.makeTempDir(), join(disk.dir, "state"));
  const daemon = await box.serve();
  await holeIn(box, "data", 2 ** 30);
  await addSchedule(box);
  await box.ok("schedules", "trigger", "nightly");
  // What it has to note before it begins is noted: what is left is the work, and its end.
  await until("the artifact under way", async () => (await namesIn(box, "backups")).length > 0);
  await stateFull.survive(async () => {
    await disk.fill();
    await daemon.logged((line) => String(line.message).startsWith("Cannot record the end"));
    assert.equal((await namesIn(box, "backups")).length, 2);
    await disk.free();
    await daemon.logged((line) => line.outcome !== undefined);
    const [log] = await logsOf(box, "nightly");
    assert.ok(log !== undefined && log.status !== "running");
    assert.deepEqual(
      (await backupsOf(box)).map((backup) => backup.status),
      log.backup_id === null ? [] : ["completed"],
    );
    await box.ok("ledger", "verify");
  });
});

Deno.test("a daemon whose log can be written nowhere goes on with its backups, and logs again when there is room", async () => {
  await using disk = await smallDisk();
  if (disk === null) return;
  const { command, args } = await theProgram();
  const file = join(disk.dir, "holdfast.log");
  const logging = {
    command: "sh",
    args: ["-c", `exec "$0" "$@" 2>>${file}`, command, ...args],
    binary: null,
  };
  await using box = await sandbox();
  await using logger = new Sandbox(logging, await Deno.makeTempDir(), box.dataDir);
  const daemon = logger.start();
  // Its log, which would tell, is not read.
  daemon.ready.catch(() => {});
  await until("the daemon", async () => (await box.cli("scheduler", "status")).code === 0 && !daemon.ended);
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  await new Tally("disk_log").survive(async () => {
    await disk.fill();
    const { size } = await Deno.stat(file);
    await box.ok("schedules", "trigger", "nightly", "--wait");
    await box.ok("schedules", "trigger", "nightly", "--wait");
    assert.equal((await Deno.stat(file)).size - size < 4096, true, "there was no room for more than a page");
    await disk.free();
    await box.ok("schedules", "trigger", "nightly", "--wait");
    await until("a line of the log", async () => (await Deno.stat(file)).size > size);
    assert.deepEqual((await backupsOf(box)).map((backup) => backup.status), Array(3).fill("completed"));
    await box.ok("ledger", "verify");
    assert.equal((await daemon.stop()).code, 0);
  });
});
