/** What schedules are given: the other slices through small interfaces, and settings. */
import type { BackupMaker } from "../backups/mod.ts";
import type { Authority } from "../lib/authority.ts";
import { systemCaller } from "../lib/caller.ts";
import type { Clock } from "../lib/clock.ts";
import type { Caller } from "../lib/operation.ts";
import type { Kysely } from "kysely";
import type { Database, DigestReaders } from "../store/mod.ts";

/** What schedules have to know of a server. */
export interface ScheduledServer {
  id: number;
  name: string;
  default_engine: string | null;
  default_engine_options: Record<string, unknown> | null;
  /** With whose rights the default options were judged when they were set. */
  default_engine_authority: Authority | null;
}

/** The part of the registry that schedules use. */
export interface ServerDirectory {
  /** Errors: `not_found`. */
  resolve(ref: number | string): Promise<ScheduledServer>;
  /** A server as it was a moment ago, null when it is gone; for what is shown beside a schedule. */
  glance(id: number): Promise<ScheduledServer | null>;
  isRunning(id: number, signal: AbortSignal): Promise<{ running: boolean; detail: string }>;
}

/** Settings of schedules; see `config.ts`. */
export interface SchedulesSettings {
  timezone: string;
  max_concurrent_runs: number;
  /** 0 is no limit. */
  max_concurrent_runs_per_server: number;
  /** Limits of named groups. */
  groups: Readonly<Record<string, { max_concurrent_runs: number }>>;
  shutdown_grace_seconds: number;
  /** Hooks may run commands. */
  allow_commands: boolean;
  max_log_lines: number;
}

/** Reads audit lines for the proof of the chain. */
export interface AuditReaders {
  digests: DigestReaders["audit"];
  strays(): Promise<readonly string[]>;
}

/** What the service is made of. */
export interface SchedulesOptions {
  database: Database;
  clock: Clock;
  servers: ServerDirectory;
  backups: BackupMaker;
  secrets: { readSecret(name: string): Promise<string> };
  settings: SchedulesSettings;
  /** How audit lines are compared with their links in the chain; they are another slice's rows. */
  auditReaders(db: Kysely<unknown>): AuditReaders;
  /** Called at named steps of a run; tests hang here to be a process that was killed. */
  fault?(step: FaultStep): Promise<void> | void;
}

/** Steps at which a process may die, in the order they come. */
export const FAULT_STEPS = [
  "claim-written",
  "claim-committed",
  "resume-committed",
  "run-begun",
  "hook-called",
  "backup-made",
  "retention-applied",
  "end-written",
  "end-committed",
] as const;
export type FaultStep = typeof FAULT_STEPS[number];

/** The scheduler as a caller, acting with the rights of whoever set what it does. */
export function dispatchCaller({ role, on_host }: Authority, signal: AbortSignal): Caller {
  return { ...systemCaller("schedules-dispatch", signal), role, on_host };
}

/** A new key for a schedule or a run: 64 random bits as 16 hex digits. */
export function newId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
