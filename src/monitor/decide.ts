/** What a report and the file on disk mean for one database: rules without a database, one row of a table each. */
import { formatSize } from "../lib/size.ts";
import type { EntryRow } from "./queries/tables.ts";
import type {
  EntryStatus,
  ExpectedFile,
  FoundFile,
  Report,
  ReportedDatabase,
  ReportedPhase,
} from "./report.ts";

/** A decision, and why. */
export interface Decision {
  status: EntryStatus;
  /** What is wrong as a word of findings, where the status alone does not say it. */
  code?: "too_small";
  message: string;
}

/** What the decision needs to know of the job. */
export interface Known {
  min_size_bytes: number;
  /** Hash of the last good backup before this one; null when there is none. */
  previous_hash: string | null;
}

type Present = Extract<FoundFile, { state: "present" }>;

/**
 * Judges one database of a report. The order is that of the design: failed phases, what never matched (transfer), what
 * does not match any more, then whether the content is new. Sizes and hashes are compared with the compressed ones.
 */
export function decideReported(
  report: Pick<Report, "overall_status">,
  database: ReportedDatabase,
  found: FoundFile,
  known: Known,
): Decision {
  const failed = failedPhases(report, database);
  if (failed !== undefined) return { status: "failed", message: failed };
  if (database.staged_file_name === null) {
    return { status: "transfer_integrity_failed", message: "the report names no file" };
  }
  if (found.state === "absent") {
    return {
      status: "transfer_integrity_failed",
      message: `file "${database.staged_file_name}" is not there, although it was transferred`,
    };
  }
  if (found.state === "unreadable") {
    return { status: "failed", message: `file "${database.staged_file_name}": ${found.reason}` };
  }
  return compressedProblem(database.compress, found) ?? decideFile(found, known);
}

/** Judges a file by itself: its checksum side file, its size, and whether its content is new. */
export function decideFile(found: Present, known: Known): Decision {
  const { side_file_sha256: side } = found;
  if (side !== null && side !== found.sha256) {
    return { status: "hash_mismatch", message: `its checksum file says ${side}, it is ${found.sha256}` };
  }
  if (found.size_bytes < known.min_size_bytes) {
    return {
      status: "failed",
      code: "too_small",
      message: `it has ${formatSize(found.size_bytes)}, at least ${
        formatSize(known.min_size_bytes)
      } are expected`,
    };
  }
  if (known.previous_hash !== null && known.previous_hash === found.sha256) {
    return { status: "unchanged", message: "its content is the same as the last time" };
  }
  return { status: "ok", message: "it arrived and matches" };
}

const PHASES = [["backup", "BACKUP"], ["compress", "COMPRESS"], ["transfer", "TRANSFER"]] as const;

function failedPhases({ overall_status }: Pick<Report, "overall_status">, database: ReportedDatabase) {
  const failed = PHASES.filter(([phase]) => !database[phase].ok).map(([phase, word]) => {
    const { error_message } = database[phase];
    return error_message === null ? word : `${word} (${error_message})`;
  });
  if (failed.length > 0) return `the agent reports a failed phase: ${failed.join(", ")}`;
  return overall_status === "failed_globally" ? "the agent reports that all of it failed" : undefined;
}

/** The hash or the size that never was what the agent compressed. */
function compressedProblem(compress: ReportedPhase, found: Present): Decision | undefined {
  const refuse = (message: string): Decision => ({ status: "transfer_integrity_failed", message });
  if (compress.sha256 === null && compress.size_bytes === null) {
    return refuse("the report has neither hash nor size to compare with");
  }
  if (compress.size_bytes !== null && compress.size_bytes !== found.size_bytes) {
    return refuse(`it has ${found.size_bytes} bytes, ${compress.size_bytes} were sent`);
  }
  if (compress.sha256 !== null && compress.sha256 !== found.sha256) {
    return refuse(`its SHA-256 is ${found.sha256}, what was sent has ${compress.sha256}`);
  }
  return undefined;
}

/**
 * A file that was empty or could not be opened when it was seen: some tools make it first and fill it long after. Until the
 * deadline another state of it counts. One that was good once, or could not be kept, is not meant.
 */
export function mayBecomeGood(entry: Pick<EntryRow, "status" | "way" | "promotion">): boolean {
  return entry.status === "failed" && entry.way === "file" && entry.promotion === "none";
}

/** Whether a file is of the instant it is looked for. */
export function isInTime(file: FoundFile, { from, until }: ExpectedFile): boolean {
  return file.state !== "present" || (file.modified_at >= from && file.modified_at <= until);
}
