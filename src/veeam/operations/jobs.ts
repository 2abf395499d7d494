/** What can be asked of jobs, and done to them. */
import { z } from "zod";
import { parseTypedDuration } from "../../lib/duration.ts";
import { EXIT_BAD_ANSWER, HoldfastError } from "../../lib/errors.ts";
import { operation } from "../../lib/operation.ts";
import { ActionResult, enableJob, retryJob, startJob, stopJob } from "../actions.ts";
import { VeeamJob, VeeamRestorePoint, VeeamSession } from "../model.ts";
import { watchJobs } from "../watch.ts";
import { BASE, flags, live, one, reading, Result, Since, some, type VeeamApp } from "./common.ts";

const Ref = z.strictObject({
  job: z.string().min(1).describe("Name, id or number in the list"),
  ...one,
});

const jobColumns = [
  { key: "number", title: "#", align: "right" },
  { key: "id" },
  { key: "name" },
  { key: "type" },
  { key: "last_result" },
  { key: "status" },
] as const;

const sessionColumns = [
  { key: "created_at", title: "start", format: "instant" },
  { key: "ended_at", title: "end", format: "instant" },
  { key: "state", title: "status" },
  { key: "result" },
  { key: "duration_seconds", title: "took", format: "duration" },
  { key: "message" },
] as const;

const sort = { lastresult: "last_result", lastrun: "last_run_at", nextrun: "next_run_at" };

