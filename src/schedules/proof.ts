/** The ledger report: every instant that should exist has exactly one outcome, and nobody has touched what was written. */
import type { Transaction } from "kysely";
import { z } from "zod";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type ChainProblem, type ChainTables, Database, tablesOf, verifyChain } from "../store/mod.ts";
import { type Account, accountFor, type Period } from "./account.ts";
import { GRACE_MS } from "./decide.ts";
import type { Revisions } from "./expected.ts";
import { momentText } from "./moment.ts";
import type { SchedulesOptions } from "./options.ts";
import { outcomeDigests, type OutcomeSummary, strayOutcomes } from "./queries/ledger.ts";
import { allRevisions, allSchedules, duplicates, summaries } from "./queries/proof.ts";
import type { SchedulesTables } from "./queries/tables.ts";
import type { LedgerProblem, LedgerReport } from "./report.ts";

const MAX_PROBLEMS = 100;

/** What to prove. */
export interface ProofInput {
  from?: string | undefined;
  to?: string | undefined;
}

/**
 * Proves the ledger as of `now`, in milliseconds; `dispatching` when this process has just settled everything up to
 * then. Reads from a snapshot of its own, so that nobody waits for it. Errors: `invalid` for a period that ends
 * before it begins.
 */
export async function prove(
  options: SchedulesOptions,
  input: ProofInput,
  now: number,
  dispatching: boolean,
): Promise<LedgerReport> {
  const from = momentText(input.from, "T00:00:00Z");
  const asked = momentText(input.to, "T23:59:59.999Z");
  if (from !== undefined && asked !== undefined && asked < from) {
    throw new HoldfastError("invalid", `Cannot verify the ledger: the period ends before it begins`, {
      errors: [{ path: "to", message: `is before ${from}` }],
    });
  }
  const period: Period = {
    from: from === undefined ? -Infinity : Date.parse(from),
    to: Math.min(now, asked === undefined ? Infinity : Date.parse(asked)),
    pendingFrom: dispatching ? Infinity : now - GRACE_MS,
  };
  return await onSnapshot(options, (tx) => proveOn(options, tx, period));
}

/** Reads a lot from a snapshot, so that nobody waits for it. */
export async function onSnapshot<T>(
  { database, clock }: Pick<SchedulesOptions, "database" | "clock">,
  read: (tx: Transaction<unknown>) => Promise<T>,
): Promise<T> {
  if (database.path === ":memory:") return await database.transaction(read);
  const snapshot = new Database(database.path, clock, { readonly: true });
  try {
    return await snapshot.transaction(read);
  } finally {
    await snapshot.close();
  }
}

async function proveOn(
  options: SchedulesOptions,
  tx: Transaction<unknown>,
  period: Period,
): Promise<LedgerReport> {
  const schedules = new Map((await allSchedules(tablesOf(tx))).map((row) => [row.id, row]));
  const findings = new Findings((id) => schedules.get(id)?.name ?? null);
  const ledger = await accounts(tx, [...schedules.values()], period, findings);
  const double = await duplicates(tablesOf(tx));
  for (const row of double) findings.duplicate(row);
  const chain = await verifyChain(tablesOf<ChainTables>(tx), {
    audit: options.auditReaders(tx).digests,
    outcome: (refs) => outcomeDigests(tablesOf(tx), refs),
  }, {
    audit: options.auditReaders(tx).strays,
    outcome: () => strayOutcomes(tablesOf(tx)),
  });
  for (const problem of chain.problems) findings.chain(problem);
  const { links, pruned_links, head } = chain;
  return {
    from: period.from === -Infinity ? null : iso(period.from),
    to: iso(period.to),
    clean: ledger.unaccounted === 0 && double.length === 0 && chain.ok,
    ...ledger,
    duplicates: double.length,
    chain_ok: chain.ok,
    chain: { links, pruned_links, problems: chain.problems.length, head },
    head,
    problems: findings.problems,
    problems_left_out: findings.leftOut,
  };
}

