import assert from "node:assert/strict";
import { closedAt, parseWindow } from "../../src/schedules/windows.ts";

function closed(windows: { allowed?: string[]; blackout?: string[] }, at: string, timezone = "UTC") {
  return closedAt({
    allowed_windows: windows.allowed ?? [],
    blackout_windows: windows.blackout ?? [],
    timezone,
  }, Date.parse(at)) !== null;
}

/** [window, instant, zone, inside] */
const ROWS: [string, string, string, boolean][] = [
  ["22:00-06:00", "2026-01-01T22:00:00Z", "UTC", true],
  ["22:00-06:00", "2026-01-01T05:59:59Z", "UTC", true],
  ["22:00-06:00", "2026-01-01T06:00:00Z", "UTC", false],
  ["22:00-06:00", "2026-01-01T21:59:59Z", "UTC", false],
  ["09:00-17:30", "2026-01-01T17:29:00Z", "UTC", true],
  ["09:00-17:30", "2026-01-01T17:30:00Z", "UTC", false],
  ["00:00-24:00", "2026-01-01T23:59:59Z", "UTC", true],
  // The first of January 2026 is a Thursday.
  ["thu", "2026-01-01T12:00:00Z", "UTC", true],
  ["Mon-Fri", "2026-01-02T12:00:00Z", "UTC", true],
  ["monday-friday", "2026-01-03T12:00:00Z", "UTC", false],
  ["sat,sun", "2026-01-03T12:00:00Z", "UTC", true],
  ["fri-mon", "2026-01-04T12:00:00Z", "UTC", true],
  ["fri-mon", "2026-01-06T12:00:00Z", "UTC", false],
  // Past midnight a window belongs to the day it began on.
  ["fri 22:00-06:00", "2026-01-03T05:00:00Z", "UTC", true],
  ["fri 22:00-06:00", "2026-01-02T05:00:00Z", "UTC", false],
  ["2026-12-24..2027-01-02", "2027-01-02T23:59:00Z", "UTC", true],
  ["2026-12-24..2027-01-02", "2027-01-03T00:00:00Z", "UTC", false],
  ["2026-12-24 18:00-24:00", "2026-12-24T18:00:00Z", "UTC", true],
  ["2026-12-24 18:00-24:00", "2026-12-25T18:00:00Z", "UTC", false],
  // In the schedule's zone, summer and winter.
  ["02:00-03:00", "2026-01-01T01:30:00Z", "Europe/Paris", true],
  ["02:00-03:00", "2026-07-01T01:30:00Z", "Europe/Paris", false],
  ["02:00-03:00", "2026-07-01T00:30:00Z", "Europe/Paris", true],
];

Deno.test("a window holds from its first minute up to its last, on its days, in the schedule's zone", () => {
  for (const [window, at, zone, inside] of ROWS) {
    assert.equal(closed({ blackout: [window] }, at, zone), inside, `blackout ${window} at ${at} ${zone}`);
    assert.equal(closed({ allowed: [window] }, at, zone), !inside, `allowed ${window} at ${at} ${zone}`);
  }
});

Deno.test("any allowed window will do, any blackout wins, and the reason names it", () => {
  const both = { allowed: ["mon-fri", "22:00-06:00"], blackout: ["2026-01-01"] };
  assert.equal(closed(both, "2026-01-03T23:00:00Z"), false);
  assert.equal(closed(both, "2026-01-01T23:00:00Z"), true);
  const windows = {
    allowed_windows: both.allowed,
    blackout_windows: both.blackout,
    timezone: "UTC",
  };
  assert.equal(
    closedAt(windows, Date.parse("2026-01-01T12:00:00Z")),
    "inside the blackout window 2026-01-01",
  );
  assert.equal(
    closedAt(windows, Date.parse("2026-01-03T12:00:00Z")),
    "outside the allowed windows (mon-fri, 22:00-06:00)",
  );
});

Deno.test("a window that means nothing is refused with its text and the forms there are", () => {
  const wrong = [
    "",
    "now",
    "25:00-26:00",
    "24:00-06:00",
    "10:00",
    "10:00-10:00",
    "10:60-11:00",
    "22-6",
    "mon-",
    "mon-fri-sun",
    "mon tue",
    "2026-02-30",
    "2026-02-02..2026-02-01",
    "2026-02-01..",
    "2026-01-01..2026-01-02..2026-01-03",
    "mon 10:00-11:00 tue",
  ];
  for (const text of wrong) {
    assert.throws(() => parseWindow(text), (error: Error) => {
      assert.match(error.message, /^Cannot use window ".*": .+$/, text);
      return true;
    }, text);
  }
});
