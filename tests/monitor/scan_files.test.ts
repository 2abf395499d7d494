/** Plain files by path template, good files looked at again, and how full the disks are. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExpectedFile, WatchedFile } from "../../src/monitor/report.ts";
import { hashOf, type ScanWorld, scanWorld, VALUES } from "./scan_world.ts";

function expected(template: string, overrides: Partial<ExpectedFile> = {}): ExpectedFile {
  return {
    job_id: 1,
    due_at: VALUES.due_at,
    from: "2026-03-02T12:00:00.000Z",
    until: "2026-03-02T14:00:00.000Z",
    agent_deposit_path_template: template,
    values: VALUES,
    ...overrides,
  };
}

async function found(world: ScanWorld, ...jobs: ExpectedFile[]): Promise<string[][]> {
  world.judge.expected.splice(0, Infinity, ...jobs);
  world.judge.fileVerdicts.length = 0;
  await world.scan();
  return world.judge.fileVerdicts.map(({ found }) =>
    found.map((file) => file.state === "present" ? file.path.replace(`${world.deposit}/`, "") : file.state)
  );
}

Deno.test("a plain file is found by the variables of its job and the date it is due", async () => {
  await using world = await scanWorld();
  await world.put("ACME/PARIS/shop-20260302.sql.gz", "today");
  await world.put("ACME/PARIS/shop-20260301.sql.gz", "yesterday");
  const template = "{company_name}/{city}/{database_name}-{year}{month}{day}.sql.gz";
  assert.deepEqual(await found(world, expected(template)), [["ACME/PARIS/shop-20260302.sql.gz"]]);
  const verdict = world.judge.fileVerdicts[0]?.found[0];
  assert.ok(verdict?.state === "present" && verdict.sha256 === hashOf("today"));
  assert.equal(world.judge.kept.length, 1);
});

Deno.test("of those that fit, the newest within the time comes first; checksums and hidden files are left alone", async () => {
  await using world = await scanWorld();
  await world.put("dumps/a/shop-1.gz", "1", "2026-03-02T13:00:00Z");
  await world.put("dumps/b/shop-2.gz", "2", "2026-03-02T13:30:00Z");
  await world.put("dumps/b/shop-2.gz.sha256", hashOf("2"), "2026-03-02T13:30:00Z");
  await world.put("dumps/b/.shop-3.gz.Xy12", "3", "2026-03-02T13:40:00Z");
  await world.put("dumps/b/shop-old.gz", "4", "2026-03-01T13:30:00Z");
  await world.put("dumps/b/shop-late.gz", "5", "2026-03-02T14:30:00Z");
  await world.put("dumps/b/blog-1.gz", "6", "2026-03-02T13:30:00Z");
  await Deno.symlink("/etc/hostname", join(world.deposit, "dumps/b/shop-link"));
  assert.deepEqual(await found(world, expected("dumps/*/{database_name}-*")), [[
    "dumps/b/shop-2.gz",
    "dumps/a/shop-1.gz",
  ]]);
  assert.deepEqual(await found(world, expected("**/shop-?.gz")), [[
    "dumps/b/shop-2.gz",
    "dumps/a/shop-1.gz",
  ]]);
});

Deno.test("a folder that is a link is not gone into", async () => {
  await using world = await scanWorld();
  const outside = join(world.dir, "outside");
  await Deno.mkdir(outside);
  await Deno.writeTextFile(join(outside, "shop.gz"), "x");
  await Deno.utime(
    join(outside, "shop.gz"),
    new Date("2026-03-02T13:05:00Z"),
    new Date("2026-03-02T13:05:00Z"),
  );
  await Deno.symlink(outside, join(world.deposit, "linked"));
  for (const template of ["*/shop.gz", "**/shop.gz", "linked/shop.gz", "linked/*.gz"]) {
    assert.deepEqual(await found(world, expected(template)), [], template);
  }
});

Deno.test("one template that cannot be filled does not stop the search for others", async () => {
  await using world = await scanWorld();
  await world.put("shop.gz", "x");
  const bad = expected("{neighborhood}/x", { values: { ...VALUES, neighborhood: "" } });
  assert.deepEqual(await found(world, bad, expected("{database_name}.gz")), [["shop.gz"]]);
  world.judge.expected.splice(1);
  const result = await world.scan();
  assert.match(result.problems[0] ?? "", /Cannot look for the file of "shop": .*there is no neighborhood/);
});

async function watch(world: ScanWorld, name: string, content: string): Promise<WatchedFile> {
  const path = await world.put(name, content, "2026-03-01T13:05:00Z");
  const file: WatchedFile = {
    entry_id: world.judge.watched.length + 1,
    path,
    size_bytes: content.length,
    modified_at: "2026-03-01T13:05:00.000Z",
    sha256: hashOf(content),
  };
  world.judge.watched.push(file);
  return file;
}

Deno.test("a good file that is as it was is not read again; one that is gone, altered or touched is judged", async () => {
  await using world = await scanWorld();
  const at = new Date("2026-03-01T13:05:00Z");
  await watch(world, "kept/same", "content");
  const gone = await watch(world, "kept/gone", "content");
  const altered = await watch(world, "kept/altered", "content");
  const touched = await watch(world, "kept/touched", "content");
  const linked = await watch(world, "kept/linked", "content");
  const unseen = await watch(world, "kept/unseen", "content");
  const disowned = await watch(world, "kept/disowned", "content");
  unseen.modified_at = null;
  await Deno.remove(gone.path);
  await Deno.writeTextFile(altered.path, "CONTENT");
  await Deno.utime(touched.path, new Date(world.clock.now()), new Date(world.clock.now()));
  await Deno.remove(linked.path);
  await Deno.symlink("/etc/hostname", linked.path);
  await Deno.writeTextFile(`${disowned.path}.sha256`, `${"0".repeat(64)}  disowned\n`);
  await Deno.utime(disowned.path, at, at);
  const result = await world.scan();
  const verdicts = new Map(world.judge.watchVerdicts.map(({ entryId, found }) => [entryId, found]));
  assert.deepEqual([...verdicts.keys()], [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(verdicts.get(gone.entry_id), { state: "absent" });
  const seen = verdicts.get(altered.entry_id);
  assert.ok(seen?.state === "present" && seen.sha256 === hashOf("CONTENT"));
  assert.equal(verdicts.get(linked.entry_id)?.state, "unreadable");
  const side = verdicts.get(disowned.entry_id);
  assert.ok(side?.state === "present" && side.side_file_sha256 === "0".repeat(64));
  assert.deepEqual([result.files.checked, result.files.changed], [7, 4]);
});

Deno.test("how full the disks of the roots are is noted", async () => {
  await using world = await scanWorld();
  await world.scan();
  assert.deepEqual(world.judge.samples.map((sample) => sample.path), [world.deposit, world.final]);
  for (const { total_bytes, free_bytes } of world.judge.samples) {
    assert.ok(total_bytes > free_bytes && free_bytes > 0);
  }
});
