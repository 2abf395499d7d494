/** Making a backup for a run: an engine's work, judged and recorded. */
import { systemClock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Artifact, Engine, EngineContext } from "./engine.ts";
import type { MakeBackup } from "./make.ts";
import { artifactName, artifactProblems, type Backup } from "./model.ts";
import { log, now, onDisk, type Parts, tables } from "./parts.ts";
import { type BackupsTables, deleteMake, insertBackup, insertMake, type Make } from "./queries.ts";
import { sweep } from "./sweep.ts";

/** Makes backups; knows which ones it is making. */
export class Maker {
  readonly #parts: Parts;
  readonly #active = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** True while this process is making that backup; one that it is not was left behind by a process before. */
  isActive(id: string): boolean {
    return this.#active.has(id);
  }

  /** See {@linkcode BackupMaker.make}. */
  async make(request: MakeBackup, given: EngineContext, caller: Caller): Promise<Backup> {
    const engine = this.#parts.engines.get(request.engine);
    const options = this.#parts.engines.parse(engine, request.engine_options);
    const make = this.#begin(request, engine, options);
    // What is on its way elsewhere waits where this program was told to.
    const context = withScratch(given, this.#parts.settings.scratch_dir);
    this.#active.add(make.id);
    try {
      await insertMake(tables(this.#parts), make);
      // Files are stamped by the system, so only its clock says whether one is newer than this moment.
      const startedMs = systemClock.now();
      const artifact = await this.#run(engine, options, make, request, context);
      const problems = await this.#judge(engine, artifact, options, startedMs, context);
      return await this.#record(make, request, artifact, problems, caller);
    } finally {
      this.#active.delete(make.id);
    }
  }

  #begin(request: MakeBackup, engine: Engine, options: unknown): Make {
    const id = newId();
    const name = artifactName(request.schedule?.name ?? request.backup_type, this.#parts.clock.now(), id);
    const places = engine.places?.(options) ?? [];
    return {
      id,
      name,
      engine: request.engine,
      directories: [...engine.paths(options).write, ...places],
      started_at: now(this.#parts),
      ...(places.length === 0 ? {} : { options: request.engine_options }),
    };
  }

  async #run(
    engine: Engine,
    options: unknown,
    make: Make,
    request: MakeBackup,
    context: EngineContext,
  ): Promise<Artifact> {
    try {
      return await engine.make({ options, name: make.name, labels: labelsOf(make, request) }, context);
    } catch (error) {
      try {
        await sweep(engine, make, context);
        await deleteMake(tables(this.#parts), make.id);
      } catch (failure) {
        // The next start settles it; what went wrong first is what the run has to say.
        log.warning("Cannot clean up after backup {name}: {why}", {
          name: make.name,
          why: messageOf(failure),
        });
      }
      throw error;
    }
  }

  /** What speaks against an artifact, whatever its engine says of it. */
  async #judge(
    engine: Engine,
    artifact: Artifact,
    options: unknown,
    startedMs: number,
    context: EngineContext,
  ): Promise<string[]> {
    const problems = artifactProblems(artifact, await onDisk(artifact.path), startedMs);
    if (problems.length === 0 && !artifact.verified) {
      const found = await engine.verify({ ...artifact, options }, context);
      problems.push(...found.problems);
      artifact.verified = found.ok;
    }
    for (const problem of problems) context.log("error", problem);
    return problems;
  }

  async #record(
    make: Make,
    request: MakeBackup,
    artifact: Artifact,
    problems: string[],
    caller: Caller,
  ): Promise<Backup> {
    const backup = backupOf(make, request, artifact, problems, now(this.#parts));
    await this.#parts.database.change(caller, async (change) => {
      await insertBackup(change.tables<BackupsTables>(), backup, request.engine_options);
      await deleteMake(change.tables<BackupsTables>(), make.id);
      change.audit({ target: `backups/${make.id}`, before: null, after: backup, outcome: backup.status });
    });
    return backup;
  }
}

/** The same context, with a scratch directory; its methods may be those of a class. */
function withScratch(context: EngineContext, scratch: string): EngineContext {
  return {
    signal: context.signal,
    now: () => context.now(),
    log: (level, text) => context.log(level, text),
    progress: (update) => context.progress(update),
    secret: (name) => context.secret(name),
    scratch,
    ...(context.caps === undefined ? {} : { caps: context.caps }),
  };
}

/** 64 random bits in hexadecimal: short enough to be typed, and the first characters will do. */
export function newId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

/** What a manifest has to say so that a catalogue can be rebuilt from it. */
function labelsOf(make: Make, request: MakeBackup): Record<string, string | number | null> {
  return {
    backup_id: make.id,
    backup_name: make.name,
    backup_type: request.backup_type,
    started_at: make.started_at,
    schedule_id: request.schedule?.id ?? null,
    schedule_name: request.schedule?.name ?? null,
    server_id: request.server?.id ?? null,
    server_name: request.server?.name ?? null,
    run_id: request.run_id,
  };
}

function backupOf(
  make: Make,
  request: MakeBackup,
  artifact: Artifact,
  problems: string[],
  at: string,
): Backup {
  const sound = problems.length === 0;
  const skipped = artifact.skipped.length;
  return {
    id: make.id,
    backup_id: make.id,
    server_id: request.server?.id ?? null,
    schedule_id: request.schedule?.id ?? null,
    run_id: request.run_id,
    name: make.name,
    description: null,
    engine: make.engine,
    backup_type: request.backup_type,
    status: sound && !artifact.incomplete ? "completed" : "failed",
    path: artifact.path,
    file_path: artifact.path,
    size_bytes: artifact.size_bytes,
    sha256: artifact.sha256,
    source_bytes: artifact.source_bytes,
    item_count: artifact.item_count,
    skipped_count: skipped,
    created_at: make.started_at,
    verified_at: artifact.verified || !sound ? at : null,
    verified_ok: !sound ? false : artifact.verified ? true : null,
    verify_detail: !sound
      ? problems.join("; ")
      : artifact.incomplete
      ? `Incomplete: ${skipped} of the source could not be kept`
      : null,
    missing_since: null,
    changed_at: null,
    trashed_at: null,
  };
}
