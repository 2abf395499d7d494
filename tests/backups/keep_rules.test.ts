import assert from "node:assert/strict";
import {
  isVerifiedGood,
  keepNewest,
  type KeepRules,
  NO_RULES,
  planRetention,
  type Retained,
} from "../../src/backups/mod.ts";

let made = 0;

/** A verified good copy of 100 bytes made at an instant. */
function copy(created_at: string, overrides: Partial<Retained> = {}): Retained {
  return {
    id: `b${++made}`,
    created_at: new Date(created_at).toISOString(),
    status: "completed",
    verified_ok: true,
    missing_since: null,
    changed_at: null,
    size_bytes: 100,
    source_bytes: 1000,
    ...overrides,
  };
}

function rules(given: Partial<KeepRules>): KeepRules {
  return { ...keepNewest(7), ...given };
}

/** What is kept: the part of each instant that tells them apart, newest first, with the reason. */
function keptOf(
  backups: readonly Retained[],
  keep: Partial<KeepRules>,
  timezone = "UTC",
): string[] {
  const { decisions } = planRetention(backups, rules(keep), { timezone });
  return decisions.filter((one) => one.keep).map((one) =>
    `${one.backup.created_at.slice(0, 16)} ${one.reason}`
  );
}

/** A copy each day at 02:00 UTC, so many of them, the last on this day. */
function daily(count: number, last: string): Retained[] {
  const end = Date.parse(`${last}T02:00:00Z`);
  return Array.from({ length: count }, (_, i) => copy(new Date(end - i * 86_400_000).toISOString()));
}

Deno.test("keep rules keep the newest copy of each period, and say which", () => {
  const year = daily(400, "2026-03-04");
  assert.deepEqual(keptOf(year, { keep_last: 2, keep_daily: 3 }), [
    "2026-03-04T02:00 last 1 of 2, daily 1 of 3",
    "2026-03-03T02:00 last 2 of 2, daily 2 of 3",
    "2026-03-02T02:00 daily 3 of 3",
  ]);
  // 2026-03-04 is a Wednesday: the weeks before end on Sundays.
  assert.deepEqual(keptOf(year, { keep_weekly: 3 }), [
    "2026-03-04T02:00 weekly 1 of 3",
    "2026-03-01T02:00 weekly 2 of 3",
    "2026-02-22T02:00 weekly 3 of 3",
  ]);
  assert.deepEqual(keptOf(year, { keep_monthly: 3, keep_yearly: 2 }), [
    "2026-03-04T02:00 monthly 1 of 3, yearly 1 of 2",
    "2026-02-28T02:00 monthly 2 of 3",
    "2026-01-31T02:00 monthly 3 of 3",
    "2025-12-31T02:00 yearly 2 of 2",
  ]);
});

Deno.test("a week that lies in two years is one week", () => {
  assert.deepEqual(keptOf(daily(10, "2027-01-03"), { keep_weekly: 2 }), [
    "2027-01-03T02:00 weekly 1 of 2",
    "2026-12-27T02:00 weekly 2 of 2",
  ]);
});

Deno.test("days are those of the schedule's zone, and an hour that comes twice is two", () => {
  const evening = [copy("2026-01-05T23:30:00Z"), copy("2026-01-05T10:00:00Z")];
  assert.equal(keptOf(evening, { keep_daily: 5 }, "UTC").length, 1);
  assert.equal(keptOf(evening, { keep_daily: 5 }, "Europe/Paris").length, 2);
  // Paris sets its clocks back at 01:00 UTC on 2026-10-25: 02:30 comes twice.
  const twice = [copy("2026-10-25T00:30:00Z"), copy("2026-10-25T01:30:00Z")];
  assert.equal(keptOf(twice, { keep_hourly: 5 }, "Europe/Paris").length, 2);
  assert.equal(keptOf(twice, { keep_daily: 5 }, "Europe/Paris").length, 1);
});

Deno.test("keep_within counts back from the newest copy, so that a schedule that stands still loses nothing", () => {
  const old = daily(10, "2020-05-10");
  assert.deepEqual(keptOf(old, { keep_within_seconds: 2 * 86_400 }), [
    "2020-05-10T02:00 within 2d of the newest",
    "2020-05-09T02:00 within 2d of the newest",
    "2020-05-08T02:00 within 2d of the newest",
  ]);
});

Deno.test("max_backups counts only while no other rule says what to keep", () => {
  const days = daily(30, "2026-03-30");
  assert.equal(keptOf(days, { max_backups: 3 }).length, 3);
  assert.equal(keptOf(days, { max_backups: 3, keep_daily: 10 }).length, 10);
  assert.equal(keptOf(days, { max_backups: 3, max_total_bytes: 10_000 }).length, 3);
});

Deno.test("max_total_bytes takes the oldest first, and never the newest or the last verified good one", () => {
  const days = daily(6, "2026-03-06");
  const keep = (max_total_bytes: number) => keptOf(days, { max_backups: 6, max_total_bytes }).length;
  assert.deepEqual([600, 599, 350, 100, 1].map(keep), [6, 5, 3, 1, 1]);
  const { decisions } = planRetention(days, rules({ max_total_bytes: 350 }));
  assert.equal(decisions.at(-1)?.reason, "beyond 350 B in all");
  const bad = [
    copy("2026-03-08T00:00:00Z", { verified_ok: null }),
    copy("2026-03-07T00:00:00Z", { verified_ok: null }),
    ...days,
  ];
  const left = planRetention(bad, rules({ max_total_bytes: 1 }), { trust_newest: true }).decisions
    .filter((one) => one.keep).map((one) => one.backup.created_at.slice(0, 10));
  assert.deepEqual(left, ["2026-03-08", "2026-03-06"]);
});

