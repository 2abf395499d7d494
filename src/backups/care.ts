/**
 * What is done for backups without anybody asking: looking whether artifacts are still there and as they were, reading
 * them again, and proving that they can be restored. What is found is recorded; turning it into findings is not done here.
 */
import { iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import type { Backup } from "./model.ts";
import { log, now, onDisk, type Parts, stored, system, tables, workContext } from "./parts.ts";
import { isProofDue } from "./proof.ts";
import { proofHistory } from "./proof_queries.ts";
import { proveBackup } from "./prover.ts";
import {
  backupById,
  backupsOfSchedule,
  type BackupsTables,
  existingBackups,
  staleBackups,
  storeState,
} from "./queries.ts";
import { rehash } from "./rehash.ts";
import { isVerifiedGood } from "./retention.ts";
import { verifyBackup } from "./verifier.ts";

const DAY_MS = 86_400_000;
/** Rows looked at between two looks at the clock. */
const PAGE = 500;

/** What a look at all artifacts found. */
export interface Reconciled {
  looked_at: number;
  /** Ids of artifacts found missing now, found again, and found with another size. */
  missing: string[];
  found_again: string[];
  changed: string[];
}

/** Looks whether each artifact is in its place and has its size; cheap, as nothing is read. */
export async function reconcile(parts: Parts, signal: AbortSignal): Promise<Reconciled> {
  const result: Reconciled = { looked_at: 0, missing: [], found_again: [], changed: [] };
  for (let after = "";;) {
    const page = await existingBackups(tables(parts), after, PAGE);
    for (const backup of page) {
      signal.throwIfAborted();
      try {
        await reconcileOne(parts, backup, signal, result);
        result.looked_at++;
      } catch (error) {
        signal.throwIfAborted();
        // Not being able to look says nothing about the artifact.
        log.warning("Cannot look at {path}: {why}", { path: backup.path, why: messageOf(error) });
      }
    }
    if (page.length < PAGE) return result;
    after = page.at(-1)!.id;
  }
}

async function reconcileOne(
  parts: Parts,
  backup: Backup,
  signal: AbortSignal,
  result: Reconciled,
): Promise<void> {
  const size = await sizeOf(parts, backup, signal);
  if (size === "unknown") return;
  const at = now(parts);
  let { missing_since, changed_at } = backup;
  if (size === "missing") missing_since ??= at;
  else {
    missing_since = null;
    if (backup.size_bytes !== null && size !== backup.size_bytes) changed_at ??= at;
  }
  if (missing_since === backup.missing_since && changed_at === backup.changed_at) return;
  if (changed_at !== backup.changed_at) result.changed.push(backup.id);
  else if (missing_since !== null) result.missing.push(backup.id);
  else result.found_again.push(backup.id);
  const after = { missing_since, changed_at };
  await parts.database.change(system("backups.reconcile"), async (change) => {
    await storeState(change.tables<BackupsTables>(), backup.id, after);
    const { missing_since, changed_at } = backup;
    change.audit({ target: `backups/${backup.id}`, before: { missing_since, changed_at }, after });
  });
}

/** Size of an artifact where it is; engines that keep it elsewhere are asked. */
async function sizeOf(
  parts: Parts,
  backup: Backup,
  signal: AbortSignal,
): Promise<number | "missing" | "unknown"> {
  const disk = await onDisk(backup.path);
  if (disk !== "elsewhere") return disk === "missing" ? disk : disk.size_bytes;
  const engine = parts.engines.get(backup.engine);
  if (engine.locate === undefined) return "unknown";
  const found = await engine.locate(await stored(parts, backup), workContext(parts, { signal }));
  return found === "missing" ? found : found.size_bytes;
}

/**
 * Reads artifacts again that nobody has read for so many days, those first that were read longest ago. A file whose hash
 * is known is only hashed, which costs least; all else its engine verifies. Returns the ids, at most a page of them.
 */
export async function reverify(parts: Parts, signal: AbortSignal): Promise<string[]> {
  const { reverify_days, reverify_remote, reverify_bytes_per_second } = parts.settings;
  if (reverify_days === 0) return [];
  const read: string[] = [];
  const before = iso(parts.clock.now() - reverify_days * DAY_MS);
  // What cannot be read stays among the oldest, and must not stand in the way of the rest.
  for (let passed = 0; read.length < PAGE;) {
    const stale = await staleBackups(tables(parts), before, { limit: PAGE - read.length, offset: passed });
    if (stale.length === 0) break;
    for (const id of stale) {
      signal.throwIfAborted();
      // It may have been removed or verified by somebody meanwhile.
      const backup = await backupById(tables(parts), id);
      if (backup === undefined || (backup.verified_at ?? "") >= before) continue;
      const isHere = await onDisk(backup.path) !== "elsewhere";
      if (!isHere && !reverify_remote) {
        passed++;
        continue;
      }
      const caller = { ...system("backups.verify"), signal };
      try {
        const hash = isHere && backup.verified_ok === true && backup.sha256 !== null
          ? (path: string) => rehash(path, { signal, bytesPerSecond: reverify_bytes_per_second })
          : undefined;
        await verifyBackup(parts, backup, caller, hash === undefined ? {} : { hash });
        read.push(id);
      } catch (error) {
        signal.throwIfAborted();
        passed++;
        log.warning("Cannot verify {name}: {why}", { name: backup.name, why: messageOf(error) });
      }
    }
  }
  return read;
}

/** Proves the newest good backup of each schedule that asks for it and is due. Returns the ids of the evidence. */
export async function proveDue(parts: Parts, signal: AbortSignal): Promise<string[]> {
  const proofs: string[] = [];
  for (const schedule of await parts.listSchedules()) {
    signal.throwIfAborted();
    const { every_runs, every_seconds } = schedule.prove;
    if (every_runs === null && every_seconds === null) continue;
    const history = await proofHistory(tables(parts), schedule.id);
    if (!isProofDue(schedule.prove, history, parts.clock.now())) continue;
    const newest = (await backupsOfSchedule(tables(parts), schedule.id)).find(isVerifiedGood);
    if (newest === undefined) continue;
    const caller = { ...system("backups.prove"), signal };
    try {
      const proof = await proveBackup(parts, newest, schedule.prove, caller);
      proofs.push(proof.id);
      if (proof.ok) continue;
      const why = proof.checks.at(-1)?.detail ?? "";
      log.error("The restore test of {name} failed: {why}", { name: newest.name, why });
    } catch (error) {
      // One that cannot be tried keeps no other schedule from being proved.
      signal.throwIfAborted();
      log.error("Cannot prove {name}: {why}", { name: newest.name, why: messageOf(error) });
    }
  }
  return proofs;
}
