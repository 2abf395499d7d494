/** Holdfast's own: schedules that are expected like any other backup, and what became of its artifacts. */
import type { Transaction } from "kysely";
import type { Backup } from "../backups/mod.ts";
import { systemCaller } from "../lib/caller.ts";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { tablesOf } from "../store/mod.ts";
import type { Decision } from "./decide.ts";
import { graceMs } from "./due.ts";
import type { Code } from "./findings.ts";
import { type Parts, tables } from "./parts.ts";
import { entryAt } from "./queries/entries.ts";
import { findingsByKey, openAbout } from "./queries/findings.ts";
import { jobById, jobsOfWay, updateJob } from "./queries/jobs.ts";
import type { JobRow, MonitorTables } from "./queries/tables.ts";
import { record } from "./recorder.ts";

/** Instants of one schedule that are looked at in a tick. */
const MOST = 200;

/** Judges the newest instants of every schedule that is expected. */
export async function judgeSchedules(parts: Parts): Promise<void> {
  for (const job of await jobsOfWay(tables(parts), "schedule")) await judgeSchedule(parts, job);
}

interface Instant {
  due_at: string;
  decision: Decision;
  ended_at: string | null;
}

async function judgeSchedule(parts: Parts, job: JobRow): Promise<void> {
  const instants = await instantsOf(parts, job);
  for (const { due_at, decision, ended_at } of instants) {
    await parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      const current = await jobById(db, job.id);
      const before = await entryAt(db, job.id, due_at);
      if (
        current === undefined || (before?.status === decision.status && before.message === decision.message)
      ) {
        return;
      }
      // Beyond its deadline an instant is missing; a run that ends well after all takes that back.
      if (before !== undefined && before.ended_at !== null) return;
      const evidence = { way: "schedule" as const, ended_at, report_key: null, file: null, detail: {} };
      await record(parts, tx, current, due_at, decision, evidence);
    });
  }
}

/** What the ledger says of instants since the job was made, oldest first; one still open counts from its deadline on. */
async function instantsOf(parts: Parts, job: JobRow): Promise<Instant[]> {
  const caller = systemCaller("monitor");
  const id = job.schedule_id ?? "";
  // The last instant is looked at again: it may have been open.
  const from = job.last_due_at !== null && job.last_due_at > job.created_at
    ? job.last_due_at
    : job.created_at;
  const now = parts.clock.now();
  const grace = graceMs(job, parts.windows);
  try {
    const entries = await parts.schedules.ledger.list(
      { schedule_id: id, from, limit: MOST, offset: 0 },
      caller,
    );
    const known = entries.reverse().flatMap(({ due_at, outcome, result, reason, settled_at }): Instant[] => {
      if (settled_at !== null) {
        const good = result === "success";
        const why = reason ?? result ?? outcome ?? "unknown";
        const decision: Decision = good
          ? { status: "ok", message: "its run ended well" }
          : { status: outcome === "missed" ? "missing" : "failed", message: `${outcome}: ${why}` };
        return [{ due_at, decision, ended_at: settled_at }];
      }
      if (now < Date.parse(due_at) + grace) return [];
      return [{
        due_at,
        decision: { status: "missing", message: "its run has not ended in time" },
        ended_at: null,
      }];
    });
    const { next_run_at } = await parts.schedules.get(id, caller);
    await noteNext(parts, job, next_run_at, grace);
    const isLate = next_run_at !== null && next_run_at >= job.created_at &&
      now >= Date.parse(next_run_at) + grace;
    if (!isLate) return known;
    return [...known, {
      due_at: next_run_at,
      decision: { status: "missing", message: "it was due and the scheduler did not begin it" },
      ended_at: null,
    }];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
    // A schedule that was deleted is not expected any more.
    await updateJob(tables(parts), job.id, { is_active: 0, next_due_at: null, next_deadline_at: null });
    return [];
  }
}

async function noteNext(parts: Parts, job: JobRow, next: string | null, grace: number): Promise<void> {
  if (job.next_due_at === next) return;
  const next_deadline_at = next === null ? null : iso(Date.parse(next) + grace);
  await updateJob(tables(parts), job.id, { next_due_at: next, next_deadline_at });
}

/** Turns what is recorded of artifacts into findings, and ends those of artifacts that are well again or gone for good. */
export async function judgeBackups(parts: Parts): Promise<void> {
  const troubled = await parts.backups.troubled();
  await parts.database.transaction(async (tx) => {
    const seen = new Set<string>();
    for (const backup of troubled) {
      for (const [code, since] of troublesOf(backup)) {
        seen.add(`${alertOf(backup.id, code)} ${code}`);
        await reportBackup(parts, tx, backup, code, since);
      }
    }
    const over = (await openAbout(tablesOf<MonitorTables>(tx), "backup"))
      .filter((row) => !seen.has(row.open_key ?? ""));
    await parts.findings.recover(tx, over, {
      detail: "the artifact is well, or was removed",
      recipients: [],
    });
  });
}

function alertOf(backupId: string, code: Code): string {
  return `backup:${backupId}:${code}`;
}

function troublesOf({ missing_since, changed_at }: Backup): [Code, string][] {
  if (missing_since !== null) return [["vanished", missing_since]];
  return changed_at === null ? [] : [["hash_mismatch", changed_at]];
}

async function reportBackup(
  parts: Parts,
  tx: Transaction<unknown>,
  backup: Backup,
  code: Code,
  since: string,
): Promise<void> {
  const alert = alertOf(backup.id, code);
  const key = `${alert} ${code}`;
  if ((await findingsByKey(tablesOf<MonitorTables>(tx), [key])).has(key)) return;
  await parts.findings.report(tx, {
    alert,
    code,
    subject: { kind: "backup", id: backup.id, name: backup.name },
    job_id: null,
    entry_id: null,
    agent_id: null,
    detail: code === "vanished" ? "the artifact is gone" : "the artifact is not as it was made",
    facts: { path: backup.path, since },
    recipients: [],
    occurrence: since,
    tell: true,
  });
}
