/** The trash: removed backups whose artifacts are still there, for as many days as the settings say. */
import { iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Backup, EmptiedTrash } from "./model.ts";
import { log, type Parts, tables } from "./parts.ts";
import { backupById, type BackupsTables, trashedBefore, unmarkTrashed } from "./queries.ts";
import { removeBackup } from "./remover.ts";

const DAY_MS = 86_400_000;

/** Takes a backup out of the trash again. Errors: `conflict` when it is not in it. */
export async function undelete(parts: Parts, backup: Backup, caller: Caller): Promise<Backup> {
  return await parts.database.change(caller, async (change) => {
    const db = change.tables<BackupsTables>();
    const known = await backupById(db, backup.id);
    if (known === undefined) {
      throw new HoldfastError("conflict", `Cannot undelete backup "${backup.name}": it is being deleted`);
    }
    if (known.trashed_at === null) {
      throw new HoldfastError("conflict", `Cannot undelete backup "${backup.name}": it is not in the trash`);
    }
    await unmarkTrashed(db, backup.id);
    const after = { ...known, trashed_at: null };
    change.audit({ target: `backups/${backup.id}`, before: known, after });
    return after;
  });
}

/** Removes for good what is in the trash of a schedule, or of all. What cannot be removed does not stop the rest. */
export async function emptyTrash(
  parts: Parts,
  which: { schedule_id?: string | undefined; older_than_ms: number; servers: readonly number[] | null },
  caller: Caller,
): Promise<EmptiedTrash> {
  const before = iso(parts.clock.now() - which.older_than_ms);
  const emptied: EmptiedTrash = { removed: [], freed_bytes: 0, problems: [] };
  for (const backup of await trashedBefore(tables(parts), before, which.schedule_id)) {
    const isTheirs = which.servers === null ||
      (backup.server_id !== null && which.servers.includes(backup.server_id));
    if (!isTheirs) continue;
    try {
      await removeBackup(parts, backup, { force: true, for_good: true, reason: null }, caller);
      emptied.removed.push(backup.id);
      emptied.freed_bytes += backup.size_bytes ?? 0;
    } catch (error) {
      log.warning("Cannot remove {name}: {why}", { name: backup.name, why: messageOf(error) });
      emptied.problems.push(messageOf(error));
    }
  }
  return emptied;
}

/** Removes what has been in the trash for its days. */
export async function expireTrash(parts: Parts, caller: Caller): Promise<EmptiedTrash> {
  return await emptyTrash(
    parts,
    { older_than_ms: parts.settings.trash_days * DAY_MS, servers: null },
    caller,
  );
}
