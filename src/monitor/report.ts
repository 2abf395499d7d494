/**
 * What the ways in hand to judgement and get back: agents' reports in one normalised form, what was found on disk, and
 * the verdicts. Readers of report formats and the scanner stand on one side of these types, judgement on the other.
 */

/** One phase of an agent's work on one database. Instants are UTC ISO 8601; what a format does not say is null. */
export interface ReportedPhase {
  /** What the agent says of it. */
  ok: boolean;
  started_at: string | null;
  ended_at: string | null;
  /** SHA-256 in 64 lower-case hexadecimal digits; of the raw dump in `backup`, of the compressed file in `compress`. */
  sha256: string | null;
  size_bytes: number | null;
  error_message: string | null;
}

/** One database in a report. */
export interface ReportedDatabase {
  database_name: string;
  /** Bare name of the file in the agent's deposit; null when the agent names none. */
  staged_file_name: string | null;
  backup: ReportedPhase;
  compress: ReportedPhase;
  transfer: ReportedPhase;
  logs_summary: string | null;
}

/** A report of any format, normalised. */
export interface Report {
  /** `a`: the specification, `b`: agents as they are, `draft`: the older form. */
  format: "a" | "b" | "draft";
  agent_id: string;
  operation_start_at: string;
  /** Ties the report to due instants: the nearest one within the report window. */
  operation_end_at: string;
  overall_status: "completed" | "failed_globally" | null;
  databases: readonly ReportedDatabase[];
}

/** Where a report came from. */
export interface ReportOrigin {
  /** SHA-256 of the report's bytes: a report is judged once, whatever way and however often it comes. */
  key: string;
  /** `20250620_130000_ACME_PARIS_NORTH.json`, or null for one that came over HTTP. */
  file_name: string | null;
  way: "file" | "http";
  /** Folder in the deposit it lay in, or the agent the caller's key speaks for. */
  agent_id: string;
}

/** A report that cannot be judged, and why, field by field (`databases.shop.COMPRESS.size`: "must be ..."). */
export interface Refusal {
  reason: string;
  fields: readonly { path: string; message: string }[];
}

/** A file on disk, as it was found once it had been still long enough. */
export type FoundFile =
  | { state: "absent" }
  /** It cannot be read, or must not be: a symbolic link, a name that leaves the folder, an input or output error. */
  | { state: "unreadable"; reason: string }
  | {
    state: "present";
    /** Absolute. */
    path: string;
    size_bytes: number;
    modified_at: string;
    sha256: string;
    /** What a checksum side file (`NAME.sha256`) says, when there is one. */
    side_file_sha256: string | null;
  };

/** Where a good file is to be kept, and what its path is made of. */
export interface Promotion {
  entry_id: number;
  job_id: number;
  /** Absolute path of the staged file, with what it was when it was judged good. */
  path: string;
  size_bytes: number;
  sha256: string;
  final_storage_path_template: string;
  values: TemplateValues;
}

/** What path templates are filled with. Dates are those of the due instant, in UTC. */
export interface TemplateValues {
  company_name: string;
  city: string;
  neighborhood: string;
  database_name: string;
  agent_id: string;
  /** ISO 8601; `{year}`, `{month}`, `{day}`, `{hour}` and `{minute}` come from it. */
  due_at: string;
  /** The job's own year where it has one; it wins over that of the instant. */
  year: number | null;
}

/** What became of a database of a report, or of a file that was looked for. */
export interface Verdict {
  /** Null when no job expects it. */
  entry_id: number | null;
  job_id: number | null;
  database_name: string;
  /** An entry's status; null when nothing was recorded: no such job, or too far from every due instant. */
  status: EntryStatus | null;
  message: string;
  /** What is to be kept now; null when nothing is, or when it was kept already. */
  promotion: Promotion | null;
}

/** Lower-case in every answer; any case is read. */
export const ENTRY_STATUSES = [
  "ok",
  "failed",
  "missing",
  "hash_mismatch",
  "transfer_integrity_failed",
  "unchanged",
] as const;
export type EntryStatus = typeof ENTRY_STATUSES[number];

