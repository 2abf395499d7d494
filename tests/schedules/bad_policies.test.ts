/** Each policy beyond what it may be: refused by name when a schedule is made and when it is changed, and nothing is stored. */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import { createSchedule, updateSchedule } from "../../src/schedules/operations.ts";
import { policyFlags } from "../../src/schedules/policy_flags.ts";
import { NO_POLICIES, policyFields } from "../../src/schedules/policies.ts";
import { create, world } from "./support.ts";

const DAY = 86_400;
const YEAR = 366 * DAY;
const count = (max: number) => [0, -1, max + 1, 1.5, "7", null];
const copies = [0, -1, 1001, 1.5, "7"];
const word = ["", "often", 3, null];
const hook = ["", "   ", "x".repeat(4001), 7];

/** For each policy what it may not be. */
const BAD: Record<keyof typeof policyFields, readonly unknown[]> = {
  catch_up: word,
  catch_up_window_seconds: [59, YEAR + 1, -60, 60.5, "12h", null],
  overlap: word,
  locks: ["disk", [""], ["-x"], ["a\nb"], ["x".repeat(101)], Array(21).fill("x"), null],
  concurrency_group: ["", "nobody's", "-x", "elsewhere", 5],
  retries: [-1, 101, 1.5, "3", null],
  retry_delay_seconds: count(DAY),
  retry_factor: [0.9, 0, -2, 10.1, "2", null],
  retry_max_delay_seconds: count(7 * DAY),
  timeout_seconds: [0, -1, 30 * DAY + 1, 1.5, "2h"],
  start_deadline_seconds: [0, -1, YEAR + 1, 1.5, "2h"],
  jitter_seconds: [-1, DAY + 1, 1.5, "30", null],
  allowed_windows: ["sun", ["25:00-26:00"], ["someday"], ["02:00-02:00"], [""], Array(51).fill("sun"), null],
  blackout_windows: [
    ["2026-13-01"],
    ["2026-02-30..2026-03-01"],
    ["mon-xyz"],
    [7],
    Array(51).fill("sun"),
    null,
  ],
  paused_until: ["tomorrow", "2026-02-30", "2026-01-01 10:00", "2026-01-01T10:00:00", 5],
  run_after: ["", 5],
  dst: word,
  hook_before: hook,
  hook_after: hook,
  hook_on_failure: hook,
  hook_timeout_seconds: count(DAY),
  nice: [-1, 20, 1.5, "5"],
  io_class: ["realtime", "", 3, null],
  memory_max_bytes: [0, 16 * 1024 * 1024 - 1, -1, 1.5, "1G"],
  cpu_max_percent: [0, -1, 10_001, 1.5, "50%"],
  keep_last: copies,
  keep_hourly: copies,
  keep_daily: copies,
  keep_weekly: copies,
  keep_monthly: copies,
  keep_yearly: copies,
  keep_within_seconds: [59, -1, 100 * YEAR + 1, "1y"],
  max_total_bytes: [0, -1, 1.5, "1G"],
  prove_every_runs: [0, -1, 10_001, 1.5],
  prove_every_seconds: [3599, -1, YEAR + 1],
  prove_command: ["", "https://hooks.example.org/x", "x".repeat(4001)],
};

Deno.test("every policy beyond its range is refused by name, by create and by update, and nothing is changed", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  const before = await w.tables.selectFrom("schedules").selectAll().execute();
  for (const [field, values] of Object.entries(BAD)) {
    for (const value of values) {
      const what = `${field}: ${JSON.stringify(value)?.slice(0, 60)}`;
      const named = (error: unknown) => {
        assert.ok(error instanceof HoldfastError, what);
        assert.equal(error.kind, "invalid", `${what}: ${error.message}`);
        assert.match(`${error.message} ${JSON.stringify(error.errors ?? [])}`, new RegExp(field), what);
        return true;
      };
      const fresh = { server_id: 1, name: "other", cron_expression: "0 2 * * *", [field]: value };
      await assert.rejects(w.ask(createSchedule, fresh), named, `create with ${what}`);
      await assert.rejects(w.ask(updateSchedule, { schedule: "nightly", [field]: value }), named, what);
    }
  }
  assert.deepEqual(await w.tables.selectFrom("schedules").selectAll().execute(), before);
});

Deno.test("every policy can be set by the API and by a flag, and what is not set has its default", () => {
  const fields = Object.keys(policyFields);
  assert.deepEqual(
    Object.keys(NO_POLICIES).filter((field) => field !== "hook_authority").sort(),
    fields.sort(),
  );
  for (const op of [createSchedule, updateSchedule]) {
    const known = Object.keys(op.input.shape);
    assert.deepEqual(fields.filter((field) => !known.includes(field)), [], op.name);
  }
  assert.deepEqual(Object.keys(policyFlags).filter((field) => !fields.includes(field)), []);
});
