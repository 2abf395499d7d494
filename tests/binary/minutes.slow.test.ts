/** The promise in real time: every minute is accounted for, also the one in which the daemon is killed. */
import assert from "node:assert/strict";
import { addSchedule, backupsOf, ENDLESS_BYTES, holeIn, ledgerOf, logsOf } from "../support/backed_up.ts";
import { namesIn, partialBytes } from "../support/backed_up.ts";
import { type Daemon, type LogLine, sandbox } from "../support/daemon.ts";
import { until } from "../support/wait.ts";

/** A minute, and what a busy machine takes to notice and to archive. */
const NEXT_MINUTE = 100;

Deno.test("a schedule every minute runs minute after minute, over a kill in the middle of a run", async () => {
  await using box = await sandbox();
  const first = await box.serve();
  await holeIn(box, "data", 1000);
  await addSchedule(box, { name: "short", cron: "* * * * *" });
  await first.logged(endOf(first, "short", 1), NEXT_MINUTE);

  await holeIn(box, "much", ENDLESS_BYTES);
  await addSchedule(box, { name: "long", cron: "* * * * *", source: "much", destination: "more" });
  await first.logged(endOf(first, "short", 2), NEXT_MINUTE);
  await until("a partial file that grows", async () => await partialBytes(box, "more") > 0);
  await first.kill();
  assert.equal((await namesIn(box, "more")).length, 1);

  await holeIn(box, "much", 1000);
  const second = await box.serve();
  assert.deepEqual(await words(box, "long"), ["ran interrupted"]);
  const [log] = await logsOf(box, "long");
  assert.deepEqual([log?.status, log?.outcome, log?.trigger], ["failed", "interrupted", "schedule"]);
  assert.deepEqual(await namesIn(box, "more"), []);
  assert.equal((await backupsOf(box)).length, 2);

  await second.logged(endOf(second, "short", 1), NEXT_MINUTE);
  await second.logged(endOf(second, "long", 1), NEXT_MINUTE);
  assert.equal((await second.stop()).code, 0, second.stderr);

  assert.deepEqual(await words(box, "short"), ["ran success", "ran success", "ran success"]);
  assert.deepEqual(await words(box, "long"), ["ran interrupted", "ran success"]);
  for (const name of ["short", "long"]) {
    const due = (await ledgerOf(box, name)).map((entry) => Date.parse(entry.due_at));
    assert.deepEqual(due, due.map((_, i) => due[0]! + i * 60_000), "each minute once, without a gap");
    for (const log of await logsOf(box, name)) {
      const late = Date.parse(log.started_at) - Date.parse(log.due_at ?? "");
      assert.ok(late >= 0 && late < 20_000, `started ${late} ms after it was due`);
    }
  }
  const backups = await backupsOf(box);
  assert.deepEqual(
    backups.map((backup) => [backup.status, backup.verified_ok]),
    Array(4).fill(["completed", true]),
  );
});

/** Fits the log line that tells of the n-th end of a run of a schedule. */
function endOf(daemon: Daemon, schedule: string, nth: number): (line: LogLine) => boolean {
  return (line) => {
    const runs = daemon.lines.filter((l) => l.schedule === schedule).map((l) => l.run_id);
    const ends = daemon.lines.filter((l) => "outcome" in l && runs.includes(l.run_id));
    return line === ends[nth - 1];
  };
}

async function words(box: Parameters<typeof ledgerOf>[0], schedule: string): Promise<string[]> {
  return (await ledgerOf(box, schedule)).map((entry) => `${entry.outcome} ${entry.result}`);
}
