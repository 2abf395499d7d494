/** Answers of a server in any revision, as our records. Pure. */
import {
  durationSeconds,
  flag,
  id,
  instant,
  number,
  type Raw,
  rawOf,
  rowsOf,
  type ServerZone,
  text,
  word,
} from "./decode.ts";
import type * as model from "./model.ts";

/** Where and when an answer was read. */
export interface ReadFrom {
  server: string;
  read_at: string;
  zone: ServerZone;
}

export const RESULTS = ["None", "Success", "Warning", "Failed"];
const STATUSES = ["Running", "Inactive", "Disabled", "Enabled", "Stopping", "Stopped", "Starting"];
const WORKLOADS = ["Application", "CloudVm", "File", "Server", "Workstation", "Vm"];
const STATES = [
  "Stopped",
  "Starting",
  "Stopping",
  "Working",
  "Pausing",
  "Resuming",
  "WaitingTape",
  "Idle",
  "Postprocessing",
  "WaitingRepository",
  "WaitingSlot",
  "ActionRequired",
];
const SESSION_TYPES = [
  "BackupJob",
  "ReplicaJob",
  "BackupCopyJob",
  "AgentBackup",
  "EndpointBackup",
  "ConfigurationBackup",
  "MalwareDetection",
  "SureBackup",
  "Infrastructure",
  "RepositoryMaintenance",
  "SecurityComplianceAnalyzer",
];

const GIB = 2 ** 30;

const from = ({ server, read_at }: ReadFrom) => ({ server, read_at });

/** Until 1.3-rev0 a vSphere job was just a backup. */
function jobType(raw: Raw): string | null {
  const type = text(raw, "type", "jobType");
  return type === "Backup" || type === "backup" ? "VSphereBackup" : type;
}

export function jobOf(raw: Raw, at: ReadFrom): Omit<model.VeeamJob, "number"> {
  const key = id(raw, "id") ?? "";
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: jobType(raw),
    description: text(raw, "description"),
    status: word(raw, "status", STATUSES),
    last_result: word(raw, "lastResult", RESULTS),
    last_run_at: instant(raw, "lastRun", at.zone),
    next_run_at: instant(raw, "nextRun", at.zone),
    next_run_policy: text(raw, "nextRunPolicy"),
    workload: word(raw, "workload", WORKLOADS),
    repository_id: id(raw, "repositoryId"),
    repository_name: text(raw, "repositoryName"),
    objects_count: number(raw, "objectsCount"),
    session_id: id(raw, "sessionId"),
    progress_percent: number(raw, "progressPercent"),
    ...from(at),
  };
}

/** In 1.1-rev0 a session of a job was just a job. */
function sessionType(raw: Raw): string | null {
  const type = word(raw, "sessionType", SESSION_TYPES);
  return type === "Job" ? "BackupJob" : type;
}

/** The result, which is an object in an object and absent while it runs. */
function resultOf(raw: Raw): { result: string | null; message: string | null } {
  const inner = typeof raw.result === "string" ? { result: raw.result } : rawOf(raw.result);
  return { result: word(inner, "result", RESULTS) ?? "None", message: text(inner, "message") };
}

function span(created: string | null, ended: string | null, duration: string | null): number | null {
  if (created !== null && ended !== null) {
    return Math.max(0, Math.round((Date.parse(ended) - Date.parse(created)) / 1000));
  }
  return durationSeconds(duration);
}

export function sessionOf(raw: Raw, at: ReadFrom): model.VeeamSession {
  const key = id(raw, "id") ?? "";
  const created_at = instant(raw, "creationTime", at.zone);
  const ended_at = instant(raw, "endTime", at.zone);
  const progress = rawOf(raw.progress);
  const { result, message } = resultOf(raw);
  // Spread fields would make each of tens of thousands of records half as large again.
  return {
    id: key,
    name: text(raw, "name") ?? key,
    // Until 1.2-rev1 the job was an activity.
    job_id: id(raw, "jobId", "activityId"),
    type: sessionType(raw),
    state: word(raw, "state", STATES),
    result,
    message,
    created_at,
    ended_at,
    duration_seconds: span(created_at, ended_at, text(progress, "duration")),
    progress_percent: number(raw, "progressPercent"),
    initiated_by: text(raw, "initiatedBy"),
    processed_bytes: number(progress, "processedSize"),
    transferred_bytes: number(progress, "transferredSize"),
    server: at.server,
    read_at: at.read_at,
  };
}

export function taskOf(raw: Raw, at: ReadFrom): model.VeeamTask {
  const key = id(raw, "id") ?? "";
  const created_at = instant(raw, "creationTime", at.zone);
  const ended_at = instant(raw, "endTime", at.zone);
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: text(raw, "type"),
    session_id: id(raw, "sessionId"),
    session_type: sessionType(raw),
    state: word(raw, "state", STATES),
    ...resultOf(raw),
    created_at,
    ended_at,
    duration_seconds: span(created_at, ended_at, text(rawOf(raw.progress), "duration")),
    ...from(at),
  };
}

