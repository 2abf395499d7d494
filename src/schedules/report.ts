/** The ledger report, as the API and the command line show it. */
import { z } from "zod";
import { Outcome } from "./model.ts";

const Count = z.int().min(0);
const Outcomes = z.partialRecord(z.enum([...Outcome.options, "open"]), Count);

/** One thing that is not as it should be. */
export const LedgerProblem = z.object({
  kind: z.enum(["unaccounted", "duplicate", "chain"]),
  schedule_id: z.string().nullable(),
  schedule_name: z.string().nullable(),
  due_at: z.string().nullable(),
  problem: z.string(),
});
export type LedgerProblem = z.infer<typeof LedgerProblem>;

export const LedgerReport = z.object({
  from: z.string().nullable().describe("Beginning of the period; null: from the first schedule on"),
  to: z.string().describe("End of the period, included: not after now"),
  clean: z.boolean().describe("True when nothing is unaccounted or double and the chain fits"),
  expected: Count.describe("Instants that should exist, by the dated revisions"),
  accounted: Count.describe("Of those, with an outcome or under way"),
  unaccounted: Count,
  duplicates: Count.describe("Instants with several rows, and attempts with several runs"),
  pending: Count.describe("Due a moment ago, with no daemon running that could have started them"),
  pruned: Count.describe("Accounted for by summaries of forgotten days"),
  outcomes: Outcomes,
  chain_ok: z.boolean(),
  chain: z.object({
    links: Count,
    pruned_links: Count,
    problems: Count,
    head: z.string().describe(
      "Hash of the newest link; kept elsewhere it shows that nothing was rewritten since",
    ),
  }),
  head: z.string().describe("Same as chain.head"),
  problems: z.array(LedgerProblem).describe("At most 100"),
  problems_left_out: Count,
  schedules: z.array(z.object({
    schedule_id: z.string(),
    schedule_name: z.string(),
    server_id: z.int(),
    expected: Count,
    accounted: Count,
    unaccounted: Count,
    pruned: Count,
    outcomes: Outcomes,
  })).describe("Schedules with instants in the period, deleted ones too"),
}).meta({ id: "LedgerReport" });
export type LedgerReport = z.infer<typeof LedgerReport>;
