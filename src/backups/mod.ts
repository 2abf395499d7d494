/**
 * Backups: engines make artifacts, the catalogue knows them.
 *
 * An engine (`engine.ts`, one file per kind in `engines/`) makes, verifies, restores and removes one kind of artifact and
 * knows nothing else. This slice judges what engines are asked to touch, checks what they report, and keeps the catalogue
 * (table `backups`): one row per artifact, `completed`, or `failed` when the artifact exists but is incomplete or not
 * as its engine said. A success needs an artifact that is newer than the run, not empty, and read back.
 *
 * What happened to an artifact since is in its row: `verified_at`, `verified_ok`, `missing_since`, `changed_at`. These are
 * states; turning them into findings is not done here. A deleted backup keeps its row (`deleted_at`, `deleted_reason`)
 * and is not listed.
 *
 * Crashes: before an engine starts, its make is noted (table `backup_makes`), and the row of the backup and the end of the
 * make are one commit. A make that nobody works on any more is settled at start: a whole artifact gets its row, partial
 * files go. Removals mark the row, remove the files, mark the row again, and are finished at start.
 *
 * Paths: who comes over the network may only name paths in `backups.allowed_roots` (`confine.ts`), whatever the role; who is
 * on this host already may name any. Nobody on the network can name Holdfast's own directory.
 *
 * Some artifacts are found again only with the options they were made with (a snapshot in a repository): the row keeps them,
 * with references in place of secrets. Engines that run programs do it through `engines/tools/`; those whose artifact is one
 * file share `engines/dump/`.
 *
 * Retention is one pure rule (`retention.ts`) and never removes the last verified good copy of a schedule.
 *
 * Without the database: artifacts carry a manifest, so `restoreFile()` and `verifyFile()` need only the file, and an import
 * rebuilds the catalogue. Imported entries count as verified when somebody verified them here.
 */
export { Backups, type BackupsOptions } from "./backups.ts";
export { confine, type Confinement, isWithin, requireAbsolute } from "./confine.ts";
export * from "./engine.ts";
export { archiveEngine } from "./engines/archive.ts";
export { documentEngine } from "./engines/document.ts";
export { Destination } from "./engines/dump/destination.ts";
export { commandEngine } from "./engines/command.ts";
export { httpEngine } from "./engines/http.ts";
export { mysqlEngine } from "./engines/mysql.ts";
export { postgresEngine } from "./engines/postgres.ts";
export { resticEngine } from "./engines/restic.ts";
export { sqliteEngine } from "./engines/sqlite.ts";
export { runTool } from "./engines/tools/run.ts";
export { Secrets } from "./engines/tools/secrets.ts";
export { restoreFile, verifyFile } from "./files.ts";
export type { BackupMaker, MakeBackup, RemovedBackup } from "./make.ts";
export * from "./model.ts";
export type { BackupsApp } from "./operations.ts";
export type { BackedUpSchedule, BackupsSettings } from "./parts.ts";
export type { BackupProof, ProofCheck, ProveRules } from "./proof.ts";
export type { BackupsTables } from "./queries.ts";
export { keepNewest, type KeepRules, NO_RULES } from "./keep.ts";
export { isVerifiedGood, planRetention, type Retained, type RetentionDecision } from "./retention.ts";
export type { Settled } from "./settle.ts";
