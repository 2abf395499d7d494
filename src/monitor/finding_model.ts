/** Findings as records. */
import { z } from "zod";
import { FINDING_STATES } from "./queries/tables.ts";

/** A finding, as it is answered. */
export const Finding = z.object({
  id: z.int(),
  code: z.string().describe("What is wrong, as a word"),
  severity: z.enum(["info", "warning", "critical"]),
  state: z.enum(FINDING_STATES),
  subject_kind: z.string(),
  subject_id: z.string(),
  subject_name: z.string(),
  job_id: z.int().nullable(),
  entry_id: z.int().nullable(),
  agent_id: z.string().nullable(),
  detail: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  count: z.int().describe("How often it was seen"),
  opened_at: z.string(),
  last_seen_at: z.string(),
  acknowledged_at: z.string().nullable(),
  acknowledged_by: z.string().nullable(),
  muted_until: z.string().nullable(),
  note: z.string().nullable(),
  ended_at: z.string().nullable(),
  ended_by: z.string().nullable(),
}).meta({ id: "Finding" });
export type Finding = z.output<typeof Finding>;

export { OPEN_STATES } from "./queries/tables.ts";
