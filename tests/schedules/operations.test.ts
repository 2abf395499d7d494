import assert from "node:assert/strict";
import type { z } from "zod";
import { type ErrorKind, HoldfastError } from "../../src/lib/errors.ts";
import type { Caller, Operation } from "../../src/lib/operation.ts";
import { BackupSchedule, BackupScheduleLog, LogPage, SchedulerStatus } from "../../src/schedules/model.ts";
import * as ops from "../../src/schedules/operations.ts";
import { NO_POLICIES } from "../../src/schedules/policies.ts";
import { verifyLedger } from "../../src/schedules/proof_operations.ts";
import { showScheduleStatistics, showStatistics } from "../../src/schedules/statistics_operations.ts";
import * as runOps from "../../src/schedules/run_operations.ts";
import type { AuditTables } from "../../src/store/mod.ts";
import { caller } from "../support/store.ts";
import { create, until, type World, world } from "./support.ts";

const NOBODY: Partial<Caller> = { kind: "anonymous", name: "anonymous", role: "public", on_host: false };
const USER: Partial<Caller> = {
  kind: "user",
  id: 3,
  name: "bob",
  role: "user",
  servers: [1],
  on_host: false,
};
const STRANGER: Partial<Caller> = { ...USER, name: "carol", servers: [2] };
const OPERATOR: Partial<Caller> = { kind: "user", id: 4, name: "ada", role: "operator", on_host: false };
const KEY: Partial<Caller> = { ...OPERATOR, kind: "key", name: "key:agent", servers: [2] };
const ADMIN: Partial<Caller> = { kind: "user", id: 5, name: "eve", role: "admin", on_host: false };

type AnyOperation = Operation<ops.SchedulesApp, z.ZodObject, z.ZodType>;

interface Scenario {
  op: AnyOperation;
  input: Record<string, unknown>;
  /** Who may, and who may not with which kind of error. */
  may: Partial<Caller>[];
  refused: [Partial<Caller>, ErrorKind][];
  /** Input that is wrong, and how. */
  bad?: [Record<string, unknown>, ErrorKind, RegExp][];
}

const widen = <Input extends z.ZodObject, Output extends z.ZodType>(
  op: Operation<ops.SchedulesApp, Input, Output>,
) => op as unknown as AnyOperation;

const NEW = { server_id: 1, name: "weekly", cron_expression: "0 2 * * 0" };
const onSchedule: Pick<Scenario, "may" | "refused"> = {
  may: [OPERATOR, ADMIN],
  refused: [[NOBODY, "unauthenticated"], [USER, "forbidden"], [KEY, "forbidden"]],
};
const reading: Pick<Scenario, "may" | "refused"> = {
  may: [USER, OPERATOR, ADMIN],
  refused: [[NOBODY, "unauthenticated"], [STRANGER, "forbidden"]],
};
const missing: Scenario["bad"] = [[{ schedule: "nightli" }, "not_found", /Cannot find schedule "nightli"/]];

