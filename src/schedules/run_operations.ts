/** What people can ask of runs, of the scheduler and of the ledger. */
import { z } from "zod";
import { formatDuration } from "../lib/duration.ts";
import { Moment } from "../lib/moment.ts";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { operation } from "../lib/operation.ts";
import {
  BackupScheduleLog,
  FeedEvent,
  LedgerEntry,
  LogPage,
  Outcome,
  RunEvent,
  RunStatus,
  SchedulerStatus,
} from "./model.ts";
import { verifyLedger } from "./proof_operations.ts";
import type { Schedules } from "./schedules.ts";

interface App {
  schedules: Schedules;
}

const BASE = "/api/v1/backup-scheduler";

const LogRef = z.strictObject({
  log: z.string().min(1).describe("Id of the run; its first four or more characters will do"),
});

const page = {
  schedule_id: z.string().min(1).optional().describe("Only those of this schedule (id, name or server/name)"),
  server_id: z.union([z.int(), z.string().min(1)]).optional().describe(
    "Only those of this server (id or name)",
  ),
  offset: z.int().min(0).default(0).describe("How many to leave out, from the newest"),
};

const flags = {
  schedule_id: { flag: "--schedule <name>" },
  server_id: { flag: "--server <name>" },
};

/** The field is called as the path of the API has it; for people it is the run. */
const runFlags = { log: { flag: "--run" } };

export const listLogs = operation({
  name: "schedules.logs",
  route: `GET ${BASE}/logs`,
  role: "user",
  scope: "filtered",
  summary: "List runs, newest first",
  description: "Runs only: due instants without a run are in the ledger.",
  input: z.strictObject({
    ...page,
    status: z.enum([...RunStatus.options, "interrupted", "timed_out", "refused", "queued"]).optional()
      .describe("Only those that ended so; failed holds every kind of failure"),
    from: Moment.optional().describe("Only those that began then or later (day or instant, UTC)"),
    to: Moment.optional().describe("Only those that began until then, included"),
    text: z.string().min(1).max(200).optional().describe(
      "Only those with this text in a line or in the error, in letters of either case (a to z)",
    ),
    limit: z.int().min(1).max(1000).default(20).describe("How many at most"),
  }),
  output: LogPage,
  cli: {
    args: ["schedule_id?"],
    flags: { ...flags, schedule_id: { flag: "--schedule <name>", both: true } },
    watch: { flag: "--follow", operation: "schedules.events", fields: ["schedule_id", "server_id"] },
    rows: (answer) => answer.logs,
    columns: [
      { key: "id" },
      { key: "schedule_name", title: "schedule" },
      { key: "started_at", title: "started", format: "instant" },
      { key: "outcome" },
      { key: "duration_seconds", title: "took", format: "duration", align: "right" },
      { key: "backup_size_bytes", title: "size", format: "bytes", align: "right" },
    ],
    examples: [
      "holdfast schedules logs --schedule nightly",
      "holdfast schedules logs nightly --follow",
      "holdfast schedules logs --limit 5 --output json",
      'holdfast schedules logs --status failed --from 2026-01-01 --text "no space"',
    ],
  },
  run: (app: App, input, caller) => app.schedules.runs.list(input, caller),
});

export const getLog = operation({
  name: "schedules.log",
  route: `GET ${BASE}/logs/{log}`,
  role: "user",
  scope: "filtered",
  summary: "Show one run with its lines",
  input: LogRef,
  output: BackupScheduleLog,
  cli: { args: ["log"], flags: runFlags, examples: ["holdfast schedules log 3f9c1a2b4d5e6f70"] },
  run: (app: App, input, caller) => app.schedules.runs.get(input.log, caller),
});

export const cancelRun = operation({
  name: "schedules.cancel",
  route: `POST ${BASE}/logs/{log}/cancel`,
  role: "operator",
  summary: "Cancel a run that waits or is under way",
  input: LogRef,
  output: BackupScheduleLog,
  cli: {
    args: ["log"],
    flags: runFlags,
    examples: ["holdfast schedules cancel 3f9c1a2b4d5e6f70"],
    text: (log) => `Run ${log.id} of ${log.schedule_name}: ${log.outcome}`,
  },
  run: (app: App, input, caller) => app.schedules.cancel(input.log, caller),
});

export const followRun = operation({
  name: "schedules.follow",
  route: `GET ${BASE}/logs/{log}/follow`,
  role: "user",
  // Asked before the stream begins, so that a stranger gets a refusal and not an event.
  scope: { server: (app: App, input) => app.schedules.runs.serverOf(input.log) },
  summary: "Follow a run to its end",
  description: "Its lines so far, then lines and progress as they come; the last event is the result.",
  input: LogRef,
  output: RunEvent,
  stream: true,
  cli: {
    args: ["log"],
    flags: runFlags,
    examples: ["holdfast schedules follow 3f9c1a2b4d5e6f70"],
    text: eventText,
    exit: (event) => event.type === "result" && event.log.status !== "success" ? EXIT_BAD_ANSWER : 0,
  },
  run: (app: App, input, caller) => app.schedules.runs.follow(input.log, caller),
});

