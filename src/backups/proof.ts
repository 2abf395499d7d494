/** Restore tests as records, and the rule when one is due. */
import { z } from "zod";
import type { Role } from "../lib/operation.ts";

/** When a backup of a schedule is restored for no other reason than to see that it can be; null is never. */
export interface ProveRules {
  every_runs: number | null;
  every_seconds: number | null;
  /** Command line that judges what was restored, and the role of whoever set it. */
  command: string | null;
  command_role: Role;
}

/** One thing that was looked at. */
export const ProofCheck = z.object({
  name: z.enum(["verify", "restore", "compare", "command"]),
  ok: z.boolean(),
  detail: z.string(),
});
export type ProofCheck = z.output<typeof ProofCheck>;

/** The evidence of a restore test. */
export const BackupProof = z.object({
  id: z.string(),
  backup_id: z.string(),
  backup_name: z.string(),
  engine: z.string(),
  schedule_id: z.string().nullable(),
  server_id: z.int().nullable(),
  ok: z.boolean(),
  started_at: z.string(),
  ended_at: z.string(),
  restore_seconds: z.number().nullable().describe("How long the restore itself took; null when it failed"),
  item_count: z.int().nullable(),
  restored_bytes: z.int().nullable(),
  checks: z.array(ProofCheck).describe("What was looked at, in order; none after the one that failed"),
  requested_by: z.string(),
}).meta({ id: "BackupProof" });
export type BackupProof = z.output<typeof BackupProof>;

/** What the rule reads of a schedule's history. */
export interface ProofHistory {
  /** When the last restore test began; null when there was none. */
  last_at: string | null;
  /** Successful backups since then, or ever. */
  backups_since: number;
}

/** True when a schedule's newest backup is to be proved. `now` in milliseconds. */
export function isProofDue(
  rules: ProveRules,
  { last_at, backups_since }: ProofHistory,
  now: number,
): boolean {
  if (backups_since === 0) return false;
  if (rules.every_runs !== null && backups_since >= rules.every_runs) return true;
  if (rules.every_seconds === null) return false;
  return last_at === null || now - Date.parse(last_at) >= rules.every_seconds * 1000;
}
