/** The scheduler's commands as people write them, on the compiled program. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { BackupSchedule } from "../../src/schedules/model.ts";
import { addSchedule, backupsOf, holeIn } from "../support/backed_up.ts";
import { type Sandbox, sandbox } from "../support/daemon.ts";
import { until, within } from "../support/wait.ts";

const Coming = z.array(
  z.strictObject({ due_at: z.string(), local: z.string(), note: z.string().optional() }),
);
const Report = z.looseObject({
  accounted: z.int(),
  unaccounted: z.int(),
  chain_ok: z.boolean(),
  problems: z.array(z.looseObject({ schedule_name: z.string().nullable(), problem: z.string() })),
});

async function backedUp(): Promise<Sandbox> {
  const box = await sandbox();
  await holeIn(box, "data", 100_000);
  await addSchedule(box, { cron: "0 2 * * *" });
  return box;
}

/** A command line as it is written, without `holdfast`. */
const words = (line: string) => line.split(" ");

Deno.test("policies are set in one line, and the coming instants are told", async () => {
  await using box = await backedUp();
  await box.ok(...words(
    "schedules update nightly --catch-up latest --catch-up-window 12h --overlap skip --retries 3 --retry-delay 60s --timeout 2h",
  ));
  const schedule = await box.json(BackupSchedule, "schedules", "get", "nightly");
  assert.deepEqual(
    [schedule.catch_up, schedule.catch_up_window_seconds, schedule.overlap, schedule.retries],
    ["latest", 43_200, "skip", 3],
  );
  assert.deepEqual([schedule.retry_delay_seconds, schedule.timeout_seconds], [60, 7200]);
  const coming = await box.json(Coming, ...words("schedules next nightly --count 5"));
  assert.equal(coming.length, 5);
  assert.ok(coming.every(({ due_at, local }) => due_at.endsWith(":00.000Z") && local.includes("02:00")));

  for (const bad of ["--retries 101", "--timeout 0s", "--dst sometimes", "--allowed-window 26:00-27:00"]) {
    const { code, stderr } = await box.cli("schedules", "update", "nightly", ...words(bad));
    assert.equal(code, 2, `${bad}: ${stderr}`);
  }
});

Deno.test("the log of a schedule is followed as its runs go", async () => {
  await using box = await backedUp();
  await box.serve();
  const child = new Deno.Command(box.program.command, {
    ...box.command(["--data-dir", box.dataDir, ...words("schedules logs nightly --follow")]),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    let seen = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) seen += text;
    })();
    // It says nothing before something happens; a run that began before it looked is not its affair.
    await until("a line of a run that ended", async () => {
      await box.cli("schedules", "trigger", "nightly", "--wait");
      return seen.includes("success");
    });
    child.kill("SIGINT");
    await within(120, "the end of the command", child.status);
    await reading;
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }
});

Deno.test("the ledger is verified, and a year that lacks its instants ends the command with 20", async () => {
  await using box = await backedUp();
  await box.ok("schedules", "trigger", "nightly", "--wait");
  const verify = words("ledger verify --from 2026-01-01 --to 2099-12-31");
  const good = await box.json(Report, ...verify);
  assert.deepEqual([good.unaccounted, good.chain_ok, good.problems], [0, true, []]);
  {
    using database = new DatabaseSync(box.path("state", "holdfast.db"));
    database.exec("update schedule_revisions set at = strftime('%Y-%m-%dT%H:%M:%fZ', at, '-3 days')");
  }
  const { code, stdout, stderr } = await box.cli(...verify, "--output", "json");
  assert.equal(code, 20, stderr);
  const bad = Report.parse(JSON.parse(stdout));
  assert.ok(bad.unaccounted >= 2 && bad.chain_ok);
  assert.ok(bad.problems.every(({ schedule_name }) => schedule_name === "nightly"));
});

Deno.test("copies are pruned in thought, one is proved, and a restore over files wants --force", async () => {
  await using box = await backedUp();
  await box.ok("schedules", "trigger", "nightly", "--wait");
  await box.ok(...words("backups prune nightly --dry-run"));
  const [backup] = await backupsOf(box);
  assert.ok(backup !== undefined);
  await box.ok("backups", "prove", backup.id);
  const restore = ["backups", "restore", backup.id, "--to", box.path("restored")];
  await box.ok(...restore);
  const refused = await box.cli(...restore);
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, /--force/);
  await box.ok(...restore, "--force");
});