export function logLineOf(raw: Raw, at: ReadFrom): model.VeeamLogLine {
  return {
    id: number(raw, "id") ?? 0,
    status: word(raw, "status", ["None", "Succeeded", "Warning", "Failed"]),
    started_at: instant(raw, "startTime", at.zone),
    updated_at: instant(raw, "updateTime", at.zone),
    title: text(raw, "title") ?? "",
    description: text(raw, "description"),
  };
}

/** Gigabytes of the product are binary ones, as in its console. */
function bytes(raw: Raw, key: string): number | null {
  const gb = number(raw, key);
  return gb === null || gb < 0 ? null : Math.round(gb * GIB);
}

export function repositoryOf(raw: Raw, at: ReadFrom): model.VeeamRepository {
  const key = id(raw, "id") ?? "";
  const details = rawOf(raw.scaleOutRepositoryDetails);
  const capacity = bytes(raw, "capacityGB");
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: text(raw, "type"),
    description: text(raw, "description"),
    host: text(raw, "hostName"),
    path: text(raw, "path"),
    ...filled(capacity, bytes(raw, "freeGB")),
    backup_bytes: bytes(raw, "usedSpaceGB"),
    days_to_full: null,
    is_online: flag(raw, "isOnline"),
    is_out_of_date: flag(raw, "isOutOfDate"),
    scale_out: id(details, "scaleOutRepositoryId"),
    extent_type: text(details, "extentType"),
    ...from(at),
  };
}

/** Object storage and unlimited extents name a capacity of 0, of which nothing can be a share. */
export function filled(capacity: number | null, free: number | null): Pick<
  model.VeeamRepository,
  "capacity_bytes" | "free_bytes" | "used_bytes" | "fill_percent"
> {
  if (capacity === null || capacity <= 0) {
    return { capacity_bytes: null, free_bytes: null, used_bytes: null, fill_percent: null };
  }
  const left = free === null ? null : Math.min(free, capacity);
  return {
    capacity_bytes: capacity,
    free_bytes: left,
    used_bytes: left === null ? null : capacity - left,
    fill_percent: left === null ? null : Math.round((1 - left / capacity) * 1000) / 10,
  };
}

/** A scale-out repository and the ids of its extents, by tier. */
export interface ScaleOut {
  id: string;
  name: string;
  description: string | null;
  performance: string[];
  others: string[];
}

export function scaleOutOf(raw: Raw): ScaleOut {
  const key = id(raw, "id") ?? "";
  const ids = (rows: readonly Raw[]) => rows.flatMap((row) => id(row, "id") ?? []);
  const archive = rawOf(raw.archiveTier);
  return {
    id: key,
    name: text(raw, "name") ?? key,
    description: text(raw, "description"),
    performance: ids(rowsOf(rawOf(raw.performanceTier).performanceExtents)),
    others: [
      ...ids(rowsOf(rawOf(raw.capacityTier).extents)),
      ...[id(archive, "extentId")].filter((one) => one !== null),
    ],
  };
}

export function backupOf(raw: Raw, at: ReadFrom): model.VeeamBackup {
  const key = id(raw, "id") ?? "";
  return {
    id: key,
    name: text(raw, "name") ?? key,
    job_id: id(raw, "jobId"),
    platform: text(raw, "platformName"),
    created_at: instant(raw, "creationTime", at.zone),
    repository_id: id(raw, "repositoryId"),
    repository_name: text(raw, "repositoryName"),
    job_type: text(raw, "jobType") === null ? null : jobType({ jobType: raw.jobType }),
    ...from(at),
  };
}

export function restorePointOf(
  raw: Raw,
  at: ReadFrom,
  files: ReadonlyMap<string, string> = new Map(),
): model.VeeamRestorePoint {
  const key = id(raw, "id") ?? "";
  const file = id(raw, "backupFileId");
  return {
    id: key,
    name: text(raw, "name") ?? key,
    created_at: instant(raw, "creationTime", at.zone),
    type: word(raw, "type", ["Full", "Increment", "Rollback", "Snapshot", "Cdp", "Different"]),
    // 1.1-rev0 really spells it so.
    // 1.1-rev0 really spells it so.
    platform: text(raw, "platformName", "paltformName"),
    backup_id: id(raw, "backupId"),
    backup_file: file === null ? null : files.get(file) ?? null,
    original_bytes: number(raw, "originalSize"),
    malware_status: word(raw, "malwareStatus", ["Clean", "Suspicious", "Infected", "Informative"]),
    ...from(at),
  };
}

