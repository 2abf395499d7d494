/** What a scan found and did, as it is answered. */
import { z } from "zod";
import { ENTRY_STATUSES } from "../report.ts";

/** A database of a report, or a plain file, and what was decided. */
export const ScannedBackup = z.object({
  agent_id: z.string(),
  database_name: z.string(),
  /** Name of the report; null for a plain file. */
  report: z.string().nullable().describe("Report it was in; null for a plain file"),
  job_id: z.int().nullable(),
  entry_id: z.int().nullable(),
  status: z.enum(ENTRY_STATUSES).nullable().describe("null when no job expects it at that time"),
  message: z.string(),
  kept_path: z.string().nullable().describe("Where the file is kept; null when it was not kept now"),
});
export type ScannedBackup = z.infer<typeof ScannedBackup>;

/** A report that could not be read, and why. */
export const RefusedReport = z.object({
  agent_id: z.string(),
  report: z.string(),
  reason: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })),
});
export type RefusedReport = z.infer<typeof RefusedReport>;

/** At most so many lines of each kind are answered; the counts are of all. */
export const MAX_LISTED = 1000;

export const ScanResult = z.object({
  started_at: z.string(),
  finished_at: z.string(),
  agents: z.int().describe("Folders of agents in the deposit"),
  reports: z.object({
    found: z.int(),
    judged: z.int(),
    known: z.int().describe("Judged before, and only archived now"),
    refused: z.int(),
    young: z.int().describe("Cannot be read yet, and are tried again"),
    waiting: z.int().describe("Their files are still being written; they are judged by a later scan"),
  }),
  files: z.object({
    found: z.int().describe("Plain files that were looked for and found"),
    judged: z.int(),
    kept: z.int().describe("Good files that were copied to where they are kept"),
    checked: z.int().describe("Good files that were looked at again"),
    changed: z.int().describe("Of those, the ones that are gone or differ"),
  }),
  backups: z.array(ScannedBackup).describe(`What was decided, the first ${MAX_LISTED}`),
  refused: z.array(RefusedReport).describe(`Reports that were refused, the first ${MAX_LISTED}`),
  problems: z.array(z.string()).describe(`What could not be looked at, the first ${MAX_LISTED}`),
}).meta({ id: "ScanResult" });
export type ScanResult = z.infer<typeof ScanResult>;

/** A result that nothing was added to yet. */
export function emptyResult(startedAt: string): ScanResult {
  return {
    started_at: startedAt,
    finished_at: startedAt,
    agents: 0,
    reports: { found: 0, judged: 0, known: 0, refused: 0, young: 0, waiting: 0 },
    files: { found: 0, judged: 0, kept: 0, checked: 0, changed: 0 },
    backups: [],
    refused: [],
    problems: [],
  };
}

/** Adds lines while there is room for them. */
export function addLines<T>(lines: T[], more: readonly T[]): void {
  lines.push(...more.slice(0, Math.max(0, MAX_LISTED - lines.length)));
}
