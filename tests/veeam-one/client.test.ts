/** Lists to their true end, conditions, log-ins that end and come back, and records of every kind. */
import assert from "node:assert/strict";
import { StateDirectory } from "../../src/lib/state.ts";
import { VeeamOneConfig } from "../../src/veeam-one/config.ts";
import { instant } from "../../src/veeam-one/decode.ts";
import { fillPercent } from "../../src/veeam-one/model.ts";
import { tapeRows, VeeamOne } from "../../src/veeam-one/mod.ts";
import { job, PASSWORD } from "../support/veeam_one.ts";
import { CALLER, oneWorld } from "./fixture.ts";

Deno.test("alarms that are not over come newest first, with the object and what helps", async () => {
  await using world = await oneWorld();
  const alarms = await world.one.alarms({}, CALLER);
  assert.deepEqual(alarms.map((alarm) => alarm.alarm_id), [4712, 4711]);
  assert.deepEqual(alarms[1], {
    alarm_id: 4711,
    name: "Backup repository free space is low",
    status: "Error",
    triggered_at: "2030-01-14T03:04:05.123Z",
    object_name: "Main repository",
    object_type: "Repository",
    description: "Backup repository free space is low: Main repository",
    comment: null,
    repeat_count: 2,
    children: 1,
    remediation: ["Add space"],
  });
  const filter = JSON.parse(world.server.exchanges.at(-1)!.query.Filter!);
  assert.equal(filter.collation, "ignorecase");
  assert.equal(filter.property, "status");
  const over = await world.one.alarms({ status: ["resolved"] }, CALLER);
  assert.deepEqual(over.map((alarm) => alarm.alarm_id), [4713]);
  assert.deepEqual((await world.one.alarms({ object: "DAILY" }, CALLER)).map(({ alarm_id }) => alarm_id), [
    4712,
  ]);
});

Deno.test("a server that refuses the condition is asked for all, and rows are judged here", async () => {
  await using world = await oneWorld();
  world.server.refusesFilter = true;
  assert.deepEqual((await world.one.alarms({ status: ["Error"] }, CALLER)).map(({ alarm_id }) => alarm_id), [
    4711,
  ]);
  const failed = await world.one.jobs({ status: ["Failed"] }, CALLER);
  assert.deepEqual(failed.jobs.map(({ name }) => name), ["Databases"]);
});

Deno.test("an alarm is shown with its parts, and resolved with a comment; one that is none resolves nothing", async () => {
  await using world = await oneWorld();
  const alarm = await world.one.alarm({ alarm: "4711" }, CALLER);
  assert.deepEqual(alarm.child_alarms.map(({ source, status }) => [source, status]), [["db-01", "Warning"]]);
  await assert.rejects(
    world.one.resolve({ alarms: [4711, 9], comment: "x" }, CALLER),
    /Cannot show alarm 9 .*no such/,
  );
  assert.ok(!world.server.exchanges.some(({ path }) => path.endsWith("/resolve")));
  const resolved = await world.one.resolve({ alarms: [4711, 4711], comment: "disk added" }, CALLER);
  assert.deepEqual(resolved.map(({ alarm_id, status, comment }) => [alarm_id, status, comment]), [
    [4711, "Resolved", "disk added"],
  ]);
  await assert.rejects(world.one.alarm({ alarm: "x" }, CALLER), /an alarm's id is a number/);
});

Deno.test("lists are read to their true end, whatever the total says and however few rows come at a time", async () => {
  const many = Array.from(
    { length: 307 },
    (_, i) => job("vmBackupJobUid", 1000 + i, `Job ${i}`, 1, "Success", null),
  );
  const rows: { says: string; lie?: number; cap?: number; page?: number }[] = [
    { says: "pages of 100" },
    { says: "a full last page", page: 307 },
    { says: "fewer at a time than asked", cap: 10 },
    { says: "a total that is too small", lie: 5 },
    { says: "a total that is too big", lie: 9999 },
  ];
  for (const { says, lie, cap, page } of rows) {
    await using world = await oneWorld(page === undefined ? {} : { page_size: page });
    world.server.lists.set("/vbrJobs/vmBackupJobs", many);
    world.server.lie = lie;
    if (cap !== undefined) world.server.cap = cap;
    const { jobs } = await world.one.jobs({ kind: ["vm-backup"] }, CALLER);
    assert.equal(jobs.length, 307, says);
    assert.ok(world.server.exchanges.length < 120, says);
  }
});

Deno.test("rows that move while pages are read are neither lost nor doubled", async () => {
  await using world = await oneWorld({ page_size: 10 });
  const list = Array.from(
    { length: 45 },
    (_, i) => job("vmBackupJobUid", 1000 + i, `Job ${i}`, 1, "Success", null),
  );
  world.server.lists.set("/vbrJobs/vmBackupJobs", list);
  let changes = 0;
  world.server.onPage = (_, offset) => {
    // One row goes to the front while the second page is asked for, others away while the third is.
    if (offset === 10 && changes++ === 0) {
      list.unshift(job("vmBackupJobUid", 5000, "New", 1, "Running", null));
    }
    if (offset === 20 && changes++ === 1) list.splice(0, 3);
  };
  const { jobs } = await world.one.jobs({ kind: ["vm-backup"] }, CALLER);
  const names = jobs.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name } of list) assert.ok(names.includes(String(name)), String(name));
});

