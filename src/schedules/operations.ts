/** What people can ask of schedules; runs, scheduler and ledger are in `run_operations.ts`. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";
import { BackupScheduleInterval, INTERVALS } from "./intervals.ts";
import { BackupSchedule, ScheduleCreate, ScheduleUpdate } from "./model.ts";
import { policyFlags } from "./policy_flags.ts";
import { ComingInstant } from "./preview.ts";
import { runOperations } from "./run_operations.ts";
import { showScheduleStatistics, showStatistics } from "./statistics_operations.ts";
import type { Schedules } from "./schedules.ts";

/** What the operations need of the app. */
export interface SchedulesApp {
  schedules: Schedules;
}

const BASE = "/api/v1/backup-scheduler";

const Ref = z.strictObject({
  schedule: z.string().min(1).describe("Name of the schedule, server/name, or its id"),
});

const ServerFilter = z.union([z.int(), z.string().min(1)]).optional()
  .describe("Only those of this server (id or name)");

const columns = [
  { key: "name" },
  { key: "server_name", title: "server" },
  { key: "cron_expression", title: "when" },
  { key: "enabled", title: "on", format: "boolean" },
  { key: "next_run_at", title: "next run", format: "instant" },
  { key: "last_outcome", title: "last" },
  { key: "problem" },
] as const;

const flags = {
  server_id: { flag: "--server <name>" },
  cron_expression: { flag: "--cron <expression>" },
  timezone: {
    flag: "--timezone <zone>",
    description: "Time zone (IANA name) of the expression; else that of the setting schedules.timezone",
  },
  description: { flag: "--description <text>" },
  engine: { description: "Engine that makes the backups, such as archive; else the server's default" },
  "engine_options.sources": {
    flag: "--source <path>...",
    description: "What to back up",
    path: true,
  },
  "engine_options.destination": {
    flag: "--destination <dir>",
    description: "Where to write the backups",
    path: true,
  },
  "engine_options.excludes": {
    flag: "--exclude <glob>...",
    description: "What to leave out",
  },
  "engine_options.encrypt_to": {
    flag: "--encrypt-to <recipient>...",
    description: "age recipient (age1...) to encrypt the archive for",
  },
  engine_options: { flag: "--engine-options <json>", description: "All options of the engine at once" },
  ...policyFlags,
};

const CLEARING =
  'On the command line "none" ends a lock, a window, a pause, a limit or following; the lists given replace those there were.';

function summary(schedule: BackupSchedule): string {
  const name = schedule.server_name === null ? schedule.name : `${schedule.server_name}/${schedule.name}`;
  const next = schedule.next_run_at === null
    ? schedule.enabled ? "no next run" : "disabled"
    : `next run ${schedule.next_run_at}`;
  const when = schedule.run_after === null
    ? `${schedule.cron_expression} ${schedule.timezone}`
    : `after ${schedule.run_after_name ?? schedule.run_after}`;
  const problem = schedule.problem === null ? "" : `\nIt cannot run yet: ${schedule.problem}`;
  return `Schedule ${name} (${schedule.id}): ${when}, ${next}${problem}`;
}

