/** Reading answers: what is absent or of another kind is null, and words keep their meaning in any letter case. */
import {
  ALARM_STATUSES,
  fillPercent,
  JOB_STATUSES,
  type JobKind,
  type OneAlarm,
  type OneBackupServer,
  type OneChildAlarm,
  type OneJob,
  type OneRepository,
  type OneTapeServer,
} from "./model.ts";

/** One object of an answer. */
export type Raw = Readonly<Record<string, unknown>>;

/** What a value is when it should be an object; anything else reads as an empty one. */
export function rawOf(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function text(raw: Raw, key: string): string | null {
  const value = raw[key];
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

export function count(raw: Raw, key: string): number | null {
  const value = raw[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function flag(raw: Raw, key: string): boolean | null {
  const value = raw[key];
  return typeof value === "boolean" ? value : null;
}

function word(raw: Raw, key: string, known: readonly string[]): string | null {
  const value = text(raw, key);
  return known.find((one) => one.toLowerCase() === value?.toLowerCase()) ?? value;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** An instant as UTC ISO 8601; one without offset is the product's own, which it keeps in UTC. */
export function instant(raw: Raw, key: string): string | null {
  const value = text(raw, key);
  if (value === null) return null;
  const whole = /(Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`;
  // Up to seven digits of a second come; a date reads three.
  const ms = Date.parse(whole.replace(/(\.\d{3})\d+/, "$1"));
  // Year 1 is the product's "never".
  return Number.isNaN(ms) || ms < 86_400_000 * 366 ? null : new Date(ms).toISOString();
}

/** Names of backup servers by Veeam ONE's id of them. */
export type ServerNames = ReadonlyMap<number, string | null>;

function serverOf(raw: Raw, names: ServerNames): string | null {
  const id = count(raw, "backupServerId");
  return id === null ? null : names.get(id) ?? `#${id}`;
}

export function alarmOf(raw: Raw): OneAlarm {
  const source = rawOf(raw.alarmSource);
  const { items } = rawOf(raw.remediation);
  return {
    alarm_id: count(raw, "triggeredAlarmId") ?? 0,
    name: text(raw, "name"),
    status: word(raw, "status", ALARM_STATUSES),
    triggered_at: instant(raw, "triggeredTime"),
    object_name: text(source, "objectName"),
    object_type: text(source, "objectType"),
    description: text(raw, "description"),
    comment: text(raw, "comment"),
    repeat_count: count(raw, "repeatCount"),
    children: count(raw, "childAlarmsCount"),
    remediation: Array.isArray(items)
      ? items.map((item) => text(rawOf(item), "description")).filter((item) => item !== null)
      : [],
  };
}

export function childAlarmOf(raw: Raw): OneChildAlarm {
  return {
    child_alarm_id: count(raw, "childAlarmId") ?? 0,
    source: text(raw, "source"),
    status: word(raw, "status", ALARM_STATUSES),
    triggered_at: instant(raw, "triggeredTime"),
    description: text(raw, "description"),
    comment: text(raw, "comment"),
    repeat_count: count(raw, "repeatCount"),
  };
}

export function backupServerOf(raw: Raw): OneBackupServer {
  return {
    backup_server_id: count(raw, "backupServerId") ?? 0,
    name: text(raw, "name"),
    version: text(raw, "version"),
    connection_state: text(raw, "connectionState"),
    connection_error: text(raw, "connectionError"),
    is_cluster: flag(raw, "isCluster"),
    config_backup_enabled: flag(raw, "isConfigurationBackupEnabled"),
  };
}

/** A repository, or a scale-out one, whose fields are named otherwise. */
export function repositoryOf(raw: Raw, names: ServerNames): OneRepository {
  const scaleOut = "scaleoutRepositoryId" in raw;
  // Object storage without limit tells a capacity of 0.
  const capacity = count(raw, "capacityBytes") || null;
  const free = capacity === null ? null : count(raw, "freeSpaceBytes");
  return {
    repository_id: count(raw, scaleOut ? "scaleoutRepositoryId" : "repositoryId") ?? 0,
    uid: text(raw, scaleOut ? "scaleoutRepositoryUidInVbr" : "repositoryUidInVbr"),
    name: text(raw, "name"),
    backup_server: serverOf(raw, names),
    type: scaleOut ? "ScaleOut" : text(raw, "type"),
    state: text(raw, "state"),
    path: text(raw, "path"),
    capacity_bytes: capacity,
    free_bytes: free,
    fill_percent: fillPercent(capacity, free),
    days_to_full: count(raw, "outOfSpaceInDays"),
    running_tasks: count(raw, "runningTasks"),
    max_tasks: count(raw, "maxConcurrentTasks"),
    is_immutable: flag(raw, "isImmutable"),
  };
}

/** A job of any kind; its id is called after the kind. */
export function jobOf(kind: JobKind, raw: Raw, names: ServerNames): OneJob {
  const uid = Object.keys(raw).find((key) => /uid$/i.test(key));
  return {
    uid: uid === undefined ? null : text(raw, uid),
    kind,
    name: text(raw, "name"),
    backup_server: serverOf(raw, names),
    status: word(raw, "status", JOB_STATUSES),
    details: texts(raw.details),
    description: text(raw, "description"),
    platform: text(raw, "platform"),
    last_run_at: instant(raw, "lastRun"),
    last_run_seconds: count(raw, "lastRunDurationSec"),
    avg_run_seconds: count(raw, "avgDurationSec"),
    transferred_bytes: count(raw, "lastTransferredDataBytes"),
  };
}

export function tapeServerOf(raw: Raw, names: ServerNames): OneTapeServer {
  return {
    tape_server_id: count(raw, "tapeServerId") ?? 0,
    uid: text(raw, "tapeServerUidInVbr"),
    name: text(raw, "name"),
    backup_server: serverOf(raw, names),
    version: text(raw, "version"),
    upgrade_required: flag(raw, "upgradeRequired"),
  };
}
