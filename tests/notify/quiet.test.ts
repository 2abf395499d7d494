/** Quiet times and digests on the wall clock, on days that change it too. */
import assert from "node:assert/strict";
import { PolicySettings } from "../../src/notify/config.ts";
import type { Severity } from "../../src/notify/event.ts";
import { heldUntil, nextDigest } from "../../src/notify/quiet.ts";

interface Row {
  quiet: string[];
  timezone?: string;
  up_to?: Severity;
  severity?: Severity;
  /** UTC. */
  now: string;
  /** UTC; null leaves at once. */
  until: string | null;
}

const NIGHT = ["22:00-07:00"];
const WEEKEND = ["sat,sun 00:00-24:00"];

const ROWS: Row[] = [
  { quiet: [], now: "2026-01-05T23:00Z", until: null },
  { quiet: NIGHT, now: "2026-01-05T21:59Z", until: null },
  { quiet: NIGHT, now: "2026-01-05T22:00Z", until: "2026-01-06T07:00Z" },
  { quiet: NIGHT, now: "2026-01-06T06:59Z", until: "2026-01-06T07:00Z" },
  { quiet: NIGHT, now: "2026-01-06T07:00Z", until: null },
  // More severe than what waits.
  { quiet: NIGHT, now: "2026-01-05T23:00Z", severity: "critical", until: null },
  {
    quiet: NIGHT,
    now: "2026-01-05T23:00Z",
    severity: "critical",
    up_to: "critical",
    until: "2026-01-06T07:00Z",
  },
  { quiet: NIGHT, now: "2026-01-05T23:00Z", severity: "warning", up_to: "info", until: null },
  { quiet: ["12:00-13:30"], now: "2026-01-05T12:45Z", until: "2026-01-05T13:30Z" },
  // 2026-01-10 is a Saturday.
  { quiet: WEEKEND, now: "2026-01-09T23:59Z", until: null },
  { quiet: WEEKEND, now: "2026-01-10T00:00Z", until: "2026-01-12T00:00Z" },
  { quiet: [...NIGHT, ...WEEKEND], now: "2026-01-09T23:00Z", until: "2026-01-12T07:00Z" },
  // A window belongs to the day it begins on.
  { quiet: ["fri 22:00-07:00"], now: "2026-01-10T03:00Z", until: "2026-01-10T07:00Z" },
  { quiet: ["fri 22:00-07:00"], now: "2026-01-11T03:00Z", until: null },
  { quiet: NIGHT, timezone: "Europe/Paris", now: "2026-01-05T21:30Z", until: "2026-01-06T06:00Z" },
  // Clocks go forward at 02:00 to 03:00 on 2026-03-29: the night is an hour shorter.
  { quiet: NIGHT, timezone: "Europe/Paris", now: "2026-03-28T22:00Z", until: "2026-03-29T05:00Z" },
  // An end that clocks leave out is the moment of the jump.
  { quiet: ["22:00-02:30"], timezone: "Europe/Paris", now: "2026-03-28T23:00Z", until: "2026-03-29T01:30Z" },
  // Clocks go back at 03:00 to 02:00 on 2026-10-25: the end comes twice, and the first counts.
  { quiet: ["22:00-02:30"], timezone: "Europe/Paris", now: "2026-10-24T21:00Z", until: "2026-10-25T00:30Z" },
  {
    quiet: ["22:00-07:00"],
    timezone: "Australia/Lord_Howe",
    now: "2026-04-04T12:00Z",
    until: "2026-04-04T20:30Z",
  },
];

Deno.test("a message waits for the end of the quiet time it falls into, on the clocks of the policy's zone", () => {
  for (const row of ROWS) {
    const { quiet, timezone = "UTC", up_to = "warning", severity = "warning", now, until } = row;
    const held = heldUntil({ quiet, quiet_up_to: up_to, timezone }, severity, Date.parse(now));
    const shown = held === null ? null : new Date(held).toISOString().replace(":00.000Z", "Z");
    assert.equal(shown, until, JSON.stringify(row));
  }
});

Deno.test("a policy that is always quiet speaks after some days", () => {
  const always = PolicySettings.parse({ quiet: ["00:00-24:00"], quiet_up_to: "critical" });
  const held = heldUntil({ ...always, timezone: "UTC" }, "info", Date.parse("2026-01-05T12:00Z"));
  assert.equal(held, Date.parse("2026-01-13T00:00Z"));
});

const DIGESTS: [when: string, timezone: string, after: string, expected: string][] = [
  ["07:00", "UTC", "2026-01-05T06:59Z", "2026-01-05T07:00Z"],
  ["07:00", "UTC", "2026-01-05T07:00Z", "2026-01-06T07:00Z"],
  ["07:00", "Europe/Paris", "2026-01-05T07:00Z", "2026-01-06T06:00Z"],
  ["mon 07:00", "UTC", "2026-01-05T07:00Z", "2026-01-12T07:00Z"],
  ["sun 07:00", "UTC", "2026-01-05T07:00Z", "2026-01-11T07:00Z"],
  ["02:30", "Europe/Paris", "2026-03-28T12:00Z", "2026-03-29T01:30Z"],
  ["02:30", "Europe/Paris", "2026-10-24T12:00Z", "2026-10-25T00:30Z"],
  ["02:30", "Europe/Paris", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
];

Deno.test("a digest is due once a day or week, also when its time is left out or comes twice", () => {
  for (const [when, timezone, after, expected] of DIGESTS) {
    const at = nextDigest(when, timezone, Date.parse(after));
    assert.equal(new Date(at).toISOString(), new Date(expected).toISOString(), `${when} after ${after}`);
  }
});
