/** Statements on the ledger: one row per schedule and due instant. */
import { type Kysely, sql, type Transaction } from "kysely";
import { appendChain, type ChainTables, digestOf, prepared, tablesOf } from "../../store/mod.ts";
import type { Outcome, RunOutcome } from "../model.ts";
import { chunks, type Db, type OccurrenceRow, type SchedulesTables } from "./tables.ts";

export type NewOccurrence = Omit<OccurrenceRow, "id">;

/** Claims instants; an instant that has a row already is left out of the answer. */
export async function insertOccurrences(
  tx: Transaction<unknown>,
  rows: readonly NewOccurrence[],
): Promise<OccurrenceRow[]> {
  const db = tablesOf<SchedulesTables>(tx);
  const inserted: OccurrenceRow[] = [];
  for (const part of chunks(rows)) {
    inserted.push(
      ...await db.insertInto("occurrences").values(part)
        .onConflict((conflict) => conflict.columns(["schedule_id", "due_at"]).doNothing())
        .returningAll().execute(),
    );
  }
  await chainOutcomes(tx, inserted.filter((row) => row.state === "settled"));
  // What `returning` gives is in no order.
  return inserted.sort((a, b) => a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : a.id - b.id);
}

/** What became of a claimed instant. */
export interface Settlement {
  outcome: Outcome;
  result: RunOutcome | null;
  reason: string | null;
}

/** Settles an open instant once; undefined when it is settled already. What follows it is `settle.ts`'s affair. */
export async function settleOccurrence(
  tx: Transaction<unknown>,
  id: number,
  settlement: Settlement,
  at: string,
): Promise<OccurrenceRow | undefined> {
  const { rows } = await settle(tablesOf<SchedulesTables>(tx), { ...settlement, id, at });
  await chainOutcomes(tx, rows);
  return rows[0];
}

const settle = prepared<SchedulesTables, OccurrenceRow, Settlement & { id: number; at: string }>((db, row) =>
  db.updateTable("occurrences").set({
    outcome: row.outcome,
    result: row.result,
    reason: row.reason,
    state: "settled",
    settled_at: row.at,
    not_before: null,
    awaits: null,
  }).where("id", "=", row.id).where("state", "!=", sql.lit("settled" as const)).returningAll()
);

/** What to list. Instants are ISO texts, both ends inclusive. */
export interface LedgerFilter {
  servers: readonly number[] | null;
  schedule_id: string | undefined;
  from: string | undefined;
  to: string | undefined;
  outcome: Outcome | undefined;
  limit: number;
  offset: number;
}

/** Entries with the schedule's name, the newest instant first. */
export function listOccurrences(
  db: Db,
  filter: LedgerFilter,
): Promise<(OccurrenceRow & { schedule_name: string })[]> {
  let query = db.selectFrom("occurrences").innerJoin("schedules", "schedules.id", "occurrences.schedule_id")
    .selectAll("occurrences").select("schedules.name as schedule_name");
  if (filter.servers !== null) query = query.where("occurrences.server_id", "in", filter.servers);
  if (filter.schedule_id !== undefined) {
    query = query.where("occurrences.schedule_id", "=", filter.schedule_id);
  }
  if (filter.from !== undefined) query = query.where("occurrences.due_at", ">=", filter.from);
  if (filter.to !== undefined) query = query.where("occurrences.due_at", "<=", filter.to);
  if (filter.outcome !== undefined) query = query.where("occurrences.outcome", "=", filter.outcome);
  return query.orderBy("occurrences.due_at", "desc").orderBy("occurrences.id", "desc")
    .limit(filter.limit).offset(filter.offset).execute();
}

async function chainOutcomes(tx: Transaction<unknown>, rows: readonly OccurrenceRow[]): Promise<void> {
  if (rows.length === 0) return;
  const now = Math.max(...rows.map((row) => Date.parse(row.settled_at ?? row.claimed_at)));
  const entries = rows.map((row) => ({
    kind: "outcome" as const,
    ref: refOf(row),
    digest: outcomeDigest(row),
  }));
  await appendChain(tx, entries, now);
}

/** The key of a row in the chain; it names the instant, so that a removed row can still be named. */
function refOf(row: OccurrenceRow): string {
  return `${row.id}:${row.schedule_id}:${row.due_at}`;
}

function outcomeDigest(row: OccurrenceRow): string {
  return digestOf([
    row.id,
    row.schedule_id,
    row.server_id,
    row.due_at,
    row.outcome,
    row.result,
    row.reason,
    row.run_id,
    row.claimed_at,
    row.settled_at,
  ]);
}

/** Digests of the rows behind chain keys as they are now; a key without row is absent. */
export async function outcomeDigests(db: Db, refs: readonly string[]): Promise<Map<string, string>> {
  const wanted = new Map(refs.map((ref) => [Number(ref.split(":")[0]), ref]));
  const digests = new Map<string, string>();
  for (const part of chunks([...wanted.keys()])) {
    const rows = await db.selectFrom("occurrences").selectAll().where("id", "in", part).execute();
    for (const row of rows) digests.set(wanted.get(row.id)!, outcomeDigest(row));
  }
  return digests;
}

/** Chain keys of settled rows without a link, at most a hundred: somebody wrote them past Holdfast. */
export async function strayOutcomes(db: Kysely<SchedulesTables & ChainTables>): Promise<string[]> {
  const rows = await db.selectFrom("occurrences").selectAll().where("state", "=", "settled").where((eb) =>
    eb.not(eb.exists(
      eb.selectFrom("chain").select("seq").where("kind", "=", "outcome").where(
        "ref",
        "=",
        eb.fn<string>("concat", [
          eb.cast<string>("occurrences.id", "text"),
          eb.val(":"),
          "occurrences.schedule_id",
          eb.val(":"),
          "occurrences.due_at",
        ]),
      ),
    ))
  ).orderBy("id").limit(100).execute();
  return rows.map(refOf);
}

/** What is remembered of settled instants that are removed. */
export interface OutcomeSummary {
  schedule_id: string;
  first_due_at: string;
  last_due_at: string;
  outcomes: Partial<Record<Outcome, number>>;
}

/** Removes the settled rows behind chain keys and says what they were, by schedule. */
export async function removeOutcomes(
  tx: Transaction<unknown>,
  refs: readonly string[],
): Promise<OutcomeSummary[]> {
  const db = tablesOf<SchedulesTables>(tx);
  const summaries = new Map<string, OutcomeSummary>();
  for (const part of chunks(refs.map((ref) => Number(ref.split(":")[0])))) {
    const rows = await db.deleteFrom("occurrences").where("id", "in", part).where("state", "=", "settled")
      .returning(["schedule_id", "due_at", "outcome"]).execute();
    for (const row of rows) {
      const known = summaries.get(row.schedule_id);
      const summary = known ??
        { schedule_id: row.schedule_id, first_due_at: row.due_at, last_due_at: row.due_at, outcomes: {} };
      if (row.due_at < summary.first_due_at) summary.first_due_at = row.due_at;
      if (row.due_at > summary.last_due_at) summary.last_due_at = row.due_at;
      const outcome = row.outcome ?? "ran";
      summary.outcomes[outcome] = (summary.outcomes[outcome] ?? 0) + 1;
      summaries.set(row.schedule_id, summary);
    }
  }
  return [...summaries.values()];
}
