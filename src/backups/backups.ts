/** The service of the catalogue: the verbs on backups. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import { Background } from "./background.ts";
import { proveDue, reconcile, reverify } from "./care.ts";
import { type BackupContents, type ContentsFields, contentsOf } from "./contents.ts";
import type { Engine, EngineContext } from "./engine.ts";
import { type EngineInfo, engineInfo, engineInfoOf } from "./engine_info.ts";
import { Engines } from "./engines.ts";
import type { IdentityFields } from "./identity.ts";
import { importDirectory } from "./importer.ts";
import { keepNewest, type KeepRules } from "./keep.ts";
import type { BackupMaker, MakeBackup, RemovedBackup } from "./make.ts";
import { Maker } from "./maker.ts";
import type {
  Backup,
  BackupFilter,
  BackupVerification,
  EmptiedTrash,
  ImportResult,
  PruneResult,
  RestoreFields,
  RestoreResult,
} from "./model.ts";
import { type BackedUpSchedule, type Parts, type Surroundings, system, tables } from "./parts.ts";
import type { BackupProof, ProveRules } from "./proof.ts";
import { lastProofs, listProofs, removeProofs } from "./proof_queries.ts";
import { proveBackup, sweepScratch } from "./prover.ts";
import { prune } from "./pruner.ts";
import * as queries from "./queries.ts";
import { removeBackup } from "./remover.ts";
import { restoreBackup } from "./restorer.ts";
import { settleAll, type Settled, settleMakes } from "./settle.ts";
import { emptyTrash, expireTrash, undelete } from "./trash.ts";
import { verifyBackup } from "./verifier.ts";

/** What the service is given. */
export interface BackupsOptions extends Surroundings {
  engines: readonly Engine[];
}

/** Backups: how they are made, found, checked, given back and removed. */
export class Backups implements BackupMaker {
  readonly #parts: Parts;
  readonly #maker: Maker;
  readonly #background = new Background();

  constructor(options: BackupsOptions) {
    this.#parts = { ...options, engines: new Engines(options.engines, options.settings) };
    this.#maker = new Maker(this.#parts);
  }

  validateEngine(engine: string, options: unknown, caller: Caller): Promise<Record<string, unknown>> {
    return this.#parts.engines.validate(engine, options, caller);
  }

  make(
    request: MakeBackup,
    context: EngineContext,
    caller: Caller = system("backups.make"),
  ): Promise<Backup> {
    return this.#maker.make(request, context, caller);
  }

