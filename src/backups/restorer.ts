/** Restoring a recorded artifact into a directory of the caller's choice. */
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { NOTHING_MATCHES } from "./engines/archive/nothing-matches.ts";
import type { IdentityFields } from "./identity.ts";
import { type Backup, destinationOf, type RestoreFields, type RestoreResult } from "./model.ts";
import { type Parts, stored, workContext } from "./parts.ts";

/**
 * Restores for a caller. An audit line is written before and after, so that a restore which was cut short is known
 * too. Errors: `invalid` and `forbidden` for the directory, and the engine's.
 */
export async function restoreBackup(
  parts: Parts,
  backup: Backup,
  { identity, identity_secret, ...fields }: RestoreFields & IdentityFields,
  caller: Caller,
): Promise<RestoreResult> {
  authorize(fields, caller);
  const engine = parts.engines.get(backup.engine);
  const { to: _, into: __, ...how } = fields;
  const place = destinationOf(fields, engine);
  if (place.into === undefined) await parts.engines.judgePath(place.target, caller);
  const note = (outcome: string, after: object) =>
    parts.database.change(caller, (change) => {
      change.audit({ target: `backups/${backup.id}`, after, outcome });
      return Promise.resolve();
    });
  await note("started", { restore: fields });
  try {
    const artifact = await stored(parts, backup, { identity, identity_secret });
    const restored = await engine.restore(artifact, { ...place, ...how }, workContext(parts, caller));
    await note("ok", { restore: fields, item_count: restored.item_count });
    return {
      backup_id: backup.id,
      path: backup.path,
      to: place.into ?? place.target,
      item_count: restored.item_count,
      restored_bytes: restored.restored_bytes,
      warnings: [...warningsOf(backup), ...restored.warnings],
    };
  } catch (error) {
    await note("failed", { restore: fields });
    throw withCommand(error, backup);
  }
}

/** Who missed what is in a backup is told how to see it. */
function withCommand(error: unknown, { id }: Backup): unknown {
  if (!(error instanceof HoldfastError) || error.code !== NOTHING_MATCHES) return error;
  const { kind, message, code, cause } = error;
  const command = `list them with: holdfast backups contents ${id}`;
  return new HoldfastError(kind, message, { code, cause, hint: `${error.hint}; ${command}` });
}

/**
 * Owners make programs run as somebody else, links out of the directory lead elsewhere, and a dump is a program that runs in
 * its database: over the network that is for admins.
 */
function authorize(fields: RestoreFields, caller: Caller): void {
  if (caller.on_host || caller.role === "admin") return;
  for (const field of ["owners", "outside_links", "into"] as const) {
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