export function objectOf(raw: Raw, at: ReadFrom): model.VeeamObject {
  const key = id(raw, "id") ?? "";
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: text(raw, "type"),
    platform: text(raw, "platformName"),
    restore_points: number(raw, "restorePointsCount"),
    last_restore_point_at: null,
    last_run_failed: flag(raw, "lastRunFailed"),
    ...from(at),
  };
}

export function proxyOf(raw: Raw, at: ReadFrom): model.VeeamProxy {
  const key = id(raw, "id") ?? "";
  const server = rawOf(raw.server);
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: text(raw, "type"),
    description: text(raw, "description"),
    host: text(raw, "hostName") ?? text(server, "hostName"),
    is_disabled: flag(raw, "isDisabled"),
    is_online: flag(raw, "isOnline"),
    is_out_of_date: flag(raw, "isOutOfDate"),
    max_tasks: number(server, "maxTaskCount") ?? number(raw, "maxTaskCount"),
    ...from(at),
  };
}

export function managedServerOf(raw: Raw, at: ReadFrom): model.VeeamManagedServer {
  const key = id(raw, "id") ?? "";
  return {
    id: key,
    name: text(raw, "name") ?? key,
    type: text(raw, "type"),
    description: text(raw, "description"),
    status: word(raw, "status", ["Available", "Unavailable"]),
    ...from(at),
  };
}

/** The dates are beside the summaries up to 1.3-rev1, inside them from 1.3-rev2. */
export function licenseOf(raw: Raw, at: ReadFrom): model.VeeamLicense {
  const [instances, sockets, capacity] = [
    rawOf(raw.instanceLicenseSummary),
    rawOf(raw.socketLicenseSummary),
    rawOf(raw.capacityLicenseSummary),
  ];
  const earliest = (key: string) =>
    [raw, instances, sockets, capacity].flatMap((part) => instant(part, key, at.zone) ?? []).toSorted()[0] ??
      null;
  const expires_at = earliest("expirationDate");
  return {
    status: word(raw, "status", ["Valid", "Expired", "Invalid"]),
    type: text(raw, "type"),
    edition: text(raw, "edition"),
    licensed_to: text(raw, "licensedTo"),
    support_id: text(raw, "supportId"),
    expires_at,
    support_expires_at: earliest("supportExpirationDate"),
    days_left: expires_at === null
      ? null
      : Math.floor((Date.parse(expires_at) - Date.parse(at.read_at)) / 86_400_000),
    auto_update: flag(raw, "autoUpdateEnabled"),
    licensed_instances: number(instances, "licensedInstancesNumber"),
    used_instances: number(instances, "usedInstancesNumber"),
    licensed_sockets: number(sockets, "licensedSocketsNumber"),
    used_sockets: number(sockets, "usedSocketsNumber"),
    licensed_capacity_tb: number(capacity, "licensedCapacityTb"),
    used_capacity_tb: number(capacity, "usedCapacityTb"),
    ...from(at),
  };
}

export function malwareEventOf(raw: Raw, at: ReadFrom): model.VeeamMalwareEvent {
  const zone = { iana: null, offset_minutes: 0 };
  return {
    id: id(raw, "id") ?? "",
    type: text(raw, "type"),
    severity: word(raw, "severity", ["Clean", "Suspicious", "Infected", "Informative"]),
    state: text(raw, "state"),
    machine: text(rawOf(raw.machine), "displayName"),
    detected_at: instant(raw, "detectionTimeUtc", zone),
    source: text(raw, "source"),
    engine: text(raw, "engine"),
    created_by: text(raw, "createdBy"),
    details: text(raw, "details"),
    ...from(at),
  };
}

export function bestPracticeOf(raw: Raw, at: ReadFrom): model.VeeamBestPractice {
  const name = text(raw, "bestPractice") ?? "";
  return {
    id: text(raw, "id") ?? name,
    name,
    status: word(raw, "status", ["OK", "Violation", "Suppressed", "Analyzing", "UnableToCheck", "None"]),
    note: text(raw, "note"),
    ...from(at),
  };
}

export function configBackupOf(raw: Raw, at: ReadFrom): model.VeeamConfigBackup {
  const last_success_at = instant(rawOf(raw.lastSuccessfulBackup), "lastSuccessfulTime", at.zone);
  return {
    is_enabled: flag(raw, "isEnabled"),
    repository_id: id(raw, "backupRepositoryId"),
    restore_points_to_keep: number(raw, "restorePointsToKeep"),
    is_encrypted: flag(rawOf(raw.encryption), "isEnabled"),
    last_success_at,
    age_seconds: last_success_at === null
      ? null
      : Math.round((Date.parse(at.read_at) - Date.parse(last_success_at)) / 1000),
    ...from(at),
  };
}
