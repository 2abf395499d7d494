/** Statistics, and finding runs by how, when and with what words they ended. */
import assert from "node:assert/strict";
import { sql } from "kysely";
import { HoldfastError } from "../../src/lib/errors.ts";
import { LogPage, type RunOutcome } from "../../src/schedules/model.ts";
import * as runOps from "../../src/schedules/run_operations.ts";
import { showScheduleStatistics, showStatistics } from "../../src/schedules/statistics_operations.ts";
import {
  type EndedRun,
  figuresOf,
  percentile,
  ScheduleReport,
  sparkline,
  Statistics,
  streaksOf,
} from "../../src/schedules/statistics.ts";
import { create, world } from "./support.ts";

const ADMIN = { kind: "user", id: 5, name: "eve", role: "admin", on_host: false } as const;
const LIMITED = { ...ADMIN, name: "bob", role: "user", servers: [2] } as const;

/** Runs one day apart, ten seconds long for each place in the list. */
function runs(...given: [RunOutcome, number | null][]): EndedRun[] {
  return given.map(([outcome, backup_size_bytes], i) => ({
    outcome,
    backup_size_bytes,
    started_at: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(),
    completed_at: new Date(Date.UTC(2026, 0, 1 + i, 0, 0, (i + 1) * 10)).toISOString(),
  }));
}

Deno.test("percentiles are values that there are, and none without any", () => {
  const twenty = Array.from({ length: 20 }, (_, i) => i + 1);
  const rows: [number[], number, number | null][] = [
    [[], 0.5, null],
    [[7], 0.5, 7],
    [[7], 0.95, 7],
    [[1, 2], 0.5, 1],
    [[1, 2, 3], 0.5, 2],
    [twenty, 0.95, 19],
    [twenty, 1, 20],
  ];
  for (const [sorted, share, expected] of rows) {
    assert.equal(percentile(sorted, share), expected, `${sorted}`);
  }
});

Deno.test("cancelled runs count for no rate, failed ones for no size and no time", () => {
  const figures = figuresOf(runs(["success", 100], ["failed", 5], ["cancelled", null], ["success", 160]));
  assert.deepEqual(figures, {
    runs: 4,
    successes: 2,
    failures: 1,
    cancelled: 1,
    success_rate: 2 / 3,
    duration_median_seconds: 10,
    duration_p95_seconds: 40,
    size_last_bytes: 160,
    size_median_bytes: 100,
    size_total_bytes: 260,
    growth_bytes_per_day: 20,
  });
  assert.equal(figuresOf([]).success_rate, null);
  assert.equal(figuresOf(runs(["cancelled", null])).success_rate, null);
  assert.equal(figuresOf(runs(["success", 5])).growth_bytes_per_day, null, "one size grows nowhere");
});

Deno.test("streaks are counted from the newest run, through those that were cancelled", () => {
  const rows: [RunOutcome[], number, number][] = [
    [[], 0, 0],
    [["success", "success"], 2, 2],
    [["success", "success", "failed"], -1, 2],
    [["failed", "timed_out", "cancelled", "refused"], -3, 0],
    [["success", "success", "interrupted", "success", "cancelled"], 1, 2],
  ];
  for (const [outcomes, streak, longest_success_streak] of rows) {
    const given = runs(...outcomes.map((outcome): [RunOutcome, null] => [outcome, null]));
    assert.deepEqual(streaksOf(given), { streak, longest_success_streak }, outcomes.join());
  }
});

Deno.test("a line of bars has its largest value full and gaps where nothing is known", () => {
  assert.equal(sparkline([0, 50, 100, null]), "▁▅█ ");
  assert.equal(sparkline([]), "");
  assert.equal(sparkline([0, 0]), "▁▁");
});

/** Three schedules, of which the first succeeds twice, fails once with words, and misses an instant. */
async function history() {
  const w = await world("2026-01-01T00:00:30Z");
  await create(w, { name: "hourly", cron_expression: "0 * * * *", catch_up: "none" });
  await create(w, {
    name: "other",
    server_id: 2,
    cron_expression: "30 0 * * *",
    engine: "archive",
    engine_options: { sources: ["/a"] },
  });
  await create(w, { name: "never", cron_expression: "0 0 1 1 *", enabled: false });
  const at = async (instant: string, work?: () => Promise<void>) => {
    w.backups.work = work ?? (() => Promise.resolve());
    w.clock.set(instant);
    await w.schedules.tick();
    await w.schedules.idle();
  };
  await at("2026-01-01T00:30:00Z");
  await at("2026-01-01T01:00:00Z");
  await at(
    "2026-01-01T02:00:00Z",
    () => Promise.reject(new HoldfastError("exhausted", "Cannot write: No Space_left")),
  );
  await at("2026-01-01T04:00:00Z");
  w.clock.set("2026-01-01T04:30:00Z");
  return w;
}

