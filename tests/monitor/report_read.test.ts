/** Reports of every format become one form; what cannot be read is refused with its reason, field by field. */
import assert from "node:assert/strict";
import type { Report } from "../../src/monitor/report.ts";
import { MAX_REPORT_BYTES, readReport } from "../../src/monitor/reports/read.ts";
import { bytesOf, FILE_HASH, RAW_HASH, reportA, reportB, reportDraft } from "./report_samples.ts";

function read(value: unknown): Report {
  const reading = readReport(bytesOf(value));
  assert.ok(reading.outcome === "read", JSON.stringify(reading));
  return reading.report;
}

function refused(value: unknown): string[] {
  const reading = readReport(bytesOf(value));
  assert.ok(reading.outcome === "refused", JSON.stringify(reading).slice(0, 500));
  return reading.refusal.fields.map(({ path, message }) => `${path}: ${message}`);
}

const AT = "2026-03-02T13:04:00.000Z";

Deno.test("the three formats say the same thing in one form", () => {
  const [a, b, draft] = [read(reportA()), read(reportB()), read(reportDraft())];
  assert.deepEqual([a.format, b.format, draft.format], ["a", "b", "draft"]);
  assert.deepEqual(a, {
    format: "a",
    agent_id: "ACME_PARIS_NORTH",
    operation_start_at: AT,
    operation_end_at: AT,
    overall_status: "completed",
    databases: [{
      database_name: "shop",
      staged_file_name: "shop.sql.zst",
      backup: {
        ok: true,
        started_at: AT,
        ended_at: AT,
        sha256: RAW_HASH,
        size_bytes: 5000,
        error_message: null,
      },
      compress: {
        ok: true,
        started_at: AT,
        ended_at: AT,
        sha256: FILE_HASH,
        size_bytes: 1000,
        error_message: null,
      },
      transfer: {
        ok: true,
        started_at: AT,
        ended_at: AT,
        sha256: null,
        size_bytes: null,
        error_message: null,
      },
      logs_summary: "all is well",
    }],
  });
  const essence = ({ databases: [database] }: Report) => {
    const { compress, transfer } = database!;
    return [database!.staged_file_name, compress.ok, compress.sha256, compress.size_bytes, transfer.ok];
  };
  assert.deepEqual(essence(b), essence(a));
  assert.deepEqual(essence(draft), essence(a));
  assert.equal(b.operation_end_at, "2026-03-02T13:04:00.123Z");
  assert.equal(b.databases[0]?.transfer.error_message, null);
});

Deno.test("a failed phase is read as failed, in words too", () => {
  for (const make of [reportA, reportB, reportDraft]) {
    const database = read(make({ failed: ["COMPRESS"] })).databases[0]!;
    assert.deepEqual([database.backup.ok, database.compress.ok, database.transfer.ok], [true, false, true]);
  }
});

Deno.test("comments, a byte order mark and a slash in a text do not disturb", () => {
  const text = JSON.stringify({ ...reportA(), note: "https://example.org /* not one */" }, null, 1);
  const commented = `\uFEFF// head\n${text.replace("{", "{ /* phases\n follow */")}\n// end`;
  assert.deepEqual(read(commented), read(text));
});

Deno.test("an empty list of databases and an absent overall status are no reason to refuse", () => {
  const report = read({ ...reportA(), databases: {}, overall_status: undefined });
  assert.deepEqual(report.databases, []);
  assert.equal(report.overall_status, null);
});

Deno.test("a path on the agent's host becomes the name of the file, of Windows too", () => {
  for (const file of ["/a/b/shop.gz", "C:\\dumps\\shop.gz", "shop.gz"]) {
    assert.equal(read(reportA({ file })).databases[0]?.staged_file_name, "shop.gz");
  }
  assert.equal(read(reportA({ file: null })).databases[0]?.staged_file_name, null);
});

const TIMES: readonly [string, string | null][] = [
  ["2026-03-02T13:04:00Z", AT],
  ["2026-03-02 13:04:00", AT],
  ["2026-03-02T15:04:00+02:00", AT],
  ["2026-03-02T13:04:00.999999999Z", "2026-03-02T13:04:00.999Z"],
  ["2026-02-31T13:04:00Z", null],
  ["2026-03-02T24:04:00Z", null],
  ["02/03/2026 13:04", null],
  ["yesterday", null],
];

for (const [text, instant] of TIMES) {
  Deno.test(`the time "${text}" is ${instant ?? "refused"}`, () => {
    const report = { ...reportA(), operation_end_time: text };
    if (instant !== null) assert.equal(read(report).operation_end_at, instant);
    else assert.match(refused(report)[0]!, /^operation_end_time: must be an instant such as/);
  });
}

