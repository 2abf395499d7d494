/** Jobs of Veeam servers as expected backups, and their sessions in the order they are judged. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ["veeam_server", "veeam_job", "veeam_job_id"]) {
    await db.schema.alterTable("monitor_jobs").addColumn(column, "text").execute();
  }
  await db.schema.createIndex("veeam_sessions_by_job").on("veeam_sessions")
    .columns(["server", "job_id", "created_at"]).execute();
  await db.schema.createIndex("veeam_sessions_by_name").on("veeam_sessions")
    .columns(["server", "name", "created_at"]).execute();
}
