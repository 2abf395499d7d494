/** Every list as a golden file, with rows as an installation has them, on a terminal of 80 columns. */
import assert from "node:assert/strict";
import { allOperations } from "../../src/catalogue.ts";
import { render } from "../../src/cli/render.ts";
import { paper } from "../support/commands.ts";
import { compareGolden } from "../support/golden.ts";
import { VEEAM_ONE_ANSWERS } from "./veeam_one_answers.ts";
import { NETWORK_ANSWERS } from "./network_answers.ts";
import { VPN_ANSWERS } from "./vpn_answers.ts";
import { veeamAnswers } from "../support/veeam/tables.ts";

const COLUMNS = 80;
const VIEW = { output: "table", filters: [], sortBy: undefined } as const;

/** Answers of the operations that are shown as tables; only what the tables read. */
const ANSWERS: Record<string, unknown> = {
  ...VEEAM_ONE_ANSWERS,
  ...NETWORK_ANSWERS,
  ...VPN_ANSWERS,
  "schedules.list": [
    {
      name: "nightly",
      server_name: "web-1",
      cron_expression: "0 2 * * *",
      enabled: true,
      next_run_at: "2030-01-15T01:00:00.000Z",
      last_outcome: "interrupted",
      problem: null,
    },
    {
      name: "mail-archive",
      server_name: "mail.example.org",
      cron_expression: "30 3 * * 1-5",
      enabled: true,
      next_run_at: "2030-01-15T02:30:00.000Z",
      last_outcome: "refused",
      problem: 'Source "/srv/mail" does not exist',
    },
  ],
  "schedules.next": [
    { due_at: "2030-03-31T00:30:00.000Z", local: "2030-03-31T01:30:00+01:00", note: null },
    {
      due_at: "2030-03-31T01:00:00.000Z",
      local: "2030-03-31T03:00:00+02:00",
      note: "02:30 does not exist: clocks go forward",
    },
  ],
  "schedules.statistics": {
    schedules: [
      {
        schedule_name: "nightly",
        runs: 30,
        success_rate: 29 / 30,
        duration_p95_seconds: 754.2,
        size_last_bytes: 48_318_382_080,
        growth_bytes_per_day: 104_857_600,
        streak: 12,
        unaccounted: 0,
        recent: [40e9, 42e9, null, 46e9, 48.3e9].map((size_bytes) => ({
          outcome: size_bytes === null ? "failed" : "success",
          size_bytes,
        })),
      },
      {
        schedule_name: "mail-archive",
        runs: 0,
        success_rate: null,
        duration_p95_seconds: null,
        size_last_bytes: null,
        growth_bytes_per_day: null,
        streak: 0,
        unaccounted: 2,
        recent: [],
      },
    ],
  },
  "engines.list": [
    { kind: "archive", summary: "Directories and files into one compressed tar archive" },
    { kind: "postgres", summary: "A PostgreSQL database or cluster, dumped with pg_dump" },
  ],
  "schedules.intervals": [{ hours: 168, label: "Every week", cron_expression: "0 0 * * 0" }],
  "schedules.logs": {
    logs: [
      {
        id: "958c49b01eb4cde5",
        schedule_name: "nightly",
        started_at: "2030-01-14T01:00:02.000Z",
        outcome: "success",
        duration_seconds: 754.2,
        backup_size_bytes: 48_318_382_080,
      },
      {
        id: "61a4c96b7cb14892",
        schedule_name: "mail-archive",
        started_at: "2030-01-14T02:30:00.000Z",
        outcome: "interrupted",
        duration_seconds: null,
        backup_size_bytes: null,
      },
    ],
  },
  "ledger.list": [
    {
      due_at: "2030-01-14T01:00:00.000Z",
      schedule_name: "nightly",
      outcome: "ran",
      result: "success",
      reason: null,
    },
    {
      due_at: "2030-01-13T01:00:00.000Z",
      schedule_name: "mail-archive",
      outcome: "missed",
      result: null,
      reason: "Holdfast was not running",
    },
  ],
  "backups.list": [
    {
      id: "694c787a8886469d",
      name: "nightly-20300114T010002Z-694c787a",
      status: "completed",
      size_bytes: 48_318_382_080,
      verified_ok: true,
    },
  ],
  "backups.contents": {
    entries: [
      {
        path: "srv/mail/archive/2029/q4.mbox",
        kind: "file",
        size_bytes: 1_048_576,
        modified_at: "2029-12-31T22:59:58.000Z",
        link_target: null,
      },
      { path: "srv/mail", kind: "directory", size_bytes: 0, modified_at: null, link_target: null },
    ],
    next_offset: 2,
  },
  "backups.trash.list": [
    {
      id: "5100832a0e60452d",
      name: "nightly-20300102T010002Z-5100832a",
      trashed_at: "2030-01-14T01:00:09.000Z",
      size_bytes: 48_318_382_080,
    },
  ],
  "backups.prune": {
    decisions: [
      {
        backup_id: "694c787a8886469d",
        created_at: "2030-01-14T01:00:02.000Z",
        keep: true,
        reason: "number 1 of the 7 newest",
      },
      {
        backup_id: "5100832a0e60452d",
        created_at: "2030-01-02T01:00:02.000Z",
        keep: false,
        reason: "missing, and older than the 7 newest",
      },
    ],
  },
  "servers.list": [
    {
      id: 12,
      name: "mail.example.org",
      host: "192.0.2.25",
      running_check: { kind: "systemd" },
      last_check_running: true,
      last_check_at: "2030-01-14T01:00:00.000Z",
    },
  ],
  "notify.channels.list": [
    {
      name: "mail",
      kind: "mail",
      status: "failing",
      last_ok_at: "2030-01-14T01:00:00.000Z",
      waiting: 3,
      dead: 0,
      last_error: 'Cannot deliver through channel "mail": connect ECONNREFUSED 192.0.2.25:587',
    },
    {
      name: "team-chat",
      kind: "slack",
      status: "ok",
      last_ok_at: "2030-01-15T01:00:00.000Z",
      waiting: 0,
      dead: 0,
      last_error: null,
    },
  ],
  "notify.outbox.list": [
    {
      id: 41,
      channel: "mail",
      status: "waiting",
      title: "MISSING: ACME/PARIS/shop",
      attempts: 4,
      created_at: "2030-01-14T01:00:00.000Z",
      next_attempt_at: "2030-01-14T01:16:00.000Z",
      last_error: 'Cannot deliver through channel "mail": connect ECONNREFUSED 192.0.2.25:587',
    },
  ],
  "monitor.jobs.list": [
    {
      id: 12,
      name: "ACME/PARIS/shop",
      way: "report",
      current_status: "missing",
      last_successful_backup_utc: "2030-01-13T13:00:00.000Z",
      last_good_size_bytes: 52_428_800,
      next_due_at: "2030-01-15T13:00:00.000Z",
    },
    {
      id: 13,
      name: "mail",
      way: "ping",
      current_status: "unknown",
      last_successful_backup_utc: null,
      last_good_size_bytes: null,
      next_due_at: "2030-01-15T03:00:00.000Z",
    },
  ],
  "monitor.entries.list": [
    {
      id: 812,
      job_name: "ACME/PARIS/shop",
      due_at: "2030-01-14T13:00:00.000Z",
      status: "transfer_integrity_failed",
      backup_size_bytes: 52_428_800,
      message: "it has 52428800 bytes, 52428801 were sent",
    },
  ],
  "monitor.pings.list": [
    {
      at: "2030-01-14T03:00:00.000Z",
      signal: "exit",
      exit_code: 2,
      run_id: null,
      counted_for: "no due instant near",
      body: "disk full",
    },
  ],
  "monitor.versions.list": [
    {
      entry_id: 812,
      job_name: "ACME/PARIS/shop",
      due_at: "2030-01-14T13:00:00.000Z",
      size_bytes: 21_000_000,
      path: "/srv/validated/ACME/PARIS/2030/shop/20300114T130000Z_shop.sql.zst",
    },
  ],
  "monitor.versions.prune": {
    decisions: [
      {
        entry_id: 790,
        job_name: "ACME/PARIS/shop",
        due_at: "2030-01-02T13:00:00.000Z",
        size_bytes: 20_900_000,
        keep: false,
        reason: "not one of the newest 10",
      },
    ],
  },
  "monitor.findings.list": [
    {
      id: 81,
      severity: "critical",
      code: "missing",
      subject_name: "ACME/PARIS/shop",
      state: "open",
      count: 2,
      opened_at: "2030-01-13T14:00:00.000Z",
      detail: "no report came in time",
    },
  ],
  "notify.dead.list": [
    {
      id: 7,
      channel: "pager",
      title: "FAILED: crm",
      attempts: 6,
      ended_at: "2030-01-14T01:40:00.000Z",
      last_error: 'Cannot deliver through channel "pager": it answered 400: invalid routing key',
    },
  ],
  "users.list": [
    {
      id: 1,
      name: "ada",
      role: "operator",
      enabled: true,
      servers: [1, 2, 12],
      last_login_at: "2030-01-14T01:00:00.000Z",
    },
  ],
  "api-keys.list": [
    {
      id: 3,
      name: "agent-1",
      role: "user",
      all_servers: false,
      servers: [1, 2],
      expires_at: "2031-01-14T01:00:00.000Z",
      last_used_at: "2030-01-14T01:00:00.000Z",
    },
  ],
  "secrets.list": [
    {
      name: "db-password",
      created_at: "2030-01-14T01:00:00.000Z",
      updated_at: "2030-01-14T01:00:00.000Z",
    },
  ],
  "audit.list": {
    lines: [
      {
        at: "2030-01-14T01:00:00.000Z",
        caller_name: "ada",
        operation: "users.create",
        target: "users/bo",
        outcome: "ok",
      },
      {
        at: "2030-01-14T01:00:00.000Z",
        caller_name: "key:agent-1",
        operation: "schedules.trigger",
        target: "schedules/ac00f56249de43c4",
        outcome: "forbidden",
      },
    ],
  },
  ...await veeamAnswers(),
  "health": {
    checks: [{ name: "scheduler", status: "degraded", detail: "no tick for 240 s" }],
  },
};

const operations = await allOperations();

Deno.test("every operation that has columns for its rows is shown here", () => {
  const tables = operations.filter(({ name, cli }) =>
    cli?.columns !== undefined && (cli.rows !== undefined || /\.(list|next|intervals)$/.test(name))
  );
  assert.deepEqual(Object.keys(ANSWERS).sort(), tables.map(({ name }) => name).sort());
});

Deno.test(`tables fit a terminal of ${COLUMNS} columns and keep ids whole`, async () => {
  const texts = new Map<string, string>();
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const op = operations.find((candidate) => candidate.name === name)!;
    const { terminal, lines } = paper(COLUMNS);
    await render(answer, op.cli ?? {}, VIEW, terminal);
    texts.set(name, `${lines.join("\n")}\n`);
    for (const line of lines) assert.ok(line.length <= COLUMNS, `${name}: ${line}`);
  }
  await compareGolden("tests/golden/tables", texts);
  for (const id of ["694c787a8886469d", "958c49b01eb4cde5"]) {
    assert.ok([...texts.values()].some((text) => text.includes(id)), id);
  }
});
