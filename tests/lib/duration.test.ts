import assert from "node:assert/strict";
import { formatDuration, parseDuration, parseTypedDuration } from "../../src/lib/duration.ts";

Deno.test("parseDuration() reads what people write, in seconds", () => {
  const rows: [string, number][] = [
    ["0", 0],
    ["45", 45],
    ["1.5", 1.5],
    ["45s", 45],
    ["500ms", 0.5],
    ["30m", 1800],
    ["30 min", 1800],
    ["12h", 43_200],
    ["1h30m", 5400],
    [" 1h 30m ", 5400],
    ["1.5h", 5400],
    ["90d", 7_776_000],
    ["2W", 1_209_600],
    ["1m 0.1s", 60.1],
  ];
  for (const [text, seconds] of rows) assert.equal(parseDuration(text), seconds, text);
});

Deno.test("parseDuration() refuses what is not a duration, and quotes it", () => {
  for (const text of ["", " ", "m", "30x", "30m x", "-5m", "1e3", "1h,30m", "10 20", "PT5M", "30m 5"]) {
    assert.throws(() => parseDuration(text), {
      kind: "invalid",
      message: new RegExp(`Cannot read duration "${text}"`),
    }, text);
  }
});

Deno.test("a duration that is typed needs its unit, except for nothing", () => {
  for (
    const [text, seconds] of [["0", 0], ["90d", 7_776_000], [" 12h ", 43_200], ["1h 30m", 5400]] as const
  ) {
    assert.equal(parseTypedDuration(text), seconds, text);
  }
  for (const text of ["90", " 365 ", "1.5"]) {
    assert.throws(() => parseTypedDuration(text), {
      kind: "invalid",
      message: `Cannot read duration "${text.trim()}": a number needs a unit here`,
      hint: new RegExp(`such as ${text.trim()}d`),
    }, text);
  }
  assert.throws(() => parseTypedDuration("30x"), { message: /expected a form such as 45s, 30m, 12h or 90d/ });
});

Deno.test("formatDuration() writes exactly what parseDuration() reads back", () => {
  const rows: [number, string][] = [
    [0, "0s"],
    [0.25, "250ms"],
    [4.2, "4.2s"],
    [59, "59s"],
    [59.99, "1m"],
    [60, "1m"],
    [5400, "1h 30m"],
    [86_400, "1d"],
    [7_776_000, "90d"],
    [90_061, "1d 1h 1m 1s"],
    [-30, "-30s"],
  ];
  for (const [seconds, text] of rows) assert.equal(formatDuration(seconds), text);
  for (const seconds of [1, 61, 3599, 3600, 86_399, 31_536_000]) {
    assert.equal(parseDuration(formatDuration(seconds)), seconds);
  }
});