/** How many instants of each schedule should exist in a period, and how many of them are accounted for. */
export async function accountsOf(
  tx: Transaction<unknown>,
  schedules: readonly { id: string; name: string; server_id: number }[],
  period: Period,
): Promise<Map<string, { expected: number; accounted: number; unaccounted: number }>> {
  const { schedules: rows } = await accounts(tx, schedules, period, new Findings(() => null));
  return new Map(rows.map(({ schedule_id, expected, accounted, unaccounted }) => [
    schedule_id,
    { expected, accounted, unaccounted },
  ]));
}

/** Accounts for every schedule, and what they come to together. */
async function accounts(
  tx: Transaction<unknown>,
  schedules: readonly { id: string; name: string; server_id: number }[],
  period: Period,
  findings: Findings,
) {
  const db = tablesOf<SchedulesTables>(tx);
  const revisions: Revisions = Map.groupBy(await allRevisions(db), (row) => row.schedule_id);
  const forgotten = Map.groupBy((await summaries(tx)).flatMap(outcomesOf), (summary) => summary.schedule_id);
  const total = { expected: 0, accounted: 0, unaccounted: 0, pending: 0, pruned: 0 };
  const totals: LedgerReport["outcomes"] = {};
  const rows: LedgerReport["schedules"] = [];
  for (const { id, name, server_id } of schedules) {
    const account = await accountFor(db, revisions, id, period, forgotten.get(id) ?? []);
    findings.unaccounted(id, account);
    if (account.expected === 0) continue;
    const { expected, accounted, pruned, outcomes, pending } = account;
    const unaccounted = account.unaccounted.length + (account.unaccounted_pruned?.count ?? 0);
    addTo(total, { expected, accounted, unaccounted, pending, pruned });
    addTo(totals, outcomes);
    rows.push({
      schedule_id: id,
      schedule_name: name,
      server_id,
      expected,
      accounted,
      unaccounted,
      pruned,
      outcomes,
    });
    // A turn of the event loop between schedules: requests are answered meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { ...total, outcomes: totals, schedules: rows };
}

function addTo(sum: Record<string, number>, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) sum[name] = (sum[name] ?? 0) + value;
}

/** Forgotten days of one summary; what was written before there were any tells of none. */
const Forgotten = z.object({
  outcomes: z.array(z.object({
    schedule_id: z.string(),
    first_due_at: z.string(),
    last_due_at: z.string(),
    outcomes: z.record(z.string(), z.int()),
  })),
});

function outcomesOf(content: string): OutcomeSummary[] {
  const parsed = Forgotten.safeParse(JSON.parse(content));
  return parsed.success ? parsed.data.outcomes : [];
}

/** What is not as it should be, in sentences. */
class Findings {
  readonly problems: LedgerProblem[] = [];
  leftOut = 0;
  readonly #nameOf: (scheduleId: string) => string | null;

  constructor(nameOf: (scheduleId: string) => string | null) {
    this.#nameOf = nameOf;
  }

  #add(kind: LedgerProblem["kind"], id: string | null, due_at: string | null, problem: string): void {
    if (this.problems.length >= MAX_PROBLEMS) this.leftOut++;
    else {
      const schedule_name = id === null ? null : this.#nameOf(id);
      this.problems.push({ kind, schedule_id: id, schedule_name, due_at, problem });
    }
  }

  unaccounted(id: string, account: Account): void {
    for (const due of account.unaccounted) {
      this.#add("unaccounted", id, iso(due), "it was due and has no row");
    }
    const pruned = account.unaccounted_pruned;
    if (pruned === null) return;
    const span = `between ${pruned.first} and ${pruned.last}`;
    this.#add("unaccounted", id, null, `${pruned.count} instants ${span} have neither row nor summary`);
  }

  duplicate({ schedule_id, due_at, attempt, rows }: Awaited<ReturnType<typeof duplicates>>[number]): void {
    const what = attempt === null ? `it has ${rows} rows` : `its attempt ${attempt} has ${rows} runs`;
    this.#add("duplicate", schedule_id, due_at, what);
  }

  chain({ seq, kind, ref, problem }: ChainProblem): void {
    const where = seq === 0 ? "" : ` (link ${seq})`;
    const [, id, due] = kind === "outcome" ? /^\d+:([^:]+):(.+)$/.exec(ref) ?? [] : [];
    if (id !== undefined) this.#add("chain", id, due ?? null, `${problem}${where}`);
    else this.#add("chain", null, null, `${kind} ${ref}: ${problem}${where}`);
  }
}