export const watchRuns = operation({
  name: "schedules.events",
  route: `GET ${BASE}/events`,
  websocket: `${BASE}/ws`,
  role: "user",
  scope: "filtered",
  summary: "Watch all runs: states, progress, lines and results as they come",
  description:
    "Server-sent events, or JSON texts over the WebSocket. Begins with hello and the runs of the moment. A client that comes back with Last-Event-ID gets what it missed, or reset when that is no longer kept. A WebSocket without credentials in its headers sends its token as the first message.",
  input: z.strictObject({
    schedule_id: page.schedule_id,
    server_id: page.server_id,
    last_event_id: z.string().max(64).optional().describe(
      "Id of the last event seen; also the header Last-Event-ID",
    ),
  }),
  output: FeedEvent,
  stream: true,
  cli: {
    flags: { ...flags, last_event_id: { hidden: true } },
    examples: ["holdfast schedules events", "holdfast schedules events --schedule nightly --output json"],
    event: (event) => event.type === "state" || event.type === "result" ? eventText(event) : null,
    exit: () => 0,
  },
  run: (app: App, input, caller) => app.schedules.feed.watch(input, caller),
});

function eventText(event: RunEvent): string {
  switch (event.type) {
    case "state":
      return `Run ${event.run_id} is ${event.state}`;
    case "line":
      return event.level === "info" ? event.text : `${event.level}: ${event.text}`;
    case "progress":
      return event.progress_percentage === null
        ? event.phase
        : `${event.phase} ${event.progress_percentage} %`;
    case "result": {
      const { id, outcome, duration_seconds, error_message, backup_id } = event.log;
      const detail = error_message ?? (backup_id === null ? null : `backup ${backup_id}`);
      const took = formatDuration(duration_seconds ?? 0);
      return `Run ${id}: ${outcome} after ${took}${detail === null ? "" : `, ${detail}`}`;
    }
  }
}

const statusText = (status: SchedulerStatus) =>
  [
    stateText(status),
    `${status.active_schedules} of ${status.total_schedules} schedules are enabled`,
    ...status.current_jobs.map((job) => {
      const percent = job.progress_percentage === null ? "" : ` ${job.progress_percentage} %`;
      return `${job.id} ${job.schedule_name}: ${job.status}${percent}`;
    }),
  ].join("\n");

function stateText({ running, last_check_at, next_check_at }: SchedulerStatus): string {
  if (running) return `The scheduler runs: it looked at ${last_check_at} and looks next at ${next_check_at}`;
  if (last_check_at === null) {
    // A daemon looks before it answers anything, so this is the word of a process that is none.
    return "No daemon runs: nothing that is due starts until there is one (holdfast serve)";
  }
  return `The scheduler is stopped; it looked last at ${last_check_at}`;
}

export const schedulerStatus = operation({
  name: "scheduler.status",
  route: `GET ${BASE}/scheduler/status`,
  role: "user",
  scope: "filtered",
  summary: "Show the scheduler and the runs under way",
  input: z.strictObject({}),
  output: SchedulerStatus,
  cli: { examples: ["holdfast scheduler status"], text: statusText },
  run: (app: App, _input, caller) => app.schedules.scheduler.status(caller),
});

export const startScheduler = operation({
  name: "scheduler.start",
  route: `POST ${BASE}/scheduler/start`,
  role: "admin",
  summary: "Let due schedules run again after a stop",
  input: z.strictObject({}),
  output: SchedulerStatus,
  cli: {
    examples: ["holdfast scheduler start"],
    text: () => "The scheduler starts what is due from now on",
  },
  run: (app: App, _input, caller) => app.schedules.scheduler.start(caller),
});

export const stopScheduler = operation({
  name: "scheduler.stop",
  route: `POST ${BASE}/scheduler/stop`,
  role: "admin",
  summary: "Keep due schedules from running; runs under way finish",
  description: "Holds across restarts of the daemon. What is due meanwhile is recorded as skipped.",
  input: z.strictObject({}),
  output: SchedulerStatus,
  cli: {
    examples: ["holdfast scheduler stop"],
    text: () => "The scheduler is stopped: what is due is recorded as skipped until holdfast scheduler start",
  },
  run: (app: App, _input, caller) => app.schedules.scheduler.stop(caller),
});

export const restartScheduler = operation({
  name: "scheduler.restart",
  route: `POST ${BASE}/scheduler/restart`,
  role: "admin",
  summary: "Look for due schedules at once; starts the scheduler if it is stopped",
  input: z.strictObject({}),
  output: SchedulerStatus,
  cli: {
    examples: ["holdfast scheduler restart"],
    text: () => "The scheduler starts what is due from now on, and has looked for it",
  },
  run: (app: App, _input, caller) => app.schedules.scheduler.restart(caller),
});

export const listLedger = operation({
  name: "ledger.list",
  route: `GET ${BASE}/ledger`,
  role: "user",
  scope: "filtered",
  summary: "List due instants and what became of each, newest first",
  input: z.strictObject({
    ...page,
    from: Moment.optional().describe("First day or instant (UTC)"),
    to: Moment.optional().describe("Last day or instant (UTC), included"),
    outcome: Outcome.optional().describe("Only those with this outcome"),
    limit: z.int().min(1).max(1000).default(100).describe("How many at most"),
  }),
  output: z.array(LedgerEntry),
  cli: {
    flags: { ...flags, from: { flag: "--from <when>" }, to: { flag: "--to <when>" } },
    columns: [
      { key: "due_at", title: "due", format: "instant" },
      { key: "schedule_name", title: "schedule" },
      { key: "outcome" },
      { key: "result" },
      { key: "reason" },
    ],
    examples: [
      "holdfast ledger list --schedule nightly",
      "holdfast ledger list --from 2026-01-01 --to 2026-01-31 --outcome missed",
    ],
  },
  run: (app: App, input, caller) => app.schedules.ledger.list(input, caller),
});

/** Everything but the schedules themselves. */
export const runOperations = [
  listLogs,
  getLog,
  cancelRun,
  followRun,
  watchRuns,
  schedulerStatus,
  startScheduler,
  stopScheduler,
  restartScheduler,
  listLedger,
  verifyLedger,
];
