/** Reading the ledger: what became of each due instant, and what its hash chain has to fit. */
import type { Caller } from "../lib/operation.ts";
import { findPastSchedule } from "./find.ts";
import type { LedgerEntry, Outcome } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { listOccurrences, outcomeDigests } from "./queries/ledger.ts";
import type { SchedulesTables } from "./queries/tables.ts";
import { visibleServers } from "./run_reader.ts";
import { momentText } from "./moment.ts";

/** Which entries to list; both ends are inclusive. */
export interface LedgerInput {
  schedule_id?: string | undefined;
  server_id?: number | string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  outcome?: Outcome | undefined;
  limit: number;
  offset: number;
}

export class Ledger {
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** Entries of the caller's servers, newest instant first. Errors: `not_found`, `forbidden`. */
  async list(input: LedgerInput, caller: Caller): Promise<LedgerEntry[]> {
    const servers = await visibleServers(this.#options, input.server_id, caller);
    const schedule = input.schedule_id === undefined
      ? undefined
      : await findPastSchedule(this.#options, input.schedule_id, caller);
    const rows = await listOccurrences(this.#options.database.tables<SchedulesTables>(), {
      servers,
      schedule_id: schedule?.id,
      from: momentText(input.from, "T00:00:00Z"),
      to: momentText(input.to, "T23:59:59.999Z"),
      outcome: input.outcome,
      limit: input.limit,
      offset: input.offset,
    });
    return rows.map(({ id: _, late, ...entry }) => ({ ...entry, late: late === 1 }));
  }

  /** Digests of settled instants as they are now, by their keys in the chain. */
  digests(refs: readonly string[]): Promise<Map<string, string>> {
    return outcomeDigests(this.#options.database.tables<SchedulesTables>(), refs);
  }
}
