/** The scanner reads every report once, gives the judge the files as they are on disk, and survives whatever lies there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isThere } from "../support/files.ts";
import { reportA, reportB, reportDraft } from "./report_samples.ts";
import { AGENT, hashOf, scanWorld } from "./scan_world.ts";

const CONTENT = "-- a dump, compressed";
const GOOD = { sha256: hashOf(CONTENT), size: CONTENT.length };

Deno.test("reports of all formats are judged with their files, kept, archived, and not judged again", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  await world.report("20260302_130000_ACME_PARIS_NORTH.json", reportA(GOOD));
  await world.report(
    "2026-03-02_13-10-00_ACME_PARIS_NORTH.json",
    reportB({ ...GOOD, end: "2026-03-02T13:10:00Z" }),
  );
  await world.report("20260302_132000.JSON", reportDraft({ ...GOOD, end: "2026-03-02T13:20:00Z" }));
  const result = await world.scan();
  assert.deepEqual(result.reports, { found: 3, judged: 3, known: 0, refused: 0, young: 0, waiting: 0 });
  assert.deepEqual(world.judge.judged.map((one) => one.report.format), ["a", "b", "draft"]);
  const [first] = world.judge.judged;
  const file = first?.files.get("shop");
  assert.ok(file?.state === "present");
  assert.deepEqual([file.sha256, file.size_bytes], [GOOD.sha256, GOOD.size]);
  assert.equal(file.modified_at, "2026-03-02T13:05:00.000Z");
  assert.deepEqual(first?.origin.agent_id, AGENT);
  assert.deepEqual(result.backups.map((one) => one.status), ["ok", "ok", "ok"]);
  const kept = join(world.final, "ACME/PARIS/2026/shop/20260302T130000Z_shop.sql.zst");
  assert.equal(result.backups[0]?.kept_path, kept);
  assert.equal(await Deno.readTextFile(kept), CONTENT);
  const archived = [...Deno.readDirSync(join(world.deposit, AGENT, "log/_archive"))];
  assert.equal(archived.length, 3);
  assert.deepEqual(result.problems, []);
  assert.ok(await isThere(join(world.deposit, AGENT, "databases/shop.sql.zst")), "the staged file stays");

  const again = await world.scan();
  assert.equal(again.reports.found, 0);
  await world.report("copy.json", reportA(GOOD));
  const copied = await world.scan();
  assert.deepEqual([copied.reports.known, copied.reports.judged], [1, 0]);
  assert.equal(world.judge.judged.length, 3);
});

Deno.test("a report that was judged before a crash is only archived after it", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  const path = await world.report("one.json", reportA(GOOD));
  world.judge.keys.add(hashOf(await Deno.readFile(path)));
  const result = await world.scan();
  assert.deepEqual([result.reports.known, world.judge.judged.length], [1, 0]);
  assert.equal(await isThere(path), false);
});

Deno.test("a report that cannot be judged is left where it is, and the others are judged", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  const bad = await world.report("1.json", reportA({ ...GOOD, end: "2026-03-02T13:01:00Z" }));
  await world.report("2.json", reportA({ ...GOOD, end: "2026-03-02T13:02:00Z" }));
  world.judge.before = (report) => {
    if (report.operation_end_at.includes("T13:01")) throw new Error("the database is busy");
  };
  const result = await world.scan();
  assert.equal(result.reports.judged, 1);
  assert.match(
    result.problems[0] ?? "",
    /Cannot judge report "ACME_PARIS_NORTH\/1.json": the database is busy/,
  );
  assert.ok(await isThere(bad));
  world.judge.before = () => {};
  assert.equal((await world.scan()).reports.judged, 1);
});

Deno.test("a report that is written anew while it is judged is judged by the next scan, and not archived unread", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  const path = await world.report("last.json", reportA({ ...GOOD, end: "2026-03-02T13:01:00Z" }));
  const next = JSON.stringify(reportA({ ...GOOD, end: "2026-03-02T13:59:00Z" }));
  world.judge.before = () => Deno.writeTextFileSync(path, next);
  assert.equal((await world.scan()).reports.judged, 1);
  assert.equal(await Deno.readTextFile(path), next);
  world.judge.before = () => {};
  assert.equal((await world.scan()).reports.judged, 1);
  assert.deepEqual(world.judge.judged.map(({ report }) => report.operation_end_at.slice(11, 16)), [
    "13:01",
    "13:59",
  ]);
  assert.equal(await isThere(path), false);
});

Deno.test("a report that ended in the future is refused: it would meet an instant that is not due yet", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  await world.report("1.json", reportA({ ...GOOD, end: "2026-03-03T13:00:00Z" }));
  await world.report("2.json", reportA({ ...GOOD, end: "2026-03-02T14:20:00Z" }));
  const result = await world.scan();
  assert.equal(result.reports.judged, 1, "a clock may be ahead a little");
  assert.deepEqual(result.refused.map(({ report, fields }) => [report, fields[0]?.path]), [
    ["1.json", "operation_end_time"],
  ]);
});

Deno.test("a report that cannot be parsed is tried again while it is young, then refused once", async () => {
  await using world = await scanWorld();
  const half = JSON.stringify(reportA(GOOD)).slice(0, 200);
  const path = await world.report("1.json", half, "2026-03-02T13:59:00Z");
  assert.deepEqual((await world.scan()).reports.young, 1);
  assert.ok(await isThere(path));
  world.clock.set("2026-03-02T14:20:00Z");
  const result = await world.scan();
  assert.equal(result.reports.refused, 1);
  assert.equal(result.refused[0]?.reason, "it ends in the middle");
  assert.equal(await isThere(path), false);
  // The same rubbish under another name is another refusal; one of the far future is not young for ever.
  await world.report("2.json", half, "2099-01-01T00:00:00Z");
  assert.equal((await world.scan()).reports.refused, 1);
  assert.equal(new Set(world.judge.refused.map((one) => one.origin.key)).size, 2);
});

Deno.test("a young report that is whole meanwhile is judged", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  const text = JSON.stringify(reportA(GOOD));
  await world.report("1.json", text.slice(0, 100), "2026-03-02T13:59:00Z");
  await world.scan();
  await world.report("1.json", text, "2026-03-02T14:00:01Z");
  assert.equal((await world.scan()).reports.judged, 1);
});

Deno.test("wrong reports are refused with the reason, and archived", async () => {
  await using world = await scanWorld();
  await world.report("1.json", { ...reportA(GOOD), databases: 5 });
  await world.report("2.json", reportA({ ...GOOD, agent: "ACME_LYON_SOUTH" }));
  await world.report("3.json", reportA({ ...GOOD, file: "../../../etc/shadow" }));
  await world.report("4.json", " ".repeat(5_000_000));
  await Deno.symlink("/etc/hostname", join(world.deposit, AGENT, "log/5.json"));
  const result = await world.scan();
  const said = result.refused.map(({ reason, fields: [first] }) =>
    first === undefined ? reason : `${first.path} ${first.message}`
  );
  assert.deepEqual(said, [
    "databases must be an object by name",
    'agent_id must be "ACME_PARIS_NORTH", the name of the folder it lies in',
    "databases.shop.staged_file_name must be the bare name of a file of at most 255 bytes",
    "it has 5000000 bytes, and 4194304 are the limit",
    "it is a symbolic link",
  ]);
  assert.equal((await world.scan()).reports.found, 0);
  assert.equal(world.judge.refused.length, 5);
});

Deno.test("strange things in the deposit stop nothing", async () => {
  await using world = await scanWorld();
  await world.put("a stray file", "hello");
  await world.put("NO_LOG_HERE/databases/x", "hello");
  await world.put(`${AGENT}/log/notes.txt`, "hello");
  await Deno.mkdir(join(world.deposit, AGENT, "log/folder.json"));
  await Deno.symlink("/etc", join(world.deposit, "LINKED_AGENT"));
  await Deno.mkdir(join(world.deposit, "LINKED_LOG"));
  await Deno.symlink("/etc", join(world.deposit, "LINKED_LOG/log"));
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  await world.report("9.json", reportA(GOOD));
  const result = await world.scan();
  assert.deepEqual([result.agents, result.reports.judged], [1, 1]);
  assert.deepEqual(result.problems.map((one) => one.replaceAll(world.deposit, "DEPOSIT")), [
    'Cannot scan agent "LINKED_AGENT": "DEPOSIT/LINKED_AGENT" is a symbolic link',
    'Cannot scan agent "LINKED_LOG": "DEPOSIT/LINKED_LOG/log" is a symbolic link',
  ]);
});

Deno.test("a staged file that is a link, a folder or absent is told as such", async () => {
  await using world = await scanWorld();
  await Deno.symlink("/etc/hostname", join(world.deposit, AGENT, "databases/link"));
  await Deno.mkdir(join(world.deposit, AGENT, "databases/folder"));
  for (const [at, file] of ["link", "folder", "absent"].entries()) {
    await world.report(`${at}.json`, reportA({ file, end: `2026-03-02T13:0${at}:00Z` }));
  }
  await world.scan();
  assert.deepEqual(world.judge.judged.map((one) => one.files.get("shop")), [
    { state: "unreadable", reason: "it is a symbolic link" },
    { state: "unreadable", reason: "it is no regular file" },
    { state: "absent" },
  ]);
});

Deno.test("only the files of databases that a job expects are read, from the older folder too", async () => {
  await using world = await scanWorld();
  await Deno.remove(join(world.deposit, AGENT, "databases"));
  await world.put(`${AGENT}/database/shop.sql.zst`, CONTENT);
  await world.report("1.json", reportA(GOOD));
  await world.report("2.json", reportA({ ...GOOD, database: "unexpected" }));
  await world.scan();
  assert.deepEqual(world.judge.judged.map((one) => [...one.files.keys()]), [["shop"], []]);
  assert.equal(world.judge.judged[0]?.files.get("shop")?.state, "present");
});

Deno.test("a checksum beside a file is read in the forms tools write, and a broken one fits nothing", async () => {
  await using world = await scanWorld();
  const texts = [
    `${GOOD.sha256}  shop0\n`,
    `SHA256 (shop1) = ${GOOD.sha256.toUpperCase()}\n`,
    `${GOOD.sha256}\n`,
    `${"0".repeat(64)}  other\n${GOOD.sha256} *shop3\n`,
    "nothing of use",
  ];
  for (const [at, text] of texts.entries()) {
    await world.put(`${AGENT}/databases/shop${at}`, CONTENT);
    await world.put(`${AGENT}/databases/shop${at}.sha256`, text);
    await world.report(
      `${at}.json`,
      reportA({ ...GOOD, file: `shop${at}`, end: `2026-03-02T13:0${at}:00Z` }),
    );
  }
  await world.scan();
  const said = world.judge.judged.map((one) => {
    const file = one.files.get("shop");
    return file?.state === "present" ? file.side_file_sha256 : file?.state;
  });
  assert.deepEqual(said, [GOOD.sha256, GOOD.sha256, GOOD.sha256, GOOD.sha256, "no checksum"]);
});

Deno.test("a report of two agents' names in one folder archive keeps both", async () => {
  await using world = await scanWorld();
  await world.report("1.json", reportA({ end: "2026-03-02T13:01:00Z" }));
  await world.scan();
  await world.report("1.json", reportA({ end: "2026-03-02T13:02:00Z" }));
  await world.scan();
  const names = [...Deno.readDirSync(join(world.deposit, AGENT, "log/_archive"))].map((entry) => entry.name);
  assert.deepEqual(names.sort(), ["1.2.json", "1.json"]);
});

Deno.test("without a deposit, or with one that is not there, a scan says so", async () => {
  await using world = await scanWorld();
  await Deno.remove(world.deposit, { recursive: true });
  await assert.rejects(world.scan(), {
    kind: "unavailable",
    message: /Cannot scan the deposit .*: it is not there/,
  });
  assert.match(world.scanner.state.last_error ?? "", /it is not there/);
  assert.equal(world.judge.samples.length, 1, "the rest of the scan was done");
});

Deno.test("a refused report is told after the good ones it came with, which would end it", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  await world.report("1.json", "no report");
  await world.report("2.json", reportA(GOOD));
  const order: string[] = [];
  world.judge.before = () => void order.push(`judged after ${world.judge.refused.length} refused`);
  await world.scan();
  assert.deepEqual([order, world.judge.refused.length], [["judged after 0 refused"], 1]);
});

Deno.test("what cannot be kept is answered as failed", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.sql.zst`, CONTENT);
  await world.report("1.json", reportA(GOOD));
  world.judge.template = "{planet}";
  const [backup] = (await world.scan()).backups;
  assert.deepEqual([backup?.status, backup?.kept_path], ["failed", null]);
  assert.match(backup?.message ?? "", /it cannot be kept: .*unknown variable "planet"/);
});
