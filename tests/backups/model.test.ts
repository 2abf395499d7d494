import assert from "node:assert/strict";
import { artifactName, artifactProblems, type OnDisk } from "../../src/backups/mod.ts";

Deno.test("an artifact's name is safe on any file system", () => {
  const rows: [string, string][] = [
    ["nightly", "nightly"],
    ["Nightly run #2", "Nightly-run-2"],
    ["../../etc/passwd", "etc-passwd"],
    ["a/b\\c:d*e?f", "a-b-c-d-e-f"],
    [".hidden", "hidden"],
    ["-rf", "rf"],
    ["Crème brûlée", "Creme-brulee"],
    ["日本語", "backup"],
    ["", "backup"],
    ["a\nb\0c", "a-b-c"],
    ["x".repeat(300), "x".repeat(80)],
  ];
  const now = Date.parse("2026-01-02T02:00:00.123Z");
  for (const [title, expected] of rows) {
    assert.equal(
      artifactName(title, now, "3f9c01ab77aa0000"),
      `${expected}-20260102T020000Z-3f9c01ab`,
      title,
    );
  }
});

Deno.test("an artifact counts only when it is there, not empty, as long as reported and newer than the run", () => {
  const started = 1_000_000;
  const rows: [number, OnDisk, RegExp | null][] = [
    [5, { size_bytes: 5, mtime_ms: started + 10 }, null],
    [5, { size_bytes: 5, mtime_ms: started - 1000 }, null],
    [5, { size_bytes: 5, mtime_ms: started - 2001 }, /older than the run/],
    [5, { size_bytes: 4, mtime_ms: started }, /has 4 bytes, but 5 were written/],
    [0, { size_bytes: 0, mtime_ms: started }, /is empty/],
    [5, "missing", /is not there/],
    [5, "elsewhere", null],
    [0, "elsewhere", /is empty/],
  ];
  for (const [size_bytes, disk, expected] of rows) {
    const problems = artifactProblems({ path: "/x", size_bytes }, disk, started).join("; ");
    if (expected === null) assert.equal(problems, "");
    else assert.match(problems, expected);
  }
});
