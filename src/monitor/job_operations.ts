/** What people can ask of expected jobs and entries. */
import { z } from "zod";
import { parseDuration } from "../lib/duration.ts";
import { type Operation, operation } from "../lib/operation.ts";
import type { CliSpec, FlagSpec } from "../lib/operation.ts";
import { Entry, ExpectedJob, JobCreate, JobUpdate, StatusInput, WAYS } from "./model.ts";
import type { Monitor } from "./monitor.ts";
import { Ref } from "./refs.ts";

/** What the operations need of the app. */
export interface MonitorApp {
  monitor: Monitor;
}

/** The job a command is about. */
export const JobRef = Ref.describe("Id or name of the job: 3, ACME/PARIS/shop, or shop where there is one");

const page = {
  skip: z.int().min(0).default(0).describe("How many to leave out at the beginning"),
  limit: z.int().min(1).max(1000).default(100).describe("How many at most"),
};
export const Page = z.strictObject(page);

const filters = {
  status: StatusInput.optional().describe("Only those in this state"),
  agent: z.string().min(1).optional().describe("Only those of this agent"),
  company: z.string().min(1).optional().describe("Only those of this company"),
  city: z.string().min(1).optional().describe("Only those in this city"),
  database: z.string().min(1).optional().describe("Only those of this database"),
};

const duration = (flag: string): FlagSpec => ({
  flag: `${flag} <duration>`,
  parse: (text) => text === "none" ? null : parseDuration(text),
});

const flags: Record<string, FlagSpec> = {
  agent_id_responsible: { flag: "--agent <id>" },
  company_name: { flag: "--company <name>" },
  expected_hour_utc: { flag: "--hour <hour>" },
  expected_minute_utc: { flag: "--minute <minute>" },
  backup_frequency: { flag: "--every <frequency>" },
  expected_frequency: { hidden: true },
  cron_expression: { flag: "--cron <expression>" },
  final_storage_path_template: { flag: "--keep-at <template>" },
  agent_deposit_path_template: { flag: "--file <template>" },
  agent_log_deposit_path_template: { hidden: true },
  grace_seconds: duration("--grace-seconds"),
  max_run_seconds: duration("--max-run-seconds"),
  notification_recipients: { flag: "--notify <address>" },
  current_status: { hidden: true },
};

const jobText = (job: z.output<typeof ExpectedJob>) =>
  [
    `Job ${job.id} ${job.name}: ${job.current_status}`,
    `next due ${job.next_due_at ?? "never"}`,
    ...(job.ping_id === null ? [] : [`ping /api/v1/ping/${job.ping_id}`]),
  ].join(", ");

const jobColumns: CliSpec["columns"] = [
  { key: "id", align: "right" },
  { key: "name" },
  { key: "way" },
  { key: "current_status", title: "status" },
  { key: "last_successful_backup_utc", title: "last good", format: "instant" },
  { key: "last_good_size_bytes", title: "size", format: "bytes", align: "right" },
  { key: "next_due_at", title: "next due", format: "instant" },
];

export const listJobs = operation({
  name: "monitor.jobs.list",
  route: "GET /api/v1/jobs",
  aliases: ["GET /api/v1/jobs/"],
  role: "operator",
  summary: "List expected backups",
  input: z.strictObject({
    ...filters,
    way: z.enum(WAYS).optional().describe("Only those that show themselves so"),
    ...page,
  }),
  output: z.array(ExpectedJob),
  cli: {
    columns: jobColumns,
    examples: ["holdfast monitor jobs list", "holdfast monitor jobs list --status missing --company ACME"],
  },
  run: (app: MonitorApp, input) => app.monitor.expected.list(input),
});

export const createJob = operation({
  name: "monitor.jobs.create",
  route: "POST /api/v1/jobs",
  aliases: ["POST /api/v1/jobs/"],
  role: "operator",
  summary: "Expect a backup",
  description:
    "By an agent's report unless --way says otherwise. --schedule NAME expects one of Holdfast's own schedules; nothing else is needed then.",
  input: JobCreate,
  output: ExpectedJob,
  status: 201,
  cli: {
    args: ["database_name?"],
    flags,
    text: jobText,
    examples: [
      "holdfast monitor jobs create shop --agent ACME_PARIS --company ACME --city PARIS --hour 13 --every daily --keep-at '{company_name}/{city}/{database_name}'",
      "holdfast monitor jobs create crm --way file --file 'ACME/{year}-{month}-{day}/crm*.dump' --hour 2 --every daily",
      "holdfast monitor jobs create mail --way ping --cron '0 3 * * mon-fri' --timezone Europe/Paris --max-run-seconds 1h",
      "holdfast monitor jobs create --schedule nightly",
      "holdfast monitor jobs create --veeam-job 'Daily VMs' --hour 6 --every daily --grace-seconds 0",
    ],
  },
  run: (app: MonitorApp, input, caller) => app.monitor.expected.create(input, caller),
});

