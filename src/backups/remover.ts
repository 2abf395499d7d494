/**
 * Removing backups: mark the row, remove the files, mark it as done. A crash in between leaves a mark, and the next
 * start finishes what was begun. Where there is a trash, a removed backup is marked as being in it, and only what has been
 * there for its days goes this way.
 */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Backup } from "./model.ts";
import { now, type Parts, stored, tables, workContext } from "./parts.ts";
import * as queries from "./queries.ts";
import type { BackupsTables } from "./queries.ts";
import { isLastVerifiedGood } from "./retention.ts";

/** How a backup is removed. */
export interface Removal {
  /** Also the last verified good copy of a schedule. */
  force: boolean;
  /** Not into the trash. */
  for_good: boolean;
  /** For the record; null keeps the one that is known. */
  reason: string | null;
}

/**
 * Removes one backup; true when it is in the trash now. Errors: `conflict` for the last verified good copy of a schedule
 * unless forced, and when it is gone already.
 */
export async function removeBackup(
  parts: Parts,
  backup: Backup,
  how: Removal,
  caller: Caller,
): Promise<boolean> {
  const trashed = await parts.database.change(caller, async (change) => {
    const db = change.tables<BackupsTables>();
    // Judged here, so that two removals at once cannot each count on the other's copy.
    const known = await queries.backupById(db, backup.id);
    if (known === undefined) {
      throw new HoldfastError("conflict", `Cannot delete backup "${backup.name}": it is being deleted`);
    }
    if (!how.force && known.schedule_id !== null && known.trashed_at === null) {
      const all = await queries.backupsOfSchedule(db, known.schedule_id);
      if (isLastVerifiedGood(known, all)) {
        throw new HoldfastError(
          "conflict",
          `Cannot delete backup "${backup.name}": it is the last verified good copy of its schedule`,
          { code: "last_good_copy", hint: "use --force when you really want to be without one" },
        );
      }
    }
    // What is in the trash already, or not there at all, has nothing to wait for.
    const trash = !how.for_good && parts.settings.trash_days > 0 && known.trashed_at === null &&
      known.missing_since === null;
    if (trash) await queries.markTrashed(db, backup.id, now(parts), how.reason ?? "");
    else await queries.markDeleting(db, backup.id, now(parts), how.reason);
    change.audit({
      target: `backups/${backup.id}`,
      before: known,
      after: null,
      ...(trash ? { outcome: "trashed" } : {}),
    });
    return trash;
  });
  if (!trashed) await finishRemoval(parts, backup, caller);
  return trashed;
}

/** Removes the files of a marked backup. When that fails the mark is taken back and the backup is listed again. */
export async function finishRemoval(parts: Parts, backup: Backup, caller: Caller): Promise<void> {
  try {
    const engine = parts.engines.get(backup.engine);
    await engine.remove(await stored(parts, backup), workContext(parts, caller));
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
