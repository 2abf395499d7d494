/**
 * The live view: what happens to all runs a caller may see, as one stream that can be resumed.
 *
 * An event's id is the process it came from and its number there. A client that comes back with the last id it saw
 * gets what it missed, as long as that is kept; otherwise it is told so by `reset` and gets the present state.
 */
import { type Caller } from "../lib/operation.ts";
import type { EventHub, Numbered } from "./events.ts";
import { findSchedule } from "./find.ts";
import type { FeedEvent } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { runById } from "./queries/runs.ts";
import type { SchedulesTables } from "./queries/tables.ts";
import { logRecord, visibleServers } from "./run_reader.ts";
import type { Runner } from "./runner.ts";

/** What to watch. */
export interface FeedInput {
  schedule_id?: string | undefined;
  server_id?: number | string | undefined;
  last_event_id?: string | undefined;
}

/** The stream of events over all runs. */
export class Feed {
  readonly #options: SchedulesOptions;
  readonly #hub: EventHub;
  readonly #runner: Runner;
  /** Numbers begin anew with each process; this tells whose they are. */
  readonly #epoch = crypto.randomUUID().slice(0, 8);

  constructor(options: SchedulesOptions, hub: EventHub, runner: Runner) {
    this.#options = options;
    this.#hub = hub;
    this.#runner = runner;
  }

  /** Events from now on, or from after the last one seen. Never ends by itself. Errors: `not_found`, `forbidden`. */
  async *watch(input: FeedInput, caller: Caller): AsyncGenerator<FeedEvent> {
    const servers = await visibleServers(this.#options, input.server_id, caller);
    const schedule = input.schedule_id === undefined
      ? undefined
      : (await findSchedule(this.#options, input.schedule_id, caller)).id;
    const fits = (one: { schedule_id: string; server_id: number }) =>
      (servers === null || servers.includes(one.server_id)) &&
      (schedule === undefined || schedule === one.schedule_id);
    const since = this.#seen(input.last_event_id);
    const live = this.#hub.subscribe(fits, caller.signal, since);
    try {
      if (since === undefined) {
        const id = this.#id(this.#hub.newest);
        yield input.last_event_id === undefined ? { type: "hello", id } : { type: "reset", id };
        for (const event of this.#present(fits)) yield { ...event, id };
      }
      for await (const numbered of live) {
        const event = await this.#event(numbered);
        if (event !== undefined) yield event;
      }
    } finally {
      live.close();
    }
  }

  /** The number behind an id of this process whose successors are all kept, else undefined. */
  #seen(id: string | undefined): number | undefined {
    const [epoch, number] = (id ?? "").split("-");
    const seq = Number(number);
    return epoch === this.#epoch && Number.isInteger(seq) && this.#hub.remembers(seq) ? seq : undefined;
  }

  #id(seq: number): string {
    return `${this.#epoch}-${seq}`;
  }

  /** What is queued or under way right now. */
  *#present(
    fits: (one: { schedule_id: string; server_id: number }) => boolean,
  ): Generator<Omit<FeedState, "id">> {
    const runs = [
      ...this.#runner.queued.map((row) => ({ row, state: "queued" as const })),
      ...[...this.#runner.active.values()].map(({ row }) => ({ row, state: "running" as const })),
    ];
    for (const { row, state } of runs) {
      if (!fits(row)) continue;
      const { id: run_id, schedule_id, server_id, started_at: at } = row;
      yield { type: "state", run_id, schedule_id, server_id, state, at };
    }
  }

  async #event({ seq, schedule_id, server_id, event }: Numbered): Promise<FeedEvent | undefined> {
    const id = this.#id(seq);
    if (event.type !== "ended") return { ...event, id, schedule_id, server_id };
    const run = await runById(this.#options.database.tables<SchedulesTables>(), event.run_id);
    // Forgotten meanwhile: a client that lags behind by months of history has nothing to learn from it.
    return run === undefined
      ? undefined
      : { type: "result", id, schedule_id, server_id, log: logRecord(run) };
  }
}

type FeedState = Extract<FeedEvent, { type: "state" }>;
