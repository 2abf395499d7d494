/** Rules as tables: addresses, revisions, instants, words, trends, and what is a problem. */
import assert from "node:assert/strict";
import { parseAddress } from "../../src/veeam/address.ts";
import { judgeJobs } from "../../src/veeam/changes.ts";
import { chooseJob } from "../../src/veeam/choose.ts";
import { hiddenKinds, kindRows } from "../../src/veeam/coverage.ts";
import { durationSeconds, parseInstant, UTC, word, zoneOf } from "../../src/veeam/decode.ts";
import { daysToFull } from "../../src/veeam/fill.ts";
import type { VeeamJob } from "../../src/veeam/model.ts";
import { listJobs } from "../../src/veeam/operations/jobs.ts";
import { filled, jobOf, repositoryOf, sessionOf } from "../../src/veeam/records.ts";
import { compareRevisions, namedRevisions, revisionOfBuild } from "../../src/veeam/revisions.ts";
import { tapesOf } from "../../src/veeam/tapes.ts";

const DAY_MS = 86_400_000;
const AT = { server: "vbr-1", read_at: "2026-03-02T06:00:00.000Z", zone: UTC };

Deno.test("an address is a host, host:port or a URL; a port that is written counts before the setting", () => {
  const rows: [string, number | null, string][] = [
    ["vbr", null, "https://vbr:9419"],
    ["VBR.example.org", 443, "https://vbr.example.org:443"],
    ["vbr:1234", 9, "https://vbr:1234"],
    ["192.0.2.7", null, "https://192.0.2.7:9419"],
    ["[2001:db8::1]", null, "https://[2001:db8::1]:9419"],
    ["[2001:db8::1]:443", null, "https://[2001:db8::1]:443"],
    ["https://vbr.example.org", null, "https://vbr.example.org:9419"],
    ["https://vbr.example.org:443/", null, "https://vbr.example.org:443"],
    ["http://127.0.0.1:9419", null, "http://127.0.0.1:9419"],
    ["http://localhost:80/base/", null, "http://localhost:80/base"],
  ];
  for (const [text, port, url] of rows) assert.equal(parseAddress(text, port).url, url, text);
  for (const text of ["", "a b", "ftp://vbr", "user@vbr", "https://u:p@vbr", "vbr:port", "http://vbr"]) {
    assert.throws(() => parseAddress(text), { kind: "invalid" }, text);
  }
});

Deno.test("revisions are compared by their numbers, found in refusals and in builds", () => {
  assert.ok(compareRevisions("1.3-rev2", "1.3-rev1") > 0);
  assert.ok(compareRevisions("1.10-rev0", "1.9-rev9") > 0);
  assert.equal(compareRevisions("1.2-rev1", "1.2-rev1"), 0);
  assert.deepEqual(namedRevisions("The following versions are supported: v1.0-rev1, v1.1-rev0."), [
    "1.0-rev1",
    "1.1-rev0",
  ]);
  const builds: [string, string | null][] = [
    ["13.1.0.411", "1.3-rev2"],
    ["13.0.1.2000", "1.3-rev1"],
    ["12.3.2.3617", "1.2-rev1"],
    ["12.0.0.1420", "1.1-rev0"],
    ["11.0.1.1261", null],
    ["14.0.0.1", "1.3-rev2"],
  ];
  for (const [build, revision] of builds) assert.equal(revisionOfBuild(build), revision, build);
});

Deno.test("instants are read in every shape the product writes, those without offset in the server's zone", () => {
  const paris = { iana: "Europe/Paris", offset_minutes: 60 };
  const fixed = { iana: null, offset_minutes: -300 };
  const rows: [string | null, typeof fixed | typeof paris, string | null][] = [
    ["2025-04-23T09:46:47.664243+02:00", UTC, "2025-04-23T07:46:47.664Z"],
    ["2025-04-23T09:46:47.6642431Z", UTC, "2025-04-23T09:46:47.664Z"],
    ["2024-11-13T22:00:49.893878", paris, "2024-11-13T21:00:49.893Z"],
    ["2024-07-13T22:00:49", paris, "2024-07-13T20:00:49.000Z"],
    ["2024-07-13T22:00:49", fixed, "2024-07-14T03:00:49.000Z"],
    // The hour that comes twice is taken the first time, the one that is left out moves on.
    ["2024-10-27T02:30:00", paris, "2024-10-27T00:30:00.000Z"],
    ["2024-03-31T12:00:00", paris, "2024-03-31T10:00:00.000Z"],
    ["0001-01-01T00:00:00", UTC, null],
    ["N/A", UTC, null],
    [null, UTC, null],
  ];
  for (const [text, zone, expected] of rows) {
    const ms = parseInstant(text, zone);
    assert.equal(ms === null ? null : new Date(ms).toISOString(), expected, `${text}`);
  }
  assert.deepEqual(zoneOf({ serverTime: "2025-04-23T09:46:47+02:00", ianaTimeZoneId: "Nowhere/Else" }), {
    iana: null,
    offset_minutes: 120,
  });
});

