/**
 * The kept versions of good files: which there are, which stay, and the trash.
 *
 * What is not kept any more goes to the trash below the root, and from there for good after its days. First the database
 * says where a file is to be, then it is moved: after a crash in between, the next round moves it.
 */
import { type Clock, iso } from "../../lib/clock.ts";
import { systemCaller } from "../../lib/caller.ts";
import { HoldfastError, messageOf } from "../../lib/errors.ts";
import type { Caller } from "../../lib/operation.ts";
import type { Database } from "../../store/mod.ts";
import type { MonitorTables } from "../queries/tables.ts";
import { jobName } from "../records.ts";
import { idOf, type Ref, shownRef } from "../refs.ts";
import { type Disk, WorkerDisk } from "../scan/disk.ts";
import { log } from "../scan/pass.ts";
import type { KeptVersion, PrunedVersions, VersionFilter } from "./model.ts";
import { fromTrash, planVersions, trashPath, type Version, type VersionDecision } from "./plan.ts";
import { limitedJobs, listVersions, moveEntries, versionById, type VersionRow } from "./queries.ts";

/** What the versions need. */
export interface VersionsOptions {
  database: Database;
  clock: Clock;
  settings: { final_root: string | null; final_trash_days: number };
}

const DAY_MS = 86_400_000;
const ALL = { skip: 0, limit: 1_000_000 };

export class Versions {
  readonly #options: VersionsOptions;
  readonly #stop = new AbortController();
  #tending: Promise<void> | undefined;

  constructor(options: VersionsOptions) {
    this.#options = options;
  }

  /** Kept versions or those in the trash, the newest first. */
  async list(filter: VersionFilter): Promise<KeptVersion[]> {
    const { final_root } = this.#options.settings;
    return (await listVersions(this.#tables(), filter)).map((row) => {
      const trashed = final_root === null ? undefined : fromTrash(final_root, row.promoted_path ?? "");
      return { ...versionOf(row), trashed_at: trashed === undefined ? null : iso(trashed.since) };
    });
  }

  /** Says what is kept and what is not, and moves the latter to the trash when told to. Errors: `invalid` without a root. */
  async prune(
    { job_id, apply }: { job_id?: number | undefined; apply: boolean },
    caller: Caller,
  ): Promise<PrunedVersions> {
    const root = this.#requireRoot("prune versions");
    const decisions = await this.#plan(job_id);
    const result: PrunedVersions = {
      applied: apply,
      decisions: decisions.map(({ version, keep, reason }) => {
        const { entry_id, job_name, due_at, path, size_bytes } = version;
        return { entry_id, job_name, due_at, path, size_bytes, keep, reason };
      }),
      trashed: [],
      problems: [],
    };
    if (!apply) return result;
    using disk = this.#disk();
    // The oldest first: whatever stops it, the newer ones are still there.
    for (const { version, keep, reason } of decisions.toReversed()) {
      if (keep) continue;
      const problem = await this.#trash(disk, root, version, reason, caller);
      if (problem === undefined) result.trashed.push(version.entry_id);
      else result.problems.push(problem);
    }
    return result;
  }