Deno.test("statistics tell of each schedule and of all, also what nobody ran", async () => {
  await using w = await history();
  const all = Statistics.parse(await w.ask(showStatistics, {}, ADMIN));
  assert.deepEqual(all.schedules.map((one) => one.schedule_name).sort(), ["hourly", "other"]);
  const hourly = all.schedules.find((one) => one.schedule_name === "hourly");
  assert.ok(hourly !== undefined);
  assert.deepEqual(
    [hourly.runs, hourly.successes, hourly.failures, hourly.streak, hourly.longest_success_streak],
    [3, 2, 1, 1, 1],
  );
  assert.deepEqual(
    [hourly.expected, hourly.accounted, hourly.unaccounted],
    [4, 4, 0],
    "03:00 is missed, and known",
  );
  assert.deepEqual(hourly.recent.map(({ outcome }) => outcome), ["success", "failed", "success"]);
  assert.ok(hourly.last_good_at !== null);
  assert.deepEqual([all.runs, all.successes, all.expected], [4, 3, 5]);

  const one = ScheduleReport.parse(await w.ask(showScheduleStatistics, { schedule: "hourly" }, ADMIN));
  const { from, to, ...rest } = one;
  assert.deepEqual(rest, hourly);
  assert.deepEqual([from, to], ["2025-12-02T04:30:00.000Z", "2026-01-01T04:30:00.000Z"]);
  const period = { schedule: "hourly", from: "2026-01-01T01:30:00Z", to: "2026-01-01T03:00:00Z" };
  const part = ScheduleReport.parse(await w.ask(showScheduleStatistics, period, ADMIN));
  assert.deepEqual([part.runs, part.failures, part.expected, part.streak], [1, 1, 2, -1]);
  assert.ok(part.last_good_at !== null, "the success before the period");
  const none = ScheduleReport.parse(await w.ask(showScheduleStatistics, { schedule: "never" }, ADMIN));
  assert.deepEqual([none.runs, none.success_rate, none.last_good_at], [0, null, null]);
});

Deno.test("statistics of very many runs are told", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { id } = await create(w, { name: "busy", cron_expression: "* * * * *" });
  await w.database.transaction(async (tx) => {
    await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
      insert into runs (id, schedule_id, server_id, trigger, attempt, status, outcome, queued_at, started_at,
        completed_at, created_by, requested_by)
      select 'r' || i, ${id}, 1, 'manual', 1, 'success', 'success', '2025-12-31T00:00:00.000Z',
        '2025-12-31T00:00:00.000Z', '2025-12-31T00:00:01.000Z', 0, 'eve' from n`.execute(tx);
  });
  const all = Statistics.parse(await w.ask(showStatistics, { from: "2025-12-31" }, ADMIN));
  assert.equal(all.successes, 150_000);
});

Deno.test("statistics are limited to the caller's servers, and refuse a period that ends before it begins", async () => {
  await using w = await history();
  const seen = Statistics.parse(await w.ask(showStatistics, {}, LIMITED));
  assert.deepEqual([seen.schedules.map((one) => one.schedule_name), seen.runs], [["other"], 1]);
  await assert.rejects(w.ask(showScheduleStatistics, { schedule: "hourly" }, LIMITED), { kind: "forbidden" });
  await assert.rejects(w.ask(showStatistics, { server_id: 1 }, LIMITED), { kind: "forbidden" });
  await assert.rejects(w.ask(showStatistics, { from: "2026-01-02", to: "2026-01-01" }, ADMIN), {
    kind: "invalid",
  });
  await assert.rejects(w.ask(showStatistics, { from: "yesterday" }, ADMIN), { kind: "invalid" });
  await assert.rejects(w.ask(showStatistics, { schedule_id: "nothing" }, ADMIN), { kind: "not_found" });
});

Deno.test("runs are found by status, time and text, together and with the right total", async () => {
  await using w = await history();
  const found = async (input: object, from: object = ADMIN) => {
    const page = LogPage.parse(await w.ask(runOps.listLogs, input, from));
    return [page.total, page.logs.map((log) => `${log.schedule_name} ${log.started_at.slice(11, 16)}`)];
  };
  const rows: [object, string[]][] = [
    [{ status: "failed" }, ["hourly 02:00"]],
    [{ status: "success", schedule_id: "hourly" }, ["hourly 04:00", "hourly 01:00"]],
    [{ status: "timed_out" }, []],
    [{ from: "2026-01-01T01:30:00Z" }, ["hourly 04:00", "hourly 02:00"]],
    [{ to: "2026-01-01T01:00:00Z" }, ["hourly 01:00", "other 00:30"]],
    [{ from: "2026-01-02" }, []],
    [{ from: "2026-01-01", to: "2026-01-01", server_id: 2 }, ["other 00:30"]],
    [{ text: "no space_LEFT" }, ["hourly 02:00"]],
    [{ text: "no space left" }, []],
    [{ text: "no%left" }, []],
  ];
  for (const [input, logs] of rows) {
    assert.deepEqual(await found(input), [logs.length, logs], JSON.stringify(input));
  }
  assert.deepEqual(await found({ status: "success" }, LIMITED), [1, ["other 00:30"]]);
  assert.deepEqual(await found({ status: "success", limit: 1, offset: 1 }), [3, ["hourly 01:00"]]);
  await assert.rejects(w.ask(runOps.listLogs, { status: "bad" }, ADMIN), { kind: "invalid" });
});
