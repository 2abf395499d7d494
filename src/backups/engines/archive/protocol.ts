/**
 * What the daemon's thread and the archive's workers say to each other.
 *
 * One worker does the whole of a task with synchronous system calls, which are twenty times faster than
 * asynchronous ones for small files and would block the daemon on its own thread. For `make` further workers,
 * the presses, compress beside it. Everything goes over message ports, as a worker started by a worker takes a
 * second to come up.
 */
import type { ArtifactEntry, Progress, RestoreRequest, SkippedItem } from "../../engine.ts";
import type { ErrorKind } from "../../../lib/errors.ts";

/** How artifacts can be compressed. */
export type Compression = "zstd" | "gzip";

/** A source and where it lies in the archive. */
export interface Root {
  /** Absolute path that was backed up. */
  source: string;
  /** The same without the leading slash: its path in the archive, and below a restore's target. */
  path: string;
}

/** Entries of an archive by kind. */
export interface Counts {
  files: number;
  directories: number;
  symlinks: number;
  hardlinks: number;
}

/** Writes the archive of `roots` to a new file `partial`. */
export interface MakeTask {
  task: "make";
  roots: Root[];
  excludes: string[];
  partial: string;
  presses: MessagePort[];
  /** Keys the archive is encrypted for; empty: it is not. */
  recipients: string[];
}

/** What `make` wrote. */
export interface MakeResult {
  sha256: string;
  size_bytes: number;
  source_bytes: number;
  counts: Counts;
  /** At most `MAX_SKIPPED_ITEMS`; `skipped_counts` counts them all. */
  skipped: SkippedItem[];
  skipped_counts: Record<string, number>;
  /** What this one archive is encrypted with, so that it can be read back by who cannot read others; never kept. */
  file_key: Uint8Array | null;
}

/** What opens an encrypted archive: lines of an age identity file, or the key of this one archive. */
export type Opener = { identity: string } | { file_key: Uint8Array };

/** Walks an archive to its last byte. */
export interface VerifyTask {
  task: "verify";
  path: string;
  opener?: Opener | null;
  total_bytes: number | null;
}

/** What `verify` found; `problem` is set when the archive could not be walked to its end. */
export interface VerifyResult {
  sha256: string;
  size_bytes: number;
  source_bytes: number;
  counts: Counts;
  /** Entries of kinds that are not restored: devices, sparse files of GNU tar. */
  others: number;
  problem: string | null;
  /** True when it is encrypted and nothing was given to open it: nothing but its hash and size were looked at. */
  sealed: boolean;
}

/** Sends every entry to the host, in batches. */
export interface ListTask {
  task: "list";
  path: string;
  opener?: Opener | null;
}

/** Writes the entries below `request.target`. */
export interface RestoreTask {
  task: "restore";
  path: string;
  opener?: Opener | null;
  request: RestoreRequest;
  /** What the artifact's hash has to be; null when nobody knows. */
  sha256: string | null;
  total_bytes: number | null;
}

/** What `restore` did. */
export interface RestoreResult {
  item_count: number;
  restored_bytes: number;
  warnings: string[];
}

/** A task with its result, by name. */
export interface Tasks {
  make: { task: MakeTask; result: MakeResult };
  verify: { task: VerifyTask; result: VerifyResult };
  list: { task: ListTask; result: null };
  restore: { task: RestoreTask; result: RestoreResult };
}

/** First message to a worker: everything further goes over `port`. `requests` is what its courtesy looks at. */
export type Command =
  & { port: MessagePort; requests: Int32Array }
  & ({ role: "tasks"; cancelled: Int32Array } | {
    role: "press";
    compression: Compression;
    level: number | null;
  });

/** To a worker for tasks: the next one. */
export interface TaskMessage {
  task: Tasks[keyof Tasks]["task"];
}

/** Tells a task from a reply. */
export function isTaskMessage(message: TaskMessage | Reply): message is TaskMessage {
  return message !== "more";
}

/** From a task's worker to its host. */
export type Report<Result> =
  | { report: "progress"; progress: Progress }
  | { report: "log"; level: "info" | "warning"; text: string }
  | { report: "entries"; entries: ArtifactEntry[] }
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

/** From a task's host to its worker: the entries sent last were taken. */
export type Reply = "more";

/** Bytes that are read, written or compressed at once: a fraction of a millisecond's work, see `Courtesy`. */
export const PIECE_BYTES = 64 << 10;

/** Bytes of tar per frame: smaller compresses worse, larger costs memory. */
export const CHUNK_BYTES = 2 << 20;
/** Size of the buffers: room for a chunk that compressing only makes longer, by less than a hundredth. */
export const PRESSED_BYTES = CHUNK_BYTES + (32 << 10);

/** To a press: compress the first `length` bytes of a buffer of `PRESSED_BYTES`. */
export interface PressJob {
  buffer: ArrayBuffer;
  length: number;
}

/** From a press: the same buffer, its first `length` bytes now the frame. */
export type Pressed = { buffer: ArrayBuffer; length: number } | { problem: string };

/** Thrown in a worker whose task was cancelled. */
export class Cancelled extends Error {}

/** What a task's worker is given to talk to its host. */
export interface Host {
  /** To be called between small pieces of work: throws `Cancelled` when the task was, and lets the daemon go first. */
  checkpoint(): void;
  /** Sends progress, at most four times a second unless `now`. */
  progress(progress: Progress, now?: boolean): void;
  log(level: "info" | "warning", text: string): void;
  /** Resolves when the host wants more. */
  entries(entries: ArtifactEntry[]): Promise<void>;
}
