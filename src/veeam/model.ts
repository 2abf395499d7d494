/** What Holdfast tells of a Veeam server: records with the server's name and the instant they were read. */
import { z } from "zod";

const Instant = z.string().nullable();
const Text = z.string().nullable();
const Count = z.number().nullable();

/** On every record. */
const read = {
  server: z.string().describe("Veeam server it is of"),
  read_at: z.string().describe("When it was read from there"),
};

export const VeeamJob = z.object({
  number: z.number().describe("Place in the list by name; may be written instead of a name"),
  id: z.string(),
  name: z.string(),
  type: Text,
  description: Text,
  status: Text.describe("Running, Inactive, Disabled, ..."),
  last_result: Text.describe("Success, Warning, Failed or None"),
  last_run_at: Instant,
  next_run_at: Instant,
  next_run_policy: Text,
  workload: Text,
  repository_id: Text,
  repository_name: Text,
  objects_count: Count,
  session_id: Text,
  progress_percent: Count,
  ...read,
}).meta({ id: "VeeamJob" });
export type VeeamJob = z.output<typeof VeeamJob>;

export const VeeamSession = z.object({
  id: z.string(),
  name: z.string(),
  job_id: Text,
  type: Text,
  state: Text,
  result: Text.describe("Success, Warning or Failed; None while it runs"),
  message: Text,
  created_at: Instant,
  ended_at: Instant,
  duration_seconds: Count,
  progress_percent: Count,
  initiated_by: Text,
  processed_bytes: Count,
  transferred_bytes: Count,
  ...read,
}).meta({ id: "VeeamSession" });
export type VeeamSession = z.output<typeof VeeamSession>;

export const VeeamTask = z.object({
  id: z.string(),
  name: z.string().describe("Machine or other object"),
  type: Text,
  session_id: Text,
  session_type: Text,
  state: Text,
  result: Text,
  message: Text,
  created_at: Instant,
  ended_at: Instant,
  duration_seconds: Count,
  ...read,
}).meta({ id: "VeeamTask" });
export type VeeamTask = z.output<typeof VeeamTask>;

export const VeeamLogLine = z.object({
  id: z.number(),
  status: Text,
  started_at: Instant,
  updated_at: Instant,
  title: z.string(),
  description: Text,
});
export type VeeamLogLine = z.output<typeof VeeamLogLine>;

export const VeeamRepository = z.object({
  id: z.string(),
  name: z.string(),
  type: Text,
  description: Text,
  host: Text,
  path: Text,
  capacity_bytes: Count.describe("Null where the storage names none, such as object storage"),
  free_bytes: Count,
  used_bytes: Count.describe("Capacity without what is free"),
  backup_bytes: Count.describe("Used by backups"),
  fill_percent: Count,
  days_to_full: Count.describe("From the fill of the last weeks; null while there is too little history"),
  is_online: z.boolean().nullable(),
  is_out_of_date: z.boolean().nullable(),
  scale_out: Text.describe("Scale-out repository it is an extent of"),
  extent_type: Text,
  ...read,
}).meta({ id: "VeeamRepository" });
export type VeeamRepository = z.output<typeof VeeamRepository>;

export const VeeamBackup = z.object({
  id: z.string(),
  name: z.string(),
  job_id: Text,
  platform: Text,
  created_at: Instant,
  repository_id: Text,
  repository_name: Text,
  job_type: Text,
  ...read,
}).meta({ id: "VeeamBackup" });
export type VeeamBackup = z.output<typeof VeeamBackup>;

export const VeeamRestorePoint = z.object({
  id: z.string(),
  name: z.string().describe("Machine or other object"),
  created_at: Instant,
  type: Text,
  platform: Text,
  backup_id: Text,
  backup_file: Text,
  original_bytes: Count,
  malware_status: Text,
  ...read,
}).meta({ id: "VeeamRestorePoint" });
export type VeeamRestorePoint = z.output<typeof VeeamRestorePoint>;

export const VeeamObject = z.object({
  id: z.string(),
  name: z.string(),
  type: Text,
  platform: Text,
  restore_points: Count,
  last_restore_point_at: Instant,
  last_run_failed: z.boolean().nullable(),
  ...read,
}).meta({ id: "VeeamObject" });
export type VeeamObject = z.output<typeof VeeamObject>;

export const VeeamProxy = z.object({
  id: z.string(),
  name: z.string(),
  type: Text,
  description: Text,
  host: Text,
  is_disabled: z.boolean().nullable(),
  is_online: z.boolean().nullable(),
  is_out_of_date: z.boolean().nullable(),
  max_tasks: Count,
  ...read,
}).meta({ id: "VeeamProxy" });
export type VeeamProxy = z.output<typeof VeeamProxy>;

export const VeeamManagedServer = z.object({
  id: z.string(),
  name: z.string(),
  type: Text,
  description: Text,
  status: Text,
  ...read,
}).meta({ id: "VeeamManagedServer" });
export type VeeamManagedServer = z.output<typeof VeeamManagedServer>;

export const VeeamLicense = z.object({
  status: Text,
  type: Text,
  edition: Text,
  licensed_to: Text,
  support_id: Text,
  expires_at: Instant,
  support_expires_at: Instant,
  days_left: Count,
  auto_update: z.boolean().nullable(),
  licensed_instances: Count,
  used_instances: Count,
  licensed_sockets: Count,
  used_sockets: Count,
  licensed_capacity_tb: Count,
  used_capacity_tb: Count,
  ...read,
}).meta({ id: "VeeamLicense" });
export type VeeamLicense = z.output<typeof VeeamLicense>;

export const VeeamMalwareEvent = z.object({
  id: z.string(),
  type: Text,
  severity: Text,
  state: Text,
  machine: Text,
  detected_at: Instant,
  source: Text,
  engine: Text,
  created_by: Text,
  details: Text,
  ...read,
}).meta({ id: "VeeamMalwareEvent" });
export type VeeamMalwareEvent = z.output<typeof VeeamMalwareEvent>;

export const VeeamBestPractice = z.object({
  id: z.string(),
  name: z.string(),
  status: Text,
  note: Text,
  ...read,
}).meta({ id: "VeeamBestPractice" });
export type VeeamBestPractice = z.output<typeof VeeamBestPractice>;

export const VeeamConfigBackup = z.object({
  is_enabled: z.boolean().nullable(),
  repository_id: Text,
  restore_points_to_keep: Count,
  is_encrypted: z.boolean().nullable(),
  last_success_at: Instant,
  age_seconds: Count,
  ...read,
}).meta({ id: "VeeamConfigBackup" });
export type VeeamConfigBackup = z.output<typeof VeeamConfigBackup>;

/** What the server says of itself. */
export interface ServerInfo {
  name: string | null;
  build: string | null;
  platform: string | null;
}

/** What one reading did. */
export const SyncResult = z.object({
  server: z.string(),
  jobs: z.number(),
  sessions: z.number().describe("Read anew or again"),
  points: z.number(),
  changes: z.number().describe("Jobs somebody was told of"),
  took_ms: z.number(),
}).meta({ id: "VeeamSync" });
export type SyncResult = z.output<typeof SyncResult>;

/** How a server is kept. */
export const SyncState = z.object({
  server: z.string(),
  revision: z.string().nullable(),
  build: z.string().nullable(),
  synced_at: z.string().nullable(),
  age_seconds: z.number().nullable(),
  error: z.string().nullable(),
  error_since: z.string().nullable(),
  sessions: z.number(),
  points: z.number(),
}).meta({ id: "VeeamSyncState" });
export type SyncState = z.output<typeof SyncState>;
