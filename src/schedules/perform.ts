/** One run from the engine's choice to the recorded backup; knows nothing of queues and rows. */
import type { Backup } from "../backups/mod.ts";
import type { Authority } from "../lib/authority.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { AttemptHooks } from "./attempt_hooks.ts";
import { dispatchCaller, type ScheduledServer, type SchedulesOptions } from "./options.ts";
import { contextOf, type Performance, RunAbort, type RunEnding } from "./performance.ts";
import type { ScheduleRow } from "./queries/tables.ts";

/** An engine that does not end within this time after it was asked to is left behind, in milliseconds. */
const STOP_LIMIT_MS = 30_000;

/** What a schedule backs up with, and whose rights count. */
export interface EffectiveEngine {
  engine: string;
  engine_options: Record<string, unknown>;
  authority: Authority;
}

/** The engine of a schedule, or of its server when it names none; a sentence when there is none. */
export function engineOf(schedule: ScheduleRow, server: ScheduledServer | null): EffectiveEngine | string {
  if (server === null) return `server ${schedule.server_id} does not exist`;
  const engine = schedule.engine ?? server.default_engine;
  if (engine === null) return `no engine: set one, or give server "${server.name}" a default engine`;
  if (schedule.engine_options !== null) {
    return {
      engine,
      engine_options: JSON.parse(schedule.engine_options),
      authority: JSON.parse(schedule.engine_authority ?? '{"role":"operator","on_host":false}'),
    };
  }
  return {
    engine,
    engine_options: engine === server.default_engine ? server.default_engine_options ?? {} : {},
    authority: server.default_engine_authority ?? { role: "operator", on_host: false },
  };
}

/** Makes the backup of a run. Never throws: every failure is an ending. */
export async function perform(options: SchedulesOptions, performance: Performance): Promise<RunEnding> {
  const { log, signal } = performance;
  const over = new AbortController();
  try {
    const ending = await Promise.race([
      attempt(options, performance, over.signal),
      leftBehind(options, signal, over.signal),
    ]);
    if (ending.error !== null) log.add("error", ending.error);
    return ending;
  } finally {
    over.abort();
  }
}

async function attempt(
  options: SchedulesOptions,
  performance: Performance,
  over: AbortSignal,
): Promise<RunEnding> {
  const { signal } = performance;
  const hooks = new AttemptHooks(options, performance);
  let begun = false;
  let ending: RunEnding;
  try {
    const request = await prepare(options, performance);
    await hooks.before(request.server);
    begun = true;
    const backup = await options.backups.make(request, contextOf(options, performance, signal));
    await options.fault?.("backup-made");
    ending = await conclude(options, performance, backup);
  } catch (error) {
    ending = signal.reason instanceof RunAbort
      ? aborted(signal.reason)
      : { outcome: begun ? "failed" : "refused", error: messageOf(error), backup: null };
  }
  // Not ended with the run: what a before-hook stopped has to be started again.
  await hooks.after(ending, over);
  return ending;
}

/** What the engine is asked for, checked once more: sources vanish, links change, rights are taken away. */
async function prepare(options: SchedulesOptions, { schedule, run_id, trigger, signal }: Performance) {
  const server = await options.servers.resolve(schedule.server_id);
  const effective = engineOf(schedule, server);
  if (typeof effective === "string") throw new HoldfastError("invalid", effective);
  if (trigger === "manual" && schedule.only_when_running === 1) {
    const { running, detail } = await options.servers.isRunning(server.id, signal);
    if (!running) throw new HoldfastError("unavailable", `server "${server.name}" is not running: ${detail}`);
  }
  const { engine, engine_options, authority } = effective;
  return {
    engine,
    engine_options: await options.backups.validateEngine(
      engine,
      engine_options,
      dispatchCaller(authority, signal),
    ),
    schedule: { id: schedule.id, name: schedule.name },
    server: { id: server.id, name: server.name },
    run_id,
    backup_type: trigger === "manual" ? "manual" as const : schedule.backup_type,
  };
}

async function conclude(
  options: SchedulesOptions,
  { schedule, log }: Performance,
  backup: Backup,
): Promise<RunEnding> {
  if (backup.status === "failed") {
    const error = `backup ${backup.id} is no good: ${
      backup.verify_detail ?? `${backup.skipped_count} entries could not be read`
    }`;
    return { outcome: "failed", error, backup };
  }
  try {
    const { removed, waiting } = await options.backups.applyRetention(schedule.id, schedule.max_backups);
    for (const { id, reason } of removed) log.add("info", `removed backup ${id}: ${reason}`);
    if (waiting !== null) log.add("warning", `nothing was removed: ${waiting}`);
  } catch (error) {
    // The backup is made and good; that an old one could not go is no reason to call it failed.
    log.add("warning", `old backups could not be removed: ${messageOf(error)}`);
  }
  await options.fault?.("retention-applied");
  return { outcome: "success", error: null, backup };
}

function aborted(reason: RunAbort): RunEnding {
  return { outcome: reason.outcome, error: reason.message, backup: null };
}

/** Ends the run for an engine that ignores that it was asked to stop, so that nothing is stuck running. */
async function leftBehind(
  { clock }: SchedulesOptions,
  signal: AbortSignal,
  done: AbortSignal,
): Promise<RunEnding> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true, signal: done });
  });
  await clock.sleep(STOP_LIMIT_MS, done);
  const reason = signal.reason instanceof RunAbort ? signal.reason : new RunAbort("interrupted", "stopped");
  return aborted(
    new RunAbort(reason.outcome, `${reason.message}; the engine did not stop and was left behind`),
  );
}
