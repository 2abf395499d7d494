/** The ledger report as an operation. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { Moment } from "../lib/moment.ts";
import { operation } from "../lib/operation.ts";
import { LedgerReport } from "./report.ts";
import type { Schedules } from "./schedules.ts";

interface App {
  schedules: Schedules;
}

export const verifyLedger = operation({
  name: "ledger.verify",
  route: "POST /api/v1/backup-scheduler/ledger/verify",
  role: "operator",
  summary: "Prove that every due instant has exactly one outcome, and that nobody touched what is written",
  description:
    "The instants that should exist are worked out anew from the dated revisions of each schedule and compared with the ledger; the hash chain over outcomes and audit lines is walked from its first link. Without a daemon it works on the data directory, read-only too. Keep the head elsewhere: it shows later that nothing was rewritten since.",
  input: z.strictObject({
    from: Moment.optional().describe("First day or instant (UTC); else from the first schedule on"),
    to: Moment.optional().describe("Last day or instant (UTC), included; else, and at most, now"),
  }),
  output: LedgerReport,
  unaudited: true,
  readable: true,
  cli: {
    text: reportText,
    exit: (report) => report.clean ? 0 : EXIT_BAD_ANSWER,
    examples: [
      "holdfast ledger verify",
      "holdfast ledger verify --from 2026-01-01 --to 2026-12-31 --output json",
    ],
  },
  run: (app: App, input, caller) => app.schedules.verifyLedger(input, caller),
});

function reportText(report: LedgerReport): string {
  const { from, to, accounted, expected, unaccounted, duplicates, pending, pruned, chain, problems } = report;
  const outcomes = Object.entries(report.outcomes).map(([word, count]) => `${count} ${word}`).join(", ");
  return [
    `Ledger from ${from ?? "the first schedule on"} to ${to}`,
    `${accounted} of ${expected} due instants are accounted for${outcomes === "" ? "" : `: ${outcomes}`}`,
    ...(pruned === 0 ? [] : [`${pruned} of them by summaries of forgotten days`]),
    ...(pending === 0 ? [] : [`${pending} are due right now and wait for a daemon`]),
    `${unaccounted} unaccounted, ${duplicates} double`,
    `The chain ${report.chain_ok ? "fits" : "does not fit"}: ${chain.links} links, head ${chain.head}`,
    ...problems.map(({ schedule_name, schedule_id, due_at, problem }) =>
      `- ${schedule_name ?? schedule_id ?? "chain"}${due_at === null ? "" : ` at ${due_at}`}: ${problem}`
    ),
    ...(report.problems_left_out === 0 ? [] : [`and ${report.problems_left_out} more problems`]),
    report.clean ? "The ledger is clean" : "The ledger is not clean",
  ].join("\n");
}