Deno.test("jobs of all kinds carry their server and last run; kinds that are not shown are named", async () => {
  await using world = await oneWorld();
  world.server.absent.add("/vbrJobs/objectToTapeJobs");
  world.server.forbidden.add("/vbrJobs/agentPolicies");
  const { jobs, hidden } = await world.one.jobs({}, CALLER);
  assert.deepEqual(jobs.map(({ name, kind, backup_server, status }) => [name, kind, backup_server, status]), [
    ["Daily VMs", "vm-backup", "vbr-1", "Warning"],
    ["Databases", "vm-backup", "vbr-2", "Failed"],
    ["Weekly to tape", "backup-to-tape", "vbr-1", "Success"],
  ]);
  assert.deepEqual(hidden, [
    { kind: "agent-policy", reason: "the account may not see them" },
    { kind: "object-to-tape", reason: "this version of Veeam ONE has no such list" },
  ]);
  assert.deepEqual(jobs[1]!.details, ["db-01: no space left"]);
  await assert.rejects(world.one.jobs({ status: ["Bad"] }, CALLER), /status "Bad": expected one of Failed/);
});

Deno.test("repositories have their fill and forecast, and none where the capacity is endless", async () => {
  await using world = await oneWorld();
  const rows = await world.one.repositories({}, CALLER);
  assert.deepEqual(
    rows.map(({ name, type, fill_percent, days_to_full }) => [name, type, fill_percent, days_to_full]),
    [
      ["Archive bucket", "LinuxHardened", null, null],
      ["Main repository", "LinuxHardened", 90, 12],
      ["Scale-out 1", "ScaleOut", 50, null],
    ],
  );
  assert.deepEqual([fillPercent(0, 0), fillPercent(10, 20), fillPercent(null, 1), fillPercent(3, 1)], [
    null,
    null,
    null,
    66.7,
  ]);
});

Deno.test("backup servers, tape servers and tape jobs, together as veeam tapes asks for them", async () => {
  await using world = await oneWorld();
  const servers = await world.one.backupServers({}, CALLER);
  assert.deepEqual(servers.map(({ name, connection_state }) => [name, connection_state]), [
    ["vbr-1", "Connected"],
    ["vbr-2", "Disconnected"],
  ]);
  const rows = await tapeRows(world.one, CALLER);
  assert.deepEqual(rows?.map(({ kind, name, status }) => [kind, name, status]), [
    ["server", "tape-1", null],
    ["job", "Weekly to tape", "Success"],
  ]);
  const nobody = new VeeamOne({
    settings: VeeamOneConfig.parse({}),
    clock: world.clock,
    state: new StateDirectory(undefined),
    note: () => {},
  });
  assert.equal(await tapeRows(nobody, CALLER), null);
});

Deno.test("an hour of questions logs in once and renews; a refresh token works once, the password helps out", async () => {
  await using world = await oneWorld();
  for (let minute = 0; minute < 60; minute++) {
    await Promise.all([world.one.backupServers({}, CALLER), world.one.alarms({}, CALLER)]);
    world.clock.advance(60_000);
  }
  assert.equal(world.server.logins.password, 1);
  assert.equal(world.server.logins.refresh_token, 4);
  assert.deepEqual(world.server.exchanges.filter(({ status }) => status >= 400), []);
  // Another program with the same user ends the sessions.
  world.server.endSessions();
  await world.one.backupServers({}, CALLER);
  assert.equal(world.server.exchanges.filter(({ status }) => status === 401).length, 1);
});

Deno.test("the version is found out once and remembered; no file holds a password or token", async () => {
  await using world = await oneWorld();
  world.server.versions = ["v2.2"];
  assert.equal((await world.one.about({}, CALLER)).api, "v2.2");
  const file = await Deno.readTextFile(`${world.dir}/veeam-one.state.json`);
  assert.match(file, /"version": "v2\.2"/);
  assert.doesNotMatch(file, new RegExp(`access-|refresh-|${PASSWORD}`));
  const asked = world.server.exchanges.filter(({ path }) => path.includes("/about")).map(({ path }) => path);
  assert.deepEqual(asked, ["/api/v2.3/about", "/api/v2.2/about", "/api/v2.2/about"]);
});

Deno.test("instants are read in every shape, absent and impossible ones are null", () => {
  const rows: [unknown, string | null][] = [
    ["2030-01-14T03:04:05.1234567Z", "2030-01-14T03:04:05.123Z"],
    ["2030-01-14T05:00:00+01:00", "2030-01-14T04:00:00.000Z"],
    ["2030-01-14T05:00:00", "2030-01-14T05:00:00.000Z"],
    ["0001-01-01T00:00:00", null],
    ["yesterday", null],
    [null, null],
    [5, null],
  ];
  for (const [at, expected] of rows) assert.equal(instant({ at }, "at"), expected, String(at));
});