const One = z.strictObject({ job: JobRef });

export const getJob = operation({
  name: "monitor.jobs.get",
  route: "GET /api/v1/jobs/{job}",
  aliases: ["GET /api/v1/jobs/{job}/"],
  role: "operator",
  summary: "Show an expected backup",
  input: One,
  output: ExpectedJob,
  cli: {
    args: ["job"],
    examples: ["holdfast monitor jobs get 1", "holdfast monitor jobs get ACME/PARIS/shop"],
  },
  run: (app: MonitorApp, input) => app.monitor.expected.get(input.job),
});

export const updateJob = operation({
  name: "monitor.jobs.update",
  route: "PUT /api/v1/jobs/{job}",
  aliases: ["PUT /api/v1/jobs/{job}/"],
  role: "operator",
  summary: "Change an expected backup; fields that are not given stay",
  input: JobUpdate.extend({ job: JobRef }),
  output: ExpectedJob,
  cli: {
    args: ["job"],
    flags,
    text: jobText,
    examples: ["holdfast monitor jobs update 1 --hour 20", "holdfast monitor jobs update 1 --no-is-active"],
  },
  run: (app: MonitorApp, { job, ...changes }, caller) => app.monitor.expected.update(job, changes, caller),
});

export const deleteJob = operation({
  name: "monitor.jobs.delete",
  route: "DELETE /api/v1/jobs/{job}",
  aliases: ["DELETE /api/v1/jobs/{job}/"],
  role: "operator",
  summary: "Stop expecting a backup; its entries and findings go with it",
  description:
    "Files that were kept for it stay on disk, those in the trash too; nothing lists, watches or removes them any more. Where they are still to be looked after, make the job inactive instead.",
  input: One,
  output: z.null(),
  status: 204,
  cli: {
    args: ["job"],
    confirm: "Delete this job with all its entries? Files that were kept for it stay on disk.",
    examples: ["holdfast monitor jobs delete 1 --yes"],
  },
  run: (app: MonitorApp, input, caller) => app.monitor.expected.delete(input.job, caller),
});

const entryColumns: CliSpec["columns"] = [
  { key: "id", align: "right" },
  { key: "job_name", title: "job" },
  { key: "due_at", title: "due", format: "instant" },
  { key: "status" },
  { key: "backup_size_bytes", title: "size", format: "bytes", align: "right" },
  { key: "message" },
];

export const listEntries = operation({
  name: "monitor.entries.list",
  route: "GET /api/v1/entries",
  aliases: ["GET /api/v1/entries/"],
  role: "operator",
  summary: "List what became of due instants, the newest first",
  input: z.strictObject({
    ...filters,
    job_id: Ref.optional().describe("Only those of this job, by id or name"),
    ...page,
  }),
  output: z.array(Entry),
  cli: {
    columns: entryColumns,
    examples: ["holdfast monitor entries list", "holdfast monitor entries list --status failed --city PARIS"],
  },
  run: (app: MonitorApp, { status, ...rest }) =>
    status === "unknown" ? Promise.resolve([]) : app.monitor.expected.entries({ ...rest, status }),
});

export const getEntry = operation({
  name: "monitor.entries.get",
  route: "GET /api/v1/entries/{entry}",
  aliases: ["GET /api/v1/entries/{entry}/"],
  role: "operator",
  summary: "Show one entry, with what the agent said and what was found",
  input: z.strictObject({ entry: Ref.describe("Id of the entry") }),
  output: Entry,
  cli: { args: ["entry"], examples: ["holdfast monitor entries get 1"] },
  run: (app: MonitorApp, input) => app.monitor.expected.entry(input.entry),
});

export const entriesByJob = operation({
  name: "monitor.entries.job",
  route: "GET /api/v1/entries/by_job/{job}",
  aliases: ["GET /api/v1/entries/by_job/{job}/"],
  role: "operator",
  summary: "List the entries of a job, the newest instant first",
  description: "A job that is not there, or not any more, is not found.",
  input: z.strictObject({ job: JobRef, ...page }),
  output: z.array(Entry),
  cli: { args: ["job"], columns: entryColumns, examples: ["holdfast monitor entries job 1"] },
  run: (app: MonitorApp, { job, ...rest }) => app.monitor.expected.entriesOf(job, rest),
});

export const jobOperations: readonly Operation[] = [
  listJobs,
  createJob,
  getJob,
  updateJob,
  deleteJob,
  listEntries,
  getEntry,
  entriesByJob,
];