Deno.test("words are known in any letter case, and unknown ones shown as they are", () => {
  for (const raw of ["running", "Running", "RUNNING"]) {
    assert.equal(word({ s: raw }, "s", ["Running"]), "Running");
  }
  assert.equal(word({ s: "Hibernating" }, "s", ["Running"]), "Hibernating");
  assert.equal(jobOf({ id: "1", type: "QuantumBackup", lastResult: "success" }, AT).type, "QuantumBackup");
  assert.equal(durationSeconds("1.02:03:04.5"), 93_784);
  assert.equal(durationSeconds("soon"), null);
});

Deno.test("a record of nothing but an id has nulls, and no duration comes from a missing end", () => {
  const session = sessionOf({ id: "A-1", creationTime: "2026-03-02T05:00:00Z" }, AT);
  assert.deepEqual(
    [session.name, session.result, session.ended_at, session.duration_seconds, session.message],
    ["a-1", "None", null, null, null],
  );
  const job = jobOf({}, AT);
  assert.ok(
    Object.entries(job).every(([key, value]) =>
      value === null || ["id", "name", "server", "read_at"].includes(key)
    ),
  );
});

Deno.test("no share is taken of a capacity of nothing", () => {
  assert.deepEqual(filled(0, 0).fill_percent, null);
  assert.deepEqual(filled(null, 5).free_bytes, null);
  assert.equal(filled(100, 25).fill_percent, 75);
  assert.equal(filled(100, 250).fill_percent, 0);
  const s3 = repositoryOf({ id: "r", name: "s3", capacityGB: 0, freeGB: 0, usedSpaceGB: 512 }, AT);
  assert.deepEqual([s3.capacity_bytes, s3.fill_percent, s3.backup_bytes], [null, null, 512 * 2 ** 30]);
});

Deno.test("days to full follow the straight line, and are not told where there is none", () => {
  const line = (perDay: number, days: number) =>
    Array.from({ length: days }, (_, i) => ({ at: i * DAY_MS, used_bytes: 1000 + i * perDay }));
  assert.equal(daysToFull(line(10, 10), 100), 10);
  assert.equal(daysToFull(line(0, 10), 100), null);
  assert.equal(daysToFull(line(-5, 10), 100), null);
  assert.equal(daysToFull(line(10, 2), 100), null);
  assert.equal(daysToFull(line(10, 10), null), null);
  assert.equal(daysToFull(line(1, 10), 1e9), null);
});

const job = (fields: Partial<VeeamJob>): VeeamJob => ({
  number: 1,
  ...jobOf({ id: "00000001", name: "Daily" }, AT),
  ...fields,
});

Deno.test("a job is chosen by name, id or number, and one name that two have is refused with both ids", () => {
  const jobs = [
    job({ number: 1, id: "aaaa", name: "Daily" }),
    job({ number: 2, id: "bbbb", name: "daily" }),
    job({ number: 3, id: "cccc", name: "Twice" }),
    job({ number: 4, id: "dddd", name: "Twice" }),
    job({ number: 5, id: "eeee", name: "3" }),
  ];
  for (const [ref, id] of [["Daily", "aaaa"], ["BBBB", "bbbb"], ["2", "bbbb"], ["3", "eeee"]] as const) {
    assert.equal(chooseJob(jobs, ref, "vbr-1").id, id, ref);
  }
  assert.throws(
    () => chooseJob(jobs, "Twice", "vbr-1"),
    (error: Error & { hint?: string; kind?: string }) =>
      error.kind === "conflict" && /cccc.*dddd/.test(error.hint ?? ""),
  );
  assert.throws(
    () => chooseJob(jobs, "Dayly", "vbr-1"),
    (error: Error & { hint?: string; kind?: string }) =>
      error.kind === "not_found" && /did you mean "Daily"/.test(error.hint ?? ""),
  );
  assert.throws(() => chooseJob([], "9", "vbr-1"), { kind: "not_found" });
  assert.throws(() => chooseJob([job({ name: "Monthly archive of files" })], "archive", "vbr-1"), {
    hint: 'did you mean "Monthly archive of files"?',
  });
});