const SCENARIOS: Scenario[] = [
  {
    op: widen(ops.listSchedules),
    input: {},
    may: [USER, STRANGER, OPERATOR],
    refused: [[NOBODY, "unauthenticated"]],
    bad: [[{ server_id: "web-9" }, "not_found", /web-9/], [
      { nonsense: 1 },
      "invalid",
      /unknown field "nonsense"/,
    ]],
  },
  { op: widen(ops.getSchedule), input: { schedule: "nightly" }, ...reading, bad: missing },
  {
    op: widen(ops.createSchedule),
    input: NEW,
    ...onSchedule,
    bad: [
      [{ ...NEW, name: "" }, "invalid", /name: must not be empty/],
      [{ ...NEW, name: "x".repeat(101) }, "invalid", /name/],
      [{ ...NEW, description: "x".repeat(501) }, "invalid", /description/],
      [{ ...NEW, cron_expression: "61 * * * *" }, "invalid", /minute must be 0 to 59/],
      [{ ...NEW, cron_expression: "0 0 30 2 *" }, "invalid", /no such date ever comes/],
      [{ ...NEW, cron_expression: undefined }, "invalid", /neither cron_expression nor interval_hours/],
      [{ ...NEW, cron_expression: undefined, interval_hours: 0 }, "invalid", /interval_hours/],
      [{ ...NEW, timezone: "Europe/Pariss" }, "invalid", /no such zone/],
      [{ ...NEW, max_backups: 101 }, "invalid", /max_backups/],
      [{ ...NEW, max_backups: 0 }, "invalid", /max_backups/],
      [{ ...NEW, server_id: 99 }, "not_found", /Cannot find server "99"/],
      [{ ...NEW, name: "nightly" }, "conflict", /there is one of that name on server "web-1"/],
      [{ ...NEW, engine: "tape" }, "invalid", /no such engine/],
      [{ ...NEW, engine: "archive", engine_options: {} }, "invalid", /sources is missing/],
      [{ ...NEW, engine: "archive", engine_options: { sources: ["/etc"] } }, "forbidden", /allowed roots/],
      [{ ...NEW, server_id: 2, engine_options: { sources: ["/a"] } }, "invalid", /engine is not set/],
      [{ ...NEW, cron: "0 2 * * *" }, "invalid", /unknown field "cron"/],
    ],
  },
  {
    op: widen(ops.updateSchedule),
    input: { schedule: "nightly", max_backups: 9 },
    ...onSchedule,
    bad: [
      ...missing!,
      [{ schedule: "nightly", max_backups: 0 }, "invalid", /max_backups/],
      [{ schedule: "nightly", cron_expression: "* * *" }, "invalid", /expected five fields/],
      [{ schedule: "nightly", name: "other" }, "conflict", /there is one of that name/],
    ],
  },
  { op: widen(ops.enableSchedule), input: { schedule: "nightly" }, ...onSchedule, bad: missing },
  { op: widen(ops.disableSchedule), input: { schedule: "nightly" }, ...onSchedule, bad: missing },
  {
    op: widen(ops.deleteSchedule),
    input: { schedule: "nightly" },
    may: [OPERATOR],
    refused: onSchedule.refused,
    bad: missing,
  },
  {
    op: widen(ops.triggerSchedule),
    input: { schedule: "nightly" },
    may: [OPERATOR],
    refused: onSchedule.refused,
    bad: missing,
  },
  {
    op: widen(ops.nextInstants),
    input: { schedule: "nightly", count: 2 },
    ...reading,
    bad: [[{ schedule: "nightly", count: 0 }, "invalid", /count/]],
  },
  {
    op: widen(showStatistics),
    input: {},
    may: [USER, STRANGER, OPERATOR],
    refused: [[NOBODY, "unauthenticated"]],
  },
  { op: widen(showScheduleStatistics), input: { schedule: "nightly" }, ...reading, bad: missing },
  { op: widen(ops.listIntervals), input: {}, may: [USER, OPERATOR], refused: [[NOBODY, "unauthenticated"]] },
  {
    op: widen(runOps.listLogs),
    input: {},
    may: [USER, STRANGER, OPERATOR],
    refused: [[NOBODY, "unauthenticated"]],
    bad: [
      [{ limit: 0 }, "invalid", /limit/],
      [{ offset: -1 }, "invalid", /offset/],
      [{ schedule_id: "nope" }, "not_found", /nope/],
    ],
  },
  {
    op: widen(runOps.getLog),
    input: { log: "LAST" },
    ...reading,
    bad: [[{ log: "nope" }, "not_found", /Cannot find log/]],
  },
  {
    op: widen(runOps.cancelRun),
    input: { log: "LAST" },
    may: [],
    refused: [...onSchedule.refused, [OPERATOR, "conflict"]],
    bad: [[{ log: "nope" }, "not_found", /Cannot find log/]],
  },
  {
    op: widen(runOps.followRun),
    input: { log: "LAST" },
    may: [USER],
    refused: [[NOBODY, "unauthenticated"], [STRANGER, "forbidden"]],
  },
  {
    op: widen(runOps.watchRuns),
    input: {},
    may: [USER, OPERATOR],
    refused: [[NOBODY, "unauthenticated"]],
  },
  {
    op: widen(runOps.schedulerStatus),
    input: {},
    may: [USER, ADMIN],
    refused: [[NOBODY, "unauthenticated"]],
  },
  ...[runOps.startScheduler, runOps.stopScheduler, runOps.restartScheduler].map((op): Scenario => ({
    op: widen(op),
    input: {},
    may: [ADMIN],
    refused: [[NOBODY, "unauthenticated"], [USER, "forbidden"], [OPERATOR, "forbidden"]],
  })),
  {
    op: widen(runOps.listLedger),
    input: { from: "2026-01-01", to: "2026-01-31" },
    may: [USER, STRANGER, OPERATOR],
    refused: [[NOBODY, "unauthenticated"]],
    bad: [[{ from: "yesterday" }, "invalid", /must be a day such as/], [
      { outcome: "lost" },
      "invalid",
      /outcome/,
    ]],
  },
  {
    op: widen(verifyLedger),
    input: { from: "2026-01-01", to: "2026-01-31" },
    may: [OPERATOR, ADMIN],
    refused: [[NOBODY, "unauthenticated"], [USER, "forbidden"], [KEY, "forbidden"]],
    bad: [[{ to: "tomorrow" }, "invalid", /must be a day such as/], [
      { from: "2026-02-01", to: "2026-01-01" },
      "invalid",
      /ends before it begins/,
    ]],
  },
];

