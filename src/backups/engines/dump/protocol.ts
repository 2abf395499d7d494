/** What the daemon's thread and the worker behind single-file artifacts say to each other. */
import type { ErrorKind } from "../../../lib/errors.ts";
import type { Progress } from "../../engine.ts";

/** How an artifact is stored. */
export type Compression = "zstd" | "none";

/** Writes what is sent in pieces to a new file, flushed at the end. */
export interface WriteTask {
  task: "write";
  path: string;
  compression: Compression;
  /** Counted in the content: the beginning of each item. */
  marker: string | null;
}

/** Compresses a file into a new one, flushed at the end. */
export interface PackTask {
  task: "pack";
  from: string;
  path: string;
  compression: Compression;
}

/** Reads an artifact to its end. */
export interface ReadTask {
  task: "read";
  path: string;
  compression: Compression;
  marker: string | null;
  total_bytes: number | null;
}

/** Writes the content of an artifact to a new file, flushed at the end. */
export interface UnpackTask {
  task: "unpack";
  path: string;
  compression: Compression;
  to: string;
  total_bytes: number | null;
}

/** Sends the content in pieces, each when the one before was taken. */
export interface StreamTask {
  task: "stream";
  path: string;
  compression: Compression;
}

/** Finds the lines of the content that begin with `prefix`, without it. */
export interface LinesTask {
  task: "lines";
  path: string;
  compression: Compression;
  prefix: string;
}

/** Copies a SQLite database while it may be in use. */
export interface CopyDatabaseTask {
  task: "copy-database";
  from: string;
  to: string;
}

/** Looks through a SQLite database that nobody uses. */
export interface CheckDatabaseTask {
  task: "check-database";
  path: string;
}

/** An artifact as it was written or read. */
export interface Content {
  sha256: string;
  size_bytes: number;
  content_bytes: number;
  /** Markers found. */
  count: number;
  /** Beginning and end of the content, as Latin-1 text. */
  head: string;
  tail: string;
  /** Set when an artifact could not be read to its end. */
  problem: string | null;
}

/** What a database holds; `problems` are SQLite's own words. */
export interface DatabaseContent {
  problems: string[];
  /** Rows are null where they cannot be counted. */
  tables: { name: string; rows: number | null }[];
}

/** A task with its result, by name. */
export interface Tasks {
  write: { task: WriteTask; result: Content };
  pack: { task: PackTask; result: Content };
  read: { task: ReadTask; result: Content };
  unpack: { task: UnpackTask; result: Content };
  stream: { task: StreamTask; result: null };
  lines: { task: LinesTask; result: string[] };
  "copy-database": { task: CopyDatabaseTask; result: null };
  "check-database": { task: CheckDatabaseTask; result: DatabaseContent };
}

export type AnyTask = Tasks[keyof Tasks]["task"];

/** First message to a worker; further ones are pieces to write, `null` at their end, and `more` for the next to read. */
export interface Command {
  task: AnyTask;
  port: MessagePort;
  cancelled: Int32Array;
}

/** From the worker. `taken`: a piece was written; `piece`: one was read. */
export type Report<Result> =
  | { report: "progress"; progress: Progress }
  | { report: "taken" }
  | { report: "piece"; bytes: Uint8Array }
  | { report: "done"; result: Result }
  | {
    report: "failed";
    kind: ErrorKind;
    code: string;
    message: string;
    hint: string | undefined;
    stack: string;
  }
  | { report: "cancelled" };

/** Thrown in a worker whose task was cancelled. */
export class Cancelled extends Error {}

/** How a task talks to the outside. */
export interface Host {
  /** Throws when the task was cancelled. */
  checkCancelled(): void;
  /** Sent a few times a second, or `now`. */
  progress(progress: Progress, now?: boolean): void;
}
