/** The tables of the catalogue: columns are the records' fields; booleans are 0 and 1, objects JSON text. */
import type { Kysely } from "kysely";
import type { Backup } from "./model.ts";
import type { BackupProof } from "./proof.ts";

/** A row of the catalogue; `verified_ok` is 0 or 1. */
export interface BackupRow
  extends Omit<Backup, "backup_id" | "file_path" | "backup_type" | "status" | "verified_ok"> {
  backup_type: string;
  status: string;
  verified_ok: number | null;
  /** Set while the artifact is being removed; a crash leaves it for the next start. */
  deleting_since: string | null;
  deleted_at: string | null;
  deleted_reason: string | null;
  /** JSON, as validated for the run; null where nobody knows them. Secrets are references in it. */
  engine_options: string | null;
}

/** A backup in the making; `directories` is a JSON array of where its files appear, `engine_options` as of the backup. */
export interface MakeRow {
  id: string;
  name: string;
  engine: string;
  directories: string;
  started_at: string;
  engine_options: string | null;
}

/** A row of evidence; `checks` is JSON, `ok` 0 or 1. */
export interface ProofRow extends Omit<BackupProof, "ok" | "restore_seconds" | "checks"> {
  ok: number;
  restore_ms: number | null;
  checks: string;
}

export interface BackupsTables {
  backups: BackupRow;
  backup_makes: MakeRow;
  backup_proofs: ProofRow;
}

export type Db = Kysely<BackupsTables>;
