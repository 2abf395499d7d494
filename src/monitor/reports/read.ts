/**
 * Reading an agent's report of any format into one form.
 *
 * Which format a report has is seen field by field, because agents mix them: the specification (`BACKUP`, booleans,
 * `sha256_checksum`, instants with Z), agents as they are (`"True"`, sizes as text, `sha256`, times without a zone, the
 * file as a path on the agent's host) and the older draft (`backup_process`, `operation_timestamp`, `size_bytes`). What
 * all of them say is normalised; what none of them allows refuses the report, with every wrong field named.
 */
import { HoldfastError } from "../../lib/errors.ts";
import type { Refusal, Report, ReportedDatabase, ReportedPhase } from "../report.ts";
import { requireName } from "../template.ts";
import {
  type Fields,
  hasControl,
  isFields,
  named,
  Problems,
  readHash,
  readName,
  readSize,
  readStatus,
  readText,
  readTime,
} from "./fields.ts";
import { parseJson } from "./json.ts";

/** A larger report is refused unread. */
export const MAX_REPORT_BYTES = 4 * 1024 * 1024;

const MAX_DATABASES = 10_000;

/** What reading a report gave. */
export type Reading =
  | { outcome: "read"; report: Report }
  /** `truncated`: it is no JSON, and could be the beginning of one. */
  | { outcome: "unparsed"; truncated: boolean; refusal: Refusal }
  | { outcome: "refused"; refusal: Refusal };

/** Reads a report's bytes. Throws nothing, whatever they are. */
export function readReport(bytes: Uint8Array): Reading {
  if (bytes.length > MAX_REPORT_BYTES) return tooLarge(bytes.length);
  const parsed = parseJson(bytes);
  if (parsed.ok) return readReportValue(parsed.value);
  const { truncated, reason } = parsed;
  return { outcome: "unparsed", truncated, refusal: { reason, fields: [] } };
}

/** The refusal of a report that is too large to be read. */
export function tooLarge(size: number): Reading {
  const reason = `it has ${size} bytes, and ${MAX_REPORT_BYTES} are the limit`;
  return { outcome: "refused", refusal: { reason, fields: [] } };
}

/** Reads a report that is JSON already. */
export function readReportValue(value: unknown): Reading {
  if (!isFields(value)) {
    return { outcome: "refused", refusal: { reason: "it is not a JSON object", fields: [] } };
  }
  const problems = new Problems();
  const report = reportOf(value, problems);
  return problems.count > 0
    ? { outcome: "refused", refusal: problems.refusal() }
    : { outcome: "read", report };
}

function reportOf(fields: Fields, problems: Problems): Report {
  const start = requiredTime(fields, ["operation_start_time", "operation_timestamp"], problems);
  const end = requiredTime(fields, ["operation_end_time", "operation_timestamp"], problems);
  const agent_id = readName(fields.agent_id, "agent_id", problems);
  const overall_status = overallOf(fields.overall_status, problems);
  const databases: ReportedDatabase[] = [];
  if (!isFields(fields.databases)) {
    problems.add("databases", fields.databases === undefined ? "is required" : "must be an object by name");
  } else {
    const all = Object.entries(fields.databases);
    if (all.length > MAX_DATABASES) problems.add("databases", `must not be more than ${MAX_DATABASES}`);
    else for (const [name, content] of all) databases.push(databaseOf(name, content, problems));
  }
  return {
    format: formatOf(fields),
    agent_id,
    operation_start_at: start,
    operation_end_at: end,
    overall_status,
    databases,
  };
}

function requiredTime(fields: Fields, names: readonly string[], problems: Problems): string {
  const { name, value } = named(fields, names);
  const before = problems.count;
  const time = readTime(value, name, problems);
  if (time === null && problems.count === before) problems.add(name, "is required");
  return time ?? "";
}

function overallOf(value: unknown, problems: Problems): Report["overall_status"] {
  const text = readText(value, "overall_status", problems);
  if (text === null) return null;
  const word = text.trim().toLowerCase();
  if (word === "completed" || word === "failed_globally") return word;
  problems.add("overall_status", "must be completed or failed_globally");
  return null;
}

/** The names of a phase and its fields: the specification's and real agents' first, then the draft's. */
const PHASES = {
  backup: ["BACKUP", "backup_process"],
  compress: ["COMPRESS", "compress_process"],
  transfer: ["TRANSFER", "transfer_process"],
} as const;

function databaseOf(name: string, content: unknown, problems: Problems): ReportedDatabase {
  const path = `databases.${shorten(name)}`;
  if (name.trim() === "" || name.length > 255 || hasControl(name)) {
    problems.add(path, "must have a name of 1 to 255 characters, without control characters");
  }
  if (!isFields(content)) problems.add(path, "must be an object");
  const fields = isFields(content) ? content : {};
  const phase = (names: readonly string[]) =>
    isFields(content) ? phaseOf(fields, names, path, problems) : NO_PHASE;
  return {
    database_name: name,
    backup: phase(PHASES.backup),
    compress: phase(PHASES.compress),
    transfer: phase(PHASES.transfer),
    staged_file_name: stagedName(fields.staged_file_name, `${path}.staged_file_name`, problems),
    logs_summary: readText(fields.logs_summary, `${path}.logs_summary`, problems),
  };
}

const NO_PHASE: ReportedPhase = {
  ok: false,
  started_at: null,
  ended_at: null,
  sha256: null,
  size_bytes: null,
  error_message: null,
};

function phaseOf(
  database: Fields,
  names: readonly string[],
  parent: string,
  problems: Problems,
): ReportedPhase {
  const { name, value } = named(database, names);
  const path = `${parent}.${name}`;
  if (!isFields(value)) {
    problems.add(path, value === undefined ? "is required" : "must be an object");
    return NO_PHASE;
  }
  const take = <T>(of: readonly string[], read: (value: unknown, path: string, problems: Problems) => T) => {
    const field = named(value, of);
    return read(field.value, `${path}.${field.name}`, problems);
  };
  return {
    ok: take(["status"], readStatus),
    started_at: take(["start_time", "timestamp"], readTime),
    ended_at: take(["end_time", "timestamp"], readTime),
    sha256: take(["sha256_checksum", "sha256"], readHash),
    size_bytes: take(["size", "size_bytes"], readSize),
    error_message: take(["error_message"], readText),
  };
}

/** The bare name of the staged file; real agents give its path on their own host, of Windows too. */
function stagedName(value: unknown, path: string, problems: Problems): string | null {
  const text = readText(value, path, problems);
  if (text === null) return null;
  const isAbsolute = /^(\/|[a-z]:[\\/])/i.test(text);
  const name = isAbsolute ? text.split(/[/\\]/).at(-1) ?? "" : text;
  try {
    return requireName(name, "use a staged file name");
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    problems.add(path, "must be the bare name of a file of at most 255 bytes");
    return null;
  }
}

/** What the report looks most like; for people, nothing depends on it. */
function formatOf(fields: Fields): Report["format"] {
  if (Object.hasOwn(fields, "operation_timestamp")) return "draft";
  const first = isFields(fields.databases) ? Object.values(fields.databases)[0] : undefined;
  if (isFields(first) && Object.hasOwn(first, "backup_process")) return "draft";
  const phase = isFields(first) ? first.BACKUP : undefined;
  const isAgent = isFields(phase) && (typeof phase.status === "string" || Object.hasOwn(phase, "sha256"));
  return isAgent || !Object.hasOwn(fields, "overall_status") ? "b" : "a";
}

function shorten(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}...` : name;
}
