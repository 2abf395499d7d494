/** What can be asked about Veeam ONE servers. Each operation runs without daemon where a server is named to it. */
import { z } from "zod";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import {
  ALARM_STATUSES,
  JOB_STATUSES,
  JobKind,
  OneAbout,
  OneAlarm,
  OneAlarmDetails,
  OneBackupServer,
  type OneJob,
  OneJobs,
  OneRepository,
  OneTapeServer,
  TAPE_KINDS,
} from "./model.ts";
import type { VeeamOne } from "./veeam_one.ts";

/** What the operations need of the app. */
export interface VeeamOneApp {
  veeamOne: VeeamOne;
}

const BASE = "/api/v1/veeam-one";
const reading = { role: "operator", standalone: true } as const;
const one = { server: z.string().min(1).optional().describe("Veeam ONE server, where there are several") };
const flags = { server: { flag: "--server <name>" } };
const Alarm = z.coerce.number().int().min(0).describe("Id of the alarm");
const Statuses = (words: readonly string[], more = "") =>
  z.array(z.string()).min(1).optional().describe(`Only with this status: ${words.join(", ")}${more}`);

const about = operation({
  ...reading,
  name: "veeam-one.about",
  route: `GET ${BASE}/about`,
  summary: "Show which Veeam ONE answers, and the version of its API",
  description: "Logs in, so it also tells whether address, certificate, user and password are right.",
  input: z.strictObject(one),
  output: OneAbout,
  cli: { flags, examples: ["holdfast veeam-one about"] },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.about(input, caller),
});

