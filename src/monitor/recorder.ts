/** Writing down what became of a due instant: the entry, the job, its findings and who is told, in one transaction. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { formatSize } from "../lib/size.ts";
import { tablesOf } from "../store/mod.ts";
import type { Decision } from "./decide.ts";
import { aboutJob, besideAlert, type Code, jobAlert, jobFacts } from "./findings.ts";
import { GOOD_STATUSES, SomeDetail, type Way } from "./model.ts";
import { type Parts } from "./parts.ts";
import { entryAt, goodSizes, insertEntry, lastGoodBefore, updateEntry } from "./queries/entries.ts";
import { openOfJob } from "./queries/findings.ts";
import { jobById, updateJob } from "./queries/jobs.ts";
import type { Db, EntryRow, JobRow, MonitorTables } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import type { FoundFile, Promotion } from "./report.ts";
import { judgeSize } from "./statistics.ts";

/** What an entry says beside the decision. */
export interface Evidence {
  way: Way;
  /** When the backup ended, as its maker says; null when nobody said. */
  ended_at: string | null;
  report_key: string | null;
  /** The file the decision is about. */
  file: FoundFile | null;
  detail: SomeDetail;
}

/** The entry as it is now; `superseded` when a later report had decided already. */
export interface Recorded {
  entry: EntryRow;
  superseded: boolean;
}

/** Hash of the last good backup before a due instant. */
export async function previousHash(db: Db, job: JobRow, dueAt: string): Promise<string | null> {
  return (await lastGoodBefore(db, job.id, dueAt))?.backup_hash ?? null;
}

/** Records a decision. There is one entry for each due instant: a later report for the same one replaces what it says. */
export async function record(
  parts: Parts,
  tx: Transaction<unknown>,
  job: JobRow,
  dueAt: string,
  decision: Decision,
  evidence: Evidence,
): Promise<Recorded> {
  const db = tablesOf<MonitorTables>(tx);
  const before = await entryAt(db, job.id, dueAt);
  const isLater = before?.ended_at == null || evidence.ended_at === null ||
    evidence.ended_at >= before.ended_at;
  if (before !== undefined && !isLater) return { entry: before, superseded: true };
  const size = evidence.file?.state === "present" && GOOD_STATUSES.includes(decision.status)
    ? await sizeOf(db, job, dueAt, evidence.file.size_bytes)
    : undefined;
  const entry = await writeEntry(parts, db, job, dueAt, before, withSize(decision, size), evidence);
  parts.recorded(entry.status);
  if (job.last_due_at === null || dueAt >= job.last_due_at) {
    await updateJob(db, job.id, await jobChanges(parts, db, job, entry));
    await tell(parts, tx, job, entry, decision, size);
  }
  return { entry, superseded: false };
}

type Size = Awaited<ReturnType<typeof sizeOf>>;

async function sizeOf(db: Db, job: JobRow, dueAt: string, bytes: number) {
  const history = await goodSizes(db, job.id, { before: dueAt, from: job.history_from });
  return { bytes, ...judgeSize(bytes, history) };
}

function withSize(decision: Decision, size: Size | undefined): Decision {
  if (size === undefined) return decision;
  const text = size.known
    ? `${formatSize(size.bytes)}, usual is ${formatSize(size.median)}`
    : `${formatSize(size.bytes)}, learning ${size.seen + 1}/${size.needed}`;
  return { ...decision, message: `${decision.message} (${text})` };
}

async function writeEntry(
  parts: Parts,
  db: Db,
  job: JobRow,
  dueAt: string,
  before: EntryRow | undefined,
  decision: Decision,
  { way, ended_at, report_key, file, detail }: Evidence,
): Promise<EntryRow> {
  const at = iso(parts.clock.now());
  const present = file?.state === "present" ? file : undefined;
  const kept = before?.promotion === "done" && before.backup_hash === (present?.sha256 ?? null);
  const values = {
    status: decision.status,
    message: decision.message,
    way,
    agent_id: job.agent_id_responsible,
    company_name: job.company_name,
    city: job.city,
    database_name: job.database_name,
    at,
    ended_at,
    backup_hash: present?.sha256 ?? null,
    backup_size_bytes: present?.size_bytes ?? null,
    previous_hash: await previousHash(db, job, dueAt),
    report_key,
    detail: JSON.stringify(detail),
    file_path: present?.path ?? null,
    file_modified_at: present?.modified_at ?? null,
    promotion: kept ? "done" as const : promotionOf(parts, job, decision, present),
    promoted_path: kept ? before.promoted_path : null,
  };
  if (before !== undefined) {
    await updateEntry(db, before.id, values);
    return { ...before, ...values };
  }
  const row = { ...values, expected_job_id: job.id, due_at: dueAt, created_at: at };
  return { ...row, id: await insertEntry(db, row) };
}

function promotionOf(parts: Parts, job: JobRow, decision: Decision, present: object | undefined) {
  const wanted = decision.status === "ok" && present !== undefined &&
    job.final_storage_path_template !== null &&
    parts.settings.final_root !== null;
  return wanted ? "pending" as const : "none" as const;
}

