/** Comparing the instants a schedule should have with the rows it has. */
import { iso } from "../lib/clock.ts";
import { expectedInstants, type Revisions } from "./expected.ts";
import type { Outcome } from "./model.ts";
import { occurrencesBetween } from "./queries/proof.ts";
import type { OutcomeSummary } from "./queries/ledger.ts";
import type { Db, OccurrenceRow } from "./queries/tables.ts";

/** What was found about one schedule in a period. */
export interface Account {
  expected: number;
  /** With a row, settled or under way, or covered by a summary of what was forgotten. */
  accounted: number;
  /** Of the accounted, those whose rows were forgotten. */
  pruned: number;
  /** So young that a daemon may still start them. */
  pending: number;
  /** Instants in milliseconds that nobody accounted for; of forgotten days only how many. */
  unaccounted: number[];
  unaccounted_pruned: { count: number; first: string; last: string } | null;
  outcomes: Partial<Record<Outcome | "open", number>>;
}

/** The period, in milliseconds, both ends included, and from when on instants are still pending. */
export interface Period {
  from: number;
  to: number;
  pendingFrom: number;
}

const ROWS_AT_ONCE = 5000;

/** Accounts for one schedule; `forgotten` are the summaries that tell of it. */
export async function accountFor(
  db: Db,
  revisions: Revisions,
  scheduleId: string,
  period: Period,
  forgotten: readonly OutcomeSummary[],
): Promise<Account> {
  const account: Account = {
    expected: 0,
    accounted: 0,
    pruned: 0,
    pending: 0,
    unaccounted: [],
    unaccounted_pruned: null,
    outcomes: {},
  };
  const last = forgotten.map((summary) => summary.last_due_at).sort().at(-1);
  const prunedTo = last === undefined ? -Infinity : Date.parse(last);
  let missingPruned = 0;
  const rows = new RowReader(db, scheduleId, period);
  for (const due of expectedInstants(revisions, scheduleId, period.from - 1, period.to)) {
    account.expected++;
    const row = await rows.at(due);
    if (row !== undefined) {
      account.accounted++;
      const word = row.outcome ?? "open";
      account.outcomes[word] = (account.outcomes[word] ?? 0) + 1;
    } else if (due <= prunedTo) missingPruned++;
    else if (due >= period.pendingFrom) account.pending++;
    else account.unaccounted.push(due);
  }
  if (missingPruned > 0) {
    await settlePruned(db, revisions, scheduleId, prunedTo, forgotten, missingPruned, account);
  }
  return account;
}

/**
 * Forgotten rows are told by their number: over the whole life of the schedule, as many instants may lack a row as the
 * summaries say were removed. What lacks beyond that is unaccounted, in this period at most as many as it has.
 */
async function settlePruned(
  db: Db,
  revisions: Revisions,
  scheduleId: string,
  prunedTo: number,
  forgotten: readonly OutcomeSummary[],
  inPeriod: number,
  account: Account,
): Promise<void> {
  const removed = forgotten.reduce(
    (sum, { outcomes }) => sum + Object.values(outcomes).reduce((all, count) => all + count, 0),
    0,
  );
  let missing = 0;
  const rows = new RowReader(db, scheduleId, { from: -Infinity, to: prunedTo });
  for (const due of expectedInstants(revisions, scheduleId, -Infinity, prunedTo)) {
    if (await rows.at(due) === undefined) missing++;
  }
  const lacking = Math.min(inPeriod, Math.max(0, missing - removed));
  account.pruned = inPeriod - lacking;
  account.accounted += account.pruned;
  if (lacking > 0) {
    const first = forgotten.map((summary) => summary.first_due_at).sort()[0] ?? iso(prunedTo);
    account.unaccounted_pruned = { count: lacking, first, last: iso(prunedTo) };
  }
}

type Row = Pick<OccurrenceRow, "due_at" | "outcome">;

/** Rows of a schedule, asked for in rising order. */
class RowReader {
  readonly #db: Db;
  readonly #scheduleId: string;
  readonly #to: string;
  #rows: readonly Row[] = [];
  #index = 0;
  #after: string;
  #isOver = false;

  constructor(db: Db, scheduleId: string, { from, to }: { from: number; to: number }) {
    [this.#db, this.#scheduleId, this.#to] = [db, scheduleId, iso(to)];
    this.#after = from === -Infinity ? "" : iso(from - 1);
  }

  /** The row of an instant, or undefined. */
  async at(due: number): Promise<Row | undefined> {
    const wanted = iso(due);
    for (;;) {
      const row = this.#rows[this.#index];
      if (row === undefined) {
        if (this.#isOver) return undefined;
        await this.#read();
      } else if (row.due_at < wanted) this.#index++;
      else return row.due_at === wanted ? row : undefined;
    }
  }

  async #read(): Promise<void> {
    this.#rows = await occurrencesBetween(this.#db, this.#scheduleId, this.#after, this.#to, ROWS_AT_ONCE);
    this.#index = 0;
    this.#isOver = this.#rows.length < ROWS_AT_ONCE;
    this.#after = this.#rows.at(-1)?.due_at ?? this.#to;
  }
}
