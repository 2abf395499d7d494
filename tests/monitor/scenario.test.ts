/** Days of three sites and a silent one, with real files, reports in all three forms, and a real SMTP server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { reportA, reportB, reportDraft, type SampleOptions } from "./report_samples.ts";
import { described, type Sites, sites } from "./site_world.ts";

const [PARIS, LYON, NICE, LILLE] = [
  "ACME_PARIS_NORTH",
  "ACME_LYON_SOUTH",
  "ACME_NICE_PORT",
  "ACME_LILLE_EAST",
];
const FORMS = { [PARIS]: reportA, [LYON]: reportB, [NICE]: reportDraft, [LILLE]: reportA };

interface Told extends SampleOptions {
  content: string;
}

/** Deposits files and one report about them, as the agent has it at 13:04 of a day. */
async function deposit(
  world: Sites,
  agent: string,
  day: string,
  databases: Record<string, Told>,
): Promise<void> {
  const end = `${day}T13:04:00Z`;
  const parts = [];
  for (const [database, { content, ...options }] of Object.entries(databases)) {
    const file = `${database}.sql.zst`;
    await world.put(`${agent}/databases/${file}`, content);
    parts.push(FORMS[agent]!({ agent, database, file, end, ...described(content), ...options }));
  }
  const merged = { ...parts[0], databases: Object.assign({}, ...parts.map((part) => part.databases)) };
  await world.put(`${agent}/log/${day.replaceAll("-", "")}_130400_${agent}.json`, JSON.stringify(merged));
}

/** These mails came since it was asked the last time, and no others. */
function told(world: Sites, subjects: readonly string[]): void {
  assert.deepEqual(world.subjects(), subjects.toSorted());
}

/** Kept files, the oldest first, without the checksums beside them. */
function copies(folder: string): string[] {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  return names.filter((name) => !name.endsWith(".sha256")).sort().map((name) => join(folder, name));
}

