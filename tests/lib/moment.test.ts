import assert from "node:assert/strict";
import { pastMoment } from "../../src/lib/moment.ts";

const NOW = Date.parse("2026-03-02T06:00:00Z");

Deno.test("pastMoment() reads how long ago, days and instants", () => {
  const rows: [text: string, instant: string][] = [
    ["24h", "2026-03-01T06:00:00Z"],
    ["1d 2h", "2026-03-01T04:00:00Z"],
    ["0", "2026-03-02T06:00:00Z"],
    ["2026-03-01", "2026-03-01T00:00:00Z"],
    ["2028-02-29", "2028-02-29T00:00:00Z"],
    [" 2026-03-01T05:00:00+01:00 ", "2026-03-01T04:00:00Z"],
  ];
  for (const [text, instant] of rows) assert.equal(pastMoment(text, NOW), Date.parse(instant), text);
});

Deno.test("pastMoment() refuses a number without its unit, days there are not, no zone, and what nobody kept", () => {
  const rows: [text: string, message: RegExp, hint: RegExp][] = [
    ["24", /^Cannot read until "24": a number needs a unit here$/, /such as 24d, 24h or 24m/],
    ["yesterday", /^Cannot read until "yesterday": expected how long ago/, /such as 2026-03-01T06/],
    ["", /expected how long ago/, /such as/],
    ["2026-02-30", /expected how long ago/, /such as/],
    ["2026-03-01T05:00:00", /an instant with its zone/, /such as/],
    ["99999d", /before 1970/, /such as/],
    ["9999999999999d", /before 1970/, /such as/],
  ];
  for (const [text, message, hint] of rows) {
    assert.throws(() => pastMoment(text, NOW, "until"), { kind: "invalid", message, hint }, text);
  }
});