async function populated(): Promise<{ w: World; runId: string }> {
  const w = await world("2026-01-01T00:00:30Z");
  await create(w, { name: "nightly", cron_expression: "0 2 * * *" });
  await create(w, { name: "other", cron_expression: "0 2 * * *" });
  await w.live("2026-01-01T00:01:00Z");
  const { run_id } = await w.schedules.trigger("nightly", caller());
  await w.schedules.idle();
  return { w, runId: run_id };
}

const label = (who: Partial<Caller>) => `${who.name} (${who.role})`;

for (const { op, input, may, refused, bad } of SCENARIOS) {
  Deno.test(`${op.name} serves ${may.map(label).join(", ") || "nobody here"} and refuses ${refused.map(([who]) => label(who)).join(", ")}`, async () => {
    const { w, runId } = await populated();
    await using _ = w;
    const filled = Object.fromEntries(
      Object.entries(input).map(([key, value]) => [key, value === "LAST" ? runId : value]),
    );
    for (const [who, kind] of refused) {
      await assert.rejects(w.ask(op, filled, who), (error) => {
        assert.ok(error instanceof HoldfastError, String(error));
        assert.equal(error.kind, kind, `${label(who)}: ${error.message}`);
        return true;
      });
    }
    for (const [wrong, kind, message] of bad ?? []) {
      await assert.rejects(w.ask(op, wrong, OPERATOR), (error) => {
        assert.ok(error instanceof HoldfastError, String(error));
        assert.deepEqual([error.kind, message.test(error.message)], [kind, true], error.message);
        return true;
      });
    }
    for (const [index, who] of may.entries()) {
      const unique = op.name === "schedules.create" ? { ...filled, name: `weekly ${index}` } : filled;
      const answer = await w.ask(op, unique, who);
      if (op.stream !== true) op.output.parse(answer);
      await w.schedules.idle();
    }
  });
}

Deno.test("a schedule made with the published fields alone has the published shape and a next run", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const made = BackupSchedule.parse(await w.ask(ops.createSchedule, NEW, OPERATOR));
  const { hook_authority: _, ...policies } = NO_POLICIES;
  assert.deepEqual(made, {
    id: made.id,
    server_id: 1,
    server_name: "web-1",
    name: "weekly",
    description: null,
    enabled: true,
    cron_expression: "0 2 * * 0",
    interval_hours: null,
    timezone: "UTC",
    max_backups: 7,
    only_when_running: true,
    backup_type: "scheduled",
    engine: null,
    engine_options: null,
    ...policies,
    run_after_name: null,
    problem: null,
    created_at: "2026-01-01T00:00:30.000Z",
    updated_at: "2026-01-01T00:00:30.000Z",
    created_by: 4,
    last_run_at: null,
    last_outcome: null,
    next_run_at: "2026-01-04T02:00:00.000Z",
  });
});

Deno.test("cron_expression wins over interval_hours; an interval outside the table counts from its creation", async () => {
  await using w = await world("2026-01-01T00:10:30Z");
  const ask = async (name: string, input: object) =>
    BackupSchedule.parse(await w.ask(ops.createSchedule, { server_id: "web-1", name, ...input }, OPERATOR));
  const both = await ask("both", { cron_expression: "0 2 * * *", interval_hours: 6 });
  assert.deepEqual([both.cron_expression, both.interval_hours], ["0 2 * * *", null]);
  const six = await ask("six", { interval_hours: 6 });
  assert.deepEqual([six.cron_expression, six.interval_hours], ["0 */6 * * *", 6]);
  const five = await ask("five", { interval_hours: 5 });
  assert.deepEqual([five.interval_hours, five.next_run_at], [5, "2026-01-01T05:10:30.000Z"]);
  w.clock.advance(3_600_000);
  // Sent back as it came, nothing changes; a new interval counts from now.
  const { cron_expression, interval_hours } = five;
  const update = async (input: object) =>
    BackupSchedule.parse(await w.ask(ops.updateSchedule, { schedule: "five", ...input }, OPERATOR));
  assert.equal((await update({ cron_expression, interval_hours })).next_run_at, five.next_run_at);
  assert.equal((await update({ interval_hours: 7 })).next_run_at, "2026-01-01T08:10:30.000Z");
});

