import assert from "node:assert/strict";
import { formatSize, parseSize } from "../../src/lib/size.ts";

Deno.test("parseSize() reads what people write, in bytes", () => {
  const rows: [string, number][] = [
    ["0", 0],
    ["4096", 4096],
    ["10 B", 10],
    ["512KiB", 524_288],
    ["512k", 524_288],
    ["512KB", 512_000],
    ["1.5 GiB", 1_610_612_736],
    [" 2gib ", 2_147_483_648],
    ["10 MB", 10_000_000],
    ["1T", 1_099_511_627_776],
    ["0.1 KiB", 102],
  ];
  for (const [text, bytes] of rows) assert.equal(parseSize(text), bytes, text);
});

Deno.test("parseSize() refuses what is not a size, and quotes it", () => {
  for (const text of ["", "GiB", "-1", "1e9", "5 iB", "1,5GiB", "10 XB", "1 GiB 5"]) {
    assert.throws(() => parseSize(text), {
      kind: "invalid",
      message: new RegExp(`Cannot read size "${text}"`),
    }, text);
  }
});

Deno.test("formatSize() keeps at most one decimal and never shows 1024 of a unit", () => {
  const rows: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [1_048_575, "1 MiB"],
    [1_610_612_736, "1.5 GiB"],
    [5_000_000_000, "4.7 GiB"],
    [1024 ** 5 * 3, "3 PiB"],
    [1024 ** 5 * 5000, "5000 PiB"],
    [-2048, "-2 KiB"],
  ];
  for (const [bytes, text] of rows) assert.equal(formatSize(bytes), text);
});
