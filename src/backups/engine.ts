/**
 * What an engine is: a way to make, verify, list, restore and delete one kind of backup artifact.
 *
 * One file per kind in `engines/`, all behind this interface and under one shared conformance suite. An engine
 * knows nothing of schedules, the catalogue or the database: it gets validated options and a context, and
 * reports what it did. Errors are `HoldfastError`s whose message names the thing and the reason
 * (`exhausted` for a full disk, `invalid` for options that cannot work, `not_found` for a missing artifact).
 */
import type { z } from "zod";

/** How a run talks to the outside while it works. */
export interface EngineContext {
  /** Aborted on cancel, timeout or shutdown; the engine stops politely and removes its partial files. */
  readonly signal: AbortSignal;
  /** Current time in milliseconds. */
  now(): number;
  /** A line for the run's log. `warning` lines are counted on the run. */
  log(level: "info" | "warning" | "error", text: string): void;
  /** How far the work is; totals are absent while they are unknown. Called at most a few times a second. */
  progress(update: Progress): void;
  /** The text of a secret that the options refer to as `{"secret": "NAME"}`. */
  secret(name: string): Promise<string>;
  /** Directory for what is on its way to or from elsewhere, made when missing; absent: the system's for temporary files. */
  readonly scratch?: string;
  /** What programs that the engine starts may use of the host; absent: what this process may. */
  readonly caps?: ResourceCaps;
}

/** What a program may use of the host; null leaves it as it is. */
export interface ResourceCaps {
  /** CPU priority from 0 to 19, the lowest. */
  nice: number | null;
  /** Disk priority. */
  io_class: "none" | "best-effort" | "idle";
  memory_max_bytes: number | null;
  /** 100 is one core. */
  cpu_max_percent: number | null;
}

/** A moment of a running operation. Sizes are of source data, not of the artifact. */
export interface Progress {
  phase: "scan" | "read" | "verify" | "restore" | "upload" | "check";
  done_bytes: number;
  total_bytes?: number;
  done_items: number;
  total_items?: number;
}

/** What is to be made. */
export interface MakeRequest<Options> {
  options: Options;
  /** Safe, unique base name for the artifact, without extension: `nightly-20260102T020000Z-3f9c`. */
  name: string;
  /** Facts that belong into the manifest, so a catalogue can be rebuilt from artifacts alone. */
  labels: Record<string, string | number | null>;
}

/** A finished, verified artifact. */
export interface Artifact {
  /** Where it is: an absolute path, or an engine's own locator (`s3://bucket/key`, `restic:ID`). */
  path: string;
  size_bytes: number;
  /** SHA-256 of the artifact as stored, lower-case hex; null where the engine has no single file. */
  sha256: string | null;
  /** Source data covered, in bytes before compression, and number of entries. */
  source_bytes: number;
  item_count: number;
  /** Entries that could not be read or are of a kind not kept (socket, device, unreadable, bad name). */
  skipped: SkippedItem[];
  /** True when the skipped items make this run a failure although an artifact exists. */
  incomplete: boolean;
  /** True when the artifact was read back and matched. */
  verified: boolean;
}

/** Something of the source that is not in the artifact, and why. */
export interface SkippedItem {
  /** Path as text; bytes that are not UTF-8 appear as U+FFFD. */
  path: string;
  reason: "unreadable" | "vanished" | "changed" | "socket" | "device" | "fifo" | "bad_name" | "too_long";
  detail?: string;
}

/** What a verification found. */
export interface Verification {
  ok: boolean;
  /** One sentence per problem; empty when ok. */
  problems: string[];
  size_bytes: number;
  sha256: string | null;
  item_count: number;
}

/** One entry of an artifact. */
export interface ArtifactEntry {
  path: string;
  kind: "file" | "directory" | "symlink" | "hardlink" | "other";
  size_bytes: number;
  mode: number;
  mtime: string;
  link_target?: string;
}

/** What and where to restore. */
export interface RestoreRequest {
  /** Existing or new directory; nothing is ever written outside it. Not used with `into`. */
  target: string;
  /** Name of a database to restore into, for engines with `restoresInto`. With `force` what it holds is replaced. */
  into?: string;
  /** Glob patterns relative to the artifact's root; empty means everything. */
  patterns: string[];
  /** Overwrite files that exist; without it an existing file is an error before anything is written. */
  force: boolean;
  /** Restore numeric owner and group (needs privileges); failures become warnings. */
  owners: boolean;
  /** Also make symbolic links that lead out of the target (never written through); refused without it. */
  outside_links?: boolean;
}

