/** Statements on entries as far as they are about kept files. */
import type { Db, EntryRow, JobRow } from "../queries/tables.ts";

/** A kept file, or one in the trash, with what its job asks for. */
export type VersionRow =
  & Pick<
    EntryRow,
    "id" | "expected_job_id" | "due_at" | "promotion" | "promoted_path" | "backup_size_bytes" | "backup_hash"
  >
  & Pick<
    JobRow,
    "company_name" | "city" | "neighborhood" | "database_name" | "year" | "keep_versions" | "keep_days"
  >;

function versions(db: Db) {
  return db.selectFrom("monitor_entries").innerJoin("monitor_jobs", "monitor_jobs.id", "expected_job_id")
    .select([
      "monitor_entries.id",
      "expected_job_id",
      "due_at",
      "promotion",
      "promoted_path",
      "backup_size_bytes",
      "backup_hash",
      "monitor_jobs.company_name",
      "monitor_jobs.city",
      "monitor_jobs.neighborhood",
      "monitor_jobs.database_name",
      "monitor_jobs.year",
      "monitor_jobs.keep_versions",
      "monitor_jobs.keep_days",
    ]);
}

/** The newest first. */
export function listVersions(
  db: Db,
  { job_id, trashed, skip, limit }: {
    job_id?: number | undefined;
    trashed: boolean;
    skip: number;
    limit: number;
  },
): Promise<VersionRow[]> {
  return versions(db).where("promotion", "=", trashed ? "trashed" : "done")
    .$if(job_id !== undefined, (query) => query.where("expected_job_id", "=", job_id!))
    .orderBy("due_at", "desc").orderBy("monitor_entries.id", "desc").offset(skip).limit(limit).execute();
}

/** Ids of the jobs that keep only some versions. */
export async function limitedJobs(db: Db): Promise<number[]> {
  const rows = await db.selectFrom("monitor_jobs").select("id")
    .where((eb) => eb.or([eb("keep_versions", "is not", null), eb("keep_days", "is not", null)]))
    .orderBy("id").execute();
  return rows.map((row) => row.id);
}

export async function versionById(db: Db, entryId: number): Promise<VersionRow | undefined> {
  return await versions(db).where("monitor_entries.id", "=", entryId).executeTakeFirst();
}

/** Changes where a file is kept, for every entry of the job that has it. */
export async function moveEntries(
  db: Db,
  jobId: number,
  from: string,
  to: { promotion: EntryRow["promotion"]; promoted_path: string | null },
): Promise<void> {
  await db.updateTable("monitor_entries").set(to).where("expected_job_id", "=", jobId)
    .where("promoted_path", "=", from).execute();
}
