/**
 * Removing backups: mark the row, remove the files, mark it as done. A crash in between leaves a mark, and the next
 * start finishes what was begun.
 */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Backup, PruneResult } from "./model.ts";
import { log, now, type Parts, stored, tables, workContext } from "./parts.ts";
import * as queries from "./queries.ts";
import type { BackupsTables } from "./queries.ts";
import { isLastVerifiedGood, planRetention } from "./retention.ts";

/** Removes one backup. Errors: `conflict` for the last verified good copy of a schedule unless forced, and when it is gone already. */
export async function removeBackup(
  parts: Parts,
  backup: Backup,
  how: { force: boolean; reason: string },
  caller: Caller,
): Promise<void> {
  await parts.database.change(caller, async (change) => {
    const db = change.tables<BackupsTables>();
    // Judged here, so that two removals at once cannot each count on the other's copy.
    const known = await queries.backupById(db, backup.id);
    if (known === undefined) {
      throw new HoldfastError("conflict", `Cannot delete backup "${backup.name}": it is being deleted`);
    }
    if (!how.force && known.schedule_id !== null) {
      const all = await queries.backupsOfSchedule(db, known.schedule_id);
      if (isLastVerifiedGood(known, all)) {
        throw new HoldfastError(
          "conflict",
          `Cannot delete backup "${backup.name}": it is the last verified good copy of its schedule`,
          { code: "last_good_copy", hint: "use --force when you really want to be without one" },
        );
      }
    }
    await queries.markDeleting(db, backup.id, now(parts), how.reason);
    change.audit({ target: `backups/${backup.id}`, before: known, after: null });
  });
  await finishRemoval(parts, backup, caller);
}

/** Removes the files of a marked backup. When that fails the mark is taken back and the backup is listed again. */
export async function finishRemoval(parts: Parts, backup: Backup, caller: Caller): Promise<void> {
  try {
    const engine = parts.engines.get(backup.engine);
    await engine.remove(await stored(parts, backup), workContext(parts, caller.signal));
    await queries.markDeleted(tables(parts), backup.id, now(parts));
  } catch (error) {
    await parts.database.change(caller, async (change) => {
      await queries.unmarkDeleting(change.tables<BackupsTables>(), backup.id);
      change.audit({ target: `backups/${backup.id}`, outcome: "failed" });
    });
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("unavailable", `Cannot delete backup "${backup.name}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Applies retention to a schedule, oldest first. What cannot be removed is named and does not stop the rest. */
export async function prune(
  parts: Parts,
  scheduleId: string,
  how: { max_backups: number; dry_run: boolean },
  caller: Caller,
): Promise<PruneResult> {
  const plan = planRetention(await queries.backupsOfSchedule(tables(parts), scheduleId), how.max_backups);
  const removed: Backup[] = [];
  const problems: string[] = [];
  const doomed = how.dry_run ? [] : plan.filter((decision) => !decision.keep).reverse();
  for (const { backup, reason } of doomed) {
    try {
      await removeBackup(parts, backup, { force: false, reason: `retention: ${reason}` }, caller);
      removed.push(backup);
    } catch (error) {
      log.warning("Cannot remove {name}: {why}", { name: backup.name, why: messageOf(error) });
      problems.push(messageOf(error));
    }
  }
  return {
    schedule_id: scheduleId,
    ...how,
    decisions: plan.map(({ backup, keep, reason }) => ({
      backup_id: backup.id,
      name: backup.name,
      status: backup.status,
      created_at: backup.created_at,
      size_bytes: backup.size_bytes,
      keep,
      reason,
    })),
    removed: removed.map((backup) => backup.id),
    freed_bytes: removed.reduce((sum, backup) => sum + (backup.size_bytes ?? 0), 0),
    problems,
  };
}
