/** Backups as records: the published catalogue entry and its rules. */
import { z } from "zod";

/** A catalogue entry, as the API and the command line show it. */
export const Backup = z.object({
  id: z.string(),
  backup_id: z.string().describe("Same as id, under the name logs use"),
  server_id: z.number().int().nullable(),
  schedule_id: z.string().nullable(),
  run_id: z.string().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  engine: z.string(),
  backup_type: z.enum(["scheduled", "manual", "pre_update"]),
  status: z.enum(["completed", "failed"]),
  path: z.string(),
  file_path: z.string().describe("Same as path"),
  size_bytes: z.number().int().nullable(),
  sha256: z.string().nullable(),
  source_bytes: z.number().int().nullable(),
  item_count: z.number().int().nullable(),
  skipped_count: z.number().int(),
  created_at: z.string(),
  verified_at: z.string().nullable(),
  verified_ok: z.boolean().nullable(),
  verify_detail: z.string().nullable(),
  missing_since: z.string().nullable(),
  changed_at: z.string().nullable(),
}).meta({ id: "Backup" });
export type Backup = z.infer<typeof Backup>;