const listAlarms = operation({
  ...reading,
  name: "veeam-one.alarms.list",
  route: `GET ${BASE}/alarms`,
  summary: "List triggered alarms, newest first",
  input: z.strictObject({
    ...one,
    status: Statuses(ALARM_STATUSES, "; otherwise all that are not over"),
    object: z.string().min(1).optional().describe("Only of objects with this in their name"),
  }),
  output: z.array(OneAlarm),
  cli: {
    flags: { ...flags, object: { flag: "--object <text>" } },
    columns: [
      { key: "alarm_id", title: "id", align: "right" },
      { key: "status" },
      { key: "triggered_at", title: "since", format: "instant" },
      { key: "object_name", title: "object" },
      { key: "name", title: "alarm" },
    ],
    examples: [
      "holdfast veeam-one alarms list --status Error",
      "holdfast veeam-one alarms list --object repo --output csv",
    ],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.alarms(input, caller),
});

const childColumns: readonly ColumnSpec[] = [
  { key: "child_alarm_id", title: "id", align: "right" },
  { key: "status" },
  { key: "triggered_at", title: "since", format: "instant" },
  { key: "source" },
  { key: "description" },
];

function alarmText(alarm: OneAlarm): string {
  const lines = [
    ["alarm", `${alarm.name ?? "-"} (${alarm.alarm_id})`],
    ["status", alarm.status],
    ["since", alarm.triggered_at],
    ["repeated", alarm.repeat_count],
    ["object", [alarm.object_type, alarm.object_name].filter((part) => part !== null).join(" ")],
    ["description", alarm.description],
    ["comment", alarm.comment],
    ...alarm.remediation.map((step) => ["remedy", step]),
  ];
  return lines.map(([name, value]) => `${String(name).padEnd(13)}${value ?? "-"}`).join("\n");
}

const getAlarm = operation({
  ...reading,
  name: "veeam-one.alarms.get",
  route: `GET ${BASE}/alarms/{alarm}`,
  summary: "Show an alarm and the alarms it sums up",
  input: z.strictObject({ alarm: z.string().min(1).describe("Id of the alarm"), ...one }),
  output: OneAlarmDetails,
  cli: {
    args: ["alarm"],
    flags,
    sections: ({ child_alarms, ...alarm }) => [
      { text: alarmText(alarm) },
      ...(child_alarms.length === 0
        ? []
        : [{ title: "Alarms it sums up", rows: child_alarms, columns: childColumns }]),
    ],
    examples: ["holdfast veeam-one alarms get 4711"],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.alarm(input, caller),
});

const resolveAlarms = operation({
  ...reading,
  name: "veeam-one.alarms.resolve",
  route: `POST ${BASE}/alarms/resolve`,
  summary: "Resolve alarms, with a comment",
  description: "Every alarm is looked up first; where one does not exist, none is resolved.",
  input: z.strictObject({
    alarms: z.array(Alarm).min(1).max(1000).describe("Ids of the alarms"),
    comment: z.string().min(1).max(1000).describe("Why, for whoever reads the alarm later"),
    ...one,
  }),
  output: z.array(OneAlarm),
  cli: {
    args: ["alarms..."],
    flags: { ...flags, comment: { flag: "--comment <text>", short: "-m" } },
    columns: [
      { key: "alarm_id", title: "id", align: "right" },
      { key: "status" },
      { key: "object_name", title: "object" },
      { key: "name", title: "alarm" },
    ],
    rows: (alarms) => alarms,
    examples: ['holdfast veeam-one alarms resolve 4711 4712 --comment "disk replaced"'],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.resolve(input, caller),
});

const listServers = operation({
  ...reading,
  name: "veeam-one.servers.list",
  route: `GET ${BASE}/servers`,
  summary: "List the backup servers that Veeam ONE watches",
  input: z.strictObject(one),
  output: z.array(OneBackupServer),
  cli: {
    flags,
    columns: [
      { key: "name" },
      { key: "version" },
      { key: "connection_state", title: "state" },
      { key: "config_backup_enabled", title: "config backup", format: "boolean" },
      { key: "connection_error", title: "error" },
    ],
    examples: ["holdfast veeam-one servers list"],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.backupServers(input, caller),
});

const listRepositories = operation({
  ...reading,
  name: "veeam-one.repos.list",
  route: `GET ${BASE}/repositories`,
  summary: "List repositories of all backup servers, with Veeam ONE's forecast",
  input: z.strictObject(one),
  output: z.array(OneRepository),
  cli: {
    flags,
    columns: [
      { key: "name" },
      { key: "backup_server", title: "server" },
      { key: "type" },
      { key: "capacity_bytes", title: "capacity", format: "bytes" },
      { key: "free_bytes", title: "free", format: "bytes" },
      { key: "fill_percent", title: "full", format: "percent" },
      { key: "days_to_full", title: "days left", align: "right" },
    ],
    examples: ["holdfast veeam-one repos list --sort-by days_to_full"],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.repositories(input, caller),
});

const jobColumns: readonly ColumnSpec[] = [
  { key: "name" },
  { key: "backup_server", title: "server" },
  { key: "kind" },
  { key: "status" },
  { key: "last_run_at", title: "last run", format: "instant" },
  { key: "last_run_seconds", title: "took", format: "duration" },
];

const jobsCli = {
  rows: ({ jobs }: OneJobs): readonly OneJob[] => jobs,
  notes: ({ hidden }: OneJobs): string[] =>
    hidden.map(({ kind, reason }) => `Not shown: ${kind} jobs: ${reason}`),
  columns: jobColumns,
};

const listJobs = operation({
  ...reading,
  name: "veeam-one.jobs.list",
  route: `GET ${BASE}/jobs`,
  summary: "List jobs of all backup servers and how they last ended",
  description: "Veeam ONE knows a job's last run only; the history is on its backup server: holdfast veeam.",
  input: z.strictObject({
    ...one,
    kind: z.array(JobKind).min(1).optional().describe(
      "Only of this kind, such as vm-backup or backup-to-tape",
    ),
    status: Statuses(JOB_STATUSES),
    name: z.string().min(1).optional().describe("Only with this in their name"),
  }),
  output: OneJobs,
  cli: {
    ...jobsCli,
    flags: { ...flags, kind: { flag: "--kind <kind>" }, name: { flag: "--name <text>" } },
    examples: [
      "holdfast veeam-one jobs list --status Failed --status Warning",
      "holdfast veeam-one jobs list --kind vm-backup --output json",
    ],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.jobs(input, caller),
});

const listTapes = operation({
  ...reading,
  name: "veeam-one.tapes.list",
  route: `GET ${BASE}/tapes`,
  summary: "List tape jobs and how they last ended",
  description: "Libraries, drives and media are known to the backup servers only: holdfast veeam tapes list.",
  input: z.strictObject({ ...one, status: Statuses(JOB_STATUSES) }),
  output: OneJobs,
  cli: { ...jobsCli, flags, examples: ["holdfast veeam-one tapes list --status Failed"] },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.jobs({ ...input, kind: TAPE_KINDS }, caller),
});

const listTapeServers = operation({
  ...reading,
  name: "veeam-one.tapes.servers",
  route: `GET ${BASE}/tapes/servers`,
  summary: "List tape servers",
  input: z.strictObject(one),
  output: z.array(OneTapeServer),
  cli: {
    flags,
    rows: (servers) => servers,
    columns: [
      { key: "name" },
      { key: "backup_server", title: "server" },
      { key: "version" },
      { key: "upgrade_required", title: "upgrade", format: "boolean" },
    ],
    examples: ["holdfast veeam-one tapes servers"],
  },
  run: (app: VeeamOneApp, input, caller) => app.veeamOne.tapeServers(input, caller),
});

/** Every operation of Veeam ONE. */
export const operations = [
  about,
  listAlarms,
  getAlarm,
  resolveAlarms,
  listServers,
  listRepositories,
  listJobs,
  listTapes,
  listTapeServers,
];
