/** Files that were good and have to stay so: vanished later, or altered. */
import type { Transaction } from "kysely";
import { tablesOf } from "../store/mod.ts";
import { graceMs, nextDue } from "./due.ts";
import { aboutJob, besideAlert, jobFacts } from "./findings.ts";
import type { Parts } from "./parts.ts";
import { entryById, updateEntry } from "./queries/entries.ts";
import { findingsByKey } from "./queries/findings.ts";
import { jobById } from "./queries/jobs.ts";
import type { EntryRow, JobRow, MonitorTables } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { evidenceOf, record } from "./recorder.ts";
import type { FoundFile } from "./report.ts";

/** Judges a watched file as it was found now. */
export async function judgeSeen(
  parts: Parts,
  tx: Transaction<unknown>,
  entryId: number,
  found: FoundFile,
): Promise<void> {
  const db = tablesOf<MonitorTables>(tx);
  const entry = await entryById(db, entryId);
  const job = entry === undefined ? undefined : await jobById(db, entry.expected_job_id);
  if (entry === undefined || job === undefined || job.last_good_entry_id !== entry.id) return;
  // In the deposit the next dump takes the place of this one under the same name.
  if (entry.promoted_path === null && isBeingReplaced(parts, job)) return;
  if (found.state === "unreadable") return;
  if (found.state === "absent") return await vanished(parts, tx, job, entry);
  const { key } = vanishedKey(job);
  const open = (await findingsByKey(db, [key])).get(key);
  if (open !== undefined) {
    const { recipients } = aboutJob(job, jobName(job));
    await parts.findings.recover(tx, [open], { detail: "it is there again", recipients });
  }
  const side = found.side_file_sha256;
  if (found.sha256 === entry.backup_hash && (side === null || side === found.sha256)) {
    if (found.modified_at !== entry.file_modified_at) {
      await updateEntry(db, entry.id, { file_modified_at: found.modified_at });
    }
    return;
  }
  const message = found.sha256 === entry.backup_hash
    ? `its checksum file says ${side} now`
    : `it matched once, its SHA-256 is ${found.sha256} now`;
  const { detail, ...rest } = evidenceOf(entry);
  await record(parts, tx, job, entry.due_at, { status: "hash_mismatch", message }, {
    ...rest,
    file: found,
    detail: { ...detail, expected_hash: entry.backup_hash },
  });
}

function vanishedKey(job: JobRow): { alert: string; key: string } {
  const alert = besideAlert(job.id, "vanished");
  return { alert, key: `${alert} vanished` };
}

function isBeingReplaced({ clock, windows }: Parts, job: JobRow): boolean {
  const next = nextDue(job, clock.now() - Math.max(windows.reportMs, graceMs(job, windows)));
  return next !== null && clock.now() >= next - windows.reportMs;
}

/** Seen at each scan, told once. */
async function vanished(parts: Parts, tx: Transaction<unknown>, job: JobRow, entry: EntryRow): Promise<void> {
  const { alert, key } = vanishedKey(job);
  if ((await findingsByKey(tablesOf<MonitorTables>(tx), [key])).has(key)) return;
  const path = entry.promoted_path ?? entry.file_path;
  await parts.findings.report(tx, {
    ...aboutJob(job, jobName(job)),
    alert,
    code: "vanished",
    entry_id: entry.id,
    detail: "the file of the last good backup is gone",
    facts: { ...jobFacts(job), entry_id: entry.id, due_at: entry.due_at, file: path },
    occurrence: `entry:${entry.id}`,
    tell: true,
  });
}