  async applyRetention(
    scheduleId: string,
    maxBackups: number,
    caller: Caller = system("backups.prune"),
  ): Promise<{ removed: RemovedBackup[]; waiting: string | null }> {
    const { keep, timezone } = await this.#scheduleOf(scheduleId, caller);
    const rules = keep === null ? keepNewest(maxBackups) : { ...keep, max_backups: maxBackups };
    const pruning = { schedule_id: scheduleId, keep: rules, timezone, trust_newest: false, dry_run: false };
    const { decisions, removed, waiting } = await prune(this.#parts, pruning, caller);
    const reasons = new Map(decisions.map(({ backup_id, reason }) => [backup_id, reason]));
    return { removed: removed.map((id) => ({ id, reason: reasons.get(id) ?? "" })), waiting };
  }

  async sweepPartials(engine: string, options: Record<string, unknown>): Promise<string[]> {
    const known = this.#parts.engines.get(engine);
    const destinations = known.paths(this.#parts.engines.parse(known, options)).write;
    const settled = await settleMakes(
      this.#parts,
      this.#maker,
      (make) => make.engine === engine && make.directories.some((path) => destinations.includes(path)),
    );
    return settled.swept;
  }

  /** Finishes what an earlier process left half done. Called once, before anything is made or removed. */
  async settle(): Promise<Settled> {
    await sweepScratch(this.#parts);
    return await settleAll(this.#parts, this.#maker);
  }

  /** Begins work that goes on by itself until it is over or {@linkcode stop} is called. */
  begin(work: keyof typeof CARE): boolean {
    return this.#background.begin(work, (signal) => CARE[work](this.#parts, signal));
  }

  /** Resolves when nothing goes on by itself. */
  idle(): Promise<void> {
    return this.#background.idle();
  }

  /** Ends what goes on by itself. */
  stop(): Promise<void> {
    return this.#background.stop();
  }

  /** Restores a backup for a test and keeps the evidence. Errors: as {@linkcode get}. */
  async prove(ref: string, caller: Caller, identity: IdentityFields = {}): Promise<BackupProof> {
    const backup = await this.get(ref);
    const command = await this.#proofCommand(backup, caller);
    return await proveBackup(this.#parts, backup, { ...command, ...identity }, caller);
  }

  /** Evidence of restore tests, newest first; with `last` the last one of each schedule. Errors: `not_found`, `forbidden`. */
  async proofs(
    which: { backup?: string | undefined; schedule?: string | undefined; last: boolean; limit: number },
    caller: Caller,
  ): Promise<BackupProof[]> {
    if (which.last) return await lastProofs(tables(this.#parts), caller.servers);
    const schedule = which.schedule === undefined ? null : await this.#scheduleOf(which.schedule, caller);
    const backup = which.backup === undefined ? null : await this.get(which.backup);
    if (backup !== null) requireServer(caller, backup.server_id);
    return await listProofs(tables(this.#parts), {
      limit: which.limit,
      ...(schedule === null ? {} : { schedule_id: schedule.id }),
      ...(backup === null ? {} : { backup_id: backup.id }),
      ...(caller.servers === null ? {} : { server_ids: caller.servers }),
    });
  }

  /** The command its schedule is proved with, if there is one. */
  async #proofCommand(backup: Backup, caller: Caller): Promise<Pick<ProveRules, "command" | "command_role">> {
    const none = { command: null, command_role: "operator" as const };
    if (backup.schedule_id === null) return none;
    const { prove } = await this.#scheduleOf(backup.schedule_id, caller);
    return prove ?? none;
  }

  /** Forgets entries of backups that were deleted, and restore tests that were made, more than so many days ago; 0 forgets none. Returns how many. `now` in milliseconds. */
  async forget(now: number, keepDays: number): Promise<{ deleted_backups: number; proofs: number }> {
    if (keepDays === 0) return { deleted_backups: 0, proofs: 0 };
    const before = iso(now - keepDays * DAY_MS);
    return {
      deleted_backups: await queries.purgeDeleted(tables(this.#parts), before),
      proofs: await removeProofs(tables(this.#parts), before),
    };
  }

  /** The kinds of backup there are, by their names. */
  engines(): EngineInfo[] {
    return this.#parts.engines.all.map(engineInfo).sort((a, b) => a.kind < b.kind ? -1 : 1);
  }

  /** One kind of backup. Errors: `not_found`. */
  engine(kind: string): EngineInfo {
    return engineInfoOf(this.#parts.engines.all, kind);
  }

  /** Newest first; a limited caller gets those of its servers. Errors: `not_found` for an unknown server or schedule, `forbidden`. */
  async list(filter: BackupFilter & { trashed?: boolean }, caller: Caller): Promise<Backup[]> {
    const { server, server_id, schedule, schedule_id, trashed = false, ...rest } = filter;
    const serverId = server === undefined ? server_id : (await this.#parts.findServer(server)).id;
    if (serverId !== undefined) requireServer(caller, serverId);
    const scheduleId = schedule === undefined ? schedule_id : (await this.#scheduleOf(schedule, caller)).id;
    const server_ids = serverId === undefined ? caller.servers : [serverId];
    return await queries.listBackups(tables(this.#parts), {
      limit: rest.limit,
      offset: rest.offset,
      trashed,
      ...(rest.status === undefined ? {} : { status: rest.status }),
      ...(scheduleId === undefined ? {} : { schedule_id: scheduleId }),
      ...(server_ids === null ? {} : { server_ids }),
    });
  }

  /** Backups whose artifact was found missing or changed. */
  troubled(): Promise<Backup[]> {
    return queries.troubledBackups(tables(this.#parts));
  }

  /** A backup by id, by name, or by at least four characters its id begins with. Errors: `not_found`, `invalid` when several fit. */
  async get(ref: string): Promise<Backup> {
    const db = tables(this.#parts);
    const exact = await queries.backupById(db, ref);
    if (exact !== undefined) return exact;
    const [found, ...others] = await queries.backupsLike(db, ref);
    if (found === undefined) {
      throw new HoldfastError("not_found", `Cannot find backup "${ref}"`, {
        hint: "list them with: holdfast backups list",
      });
    }
    if (others.length === 0) return found;
    const ids = [found, ...others].map((backup) => backup.id).join(", ");
    throw new HoldfastError("invalid", `Cannot tell which backup "${ref}" is: ${ids} fit`);
  }

  /** Id of the server a backup is of; null when it is of none. Errors: as {@linkcode get}. */
  async serverOf(ref: string): Promise<number | null> {
    return (await this.get(ref)).server_id;
  }

  /** Reads the artifact again and remembers what was found. Errors: as {@linkcode get}, and what keeps it from being read. */
  async verify(ref: string, caller: Caller, identity: IdentityFields = {}): Promise<BackupVerification> {
    return await verifyBackup(this.#parts, await this.get(ref), caller, identity);
  }

  /** What is in a backup. Errors: as {@linkcode get}, and what keeps the artifact from being read. */
  async contents(
    ref: string,
    wanted: ContentsFields & IdentityFields,
    caller: Caller,
  ): Promise<BackupContents> {
    return await contentsOf(this.#parts, await this.get(ref), wanted, caller);
  }

  /** Restores into a directory. Errors: as {@linkcode get}, `invalid`, `forbidden`, `conflict` for files that exist. */
  async restore(ref: string, fields: RestoreFields & IdentityFields, caller: Caller): Promise<RestoreResult> {
    return await restoreBackup(this.#parts, await this.get(ref), fields, caller);
  }

  /**
   * Removes artifact and manifest, or puts them into the trash; the row stays as deleted. Errors: as {@linkcode get},
   * `conflict` for the last good copy.
   */
  async delete(
    ref: string,
    how: { force: boolean; for_good: boolean; reason?: string | undefined },
    caller: Caller,
  ): Promise<null> {
    const reason = how.reason ?? `deleted by ${caller.name}`;
    await removeBackup(this.#parts, await this.get(ref), { ...how, reason }, caller);
    return null;
  }

  /** Takes a backup out of the trash. Errors: as {@linkcode get}, `conflict` when it is not in it. */
  async undelete(ref: string, caller: Caller): Promise<Backup> {
    return await undelete(this.#parts, await this.get(ref), caller);
  }

  /** Removes for good what is in the trash of a schedule, or of all the caller may see. Errors: `not_found`, `forbidden`. */
  async emptyTrash(
    which: { schedule?: string | undefined; older_than_seconds: number },
    caller: Caller,
  ): Promise<EmptiedTrash> {
    const schedule = which.schedule === undefined
      ? undefined
      : await this.#scheduleOf(which.schedule, caller);
    if (schedule !== undefined) requireServer(caller, schedule.server_id);
    const schedule_id = schedule?.id;
    const older_than_ms = which.older_than_seconds * 1000;
    return await emptyTrash(this.#parts, { schedule_id, older_than_ms, servers: caller.servers }, caller);
  }

  /** Removes what has been in the trash for its days. */
  async expireTrash(): Promise<EmptiedTrash> {
    return await expireTrash(this.#parts, system("backups.trash.empty"));
  }

  /** Applies retention to a schedule now, or says what it would do. Errors: `not_found`, `invalid` when no rules are known. */
  async prune(how: PruneRequest, caller: Caller): Promise<PruneResult> {
    const { schedule, dry_run, trust_newest, ...given } = how;
    const { id, timezone, keep: own } = await this.#scheduleOf(schedule, caller);
    const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const keep = own ?? (how.max_backups === undefined ? null : keepNewest(how.max_backups));
    if (keep === null) {
      throw new HoldfastError("invalid", `Cannot prune "${schedule}": the schedule is gone`, {
        hint: "say how many to keep with --max-backups",
      });
    }
    const pruning = { schedule_id: id, keep: { ...keep, ...asked }, timezone, trust_newest, dry_run };
    return await prune(this.#parts, pruning, caller);
  }

  /** Id of the server a schedule is of, also of one that was deleted. Errors: `not_found`. */
  async serverOfSchedule(ref: string): Promise<number | null> {
    return (await this.#scheduleOf(ref, system("backups.prune"))).server_id;
  }

  /** Takes the artifacts of a directory, or of a storage reached like this, into the catalogue. Errors: `not_found`, `invalid`, `forbidden`. */
  import(directory: string, caller: Caller, reach: { s3?: unknown } = {}): Promise<ImportResult> {
    const options = reach.s3 === undefined ? {} : { options: { s3: reach.s3 } };
    return importDirectory(this.#parts, directory, caller, options);
  }

  /** A schedule, or what is left of one: backups outlive it. */
  async #scheduleOf(
    ref: string,
    caller: Caller,
  ): Promise<PastSchedule> {
    try {
      return await this.#parts.findSchedule(ref, caller);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
      const [left] = await queries.backupsOfSchedule(tables(this.#parts), ref);
      if (left === undefined) throw error;
      return { id: ref, server_id: left.server_id, timezone: "UTC", keep: null, prove: null };
    }
  }
}

/** A schedule, or what is left of one. */
type PastSchedule = Pick<BackedUpSchedule, "id" | "timezone"> & {
  server_id: number | null;
  keep: KeepRules | null;
  prove: ProveRules | null;
};

/** What is done for backups without anybody asking. */
const CARE = { reconcile, reverify, prove: proveDue } as const;

/** What pruning is asked for: rules given here count instead of the schedule's. */
export interface PruneRequest extends Given<KeepRules> {
  schedule: string;
  dry_run: boolean;
  trust_newest: boolean;
}

/** What may be left out. */
type Given<Rules> = { [Name in keyof Rules]?: NonNullable<Rules[Name]> | undefined };

const DAY_MS = 86_400_000;