Deno.test("what is missing takes no place, and goes when a usable one in its place would", () => {
  const days = daily(5, "2026-03-05");
  const gone = days.map((one, i) => i === 1 || i === 3 ? { ...one, missing_since: one.created_at } : one);
  const { decisions } = planRetention(gone, rules({ keep_daily: 2 }));
  assert.deepEqual(decisions.map((one) => [one.backup.created_at.slice(0, 10), one.keep, one.reason]), [
    ["2026-03-05", true, "daily 1 of 2"],
    ["2026-03-04", true, "missing, takes no place"],
    ["2026-03-03", true, "daily 2 of 2"],
    ["2026-03-02", false, "missing, and no rule keeps it"],
    ["2026-03-01", false, "no rule keeps it"],
  ]);
});

Deno.test("nothing goes while the newest copy is not verified or much smaller than usual", () => {
  const days = daily(6, "2026-03-06");
  const plan = (newest: Partial<Retained>, trust_newest = false) =>
    planRetention([copy("2026-03-07T02:00:00Z", newest), ...days], keepNewest(3), { trust_newest });
  const rows: [Partial<Retained>, RegExp | null, string][] = [
    [{}, null, "as good as the others"],
    [{ verified_ok: null }, /not verified, and earlier ones are/, "not verified"],
    [{ source_bytes: 499 }, /holds 499 B, less than half of the usual 1000 B/, "much smaller"],
    [{ source_bytes: 500 }, null, "half is not much smaller"],
    [{ source_bytes: 0 }, /holds 0 B/, "empty"],
    [{ source_bytes: null, size_bytes: 2000 }, null, "the artifact counts where the source is not known"],
    [{ source_bytes: 1, verified_ok: false }, null, "one that is broken takes no place: the others stay"],
  ];
  for (const [newest, waiting, why] of rows) {
    const result = plan(newest);
    if (waiting === null) assert.equal(result.waiting, null, why);
    else {
      assert.match(result.waiting ?? "", waiting, why);
      assert.ok(result.decisions.every((one) => one.keep), why);
      assert.match(result.decisions.at(-1)?.reason ?? "", /^waits, as .*; else: older than the 3 newest$/);
      const trusted = plan(newest, true);
      assert.equal(trusted.waiting, null, why);
      assert.equal(trusted.decisions.filter((one) => !one.keep).length, 4, why);
    }
  }
  const few = [copy("2026-03-07T00:00:00Z", { source_bytes: 1 }), ...daily(2, "2026-03-06")];
  assert.equal(planRetention(few, keepNewest(1)).waiting, null, "two copies say nothing about what is usual");
  const small = [1, 2, 3, 4, 5, 6].map((day) => copy(`2026-03-1${day}T02:00:00Z`, { source_bytes: 100 }));
  assert.equal(
    planRetention([...small, ...days], keepNewest(3)).waiting,
    null,
    "what has become usual is no reason to wait",
  );
});

Deno.test("retention holds its promises for any history and any rules", () => {
  let seed = 20_260_102;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(seed / 2 ** 31 * below);
  };
  const pick = <T>(...values: T[]): T => values[random(values.length)]!;
  for (let turn = 0; turn < 2000; turn++) {
    let at = Date.parse("2026-01-01T00:00:00Z");
    const history = Array.from({ length: random(40) }, () => {
      at += pick(0, 1_800_000, 3_600_000, 86_400_000, 30 * 86_400_000);
      return copy(new Date(at).toISOString(), {
        status: pick("completed", "completed", "completed", "failed"),
        verified_ok: pick(true, true, true, null, false),
        missing_since: pick(null, null, null, null, "2026-01-01T00:00:00.000Z"),
        changed_at: pick(null, null, null, null, "2026-01-01T00:00:00.000Z"),
        size_bytes: pick(100, 100, 200, 1, null),
        source_bytes: pick(1000, 1000, 1000, 2000, 10, null),
      });
    });
    const some = () => pick(null, null, 1 + random(6));
    const keep: KeepRules = {
      ...NO_RULES,
      max_backups: 1 + random(5),
      keep_last: some(),
      keep_hourly: some(),
      keep_daily: some(),
      keep_weekly: some(),
      keep_monthly: some(),
      keep_yearly: some(),
      keep_within_seconds: pick(null, null, 86_400),
      max_total_bytes: pick(null, null, null, 1, 500, 1500),
    };
    const options = {
      timezone: pick("UTC", "Europe/Paris", "Australia/Lord_Howe"),
      trust_newest: pick(true, false),
    };
    const say = JSON.stringify({ turn, keep, options });
    const { decisions, waiting } = planRetention(history, keep, options);
    const left = decisions.filter((one) => one.keep).map((one) => one.backup);
    assert.equal(decisions.length, history.length, say);
    assert.ok(decisions.every((one) => one.reason !== ""), say);
    const newestFirst = decisions.map((one) => one.backup);
    const lastGood = newestFirst.find(isVerifiedGood);
    assert.ok(lastGood === undefined || left.includes(lastGood), `the last verified good copy stays: ${say}`);
    if (waiting !== null) assert.equal(left.length, history.length, `nothing goes while it waits: ${say}`);
    const again = planRetention(left, keep, options);
    if (waiting === null && again.waiting === null) {
      assert.ok(again.decisions.every((one) => one.keep), `twice is once: ${say}`);
    }
  }
});