Deno.test("names are unique per server, a shared one is asked for as server/name, a deleted one is free again", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await w.ask(ops.createSchedule, NEW, OPERATOR);
  await w.ask(ops.createSchedule, { ...NEW, server_id: 2 }, OPERATOR);
  await assert.rejects(w.ask(ops.getSchedule, { schedule: "weekly" }, OPERATOR), {
    kind: "conflict",
    message: 'Cannot tell which schedule "weekly" is meant: web-1/weekly, db-1/weekly',
  });
  const one = BackupSchedule.parse(await w.ask(ops.getSchedule, { schedule: "db-1/weekly" }, OPERATOR));
  assert.equal(one.server_id, 2);
  // Whoever sees one server only means the one there.
  assert.equal(BackupSchedule.parse(await w.ask(ops.getSchedule, { schedule: "weekly" }, USER)).server_id, 1);
  const { id } = BackupSchedule.parse(await w.ask(ops.getSchedule, { schedule: "web-1/weekly" }, OPERATOR));
  await w.ask(ops.deleteSchedule, { schedule: id }, OPERATOR);
  await assert.rejects(w.ask(ops.getSchedule, { schedule: id }, OPERATOR), { kind: "not_found" });
  await w.ask(ops.createSchedule, NEW, OPERATOR);
});

Deno.test("a new name does not read as server/name; a schedule that has such a one keeps it", async () => {
  await using w = await world("2026-01-01T00:10:30Z");
  const { id } = await create(w);
  const refused = { kind: "invalid", message: /"web-1\/x": it reads as a schedule of server "web-1"/ };
  await assert.rejects(w.ask(ops.createSchedule, { ...NEW, name: "web-1/x" }, OPERATOR), refused);
  await assert.rejects(w.ask(ops.updateSchedule, { schedule: id, name: "web-1/x" }, OPERATOR), refused);
  await w.tables.updateTable("schedules").set({ name: "web-1/old" }).where("id", "=", id).execute();
  const same = { schedule: "web-1/old", name: "web-1/old", description: "kept" };
  assert.equal(BackupSchedule.parse(await w.ask(ops.updateSchedule, same, OPERATOR)).id, id);
  const made = await w.ask(ops.createSchedule, { ...NEW, name: "*/5 * * * *" }, OPERATOR);
  assert.equal(BackupSchedule.parse(made).name, "*/5 * * * *");
});

Deno.test("a deleted schedule keeps its logs and its ledger", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const { id } = await create(w);
  await w.live("2026-01-01T00:02:00Z");
  await w.ask(ops.deleteSchedule, { schedule: "nightly" }, OPERATOR);
  const page = LogPage.parse(await w.ask(runOps.listLogs, { schedule_id: id }, USER));
  assert.equal(page.total, 2);
  assert.equal(page.logs[0]?.schedule_name, "nightly");
  const ledger = await w.ask(runOps.listLedger, { schedule_id: id }, USER);
  assert.equal(Array.isArray(ledger) && ledger.length, 2);
  assert.equal(await w.schedules.countOnServer(1), 0);
  await w.live("2026-01-01T00:03:00Z");
  assert.equal(w.backups.made.length, 2);
});

Deno.test("a trigger is refused while the schedule is disabled or running", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const open = Promise.withResolvers<void>();
  w.backups.work = () => open.promise;
  await create(w, { cron_expression: "0 2 * * *" });
  await w.ask(ops.triggerSchedule, { schedule: "nightly" }, OPERATOR);
  await assert.rejects(w.ask(ops.triggerSchedule, { schedule: "nightly" }, OPERATOR), {
    kind: "conflict",
    message: 'Cannot start run "nightly": already running',
  });
  open.resolve();
  await w.schedules.idle();
  const off = BackupSchedule.parse(await w.ask(ops.disableSchedule, { schedule: "nightly" }, OPERATOR));
  assert.deepEqual([off.enabled, off.next_run_at], [false, null]);
  await assert.rejects(w.ask(ops.triggerSchedule, { schedule: "nightly" }, OPERATOR), {
    kind: "conflict",
    message: 'Cannot start run "nightly": the schedule is disabled',
  });
  const on = BackupSchedule.parse(await w.ask(ops.enableSchedule, { schedule: "nightly" }, OPERATOR));
  assert.equal(on.next_run_at, "2026-01-01T02:00:00.000Z");
});