  async #plan(jobId: number | undefined): Promise<VersionDecision[]> {
    const db = this.#tables();
    const jobs = jobId === undefined ? await limitedJobs(db) : [jobId];
    const decisions: VersionDecision[] = [];
    for (const job_id of jobs) {
      const rows = await listVersions(db, { job_id, trashed: false, ...ALL });
      const [first] = rows;
      if (first === undefined) continue;
      // Content that did not change is one file of several instants; the newest of them counts.
      const byPath = new Map(rows.toReversed().map((row) => [row.promoted_path, versionOf(row)]));
      decisions.push(...planVersions([...byPath.values()], first, this.#options.clock.now()));
    }
    return decisions;
  }

  async #trash(
    disk: Disk,
    root: string,
    version: Version,
    reason: string,
    caller: Caller,
  ): Promise<string | undefined> {
    const { path } = version;
    const to = trashPath(root, path, this.#options.clock.now());
    if (!path.startsWith(`${root}/`)) return `Cannot remove "${path}": it is not below "${root}"`;
    await this.#say(caller, version, { from: path, promotion: "trashed", to, reason });
    const moved = await disk.run("move", path, to, root);
    if (moved.ok) return undefined;
    await this.#say(caller, version, { from: to, promotion: "done", to: path, reason: moved.reason });
    log.warning("Cannot remove {path}: {why}", { path, why: moved.reason });
    return `Cannot remove "${path}": ${moved.reason}`;
  }

  async #say(
    caller: Caller,
    { entry_id, job_id }: { entry_id: number; job_id: number },
    { from, promotion, to, reason }: {
      from: string;
      promotion: "done" | "trashed" | "none";
      to: string | null;
      reason: string;
    },
  ): Promise<void> {
    await this.#options.database.change(caller, async (change) => {
      await moveEntries(change.tables<MonitorTables>(), job_id, from, { promotion, promoted_path: to });
      change.audit({
        target: `monitor/entries/${entry_id}`,
        before: { path: from },
        after: { path: to, reason },
      });
    });
  }

  /** Takes a version out of the trash. Errors: `not_found`, `conflict` when it is not in it or its file is gone. */
  async undelete(entry: Ref, caller: Caller): Promise<KeptVersion> {
    const root = this.#requireRoot("undelete a version");
    const row = await versionById(this.#tables(), idOf(entry));
    if (row === undefined) throw new HoldfastError("not_found", `Cannot find entry ${shownRef(entry)}`);
    const what = `undelete the version of entry ${idOf(entry)}`;
    const trashed = row.promotion === "trashed" ? fromTrash(root, row.promoted_path ?? "") : undefined;
    if (trashed === undefined) throw new HoldfastError("conflict", `Cannot ${what}: it is not in the trash`);
    const version = versionOf(row);
    using disk = this.#disk();
    const moved = await disk.run("move", version.path, trashed.path, root);
    if (!moved.ok) throw new HoldfastError("unavailable", `Cannot ${what}: ${moved.reason}`);
    if (moved.absent) throw new HoldfastError("conflict", `Cannot ${what}: its file is gone`);
    await this.#say(caller, version, {
      from: version.path,
      promotion: "done",
      to: trashed.path,
      reason: "undeleted",
    });
    return { ...version, path: trashed.path, trashed_at: null };
  }

  /** Begins what time asks, unless it is under way. Never throws. */
  begin(): void {
    if (this.#tending !== undefined || this.#stop.signal.aborted) return;
    this.#tending = this.tend().catch((error) => {
      if (!this.#stop.signal.aborted) {
        log.error("Versions cannot be tended: {why}", { why: messageOf(error), error });
      }
    }).finally(() => this.#tending = undefined);
  }

  /** What time asks: applies what jobs keep, and empties the trash of what was in it for its days. */
  async tend(): Promise<void> {
    const root = this.#options.settings.final_root;
    if (root === null) return;
    const caller = systemCaller("monitor-versions", this.#stop.signal);
    await this.prune({ apply: true }, caller);
    await this.#empty(root, caller);
  }

  async #empty(root: string, caller: Caller): Promise<void> {
    const before = this.#options.clock.now() - this.#options.settings.final_trash_days * DAY_MS;
    const rows = await listVersions(this.#tables(), { trashed: true, ...ALL });
    if (rows.length === 0) return;
    using disk = this.#disk();
    for (const row of rows) {
      const version = versionOf(row);
      const trashed = fromTrash(root, version.path);
      if (trashed === undefined) continue;
      const isOver = trashed.since <= before;
      // A crash may have come before the move.
      const moved = await disk.run("move", trashed.path, version.path, root);
      if (!moved.ok || !isOver) continue;
      const removed = await disk.run("move", version.path, null, root);
      if (!removed.ok) {
        log.warning("Cannot remove {path}: {why}", { path: version.path, why: removed.reason });
        continue;
      }
      const reason = `${this.#options.settings.final_trash_days} days in the trash`;
      await this.#say(caller, version, { from: version.path, promotion: "none", to: null, reason });
    }
  }

  /** Ends what is under way; the next round goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#tending;
  }

  #disk(): Disk {
    return new WorkerDisk(this.#stop.signal);
  }

  #tables() {
    return this.#options.database.tables<MonitorTables>();
  }

  #requireRoot(what: string): string {
    const { final_root } = this.#options.settings;
    if (final_root !== null) return final_root;
    throw new HoldfastError("invalid", `Cannot ${what}: good files are not kept here`, {
      code: "no_final_root",
      hint: "set monitor.final_root (VALIDATED_BACKUPS_BASE_PATH) to the directory they are kept in",
    });
  }
}

function versionOf(row: VersionRow): Version {
  return {
    entry_id: row.id,
    job_id: row.expected_job_id,
    job_name: jobName(row),
    due_at: row.due_at,
    path: row.promoted_path ?? "",
    size_bytes: row.backup_size_bytes,
    sha256: row.backup_hash,
  };
}