/** What a restore did. */
export interface Restored {
  item_count: number;
  restored_bytes: number;
  /** Entries refused or only partly restored, with the reason. */
  warnings: string[];
}

/** Where an artifact is and what the manifest or catalogue says of it. */
export interface StoredArtifact {
  path: string;
  size_bytes: number | null;
  sha256: string | null;
  /** The `engine_options` it was made with, from the catalogue; absent when there is only the file. */
  options?: unknown;
  /** Secret text that opens it where it is encrypted, given for this once; never kept, logged or shown. */
  identity?: string;
}

/** What a manifest says of an artifact: enough to rebuild its catalogue entry. */
export interface ManifestFacts {
  path: string;
  size_bytes: number;
  sha256: string | null;
  source_bytes: number;
  item_count: number;
  skipped_count: number;
  /** As in {@linkcode Artifact}. */
  incomplete: boolean;
  /** When it was made, ISO 8601 UTC. */
  created_at: string;
  /** The labels of its {@linkcode MakeRequest}. */
  labels: Record<string, string | number | null>;
}

/** A manifest that cannot be read, or whose artifact is not there. */
export interface UnreadableManifest {
  path: string;
  problem: string;
}

/** How a place that is not on this host is reached. */
export interface Reach {
  /** As far as they are about reaching it. */
  options: unknown;
  context: EngineContext;
}

/** One kind of backup. */
export interface Engine<Options = unknown> {
  readonly kind: string;
  /** One line for help and API documentation. */
  readonly summary: string;
  /** Schema of `engine_options`, with descriptions per field. */
  readonly options: z.ZodType<Options>;
  /** True when running it executes commands a user chose: admin only, and only with `backups.allow_commands`. */
  readonly runsCommands: boolean;
  /** True when a restore can go into a database as well as into a directory. */
  readonly restoresInto?: boolean;
  /** Local paths that the options read from and write to; checked against allowed roots by the service. */
  paths(options: Options): { read: string[]; write: string[] };
  /** What of these options only an administrator or somebody on this host may set, one phrase each; absent: nothing. */
  reserved?(options: Options): string[];
  /** Where artifacts appear that are not on this host, as `discover()` and `sweep()` take it; absent: nowhere. */
  places?(options: Options): string[];
  /** Cheap checks before a run or at creation: one sentence per problem (missing source, tool not installed). */
  check(options: Options): Promise<string[]>;
  make(request: MakeRequest<Options>, context: EngineContext): Promise<Artifact>;
  verify(artifact: StoredArtifact, context: EngineContext): Promise<Verification>;
  list(artifact: StoredArtifact, context: EngineContext): AsyncIterable<ArtifactEntry>;
  restore(artifact: StoredArtifact, request: RestoreRequest, context: EngineContext): Promise<Restored>;
  /** Size of an artifact that is not on this host, without reading it; absent where nobody can be asked. */
  locate?(artifact: StoredArtifact, context: EngineContext): Promise<{ size_bytes: number } | "missing">;
  /** Removes the artifact and what belongs to it (manifest); an artifact already gone is not an error. */
  remove(artifact: StoredArtifact, context: EngineContext): Promise<void>;
  /**
   * Reads the manifests that lie in a directory (not below it), in order of their names, without hashing anything. What is
   * not on this host is nothing to an engine that does not know it.
   * Absent for engines whose artifacts are not files.
   */
  discover?(directory: string, reach?: Reach): AsyncIterable<ManifestFacts | UnreadableManifest>;
  /** Removes what the make of this name left behind at one of its {@linkcode places}. Returns its addresses. */
  sweep?(place: string, name: string, reach: Reach): Promise<string[]>;
  /**
   * Recovery without a catalogue: what is known of a file, from the manifest beside it when there is one (size and
   * hash null when not); undefined when the file is not of this kind. Errors: `not_found`.
   */
  identify?(file: string): Promise<StoredArtifact | undefined>;
}