Deno.test("a time that says nothing is not there", () => {
  for (const nothing of ["", "  ", "null", null]) {
    assert.deepEqual(refused({ ...reportA(), operation_end_time: nothing }), [
      "operation_end_time: is required",
    ]);
  }
});

Deno.test("every wrong field is named", () => {
  const report = {
    operation_end_time: 5,
    agent_id: "",
    overall_status: "perhaps",
    databases: {
      shop: {
        BACKUP: { status: "yes", size: -1, sha256_checksum: "abc" },
        COMPRESS: { status: true, size: "many", sha256_checksum: "z".repeat(64) },
        staged_file_name: 7,
      },
      blog: [],
    },
  };
  assert.deepEqual(refused(report), [
    "operation_start_time: is required",
    'operation_end_time: must be an instant such as "2025-06-20T13:00:00Z" or "2025-06-20 13:00:00"',
    "agent_id: must not be empty",
    "overall_status: must be completed or failed_globally",
    "databases.shop.BACKUP.status: must be true or false",
    "databases.shop.BACKUP.sha256_checksum: must have 64 hexadecimal digits, has 3 characters",
    "databases.shop.BACKUP.size: must be a whole number of bytes, 0 or more",
    "databases.shop.COMPRESS.sha256_checksum: must have only hexadecimal digits",
    "databases.shop.COMPRESS.size: must be a whole number of bytes, 0 or more",
    "databases.shop.TRANSFER: is required",
    "databases.shop.staged_file_name: must be text or null",
    "databases.blog: must be an object",
  ]);
});

const BOMBS = [
  "../../etc/passwd",
  "..",
  "a/b.gz",
  "/var/out/..",
  "shop\u0000.gz",
  "line\nbreak.gz",
  `${"x".repeat(300)}.gz`,
  `${"é".repeat(200)}.gz`,
  "..\\..\\boot.ini",
];

for (const file of BOMBS) {
  Deno.test(`the staged file name ${JSON.stringify(file).slice(0, 30)} is refused`, () => {
    assert.deepEqual(refused(reportA({ file })), [
      "databases.shop.staged_file_name: must be the bare name of a file of at most 255 bytes",
    ]);
  });
}

Deno.test("the first half of a report is told apart from a text that never was one", () => {
  const text = JSON.stringify(reportB());
  for (const length of [0, 1, 10, text.length >> 1, text.length - 1]) {
    const reading = readReport(bytesOf(text.slice(0, length)));
    assert.ok(reading.outcome === "unparsed" && reading.truncated, `${length}: ${JSON.stringify(reading)}`);
  }
  for (const wrong of ["hello", '{"a": tru }', `${text}}`, '{"a":1}{"b":2}']) {
    const reading = readReport(bytesOf(wrong));
    assert.ok(reading.outcome === "unparsed" && !reading.truncated, wrong);
  }
  const binary = readReport(new Uint8Array([0x1f, 0x8b, 0xff, 0xfe]));
  assert.ok(binary.outcome === "unparsed" && binary.refusal.reason === "it is not UTF-8 text");
});

Deno.test("what is JSON and no report is refused, not retried", () => {
  for (const wrong of ["[]", "null", "5", '"text"']) {
    const reading = readReport(bytesOf(wrong));
    assert.ok(reading.outcome === "refused" && reading.refusal.reason === "it is not a JSON object");
  }
  assert.deepEqual(refused({ ...reportA(), databases: [] }), ["databases: must be an object by name"]);
});

Deno.test("a report over the size limit, and one nested without end, are refused unread", () => {
  const large = readReport(bytesOf(" ".repeat(MAX_REPORT_BYTES + 1)));
  assert.ok(large.outcome === "refused");
  assert.match(large.refusal.reason, /^it has 4194305 bytes, and 4194304 are the limit$/);
  const deep = readReport(bytesOf("[".repeat(100_000)));
  assert.ok(deep.outcome === "unparsed" && !deep.truncated);
  assert.match(deep.refusal.reason, /nested more than 32 deep/);
});

Deno.test("names that mean something to JavaScript are names like others", () => {
  const content = Object.values(reportA().databases ?? {})[0];
  const text = JSON.stringify({ ...reportA(), databases: 0 }).replace(
    '"databases":0',
    `"databases":{"__proto__":${JSON.stringify(content)},"constructor":${JSON.stringify(content)}}`,
  );
  assert.deepEqual(read(text).databases.map((one) => one.database_name), ["__proto__", "constructor"]);
  assert.deepEqual(refused('{"__proto__":{"agent_id":"x"}}').length, 4);
});

Deno.test("a report with a thousand wrong fields is answered with a hundred", () => {
  const databases = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`db${i}`, 5]));
  const reading = readReport(bytesOf({ ...reportA(), databases }));
  assert.ok(reading.outcome === "refused");
  assert.equal(reading.refusal.fields.length, 100);
  assert.match(reading.refusal.reason, /^1000 fields are wrong$/);
});