Deno.test("days of several sites leave exactly the entries, findings and mails they should", async () => {
  await using world = await sites();
  for (const database of ["shop", "crm", "hr", "docs"]) await world.expect(PARIS, database);
  for (const database of ["erp", "bill"]) await world.expect(LYON, database);
  await world.expect(NICE, "stock");
  await world.expect(LILLE, "post");

  // Monday: all is well, and nobody hears of it.
  const monday = "2026-03-02";
  const good = (name: string, day: string) => ({ content: `${name} of ${day}` });
  const all = (names: readonly string[], day: string) =>
    Object.fromEntries(names.map((name) => [name, good(name, day)]));
  await world.at(`${monday}T12:55:00Z`);
  world.clock.set(`${monday}T13:06:00Z`);
  await deposit(world, PARIS, monday, all(["shop", "crm", "hr", "docs"], monday));
  await deposit(world, LYON, monday, all(["erp", "bill"], monday));
  await deposit(world, NICE, monday, all(["stock"], monday));
  await deposit(world, LILLE, monday, all(["post"], monday));
  await world.at(`${monday}T13:10:00Z`);
  await world.at(`${monday}T14:10:00Z`);
  const names = ["bill", "crm", "docs", "erp", "hr", "post", "shop", "stock"];
  assert.deepEqual(await world.entries(monday), names.map((name) => `${name} ok`));
  assert.deepEqual(await world.open(), []);
  told(world, []);
  assert.equal(copies(join(world.final, "ACME/PARIS/2026/shop")).length, 1);

  // Tuesday: everything that can go wrong.
  const tuesday = "2026-03-03";
  world.clock.set(`${tuesday}T13:06:00Z`);
  await deposit(world, PARIS, tuesday, {
    shop: good("shop", tuesday),
    crm: { ...good("crm", tuesday), failed: ["BACKUP"] },
    docs: { content: "altered on its way", ...described("as it was sent") },
  });
  await deposit(world, LYON, tuesday, { erp: good("erp", monday), bill: good("bill", tuesday) });
  await world.put(`${NICE}/log/20260303_130400_${NICE}.json`, '{"operation_timestamp": "2026-03-03T13:0');
  const scan = await world.at(`${tuesday}T13:07:00Z`);
  assert.equal(scan?.reports.young, 1);
  told(world, [
    "[Holdfast] FAILED: ACME/PARIS/crm",
    "[Holdfast] DAMAGED IN TRANSFER: ACME/PARIS/docs",
    "[Holdfast] MISSING: ACME/PARIS/hr",
    "[Holdfast] UNCHANGED: ACME/LYON/erp",
  ]);
  await world.at(`${tuesday}T13:30:00Z`);
  told(world, ["[Holdfast] REPORT REFUSED: ACME_NICE_PORT"]);
  await world.at(`${tuesday}T14:05:00Z`);
  told(world, [
    "[Holdfast] MISSING: ACME/NICE/stock",
    "[Holdfast] SILENT: ACME_LILLE_EAST",
  ]);
  assert.deepEqual(await world.entries(tuesday), [
    "bill ok",
    "crm failed",
    "docs transfer_integrity_failed",
    "erp unchanged",
    "hr missing",
    "post missing",
    "shop ok",
    "stock missing",
  ]);
  const tuesdaysFindings = [
    "failed ACME/PARIS/crm",
    "missing ACME/LILLE/post",
    "missing ACME/NICE/stock",
    "missing ACME/PARIS/hr",
    "refused_report ACME_NICE_PORT",
    "silent_agent ACME_LILLE_EAST",
    "transfer_integrity_failed ACME/PARIS/docs",
    "unchanged ACME/LYON/erp",
  ];
  assert.deepEqual(await world.open(), tuesdaysFindings);

  // Further scans change nothing, and tell nobody.
  const before = await world.local("GET", "/api/v1/entries/?limit=1000");
  await world.at(`${tuesday}T15:00:00Z`);
  assert.deepEqual(await world.local("GET", "/api/v1/entries/?limit=1000"), before);
  told(world, []);

  // A day later a file that was kept is gone, and somebody brings it back.
  const wednesday = "2026-03-04";
  const folder = join(world.final, "ACME/LYON/2026/bill");
  const newest = copies(folder).at(-1)!;
  await Deno.rename(newest, `${newest}.away`);
  await world.at(`${wednesday}T11:00:00Z`);
  await world.at(`${wednesday}T11:01:00Z`);
  told(world, ["[Holdfast] VANISHED: ACME/LYON/bill"]);
  assert.deepEqual(await world.open(), [...tuesdaysFindings, "vanished ACME/LYON/bill"].sort());
  await Deno.rename(`${newest}.away`, newest);
  await world.at(`${wednesday}T11:02:00Z`);
  await world.at(`${wednesday}T11:03:00Z`);
  told(world, ["[Holdfast] RECOVERED: ACME/LYON/bill"]);
  assert.deepEqual(await world.open(), tuesdaysFindings);

  // All is well again: each thing that was told is told to be over, once.
  world.clock.set(`${wednesday}T13:06:00Z`);
  await deposit(world, PARIS, wednesday, all(["shop", "crm", "hr", "docs"], wednesday));
  await deposit(world, LYON, wednesday, all(["erp", "bill"], wednesday));
  await deposit(world, NICE, wednesday, all(["stock"], wednesday));
  await deposit(world, LILLE, wednesday, all(["post"], wednesday));
  await world.at(`${wednesday}T13:10:00Z`);
  await world.at(`${wednesday}T14:10:00Z`);
  told(world, [
    "[Holdfast] RECOVERED: ACME/LYON/erp",
    "[Holdfast] RECOVERED: ACME/NICE/stock",
    "[Holdfast] RECOVERED: ACME/PARIS/crm",
    "[Holdfast] RECOVERED: ACME/PARIS/docs",
    "[Holdfast] RECOVERED: ACME/PARIS/hr",
    "[Holdfast] RECOVERED: ACME_LILLE_EAST",
    "[Holdfast] RECOVERED: ACME_NICE_PORT",
  ]);
  assert.deepEqual(await world.open(), []);
  assert.equal(new Set(world.mail.keys).size, world.mail.mails.length, "no mail came twice");
});