Deno.test("a result that is none is refused: it would find nothing, as if nothing had failed", () => {
  const { status } = listJobs.input.shape;
  for (const word of ["Failed", "failed", "WARNING"]) assert.ok(status.safeParse(word).success, word);
  const refused = status.safeParse("Faild");
  assert.match(refused.error?.issues[0]?.message ?? "", /one of Success, Warning, Failed, None/);
});

Deno.test("failures, missing runs and recoveries are changes; what is as before is none", () => {
  let states = new Map();
  const look = (fields: Partial<VeeamJob>, at: string) => {
    const judged = judgeJobs(states, [job(fields)], Date.parse(at));
    states = judged.states;
    return judged.changes.map(({ kind }) => kind);
  };
  const next_run_at = "2026-03-02T22:00:00.000Z";
  const good = {
    status: "Inactive",
    last_result: "Success",
    last_run_at: "2026-03-01T22:00:00.000Z",
    next_run_at,
  };
  assert.deepEqual(look(good, "2026-03-02T06:00:00Z"), []);
  // It should have begun, and the server already names the next time.
  const skipped = { ...good, next_run_at: "2026-03-03T22:00:00.000Z" };
  assert.deepEqual(look(skipped, "2026-03-02T22:10:00Z"), []);
  assert.deepEqual(look(skipped, "2026-03-02T22:20:00Z"), ["missing"]);
  assert.deepEqual(look(skipped, "2026-03-02T23:20:00Z"), []);
  const running = {
    ...skipped,
    status: "Running",
    last_result: "None",
    last_run_at: "2026-03-02T23:30:00.000Z",
  };
  assert.deepEqual(look(running, "2026-03-02T23:31:00Z"), []);
  const failed = { ...running, status: "Inactive", last_result: "Failed" };
  assert.deepEqual(look(failed, "2026-03-02T23:50:00Z"), ["failed"]);
  assert.deepEqual(look(failed, "2026-03-02T23:55:00Z"), []);
  const warned = { ...failed, last_result: "Warning", last_run_at: "2026-03-03T01:00:00.000Z" };
  assert.deepEqual(look(warned, "2026-03-03T01:10:00Z"), ["warning"]);
  const well = { ...failed, last_result: "Success", last_run_at: "2026-03-03T02:00:00.000Z" };
  assert.deepEqual(look(well, "2026-03-03T02:10:00Z"), ["recovered"]);
  assert.deepEqual(look({ ...well, status: "Disabled" }, "2026-03-09T02:10:00Z"), []);
});

Deno.test("each revision hides the kinds of job that came later, and every one hides tapes", () => {
  assert.match(hiddenKinds("1.2-rev1") ?? "", /Windows agent backup/);
  assert.equal(hiddenKinds("1.3-rev2"), null);
  const rows = kindRows("vbr-1", "1.1-rev0", ["VSphereBackup", "VSphereBackup"]);
  assert.deepEqual(rows.filter(({ visible }) => visible).map(({ what, jobs }) => [what, jobs]), [
    ["VMware backup", 2],
  ]);
  assert.equal(kindRows("vbr-1", "1.3-rev2", []).filter(({ visible }) => !visible).length, 1);
});

Deno.test("tapes are read as the cmdlets write them: one or many, in any letter case", () => {
  const rows = tapesOf({
    exported_at: "2026-03-02T05:00:00Z",
    Libraries: { Name: "L1", State: "Online", Type: "Automated" },
    drives: [{ Name: "D1", State: "Empty" }, { Name: "D2", State: "Loaded" }],
    media: null,
  }, AT.read_at);
  assert.deepEqual(rows.map(({ kind, name, status }) => [kind, name, status]), [
    ["library", "L1", "Online"],
    ["drive", "D1", "Empty"],
    ["drive", "D2", "Loaded"],
  ]);
  assert.equal(tapesOf([{ Name: "L1" }], AT.read_at).length, 1);
  assert.deepEqual(tapesOf(null, AT.read_at), []);
});