/** A plain file a job expects by path template, at one due instant that has no entry yet, or one that may become good. */
export interface ExpectedFile {
  job_id: number;
  due_at: string;
  /** Only files modified within these count; `until` is the deadline. */
  from: string;
  until: string;
  /** Relative to the deposit root; variables and wildcards. */
  agent_deposit_path_template: string;
  values: TemplateValues;
  /** The file that was judged and is bad; the same again is not looked at. */
  judged?: { path: string | null; modified_at: string | null };
}

/** A file that was good and has to be there still. */
export interface WatchedFile {
  entry_id: number;
  /** Absolute. */
  path: string;
  size_bytes: number;
  /** As it was last seen; a file with another size or time is hashed again. */
  modified_at: string | null;
  sha256: string;
}

/** How full a disk is. */
export interface CapacitySample {
  /** The root that lies on it. */
  path: string;
  total_bytes: number;
  free_bytes: number;
}

/** A report with the staged files of its databases, by database name; a database without one counts as absent. */
export interface ReportCase {
  origin: ReportOrigin;
  report: Report;
  files: ReadonlyMap<string, FoundFile>;
}

/** Judgement as the scanner sees it. Every call is one transaction: after a crash it was made or it was not. */
export interface Judge {
  /** Which of these reports (by {@linkcode ReportOrigin.key}) were judged or refused before. */
  known(keys: readonly string[]): Promise<readonly string[]>;
  /** For each of an agent's reports the names of databases that a job expects near its end: only their files need to be read. */
  wanted(agentId: string, reports: readonly Report[]): Promise<readonly ReadonlySet<string>[]>;
  /**
   * Judges reports of one agent in their order, all of them or, when one throws, none. Judging a report again changes
   * nothing and returns what was decided, with promotions still to be made.
   */
  judgeReports(agentId: string, cases: readonly ReportCase[]): Promise<readonly (readonly Verdict[])[]>;
  /** Records a report that cannot be read as a finding of its agent; once per key. */
  refuseReport(origin: ReportOrigin, refusal: Refusal): Promise<void>;
  /** Plain files that are looked for at this moment. */
  expectedFiles(): Promise<readonly ExpectedFile[]>;
  /**
   * Judges what was found for an expected file, the newest match first; nothing found is no verdict before the
   * deadline, which judgement sees to itself.
   */
  judgeFile(expected: ExpectedFile, found: readonly FoundFile[]): Promise<Verdict | null>;
  /** Good files that were not kept yet: a crash or a full disk came between. */
  pendingPromotions(): Promise<readonly Promotion[]>;
  /** A good file was kept at this absolute path. */
  promoted(entryId: number, path: string, modifiedAt: string): Promise<void>;
  /** A good file could not be kept: the entry fails with the reason, and it stays pending while `retry`. */
  promotionFailed(entryId: number, reason: string, retry: boolean): Promise<void>;
  /** Files of the latest good entry of each job, wherever it is kept. */
  watchedFiles(): Promise<readonly WatchedFile[]>;
  /** What became of a watched file; it may change the entry (`hash_mismatch`) or open and close findings (`vanished`). */
  judgeWatched(entryId: number, found: FoundFile): Promise<void>;
  /** Whether the deposit can be read: why not, or null when it can or there is none. */
  depositRead(root: string | null, failure: string | null): Promise<void>;
  /** How full the disks of the roots are. */
  capacity(samples: readonly CapacitySample[]): Promise<void>;
  /** A scan that began at this instant (milliseconds) is over: deadlines up to it may be judged now. */
  scanned(startedAt: number): Promise<void>;
}

/** The way in for one report that did not come as a file: reads it, looks at its files, has it judged, keeps what is good. */
export interface ReportIntake {
  /** Errors: `invalid` with each field that is wrong. */
  submit(agentId: string, document: unknown): Promise<readonly Verdict[]>;
}
