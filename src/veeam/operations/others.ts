/** What can be asked of sessions, machines, repositories and the rest of the infrastructure. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { FollowEvent, followSession } from "../actions.ts";
import { CoverageRow } from "../coverage.ts";
import * as model from "../model.ts";
import { EXPORT_SCRIPT, VeeamTape } from "../tapes.ts";
import { BASE, flags, live, one, reading, Result, Since, some, type VeeamApp } from "./common.ts";

export const listSessions = operation({
  ...reading,
  name: "veeam.sessions.list",
  route: `GET ${BASE}/sessions`,
  summary: "List sessions, newest first",
  input: z.strictObject({
    ...some,
    since: Since.default("24h").describe("How far back: 24h, 7d, or an instant"),
    job: z.string().optional().describe("Only of this job: name, id or number"),
    type: z.string().optional().describe("Only of this type, such as BackupJob"),
    result: Result.optional().describe("Only with this result: Success, Warning, Failed, None"),
    limit: z.number().int().min(1).optional().describe("At most so many"),
    ...live,
  }),
  output: z.array(model.VeeamSession),
  parts: true,
  cli: {
    flags,
    columns: [
      { key: "created_at", title: "start", format: "instant" },
      { key: "name" },
      { key: "result" },
      { key: "message" },
      { key: "id" },
    ],
    sort: { start: "created_at", end: "ended_at" },
    examples: ["holdfast veeam sessions list --since 7d --result Failed"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.sessions(input, caller.signal, caller.take),
});

const SessionRef = z.strictObject({ session: z.string().min(1).describe("Id of the session"), ...one });

export const getSession = operation({
  ...reading,
  name: "veeam.sessions.get",
  route: `GET ${BASE}/sessions/{session}`,
  summary: "Show a session with its log",
  input: SessionRef,
  output: model.VeeamSession.extend({ log: z.array(model.VeeamLogLine) }),
  cli: {
    args: ["session"],
    flags,
    rows: (session) => session.log,
    notes: ({ name, state, result, message }) => [
      `${name}: ${state ?? "-"}, ${result ?? "-"}${message === null ? "" : `: ${message}`}`,
    ],
    columns: [
      { key: "started_at", title: "at", format: "instant" },
      { key: "status" },
      { key: "title" },
      { key: "description" },
    ],
    examples: ["holdfast veeam sessions get 5b0f8f0c-1f6e-4b39-a2f8-0a9d6a7b1c11"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.session(input, caller.signal),
});

export const followSessionOperation = operation({
  ...reading,
  name: "veeam.sessions.follow",
  route: `GET ${BASE}/sessions/{session}/follow`,
  summary: "Show a session's log as it goes on, until its end",
  description: "Ends with 0 for success or warnings, 20 when the session failed.",
  stream: true,
  input: SessionRef,
  output: FollowEvent,
  cli: {
    args: ["session"],
    flags,
    exit: (event) => event.type === "result" && event.status !== "failed" ? 0 : 20,
    text: (event) =>
      event.type === "result"
        ? `${event.name}: ${event.status}${event.message ? `: ${event.message}` : ""}`
        : "",
    examples: ["holdfast veeam sessions follow 5b0f8f0c-1f6e-4b39-a2f8-0a9d6a7b1c11"],
  },
  run: (app: VeeamApp, { session, server }, caller) =>
    followSession(app.veeam.clients.one(server), session, app.veeam.clock, caller.signal),
});

export const failedTasks = operation({
  ...reading,
  name: "veeam.tasks.failed",
  route: `GET ${BASE}/tasks/failed`,
  summary: "List the machines whose backup failed, newest first",
  input: z.strictObject({
    ...some,
    since: Since.default("24h").describe("How far back"),
    warnings: z.boolean().default(false).describe("Those with warnings too"),
  }),
  output: z.array(model.VeeamTask),
  cli: {
    flags,
    columns: [
      { key: "created_at", title: "start", format: "instant" },
      { key: "name", title: "machine" },
      { key: "session_type", title: "type" },
      { key: "result" },
      { key: "message" },
    ],
    examples: ["holdfast veeam tasks failed --since 24h"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.failedTasks(input, caller.signal),
});

export const listRepositories = operation({
  ...reading,
  name: "veeam.repos.list",
  route: `GET ${BASE}/repositories`,
  summary: "List the repositories: how large, how full, and when they will be full",
  description: "When a repository will be full is told from the daemon's own history of two days and more. " +
    "A scale-out repository is the sum of its performance extents; object storage tells no capacity.",
  input: z.strictObject({ ...some, ...live }),
  output: z.array(model.VeeamRepository),
  cli: {
    flags,
    sort: {
      capacity: "capacity_bytes",
      freespace: "free_bytes",
      free: "free_bytes",
      used: "used_bytes",
      fill: "fill_percent",
    },
    columns: [
      { key: "name" },
      { key: "type" },
      { key: "capacity_bytes", title: "capacity", format: "bytes", align: "right" },
      { key: "free_bytes", title: "free", format: "bytes", align: "right" },
      { key: "backup_bytes", title: "backups", format: "bytes", align: "right" },
      { key: "fill_percent", title: "full", format: "percent", align: "right" },
      { key: "days_to_full", title: "days left", align: "right" },
      { key: "is_online", title: "online", format: "boolean" },
    ],
    examples: ["holdfast veeam repos list --sort-by freeSpace"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.repositories(input, caller.signal),
});

export const listBackups = operation({
  ...reading,
  name: "veeam.backups.list",
  route: `GET ${BASE}/backups`,
  summary: "List the backups that lie on repositories",
  input: z.strictObject(some),
  output: z.array(model.VeeamBackup),
  cli: {
    flags,
    columns: [
      { key: "name" },
      { key: "job_type", title: "type" },
      { key: "created_at", title: "created", format: "instant" },
      { key: "repository_name", title: "repository" },
    ],
    examples: ["holdfast veeam backups list"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.backups(input, caller.signal),
});

export const unprotectedObjects = operation({
  ...reading,
  name: "veeam.objects.unprotected",
  route: `GET ${BASE}/objects/unprotected`,
  summary: "List machines without a restore point of the last days",
  description: "Machines that were backed up once; those that never were are in no list of a backup server.",
  input: z.strictObject({
    ...some,
    days: z.number().min(0.01).max(3650).default(2).describe("How many days without count"),
  }),
  output: z.array(model.VeeamObject),
  cli: {
    flags,
    columns: [
      { key: "name" },
      { key: "type" },
      { key: "platform" },
      { key: "restore_points", align: "right" },
      { key: "last_restore_point_at", title: "last", format: "instant" },
      { key: "last_run_failed", title: "failed", format: "boolean" },
    ],
    examples: ["holdfast veeam objects unprotected --days 3"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.unprotected(input, caller.signal),
});

export const listProxies = operation({
  ...reading,
  name: "veeam.proxies.list",
  route: `GET ${BASE}/proxies`,
  summary: "List the backup proxies",
  description: "Whether a proxy is online is told from revision 1.3-rev0 on.",
  input: z.strictObject(some),
  output: z.array(model.VeeamProxy),
  cli: {
    flags,
    columns: [
      { key: "name" },
      { key: "type" },
      { key: "host" },
      { key: "is_online", title: "online", format: "boolean" },
      { key: "is_disabled", title: "disabled", format: "boolean" },
      { key: "is_out_of_date", title: "out of date", format: "boolean" },
    ],
    examples: ["holdfast veeam proxies list"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.proxies(input, caller.signal),
});

export const listManagedServers = operation({
  ...reading,
  name: "veeam.servers.list",
  route: `GET ${BASE}/managed-servers`,
  summary: "List the hosts a Veeam server manages",
  input: z.strictObject(some),
  output: z.array(model.VeeamManagedServer),
  cli: {
    flags,
    columns: [{ key: "name" }, { key: "type" }, { key: "status" }, { key: "description" }],
    examples: ["holdfast veeam servers list"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.managedServers(input, caller.signal),
});

export const showLicense = operation({
  ...reading,
  name: "veeam.license",
  route: `GET ${BASE}/license`,
  summary: "Show the licence and how much of it is used",
  input: z.strictObject({ ...some, ...live }),
  output: z.array(model.VeeamLicense),
  cli: {
    flags,
    columns: [
      { key: "server" },
      { key: "edition" },
      { key: "type" },
      { key: "status" },
      { key: "expires_at", title: "until", format: "instant" },
      { key: "days_left", align: "right" },
      { key: "used_instances", title: "used", align: "right" },
      { key: "licensed_instances", title: "licensed", align: "right" },
    ],
    examples: ["holdfast veeam license"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.licenses(input, caller.signal),
});

export const listMalware = operation({
  ...reading,
  name: "veeam.malware",
  route: `GET ${BASE}/malware`,
  summary: "List what malware detection found",
  input: z.strictObject({ ...some, since: Since.default("30d").describe("How far back") }),
  output: z.array(model.VeeamMalwareEvent),
  cli: {
    flags,
    columns: [
      { key: "detected_at", title: "detected", format: "instant" },
      { key: "severity" },
      { key: "machine" },
      { key: "type" },
      { key: "state" },
      { key: "details" },
    ],
    examples: ["holdfast veeam malware --since 7d"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.malware(input, caller.signal),
});

export const bestPractices = operation({
  ...reading,
  name: "veeam.best-practices",
  route: `GET ${BASE}/best-practices`,
  summary: "List what the security analyzer last found",
  input: z.strictObject(some),
  output: z.array(model.VeeamBestPractice),
  cli: {
    flags,
    columns: [{ key: "status" }, { key: "name" }, { key: "note" }],
    examples: ["holdfast veeam best-practices --filter status=Violation"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.bestPractices(input, caller.signal),
});

export const configBackup = operation({
  ...reading,
  name: "veeam.config-backup",
  route: `GET ${BASE}/config-backup`,
  summary: "Show the backup of the Veeam server's own configuration",
  input: z.strictObject({ ...some, ...live }),
  output: z.array(model.VeeamConfigBackup),
  cli: {
    flags,
    columns: [
      { key: "server" },
      { key: "is_enabled", title: "enabled", format: "boolean" },
      { key: "is_encrypted", title: "encrypted", format: "boolean" },
      { key: "last_success_at", title: "last success", format: "instant" },
      { key: "age_seconds", title: "age", format: "duration" },
      { key: "restore_points_to_keep", title: "kept", align: "right" },
    ],
    examples: ["holdfast veeam config-backup"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.configBackups(input, caller.signal),
});

export const listTapes = operation({
  ...reading,
  name: "veeam.tapes.list",
  route: `GET ${BASE}/tapes`,
  summary: "List tape libraries, drives and media, and what Veeam ONE tells of tape servers and jobs",
  description:
    "No revision of the backup server's REST API knows tapes. Libraries, drives and media come from the file the " +
    "vendor's cmdlets wrote: see holdfast veeam tapes script, and veeam.tape_export.",
  input: z.strictObject({}),
  output: z.array(VeeamTape),
  cli: {
    columns: [
      { key: "kind" },
      { key: "name" },
      { key: "type" },
      { key: "status" },
      { key: "library" },
      { key: "barcode" },
      { key: "free_bytes", title: "free", format: "bytes", align: "right" },
      { key: "read_at", title: "as of", format: "instant" },
    ],
    examples: ["holdfast veeam tapes list"],
  },
  run: (app: VeeamApp, _input, caller) => app.veeam.tapes(caller),
});

export const tapeScript = operation({
  ...reading,
  name: "veeam.tapes.script",
  route: `GET ${BASE}/tapes/script`,
  summary: "Print the script that exports tapes with the vendor's cmdlets",
  input: z.strictObject({}),
  output: z.object({ script: z.string() }),
  cli: {
    text: ({ script }) => script.trimEnd(),
    examples: ["holdfast veeam tapes script > export-tapes.ps1"],
  },
  run: () => ({ script: EXPORT_SCRIPT }),
});

export const coverage = operation({
  ...reading,
  name: "veeam.coverage",
  route: `GET ${BASE}/coverage`,
  summary: "Show what a Veeam server does not let be seen: kinds of job by revision, areas by role",
  input: z.strictObject(some),
  output: z.array(CoverageRow),
  cli: {
    flags,
    columns: [
      { key: "server" },
      { key: "area" },
      { key: "what" },
      { key: "visible", format: "boolean" },
      { key: "jobs", align: "right" },
      { key: "reason", wrap: true },
    ],
    examples: ["holdfast veeam coverage --filter visible=false"],
  },
  run: (app: VeeamApp, input, caller) => app.veeam.coverage(input, caller.signal),
});
