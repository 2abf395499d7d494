/** Expected backups at a terminal: flags in errors, days and durations as people write them, and what fits on a line. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { calendarText } from "../../src/monitor/board_text.ts";
import { emptyResult } from "../../src/monitor/scan/result.ts";
import { scanText } from "../../src/monitor/scan/text.ts";
import { printed } from "../support/commands.ts";

Deno.test("errors name the flags that are missing, and a day or a duration is read as it is written", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-words-" });
  const run = (line: string) => printed(["--data-dir", join(dir, "state"), ...line.split(" ")]);
  const refused = async (line: string) => (await run(line)).notes[0] ?? "";
  try {
    const create = "monitor jobs create mail --way";
    for (
      const [line, flag] of [
        [`${create} ping`, "--every"],
        [`${create} ping --every daily`, "--hour"],
        [`${create} file --every daily --hour 2`, "--file"],
      ] as const
    ) assert.match(await refused(line), new RegExp(`^error: Cannot expect a backup: ${flag}: is required`));
    const { lines, code } = await run(
      `${create} ping --every daily --hour 2 --grace-seconds 1h30m --output json`,
    );
    assert.deepEqual([code, JSON.parse(lines.join("\n")).grace_seconds], [0, 5400]);
    assert.match(await refused("monitor board --date tomorrow"), /--date.* a day such as 2026-01-31/);
    assert.match(
      await refused("monitor findings mute 1 soon"),
      /a day such as 2026-01-31 or an instant such/,
    );
    assert.match(await refused("monitor findings mute x 2999-01-31"), /Cannot find finding "x"/);
    assert.match(await refused("monitor jobs get shop"), /Cannot find expected job "shop"/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the calendar shows the latest days that fit on a line, and says which", () => {
  const days = Array.from({ length: 14 }, (_, i) => `2026-11-${10 + i}`);
  const job = { job_id: 1, name: "ACME/PARIS/shop" };
  const calendar = {
    from: days[0]!,
    days,
    jobs: [{ ...job, days: days.map((date) => ({ date, due: 1, good: 1, state: "ok" as const })) }],
  };
  const lines = calendarText(calendar, 80).split("\n");
  assert.ok(lines.every((line) => line.length <= 80), lines.join("\n"));
  assert.match(lines[0]!, /^ +11-14 .*11-23$/);
  assert.equal(lines.at(-1), "2026-11-14 to 2026-11-23: 4 earlier days do not fit, --output json has all");
  assert.match(calendarText(calendar, 0), /^ +11-10 .*11-23\n.*ok$/);
});

Deno.test("a scan says nothing of an agent where there is none", () => {
  const result = emptyResult("2026-03-02T13:00:00Z");
  result.reports.young = 1;
  const file = { agent_id: "", report: null, job_id: 1, entry_id: 1, kept_path: null };
  result.backups.push({ ...file, database_name: "crm", status: "ok", message: "it arrived" });
  assert.deepEqual(scanText(result).split("\n"), [
    "Reports of 0 agents: 0 judged, 1 cannot be read yet and tried again for ten minutes",
    "Files: 0 kept, 0 checked",
    "ok: crm: it arrived",
  ]);
});
