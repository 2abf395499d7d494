/** Reading runs: pages of logs, one log with its lines, and following one while it is under way. */
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import type { EventHub } from "./events.ts";
import { findPastSchedule } from "./find.ts";
import { momentText } from "./moment.ts";
import { type BackupScheduleLog, type LogPage, type RunEvent, RunOutcome, RunStatus } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { linesAfter } from "./queries/lines.ts";
import { type NamedRun, pageRuns, runById, runsLike, totalRuns } from "./queries/runs.ts";
import type { RunLineRow, SchedulesTables } from "./queries/tables.ts";
import type { Runner } from "./runner.ts";

/** Which logs to list. */
export interface LogsInput {
  schedule_id?: string | undefined;
  server_id?: number | string | undefined;
  status?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  text?: string | undefined;
  limit: number;
  offset: number;
}

/** Lines read at once. */
const LINES_PAGE = 1000;

export class RunReader {
  readonly #options: SchedulesOptions;
  readonly #runner: Runner;
  readonly #hub: EventHub;

  constructor(options: SchedulesOptions, runner: Runner, hub: EventHub) {
    this.#options = options;
    this.#runner = runner;
    this.#hub = hub;
  }

  /** A page of runs, newest first. Errors: `not_found`, `forbidden`. */
  async list(input: LogsInput, caller: Caller): Promise<LogPage> {
    const servers = await visibleServers(this.#options, input.server_id, caller);
    const schedule = input.schedule_id === undefined
      ? undefined
      : await findPastSchedule(this.#options, input.schedule_id, caller);
    const { text } = input;
    const status = RunStatus.safeParse(input.status).data;
    // Other words than the published ones are exact outcomes.
    const outcome = status === undefined ? RunOutcome.safeParse(input.status).data : undefined;
    const [from, to] = [momentText(input.from, "T00:00:00Z"), momentText(input.to, "T23:59:59.999Z")];
    const filter = { servers, schedule_id: schedule?.id, status, outcome, text, from, to };
    const total = await totalRuns(this.#tables(), filter);
    const rows = await pageRuns(this.#tables(), filter, { limit: input.limit, offset: input.offset, total });
    return {
      logs: rows.map(logRecord),
      total,
      page: Math.floor(input.offset / input.limit) + 1,
      size: input.limit,
    };
  }

  /** One run with its lines. Errors: as {@linkcode find}. */
  async get(ref: string, caller: Caller): Promise<BackupScheduleLog> {
    const run = await this.find(ref, caller);
    await this.#runner.flush(run.id);
    const lines = await Array.fromAsync(this.#stored(run.id, 0));
    return { ...logRecord(run), logs: lines.map(lineText) };
  }

  /**
   * A run the caller may see, by its id or the beginning of it. Errors: `not_found`, `forbidden`, `invalid` when several
   * ids begin so.
   */
  async find(ref: string, caller: Caller): Promise<NamedRun> {
    const run = await runById(this.#tables(), ref);
    if (run !== undefined) {
      requireServer(caller, run.server_id);
      return run;
    }
    const [found, ...others] = await runsLike(this.#tables(), ref, caller.servers);
    if (found === undefined) {
      throw new HoldfastError("not_found", `Cannot find log "${ref}"`, {
        hint: "list them with: holdfast schedules logs",
      });
    }
    if (others.length === 0) return found;
    const ids = [found, ...others].map(({ id }) => id).join(", ");
    throw new HoldfastError("invalid", `Cannot tell which log "${ref}" is: ${ids} fit`);
  }

  /** Id of the server a run was for; null when there is no such run, or several could be meant. */
  async serverOf(ref: string): Promise<number | null> {
    const exact = await runById(this.#tables(), ref);
    const [found, ...others] = exact === undefined ? await runsLike(this.#tables(), ref, null) : [exact];
    return found === undefined || others.length > 0 ? null : found.server_id;
  }

  /** Stored lines, then what happens as it happens; ends with the result. Errors: as {@linkcode find}. */
  async *follow(ref: string, caller: Caller): AsyncGenerator<RunEvent> {
    const runId = (await this.find(ref, caller)).id;
    // Listening begins before reading, so that nothing happens unseen in between.
    const live = this.#hub.subscribe(({ event }) => event.run_id === runId, caller.signal);
    try {
      const run = await this.find(runId, caller);
      let seq = 0;
      // A run that a killed process left behind is nobody's: there is nothing to wait for.
      if (run.status === "running" && this.#runner.has(runId)) {
        const state = run.outcome === "queued" ? "queued" as const : "running" as const;
        yield { type: "state", run_id: runId, state, at: run.started_at };
        await this.#runner.flush(runId);
        for await (const line of this.#stored(runId, seq)) {
          yield { type: "line", ...line, seq: seq = line.seq };
        }
        for await (const { event } of live) {
          if (event.type === "ended") break;
          if (event.type !== "line") {
            if (event.type !== "state" || event.state !== state) yield event;
          } else if (event.seq > seq + 1) {
            await this.#runner.flush(runId);
            for await (const line of this.#stored(runId, seq)) {
              yield { type: "line", ...line, seq: seq = line.seq };
            }
          } else if (event.seq > seq) yield { ...event, seq: seq = event.seq };
        }
        if (caller.signal.aborted) return;
      }
      for await (const line of this.#stored(runId, seq)) yield { type: "line", ...line, seq: seq = line.seq };
      yield { type: "result", log: logRecord(await this.find(runId, caller)) };
    } finally {
      live.close();
    }
  }

  async *#stored(runId: string, after: number): AsyncGenerator<RunLineRow> {
    for (let seq = after;;) {
      const lines = await linesAfter(this.#tables(), runId, seq, LINES_PAGE);
      yield* lines;
      if (lines.length < LINES_PAGE) return;
      seq = lines.at(-1)!.seq;
    }
  }

  #tables() {
    return this.#options.database.tables<SchedulesTables>();
  }
}

/** The servers a list is limited to: the one asked for, else those of the caller; null is all. Errors: `not_found`, `forbidden`. */
export async function visibleServers(
  options: SchedulesOptions,
  ref: number | string | undefined,
  caller: Caller,
): Promise<readonly number[] | null> {
  if (ref === undefined) return caller.servers;
  const { id } = await options.servers.resolve(ref);
  requireServer(caller, id);
  return [id];
}

/** A stored run as people see it. */
export function logRecord(run: NamedRun): BackupScheduleLog {
  return {
    id: run.id,
    schedule_id: run.schedule_id,
    schedule_name: run.schedule_name,
    server_id: run.server_id,
    backup_id: run.backup_id,
    status: run.status,
    outcome: run.outcome,
    trigger: run.trigger,
    due_at: run.due_at,
    attempt: run.attempt,
    started_at: run.started_at,
    completed_at: run.completed_at,
    duration_seconds: durationOf(run),
    backup_size_bytes: run.backup_size_bytes,
    warning_count: run.warning_count,
    error_message: run.error_message,
  };
}

/** A clock that was set back during the run makes no negative time. */
function durationOf({ started_at, completed_at }: NamedRun): number | null {
  if (completed_at === null) return null;
  return Math.max(0, Date.parse(completed_at) - Date.parse(started_at)) / 1000;
}

function lineText(line: RunLineRow): string {
  return `${line.at} ${line.level === "info" ? "" : `${line.level}: `}${line.text}`;
}
