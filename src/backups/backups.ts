/** The service of the catalogue: the verbs on backups. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import type { Engine, EngineContext } from "./engine.ts";
import { Engines } from "./engines.ts";
import { importDirectory } from "./importer.ts";
import type { BackupMaker, MakeBackup } from "./make.ts";
import { Maker } from "./maker.ts";
import type {
  Backup,
  BackupFilter,
  BackupVerification,
  ImportResult,
  PruneResult,
  RestoreFields,
  RestoreResult,
} from "./model.ts";
import { type Parts, type Surroundings, system, tables } from "./parts.ts";
import * as queries from "./queries.ts";
import { prune, removeBackup } from "./remover.ts";
import { restoreBackup } from "./restorer.ts";
import { settleAll, type Settled, settleMakes } from "./settle.ts";
import { verifyBackup } from "./verifier.ts";

/** What the service is given. */
export interface BackupsOptions extends Surroundings {
  engines: readonly Engine[];
}

/** Backups: how they are made, found, checked, given back and removed. */
export class Backups implements BackupMaker {
  readonly #parts: Parts;
  readonly #maker: Maker;

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
  ): Promise<string[]> {
    const how = { max_backups: maxBackups, dry_run: false };
    return (await prune(this.#parts, scheduleId, how, caller)).removed;
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
  settle(): Promise<Settled> {
    return settleAll(this.#parts, this.#maker);
  }

  /** Forgets entries of backups that were deleted more than so many days ago; 0 forgets none. Returns how many. `now` in milliseconds. */
  async purgeDeleted(now: number, keepDays: number): Promise<number> {
    return keepDays === 0 ? 0 : await queries.purgeDeleted(tables(this.#parts), iso(now - keepDays * DAY_MS));
  }

  /** Newest first; a limited caller gets those of its servers. Errors: `not_found` for an unknown server or schedule, `forbidden`. */
  async list(filter: BackupFilter, caller: Caller): Promise<Backup[]> {
    const { server, server_id, schedule, schedule_id, ...rest } = filter;
    const serverId = server === undefined ? server_id : (await this.#parts.findServer(server)).id;
    if (serverId !== undefined) requireServer(caller, serverId);
    const scheduleId = schedule === undefined ? schedule_id : (await this.#scheduleOf(schedule, caller)).id;
    const server_ids = serverId === undefined ? caller.servers : [serverId];
    return await queries.listBackups(tables(this.#parts), {
      limit: rest.limit,
      offset: rest.offset,
      ...(rest.status === undefined ? {} : { status: rest.status }),
      ...(scheduleId === undefined ? {} : { schedule_id: scheduleId }),
      ...(server_ids === null ? {} : { server_ids }),
    });
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
  async verify(ref: string, caller: Caller): Promise<BackupVerification> {
    return await verifyBackup(this.#parts, await this.get(ref), caller);
  }

  /** Restores into a directory. Errors: as {@linkcode get}, `invalid`, `forbidden`, `conflict` for files that exist. */
  async restore(ref: string, fields: RestoreFields, caller: Caller): Promise<RestoreResult> {
    return await restoreBackup(this.#parts, await this.get(ref), fields, caller);
  }

  /** Removes artifact and manifest; the row stays as deleted. Errors: as {@linkcode get}, `conflict` for the last good copy. */
  async delete(
    ref: string,
    how: { force: boolean; reason?: string | undefined },
    caller: Caller,
  ): Promise<null> {
    const reason = how.reason ?? `deleted by ${caller.name}`;
    await removeBackup(this.#parts, await this.get(ref), { force: how.force, reason }, caller);
    return null;
  }

  /** Applies retention to a schedule now, or says what it would do. Errors: `not_found`, `invalid` when no maximum is known. */
  async prune(
    how: { schedule: string; max_backups?: number | undefined; dry_run: boolean },
    caller: Caller,
  ): Promise<PruneResult> {
    const { id, max_backups: own } = await this.#scheduleOf(how.schedule, caller);
    const max = how.max_backups ?? own;
    if (max === null) {
      throw new HoldfastError("invalid", `Cannot prune "${how.schedule}": the schedule is gone`, {
        hint: "say how many to keep with --max-backups",
      });
    }
    return await prune(this.#parts, id, { max_backups: max, dry_run: how.dry_run }, caller);
  }

  /** Id of the server a schedule is of, also of one that was deleted. Errors: `not_found`. */
  async serverOfSchedule(ref: string): Promise<number | null> {
    return (await this.#scheduleOf(ref, system("backups.prune"))).server_id;
  }

  /** Takes the artifacts of a directory into the catalogue. Errors: `not_found`, `invalid`, `forbidden`. */
  import(directory: string, caller: Caller): Promise<ImportResult> {
    return importDirectory(this.#parts, directory, caller);
  }

  /** A schedule, or what is left of one: backups outlive it. */
  async #scheduleOf(
    ref: string,
    caller: Caller,
  ): Promise<{ id: string; server_id: number | null; max_backups: number | null }> {
    try {
      return await this.#parts.findSchedule(ref, caller);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
      const [left] = await queries.backupsOfSchedule(tables(this.#parts), ref);
      if (left === undefined) throw error;
      return { id: ref, server_id: left.server_id, max_backups: null };
    }
  }
}

const DAY_MS = 86_400_000;
