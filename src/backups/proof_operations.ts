/** What people can ask of restore tests. */
import { z } from "zod";
import { formatDuration } from "../lib/duration.ts";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { operation } from "../lib/operation.ts";
import type { Backups } from "./backups.ts";
import { IDENTITY_FLAGS, IdentityFields } from "./identity.ts";
import { BackupProof } from "./proof.ts";

interface App {
  backups: Backups;
}

const columns = [
  { key: "backup_name", title: "backup" },
  { key: "started_at", title: "when", format: "instant" },
  { key: "ok", format: "boolean" },
  { key: "restore_seconds", title: "took", format: "duration", align: "right" },
  { key: "restored_bytes", title: "size", format: "bytes" },
] as const;

export const proveBackup = operation({
  name: "backups.prove",
  route: "POST /api/v1/backups/{backup}/prove",
  role: "operator",
  scope: { server: (app: App, input: { backup: string }) => app.backups.serverOf(input.backup) },
  summary: "Prove that a backup can be restored, and keep the evidence",
  description:
    "Verifies it, restores it into backups.scratch_dir, compares what was restored with what the artifact lists, calls the schedule's prove_command in it if there is one, and removes it again. Answers when all is done. The command ends with 20 when the test fails.",
  input: z.strictObject({
    backup: z.string().min(1).describe(
      "Id or name of the backup; the first four or more characters of an id will do",
    ),
    ...IdentityFields.shape,
  }),
  output: BackupProof,
  progress: true,
  cli: {
    args: ["backup"],
    flags: { ...IDENTITY_FLAGS },
    text: proofText,
    exit: (proof) => proof.ok ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast backups prove 3f9c01ab"],
  },
  run: (app: App, { backup, ...identity }, caller) => app.backups.prove(backup, caller, identity),
});

function proofText(proof: BackupProof): string {
  const took = proof.restore_seconds === null ? "" : `, restored in ${formatDuration(proof.restore_seconds)}`;
  return [
    `${proof.backup_name}: ${proof.ok ? "proved" : "NOT proved"}${took}`,
    ...proof.checks.map(({ name, ok, detail }) =>
      `  ${name.padEnd(8)}${ok ? "ok    " : "FAILED"}  ${detail}`
    ),
    `Evidence ${proof.id}, kept; see: holdfast backups proofs --backup ${proof.backup_id}`,
  ].join("\n");
}

export const listProofs = operation({
  name: "backups.proofs",
  route: "GET /api/v1/backup-proofs",
  role: "user",
  scope: "filtered",
  summary: "List restore tests and what they found, newest first",
  input: z.strictObject({
    backup: z.string().min(1).optional().describe("Only of this backup"),
    schedule: z.string().min(1).optional().describe("Only of this schedule (name, server/name or id)"),
    last: z.boolean().default(false).describe("The last one of each schedule"),
    limit: z.int().min(1).max(1000).default(100).describe("How many at most"),
  }),
  output: z.array(BackupProof),
  cli: {
    columns,
    examples: ["holdfast backups proofs --last", "holdfast backups proofs --schedule nightly --output json"],
  },
  run: (app: App, input, caller) => app.backups.proofs(input, caller),
});
