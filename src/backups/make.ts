/** What `backups` offers to whoever runs backups; see `mod.ts`. */
import type { Caller } from "../lib/operation.ts";
import type { EngineContext } from "./engine.ts";
import type { Backup } from "./model.ts";

/** A backup to be made for a run. */
export interface MakeBackup {
  engine: string;
  /** As validated by `validateEngine()` for whoever set them, right before the run. */
  engine_options: Record<string, unknown>;
  schedule: { id: string; name: string } | null;
  server: { id: number; name: string } | null;
  run_id: string;
  backup_type: "scheduled" | "manual" | "pre_update";
}

/** What retention removed, and why. */
export interface RemovedBackup {
  id: string;
  reason: string;
}

/** The part of the backups service that schedules use. The caller is who audit lines name; default: the program itself. */
export interface BackupMaker {
  /**
   * Parses and checks engine options for a caller (allowed commands, allowed roots, missing sources). Where a path leads
   * can change, so options are validated when they are stored and again before each run. Errors: `invalid`, `forbidden`.
   */
  validateEngine(engine: string, options: unknown, caller: Caller): Promise<Record<string, unknown>>;
  /**
   * Makes, verifies and records one backup. Resolves with the recorded backup: `status` is `completed`, or `failed` when
   * the artifact exists but is incomplete (unreadable source files) or not as reported; `verify_detail` says why.
   * Throws when there is no artifact to keep.
   */
  make(request: MakeBackup, context: EngineContext, caller?: Caller): Promise<Backup>;
  /**
   * Removes what the rules of a schedule do not keep, never the last verified good copy. What cannot be removed is logged
   * and tried again next time.
   */
  applyRetention(
    scheduleId: string,
    maxBackups: number,
    caller?: Caller,
  ): Promise<{ removed: RemovedBackup[]; waiting: string | null }>;
  /** Removes partial files that runs ended by force left behind in these destinations. Returns their paths. */
  sweepPartials(engine: string, options: Record<string, unknown>): Promise<string[]>;
}