export const listJobs = operation({
  ...reading,
  name: "veeam.jobs.list",
  route: `GET ${BASE}/jobs`,
  summary: "List the jobs of Veeam servers with their last result",
  description: "Kinds of job that the server's revision does not list are told by: holdfast veeam coverage",
  input: z.strictObject({
    ...some,
    name: z.string().optional().describe("Only jobs with this in their name"),
    status: Result.optional().describe(
      "Only jobs whose last result is this: Success, Warning, Failed, None",
    ),
    type: z.string().optional().describe("Only jobs of this type"),
    ...live,
  }),
  output: z.array(VeeamJob),
  cli: {
    flags: { ...flags, name: { flag: "--name <text>" }, status: { flag: "--status <result>" } },
    columns: jobColumns,
    sort,
    examples: [
      "holdfast veeam jobs list",
      "holdfast veeam jobs list --status Failed --sort-by name",
      "holdfast veeam jobs list --all --output csv > jobs.csv",
    ],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.jobs(input, caller.signal),
});

export const getJob = operation({
  ...reading,
  name: "veeam.jobs.get",
  route: `GET ${BASE}/jobs/{job}`,
  summary: "Show a job with its sessions",
  input: Ref.extend({ since: Since.default("30d").describe("How far back its sessions go"), ...live }),
  output: VeeamJob.extend({ sessions: z.array(VeeamSession) }),
  cli: {
    args: ["job"],
    flags,
    rows: (job) => job.sessions,
    notes: (job) => [
      `${job.name} (${job.type ?? "unknown type"}, ${job.id}): last result ${job.last_result ?? "-"}, ` +
      `${job.status ?? "-"}, next run ${job.next_run_at ?? "-"}`,
    ],
    columns: sessionColumns,
    examples: ['holdfast veeam jobs get "Daily VMs"', "holdfast veeam jobs get 3 --since 7d"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.job(input, caller.signal),
});

export const jobSessions = operation({
  ...reading,
  name: "veeam.jobs.sessions",
  route: `GET ${BASE}/jobs/{job}/sessions`,
  summary: "List the sessions of a job, newest first",
  input: Ref.extend({ since: Since.default("30d").describe("How far back"), ...live }),
  output: z.array(VeeamSession),
  cli: {
    args: ["job"],
    flags,
    columns: sessionColumns,
    examples: ['holdfast veeam jobs sessions "Daily VMs" --since 7d'],
  },
  run: async (app: VeeamApp, input, caller) => (await app.veeam.job(input, caller.signal)).sessions,
});

export const jobRestorePoints = operation({
  ...reading,
  name: "veeam.jobs.restore-points",
  route: `GET ${BASE}/jobs/{job}/restore-points`,
  summary: "List the restore points of a job, newest first",
  input: Ref.extend({ since: Since.optional().describe("How far back; all when absent"), ...live }),
  output: z.array(VeeamRestorePoint),
  cli: {
    args: ["job"],
    flags,
    columns: [
      { key: "created_at", title: "created", format: "instant" },
      { key: "name" },
      { key: "type" },
      { key: "backup_file" },
      { key: "original_bytes", title: "size", format: "bytes", align: "right" },
      { key: "malware_status", title: "malware" },
    ],
    examples: ['holdfast veeam jobs restore-points "Daily VMs" --output csv'],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.restorePoints(input, caller.signal),
});

const follow = {
  operation: "veeam.sessions.follow",
  input: ({ server, session }: ActionResult) => ({ server, session: session ?? "" }),
};

export const startJobOperation = operation({
  ...reading,
  name: "veeam.jobs.start",
  route: `POST ${BASE}/jobs/{job}/start`,
  summary: "Start a job",
  input: Ref.extend({ full: z.boolean().default(false).describe("Make an active full backup") }),
  output: ActionResult,
  cli: {
    args: ["job"],
    flags,
    follow,
    text: ({ job, session }) => `Started job "${job}"${session === null ? "" : ` (session ${session})`}`,
    examples: ['holdfast veeam jobs start "Daily VMs" --wait'],
  },
  run: (app: VeeamApp, input, caller) => startJob(app.veeam, input, caller.signal),
});

export const stopJobOperation = operation({
  ...reading,
  name: "veeam.jobs.stop",
  route: `POST ${BASE}/jobs/{job}/stop`,
  summary: "Stop a running job once the machines at work are done",
  input: Ref.extend({ now: z.boolean().default(false).describe("Stop at once; what is at work is lost") }),
  output: ActionResult,
  cli: {
    args: ["job"],
    flags,
    text: ({ job }) => `Stopping job "${job}"`,
    examples: ['holdfast veeam jobs stop "Daily VMs"'],
  },
  run: (app: VeeamApp, input, caller) => stopJob(app.veeam, input, caller.signal),
});

export const retryJobOperation = operation({
  ...reading,
  name: "veeam.jobs.retry",
  route: `POST ${BASE}/jobs/{job}/retry`,
  summary: "Retry what failed in a job's last run",
  description:
    "Servers before 13 cannot; there the job is started again, if its last run failed and none runs.",
  input: Ref,
  output: ActionResult,
  cli: {
    args: ["job"],
    flags,
    follow,
    text: ({ job, action }) =>
      action === "retry"
        ? `Retrying job "${job}"`
        : `Started job "${job}": this server has no retry of its own`,
    examples: ['holdfast veeam jobs retry "Daily VMs"'],
  },
  run: (app: VeeamApp, input, caller) => retryJob(app.veeam, input, caller.signal),
});

const switchJob = (enabled: boolean) =>
  operation({
    role: "admin",
    standalone: true,
    name: `veeam.jobs.${enabled ? "enable" : "disable"}`,
    route: `POST ${BASE}/jobs/{job}/${enabled ? "enable" : "disable"}`,
    summary: enabled ? "Let a job run by its schedule again" : "Keep a job from running by its schedule",
    input: Ref,
    output: ActionResult,
    cli: {
      args: ["job"],
      flags,
      text: ({ job }) => `${enabled ? "Enabled" : "Disabled"} job "${job}"`,
      examples: [`holdfast veeam jobs ${enabled ? "enable" : "disable"} "Daily VMs"`],
    },
    run: (app: VeeamApp, input, caller) => enableJob(app.veeam, input, enabled, caller.signal),
  });

export const enableJobOperation = switchJob(true);
export const disableJobOperation = switchJob(false);

export const watchJobsOperation = operation({
  ...reading,
  name: "veeam.jobs.watch",
  route: `GET ${BASE}/watch`,
  summary: "Watch jobs and tell of each that fails, is missing or is well again, until Ctrl-C",
  description: "The daemon does the same by itself and tells the channels of notify: see veeam.alerts.",
  stream: true,
  input: z.strictObject({
    ...some,
    every: z.string().default("60s").describe("How often to look"),
    mail: z.array(z.string().regex(/^[^\s@]+@[^\s@]+$/, "must be a mail address")).optional()
      .describe("Write to this address too; needs SMTP_HOST"),
    rounds: z.number().int().min(1).optional().describe("End after so many looks"),
  }),
  output: z.discriminatedUnion("type", [
    z.object({ type: z.literal("line"), level: z.string(), text: z.string() }),
    z.object({ type: z.literal("result"), status: z.literal("ok") }),
  ]),
  cli: {
    flags: { ...flags, every: { flag: "--every <duration>" }, mail: { flag: "--mail <address>..." } },
    examples: ["holdfast veeam jobs watch --every 60s --mail ops@example.org"],
  },
  run(app: VeeamApp, { every, mail = [], ...input }, caller) {
    const every_seconds = parseTypedDuration(every);
    if (every_seconds < 1 || every_seconds > 86_400) {
      throw new HoldfastError("invalid", `Cannot watch every "${every}": at least 1s, at most 24h`);
    }
    requireHost(mail, caller.on_host);
    const { veeam } = app;
    return watchJobs(veeam, { ...input, every_seconds, mail }, veeam.mailer, veeam.clock, caller.signal);
  },
});

/** Mail leaves under this host's name, so only people on it say to whom. */
export function requireHost(mail: readonly string[], onHost: boolean): void {
  if (mail.length === 0 || onHost) return;
  throw new HoldfastError("forbidden", "Cannot mail to an address given over the network", {
    hint: "ask without mail, or use the channels of notify",
  });
}

/** What a bad answer ends with; a report and a doctor share it. */
export const exitOn = (bad: boolean): number => bad ? EXIT_BAD_ANSWER : 0;
