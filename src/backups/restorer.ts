/** Restoring a recorded artifact into a directory of the caller's choice. */
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Backup, RestoreFields, RestoreResult } from "./model.ts";
import { type Parts, workContext } from "./parts.ts";

/**
 * Restores for a caller. An audit line is written before and after, so that a restore which was cut short is known
 * too. Errors: `invalid` and `forbidden` for the directory, and the engine's.
 */
export async function restoreBackup(
  parts: Parts,
  backup: Backup,
  fields: RestoreFields,
  caller: Caller,
): Promise<RestoreResult> {
  authorize(fields, caller);
  await parts.engines.judgePath(fields.to, caller);
  const engine = parts.engines.get(backup.engine);
  const { to: target, ...how } = fields;
  const note = (outcome: string, after: object) =>
    parts.database.change(caller, (change) => {
      change.audit({ target: `backups/${backup.id}`, after, outcome });
      return Promise.resolve();
    });
  await note("started", { restore: fields });
  try {
    const restored = await engine.restore(backup, { target, ...how }, workContext(parts, caller.signal));
    await note("ok", { restore: fields, item_count: restored.item_count });
    return {
      backup_id: backup.id,
      path: backup.path,
      to: target,
      item_count: restored.item_count,
      restored_bytes: restored.restored_bytes,
      warnings: [...warningsOf(backup), ...restored.warnings],
    };
  } catch (error) {
    await note("failed", { restore: fields });
    throw error;
  }
}

/** Owners make programs run as somebody else, links out of the directory lead elsewhere: over the network that is for admins. */
function authorize(fields: RestoreFields, caller: Caller): void {
  if (caller.on_host || caller.role === "admin") return;
  for (const field of ["owners", "outside_links"] as const) {
    if (fields[field]) {
      throw new HoldfastError(
        "forbidden",
        `Cannot restore with ${field}: over the network that needs role admin`,
      );
    }
  }
}

function warningsOf(backup: Backup): string[] {
  return backup.status === "failed" ? [`This backup is failed: ${backup.verify_detail ?? "incomplete"}`] : [];
}