export const listSchedules = operation({
  name: "schedules.list",
  route: `GET ${BASE}/schedules`,
  role: "user",
  scope: "filtered",
  summary: "List the schedules",
  input: z.strictObject({ server_id: ServerFilter }),
  output: z.array(BackupSchedule),
  cli: {
    flags: { server_id: { flag: "--server <name>" } },
    columns,
    examples: ["holdfast schedules list", "holdfast schedules list --server web-1 --output json"],
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.list(input, caller),
});

export const getSchedule = operation({
  name: "schedules.get",
  route: `GET ${BASE}/schedules/{schedule}`,
  role: "user",
  scope: "filtered",
  summary: "Show one schedule",
  input: Ref,
  output: BackupSchedule,
  cli: {
    args: ["schedule"],
    examples: ["holdfast schedules get nightly", "holdfast schedules get web-1/nightly --output yaml"],
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.get(input.schedule, caller),
});

export const createSchedule = operation({
  name: "schedules.create",
  route: `POST ${BASE}/schedules`,
  role: "operator",
  summary: "Create a schedule",
  description:
    "When is said by cron_expression (which wins) or interval_hours, in the schedule's time zone. A time left out when clocks go forward is due right after the jump, one that comes twice only the first time; hourly expressions follow the clock. Without an engine the server's default is used. Policies say what happens to instants that cannot start in time: by default they are skipped or missed, and the ledger says why.",
  input: ScheduleCreate,
  output: BackupSchedule,
  status: 201,
  cli: {
    flags,
    examples: [
      'holdfast schedules create --server web-1 --name nightly --cron "0 2 * * *" --timezone Europe/Paris --engine archive --source /srv/data --destination /srv/backups --max-backups 7',
      "holdfast schedules create --server web-1 --name frequent --interval-hours 6",
      "holdfast schedules create --server web-1 --name offsite --run-after nightly --engine archive --source /srv/backups --destination /mnt/offsite",
    ],
    text: summary,
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.create(input, caller),
});

export const updateSchedule = operation({
  name: "schedules.update",
  route: `PUT ${BASE}/schedules/{schedule}`,
  role: "operator",
  summary: "Change a schedule; what is not given stays",
  description: `${CLEARING} Of engine_options those that are not given stay too, and null takes one away.`,
  input: Ref.extend(ScheduleUpdate.shape),
  output: BackupSchedule,
  cli: {
    args: ["schedule"],
    flags,
    examples: [
      'holdfast schedules update nightly --cron "30 3 * * *"',
      "holdfast schedules update nightly --max-backups 14 --no-only-when-running",
      'holdfast schedules update nightly --exclude "*.tmp"',
      "holdfast schedules update nightly --catch-up latest --catch-up-window 12h --overlap skip --retries 3 --retry-delay 60s --timeout 2h",
    ],
    text: summary,
  },
  run: (app: SchedulesApp, { schedule, ...changes }, caller) =>
    app.schedules.update(schedule, changes, caller),
});

export const deleteSchedule = operation({
  name: "schedules.delete",
  route: `DELETE ${BASE}/schedules/{schedule}`,
  role: "operator",
  summary: "Delete a schedule; its logs, ledger and backups stay",
  input: Ref,
  output: z.null(),
  status: 204,
  cli: {
    args: ["schedule"],
    confirm: "Delete the schedule? Its logs and backups stay.",
    text: () => "Deleted the schedule",
    examples: ["holdfast schedules delete nightly --yes"],
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.delete(input.schedule, caller),
});

export const enableSchedule = operation({
  name: "schedules.enable",
  route: `POST ${BASE}/schedules/{schedule}/enable`,
  role: "operator",
  summary: "Let a schedule run, from its next due instant on",
  input: Ref,
  output: BackupSchedule,
  cli: { args: ["schedule"], examples: ["holdfast schedules enable nightly"], text: summary },
  run: (app: SchedulesApp, input, caller) => app.schedules.enable(input.schedule, caller),
});

export const disableSchedule = operation({
  name: "schedules.disable",
  route: `POST ${BASE}/schedules/{schedule}/disable`,
  role: "operator",
  summary: "Keep a schedule from running; a run under way goes on",
  input: Ref,
  output: BackupSchedule,
  cli: { args: ["schedule"], examples: ["holdfast schedules disable nightly"], text: summary },
  run: (app: SchedulesApp, input, caller) => app.schedules.disable(input.schedule, caller),
});

export const triggerSchedule = operation({
  name: "schedules.trigger",
  route: `POST ${BASE}/schedules/{schedule}/trigger`,
  role: "operator",
  summary: "Run a schedule now",
  description:
    "Answers at once with the run's id. What cannot start becomes a failed log with the reason; a disabled schedule or one that is running already is a conflict.",
  input: Ref,
  output: z.object({ run_id: z.string(), schedule_id: z.string(), status: z.literal("running") })
    .meta({ id: "TriggeredRun" }),
  status: 202,
  cli: {
    args: ["schedule"],
    examples: ["holdfast schedules trigger nightly", "holdfast schedules trigger nightly --wait"],
    text: (run) => `Started run ${run.run_id}`,
    follow: { operation: "schedules.follow", input: (run) => ({ log: run.run_id }) },
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.trigger(input.schedule, caller),
});

export const nextInstants = operation({
  name: "schedules.next",
  route: `GET ${BASE}/schedules/{schedule}/next`,
  role: "user",
  scope: "filtered",
  summary: "Show when a schedule is due next, and what clocks that change, windows and jitter do to it",
  input: Ref.extend({
    count: z.int().min(1).max(1000).default(5).describe("How many instants"),
    clock_changes: z.boolean().default(false).describe(
      "The instants around the next two changes of the clocks instead",
    ),
  }),
  output: z.array(ComingInstant),
  cli: {
    args: ["schedule"],
    columns: [{ key: "due_at", title: "UTC", format: "instant" }, { key: "local" }, { key: "note" }],
    examples: [
      "holdfast schedules next nightly --count 5",
      "holdfast schedules next nightly --clock-changes",
    ],
  },
  run: (app: SchedulesApp, input, caller) => app.schedules.next(input.schedule, input, caller),
});

export const listIntervals = operation({
  name: "schedules.intervals",
  route: `GET ${BASE}/intervals`,
  role: "user",
  scope: "own",
  summary: "List the common intervals and their cron expressions",
  input: z.strictObject({}),
  output: z.array(BackupScheduleInterval),
  cli: {
    columns: [{ key: "hours", align: "right" }, { key: "label" }, { key: "cron_expression" }],
    examples: ["holdfast schedules intervals"],
  },
  run: () => Promise.resolve([...INTERVALS]),
});

export const operations = [
  listSchedules,
  getSchedule,
  createSchedule,
  updateSchedule,
  deleteSchedule,
  enableSchedule,
  disableSchedule,
  triggerSchedule,
  nextInstants,
  listIntervals,
  showStatistics,
  showScheduleStatistics,
  ...runOperations,
];
