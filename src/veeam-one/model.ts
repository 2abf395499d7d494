/** What is known of a Veeam ONE server and of the backup servers it watches. Bytes and seconds are plain numbers. */
import { z } from "zod";

const Text = z.string().nullable();
const Count = z.number().nullable();

/** Words of an alarm's status, worst first. */
export const ALARM_STATUSES = [
  "Error",
  "Warning",
  "Information",
  "Unknown",
  "Acknowledged",
  "Remediated",
  "Resolved",
  "Success",
] as const;

/** Words of a job's status. */
export const JOB_STATUSES = ["Failed", "Warning", "Running", "Success", "None", "Unknown"] as const;

/** Kinds of jobs, each with the last part of its path; the vendor has one list for each. */
export const JOB_KINDS = {
  "vm-backup": "vmBackupJobs",
  "vm-replication": "vmReplicationJobs",
  "vm-copy": "vmCopyJobs",
  "vm-snapshot-only": "vmSnapshotOnlyJobs",
  "sure-backup": "sureBackupJobs",
  "backup-copy": "backupCopyJobs",
  "agent-backup": "agentBackupJobs",
  "agent-policy": "agentPolicies",
  "application-backup": "applicationBackupJobs",
  "transaction-log": "transactionLogBackupJobs",
  "file-backup": "fileBackupJobs",
  "file-copy": "fileCopyJobs",
  "object-storage": "objectStorageBackupJobs",
  "cloud-director-backup": "cloudDirectorBackupJobs",
  "cloud-director-replication": "cloudDirectorReplicationJobs",
  "cdp-policy": "cdpPolicies",
  "backup-to-tape": "backupToTapeJobs",
  "file-to-tape": "fileToTapeJobs",
  "object-to-tape": "objectToTapeJobs",
} as const;
export type JobKind = keyof typeof JOB_KINDS;
export const JobKind = z.enum(Object.keys(JOB_KINDS).filter(isJobKind));

/** The kinds that write to tape. */
export const TAPE_KINDS: readonly JobKind[] = ["backup-to-tape", "file-to-tape", "object-to-tape"];

export function isJobKind(word: string): word is JobKind {
  return Object.hasOwn(JOB_KINDS, word);
}

export const OneAbout = z.object({
  server: z.string(),
  address: z.string(),
  /** Version of the API in use: `v2.3`. */
  api: z.string(),
  name: Text,
  version: Text,
  machine: Text,
}).meta({ id: "VeeamOneAbout" });
export type OneAbout = z.output<typeof OneAbout>;

export const OneAlarm = z.object({
  alarm_id: z.number(),
  name: Text,
  status: Text,
  triggered_at: Text,
  object_name: Text,
  object_type: Text,
  description: Text,
  comment: Text,
  repeat_count: Count,
  children: Count,
  /** What the product did about it, or offers to. */
  remediation: z.array(z.string()),
}).meta({ id: "VeeamOneAlarm" });
export type OneAlarm = z.output<typeof OneAlarm>;

/** An alarm of the many that one alarm sums up. */
export const OneChildAlarm = z.object({
  child_alarm_id: z.number(),
  source: Text,
  status: Text,
  triggered_at: Text,
  description: Text,
  comment: Text,
  repeat_count: Count,
}).meta({ id: "VeeamOneChildAlarm" });
export type OneChildAlarm = z.output<typeof OneChildAlarm>;

export const OneAlarmDetails = OneAlarm.extend({ child_alarms: z.array(OneChildAlarm) })
  .meta({ id: "VeeamOneAlarmDetails" });
export type OneAlarmDetails = z.output<typeof OneAlarmDetails>;

/** A backup server that Veeam ONE watches. Its id is Veeam ONE's own. */
export const OneBackupServer = z.object({
  backup_server_id: z.number(),
  name: Text,
  version: Text,
  connection_state: Text,
  connection_error: Text,
  is_cluster: z.boolean().nullable(),
  config_backup_enabled: z.boolean().nullable(),
}).meta({ id: "VeeamOneBackupServer" });
export type OneBackupServer = z.output<typeof OneBackupServer>;

export const OneRepository = z.object({
  repository_id: z.number(),
  /** The repository's id on its backup server. */
  uid: Text,
  name: Text,
  backup_server: Text,
  /** The vendor's type, or `ScaleOut`. */
  type: Text,
  state: Text,
  path: Text,
  capacity_bytes: Count,
  free_bytes: Count,
  /** Share of the capacity in use; null where the capacity is unknown or endless, as of object storage. */
  fill_percent: Count,
  /** The product's forecast. */
  days_to_full: Count,
  running_tasks: Count,
  max_tasks: Count,
  is_immutable: z.boolean().nullable(),
}).meta({ id: "VeeamOneRepository" });
export type OneRepository = z.output<typeof OneRepository>;

export const OneJob = z.object({
  /** The job's id on its backup server. */
  uid: Text,
  kind: JobKind,
  name: Text,
  backup_server: Text,
  status: Text,
  details: z.array(z.string()),
  description: Text,
  platform: Text,
  last_run_at: Text,
  last_run_seconds: Count,
  avg_run_seconds: Count,
  transferred_bytes: Count,
}).meta({ id: "VeeamOneJob" });
export type OneJob = z.output<typeof OneJob>;

/** Jobs, and the kinds that this server or account does not show. */
export const OneJobs = z.object({
  jobs: z.array(OneJob),
  hidden: z.array(z.object({ kind: JobKind, reason: z.string() })),
}).meta({ id: "VeeamOneJobs" });
export type OneJobs = z.output<typeof OneJobs>;

export const OneTapeServer = z.object({
  tape_server_id: z.number(),
  uid: Text,
  name: Text,
  backup_server: Text,
  version: Text,
  upgrade_required: z.boolean().nullable(),
}).meta({ id: "VeeamOneTapeServer" });
export type OneTapeServer = z.output<typeof OneTapeServer>;

/** Share of a capacity that is in use, in percent; null where there is no capacity to speak of. */
export function fillPercent(capacity: number | null, free: number | null): number | null {
  if (capacity === null || free === null || capacity <= 0 || free < 0 || free > capacity) return null;
  return Math.round((1 - free / capacity) * 1000) / 10;
}