Deno.test("every change leaves an audit line and a dated revision", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await w.ask(ops.createSchedule, NEW, OPERATOR);
  for (
    const [op, input] of [
      [ops.updateSchedule, { schedule: "weekly", cron_expression: "0 3 * * 0" }],
      [ops.disableSchedule, { schedule: "weekly" }],
      [ops.enableSchedule, { schedule: "weekly" }],
      [ops.deleteSchedule, { schedule: "weekly" }],
    ] as const
  ) {
    w.clock.advance(1000);
    await w.ask(widen(op as typeof ops.enableSchedule), input, OPERATOR);
  }
  const revisions = await w.tables.selectFrom("schedule_revisions").selectAll().orderBy("id").execute();
  assert.deepEqual(revisions.map((row) => [row.change, row.enabled, row.cron_expression, row.changed_by]), [
    ["create", 1, "0 2 * * 0", "ada"],
    ["update", 1, "0 3 * * 0", "ada"],
    ["disable", 0, "0 3 * * 0", "ada"],
    ["enable", 1, "0 3 * * 0", "ada"],
    ["delete", 0, "0 3 * * 0", "ada"],
  ]);
  assert.ok(revisions.every((row, i) => i === 0 || row.at > revisions[i - 1]!.at));
  const lines = await w.database.tables<AuditTables>().selectFrom("audit_lines").select([
    "operation",
    "caller_name",
  ])
    .orderBy("id").execute();
  assert.deepEqual(lines.map((line) => line.operation), [
    "schedules.create",
    "schedules.update",
    "schedules.disable",
    "schedules.enable",
    "schedules.delete",
  ]);
});

Deno.test("the scheduler's status shows a caller the jobs of its own servers only", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const open = Promise.withResolvers<void>();
  w.backups.work = () => open.promise;
  await create(w, { name: "a" });
  await create(w, { name: "b", server_id: 2, engine: "archive", engine_options: { sources: ["/srv"] } });
  w.clock.set("2026-01-01T00:01:00Z");
  await w.schedules.tick();
  await until(() => w.backups.made.length === 2);
  const status = async (as: Partial<Caller>) =>
    SchedulerStatus.parse(await w.ask(runOps.schedulerStatus, {}, as));
  assert.equal((await status(ADMIN)).current_jobs.length, 2);
  const bob = await status(USER);
  assert.deepEqual(bob.current_jobs.map((job) => [job.schedule_name, job.status]), [["a", "running"]]);
  assert.deepEqual([
    bob.running,
    bob.total_schedules,
    bob.active_schedules,
    bob.last_check_at,
    bob.next_check_at,
  ], [
    true,
    1,
    1,
    "2026-01-01T00:01:00.000Z",
    "2026-01-01T00:02:00.000Z",
  ]);
  open.resolve();
  await w.schedules.idle();
});

Deno.test("cancelling a run is audited and answers with the ended log", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  w.backups.work = (_request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await create(w);
  const { run_id } = ops.triggerSchedule.output.parse(
    await w.ask(ops.triggerSchedule, { schedule: "nightly" }, OPERATOR),
  );
  await until(() => w.backups.made.length === 1);
  const log = BackupScheduleLog.parse(await w.ask(runOps.cancelRun, { log: run_id }, OPERATOR));
  assert.deepEqual([log.status, log.outcome], ["cancelled", "cancelled"]);
  const line = await w.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .where("operation", "=", "schedules.cancel").executeTakeFirst();
  assert.equal(line?.target, `runs/${run_id}`);
});

Deno.test("two people who change different fields at once both have their way", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await w.ask(ops.createSchedule, NEW, OPERATOR);
  await Promise.all([
    w.ask(ops.updateSchedule, { schedule: "weekly", description: "of all" }, OPERATOR),
    w.ask(ops.updateSchedule, { schedule: "weekly", max_backups: 3 }, ADMIN),
  ]);
  const made = BackupSchedule.parse(await w.ask(ops.getSchedule, { schedule: "weekly" }, OPERATOR));
  assert.deepEqual([made.description, made.max_backups], ["of all", 3]);
});

Deno.test("every operation says its role, its scope and has an example", () => {
  for (const op of ops.operations) {
    assert.ok(op.role === "admin" || op.role === "operator" || op.scope !== undefined, op.name);
    assert.ok(op.cli?.command === null || (op.cli?.examples?.length ?? 0) > 0, op.name);
    assert.ok(SCENARIOS.some((scenario) => scenario.op.name === op.name), `${op.name} has a scenario`);
  }
});
