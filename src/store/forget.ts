/**
 * Forgetting old audit lines and outcomes: rows and links go together, and one summary link stays in their place.
 *
 * The chain is one, so only its beginning can be cut: a kind with fewer days waits for the kind with more.
 */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import type { AuditTables } from "./audit.ts";
import { type ChainTables, pruneChain } from "./chain.ts";
import type { Database } from "./database.ts";
import { tablesOf } from "./tables.ts";

/** Removes the outcomes behind these chain keys and says what they were; the owner of the rows brings it. */
export type OutcomeRemover = (
  tx: Transaction<unknown>,
  refs: readonly string[],
) => Promise<readonly unknown[]>;

/** Instants in milliseconds before which rows may be forgotten; null keeps the kind for ever. */
export interface ChainHorizon {
  audit: number | null;
  outcome: number | null;
}

const LINKS_AT_ONCE = 2000;

/** Forgets what is before the horizon; returns the number of links that went. `now` in milliseconds. */
export async function forgetChained(
  database: Database,
  horizon: ChainHorizon,
  removeOutcomes: OutcomeRemover,
  now: number,
): Promise<number> {
  const last = await lastToForget(database, horizon);
  for (let total = 0;;) {
    const removed = await database.transaction((tx) => forgetSome(tx, last, removeOutcomes, now));
    if (removed === 0) return total;
    total += removed;
  }
}

/** The newest link before the first one that must stay. */
async function lastToForget(database: Database, horizon: ChainHorizon): Promise<number> {
  const db = database.tables<ChainTables>();
  let last = Infinity;
  for (const kind of ["audit", "outcome"] as const) {
    const before = horizon[kind];
    const first = await db.selectFrom("chain").select("seq").where("kind", "=", kind)
      .$if(before !== null, (query) => query.where("at", ">=", iso(before!)))
      .orderBy("seq").limit(1).executeTakeFirst();
    if (first !== undefined) last = Math.min(last, first.seq - 1);
  }
  if (last !== Infinity) return last;
  // Nothing must stay: everything but summaries written since may go.
  const newest = await db.selectFrom("chain").select("seq").where("kind", "!=", "summary").orderBy(
    "seq",
    "desc",
  ).limit(1)
    .executeTakeFirst();
  return newest?.seq ?? 0;
}

async function forgetSome(
  tx: Transaction<unknown>,
  last: number,
  removeOutcomes: OutcomeRemover,
  now: number,
): Promise<number> {
  const links = await tablesOf<ChainTables>(tx).selectFrom("chain").select(["seq", "kind", "ref", "at"])
    .where("seq", "<=", last).orderBy("seq").limit(LINKS_AT_ONCE).execute();
  const newest = links.at(-1);
  if (newest === undefined) return 0;
  const refs = (kind: string) => links.filter((link) => link.kind === kind).map((link) => link.ref);
  const audit = refs("audit").map(Number);
  if (audit.length > 0) {
    await tablesOf<AuditTables>(tx).deleteFrom("audit_lines").where("id", "in", audit).execute();
  }
  const outcomes = await removeOutcomes(tx, refs("outcome"));
  const content = { from: links[0]!.at, to: newest.at, audit_lines: audit.length, outcomes };
  return await pruneChain(tx, newest.seq, JSON.stringify(content), now) ? links.length : 0;
}