/** What the newest due instant makes of the job. */
async function jobChanges(parts: Parts, db: Db, job: JobRow, entry: EntryRow) {
  const at = iso(parts.clock.now());
  const shared = { current_status: entry.status, last_due_at: entry.due_at, last_checked_at_utc: at };
  if (GOOD_STATUSES.includes(entry.status)) {
    return {
      ...shared,
      last_successful_backup_utc: entry.ended_at ?? at,
      last_good_entry_id: entry.id,
      last_good_size_bytes: entry.backup_size_bytes,
      previous_successful_hash_global: entry.backup_hash,
    };
  }
  const failed = { ...shared, last_failed_backup_utc: at };
  if (job.last_good_entry_id !== entry.id) return failed;
  // What was good is not any more: the one before it is the last good one again.
  const good = await lastGoodBefore(db, job.id, entry.due_at);
  return {
    ...failed,
    last_successful_backup_utc: good?.ended_at ?? good?.at ?? null,
    last_good_entry_id: good?.id ?? null,
    last_good_size_bytes: good?.backup_size_bytes ?? null,
    previous_successful_hash_global: good?.backup_hash ?? null,
  };
}

/** Opens and ends the findings of a job as its newest entry has it. */
async function tell(
  parts: Parts,
  tx: Transaction<unknown>,
  job: JobRow,
  entry: EntryRow,
  decision: Decision,
  size: Size | undefined,
): Promise<void> {
  if (!GOOD_STATUSES.includes(entry.status)) {
    return await tellBad(parts, tx, job, entry, mainCode(entry, decision));
  }
  const about = aboutJob(job, jobName(job));
  const isUnchanged = entry.status === "unchanged" && job.tell_unchanged === 1;
  const isUnusual = size?.known === true && size.unusual;
  const over = (await openOfJob(tablesOf<MonitorTables>(tx), job.id)).filter(({ code }) =>
    !(code === "unchanged" && isUnchanged) && !(code === "drift" && isUnusual) && code !== "too_long"
  );
  await parts.findings.recover(tx, over, {
    detail: entry.message,
    recipients: about.recipients,
    facts: { ...jobFacts(job), job_status: entry.status, due_at: entry.due_at },
  });
  const seen = {
    ...about,
    entry_id: entry.id,
    facts: { ...jobFacts(job), entry_id: entry.id, due_at: entry.due_at },
    occurrence: `entry:${entry.id}`,
    tell: true,
  };
  if (isUnchanged) {
    const code: Code = "unchanged";
    await parts.findings.report(tx, {
      ...seen,
      alert: besideAlert(job.id, code),
      code,
      detail: entry.message,
    });
  }
  if (isUnusual && size.known) {
    const code: Code = "drift";
    const detail = `it has ${formatSize(size.bytes)}, usual is ${formatSize(size.median)} ` +
      `(${Math.abs(size.deviations).toFixed(1)} deviations ${size.deviations < 0 ? "below" : "above"})`;
    await parts.findings.report(tx, { ...seen, alert: besideAlert(job.id, code), code, detail });
  }
}

/** Which word a bad entry has among findings; who does not ping or run is overdue, no file is missing. */
export function mainCode(entry: Pick<EntryRow, "status" | "way">, decision?: Decision): Code {
  if (decision?.code !== undefined) return decision.code;
  switch (entry.status) {
    case "missing":
      return entry.way === "report" || entry.way === "file" ? "missing" : "overdue";
    case "hash_mismatch":
    case "transfer_integrity_failed":
      return entry.status;
    default:
      return "failed";
  }
}

/** Opens the finding of a bad entry. */
export async function tellBad(
  parts: Parts,
  tx: Transaction<unknown>,
  job: JobRow,
  entry: EntryRow,
  code: Code,
): Promise<void> {
  await parts.findings.report(tx, {
    ...aboutJob(job, jobName(job)),
    alert: jobAlert(job.id),
    code,
    entry_id: entry.id,
    detail: entry.message,
    facts: badFacts(job, entry),
    occurrence: `entry:${entry.id}:${entry.status}`,
    tell: true,
  });
}

/** The facts of a bad entry, as its message shows them. */
export function badFacts(job: JobRow, entry: EntryRow) {
  return {
    ...jobFacts(job),
    job_status: entry.status,
    entry_id: entry.id,
    due_at: entry.due_at,
    expected_hash: entry.previous_hash,
    calculated_hash: entry.backup_hash,
    file: entry.file_path,
    last_good_at: job.last_successful_backup_utc,
  };
}

/** What an entry was decided by. */
export function evidenceOf(entry: EntryRow): Evidence {
  const file: FoundFile | null = entry.file_path === null ? null : {
    state: "present",
    path: entry.file_path,
    size_bytes: entry.backup_size_bytes ?? 0,
    modified_at: entry.file_modified_at ?? entry.at,
    sha256: entry.backup_hash ?? "",
    side_file_sha256: null,
  };
  return {
    way: entry.way,
    ended_at: entry.ended_at,
    report_key: entry.report_key,
    file,
    detail: SomeDetail.parse(JSON.parse(entry.detail)),
  };
}

/** What has to be kept of a good entry, if it was not kept yet. */
export async function promotionFor(db: Db, entry: EntryRow): Promise<Promotion | null> {
  if (entry.promotion !== "pending" || entry.file_path === null) return null;
  const job = await jobById(db, entry.expected_job_id);
  if (job === undefined || job.final_storage_path_template === null) return null;
  return {
    entry_id: entry.id,
    job_id: job.id,
    path: entry.file_path,
    size_bytes: entry.backup_size_bytes ?? 0,
    sha256: entry.backup_hash ?? "",
    final_storage_path_template: job.final_storage_path_template,
    values: templateValues(job, entry.due_at),
  };
}

/** What path templates of a job are filled with at a due instant. */
export function templateValues(job: JobRow, dueAt: string) {
  return {
    company_name: job.company_name,
    city: job.city,
    neighborhood: job.neighborhood,
    database_name: job.database_name,
    agent_id: job.agent_id_responsible,
    due_at: dueAt,
    year: job.year,
  };
}
