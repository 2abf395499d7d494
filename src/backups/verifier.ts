/** Verifying a recorded artifact: read it again, and remember what was found. */
import type { Caller } from "../lib/operation.ts";
import type { Verification } from "./engine.ts";
import { saysGone } from "./engines/tools/secrets.ts";
import type { IdentityFields } from "./identity.ts";
import type { Backup, BackupVerification } from "./model.ts";
import { now, onDisk, type Parts, stored, workContext } from "./parts.ts";
import { type BackupsTables, storeVerification } from "./queries.ts";

/** How an artifact is looked at. */
export interface Look extends IdentityFields {
  /** A way to tell that a file is the one it was without looking into it; its size and hash must be known. */
  hash?: (path: string) => Promise<{ sha256: string; size_bytes: number }>;
}

/** Verifies a backup and stores the answer. Errors: what keeps the artifact from being read, apart from its absence. */
export async function verifyBackup(
  parts: Parts,
  backup: Backup,
  caller: Caller,
  look: Look = {},
): Promise<BackupVerification> {
  const found = await read(parts, backup, caller, look);
  const at = now(parts);
  const known = { verified_at: at, verified_ok: found.ok, verify_detail: found.problems.join("; ") || null };
  await parts.database.change(caller, async (change) => {
    await storeVerification(change.tables<BackupsTables>(), backup.id, {
      ...known,
      // A failed backup keeps saying why it is one.
      verify_detail: known.verify_detail ?? reasonOf(backup),
      missing_since: found.missing ? backup.missing_since ?? at : null,
      changed_at: found.ok ? null : differs(backup, found) ? backup.changed_at ?? at : backup.changed_at,
    });
    change.audit({ target: `backups/${backup.id}`, after: known, outcome: found.ok ? "ok" : "failed" });
  });
  return {
    backup_id: backup.id,
    name: backup.name,
    path: backup.path,
    ok: found.ok,
    problems: found.problems,
    size_bytes: found.missing ? null : found.size_bytes,
    sha256: found.sha256,
    item_count: found.missing ? null : found.item_count,
    verified_at: at,
  };
}

function reasonOf(backup: Backup): string | null {
  return backup.status === "failed" && backup.verified_ok !== false ? backup.verify_detail : null;
}

interface Found extends Verification {
  missing: boolean;
}

async function read(
  parts: Parts,
  backup: Backup,
  caller: Caller,
  { hash, ...identity }: Look,
): Promise<Found> {
  const engine = parts.engines.get(backup.engine);
  const missing: Found = {
    ok: false,
    problems: [`Artifact "${backup.path}" is not there`],
    size_bytes: 0,
    sha256: null,
    item_count: 0,
    missing: true,
  };
  if (await onDisk(backup.path) === "missing") return missing;
  try {
    if (hash !== undefined) return { ...judge(backup, await hash(backup.path)), missing: false };
    return {
      ...await engine.verify(await stored(parts, backup, identity), workContext(parts, caller)),
      missing: false,
    };
  } catch (error) {
    if (saysGone(error)) return missing;
    throw error;
  }
}

function judge(backup: Backup, found: { sha256: string; size_bytes: number }): Verification {
  const problems: string[] = [];
  if (found.size_bytes !== backup.size_bytes) {
    problems.push(`Its size is ${found.size_bytes} bytes, recorded are ${backup.size_bytes}`);
  }
  if (found.sha256 !== backup.sha256) {
    problems.push(`Its SHA-256 is ${found.sha256}, recorded is ${backup.sha256}`);
  }
  return { ...found, ok: problems.length === 0, problems, item_count: backup.item_count ?? 0 };
}

/** True when the artifact is no longer the one that was written, as opposed to being unreadable in part. */
function differs(backup: Backup, found: Found): boolean {
  if (found.missing) return false;
  return (backup.size_bytes !== null && found.size_bytes !== backup.size_bytes) ||
    (backup.sha256 !== null && found.sha256 !== null && found.sha256 !== backup.sha256);
}
