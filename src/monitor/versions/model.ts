/** Kept versions as records. */
import { z } from "zod";

export const KeptVersion = z.object({
  entry_id: z.int().describe("Entry of the due instant it is the backup of"),
  job_id: z.int(),
  job_name: z.string(),
  due_at: z.string(),
  path: z.string(),
  size_bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  trashed_at: z.string().nullable().describe("Since when it is in the trash; null when it is not"),
}).meta({ id: "KeptVersion" });
export type KeptVersion = z.infer<typeof KeptVersion>;

export const VersionFilter = z.strictObject({
  job_id: z.int().positive().optional().describe("Only of this expected job"),
  trashed: z.boolean().default(false).describe("What is in the trash, instead of what is kept"),
  skip: z.int().min(0).default(0).describe("Leave out so many of the newest"),
  limit: z.int().min(1).max(10_000).default(1000).describe("At most so many, newest first"),
});
export type VersionFilter = z.output<typeof VersionFilter>;

export const PruneVersions = z.strictObject({
  job_id: z.int().positive().optional().describe("Only of this expected job"),
  apply: z.boolean().default(false).describe("Move to the trash what is not kept, instead of only naming it"),
});

export const PrunedVersions = z.object({
  applied: z.boolean(),
  decisions: z.array(z.object({
    entry_id: z.int(),
    job_name: z.string(),
    due_at: z.string(),
    path: z.string(),
    size_bytes: z.int().nullable(),
    keep: z.boolean(),
    reason: z.string(),
  })),
  trashed: z.array(z.int()).describe("Entries whose file was moved to the trash"),
  problems: z.array(z.string()),
}).meta({ id: "PrunedVersions" });
export type PrunedVersions = z.infer<typeof PrunedVersions>;
