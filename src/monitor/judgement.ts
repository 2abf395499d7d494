/** Judgement as the scanner sees it: reports, plain files, and files that were good once. */
import type { Transaction } from "kysely";
import { z } from "zod";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { judgeDisk } from "./capacity.ts";
import { decideFile, decideReported, type Decision, isInTime, mayBecomeGood } from "./decide.ts";
import { judgeDeposit } from "./deposit.ts";
import { detailOf, foundDetail } from "./detail.ts";
import { duesBetween, graceMs, nearestDue } from "./due.ts";
import { recipientsOf } from "./findings.ts";
import type { SomeDetail } from "./model.ts";
import { now, type Parts, tables } from "./parts.ts";
import { entryAt, entryById, pendingEntries, updateEntry, watchedEntries } from "./queries/entries.ts";
import { openFindings, openOfAgent } from "./queries/findings.ts";
import { jobById, jobsOfWay, reportedJobs } from "./queries/jobs.ts";
import { knownReports, type ReportRow, reportsByKey, saveReports, seeAgent } from "./queries/sources.ts";
import type { Db, EntryRow, JobRow, MonitorTables } from "./queries/tables.ts";
import { evidenceOf, previousHash, promotionFor, record, templateValues } from "./recorder.ts";
import type {
  CapacitySample,
  ExpectedFile,
  FoundFile,
  Judge,
  Promotion,
  Refusal,
  Report,
  ReportCase,
  ReportedDatabase,
  ReportOrigin,
  Verdict,
  WatchedFile,
} from "./report.ts";
import { judgeSeen } from "./watched.ts";

const Stored = z.array(z.object({
  entry_id: z.int().nullable(),
  job_id: z.int().nullable(),
  database_name: z.string(),
  status: z.string().nullable(),
  message: z.string(),
}));

export class Judgement implements Judge {
  readonly #parts: Parts;
  #scannedAt: number | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** When the last scan that is over began, in milliseconds; null before the first. */
  get scannedAt(): number | null {
    return this.#scannedAt;
  }

  scanned(startedAt: number): Promise<void> {
    this.#scannedAt = startedAt;
    return Promise.resolve();
  }

  known(keys: readonly string[]): Promise<readonly string[]> {
    return knownReports(tables(this.#parts), keys);
  }

  async wanted(agentId: string, reports: readonly Report[]): Promise<readonly ReadonlySet<string>[]> {
    const jobs = await reportedJobs(tables(this.#parts), agentId);
    return reports.map((report) => new Set(this.#dueNear(jobs, report).map(({ job }) => job.database_name)));
  }

  /** Those of an agent's jobs that are due near the end of a report. */
  #dueNear(jobs: readonly JobRow[], report: Report): { job: JobRow; due: number }[] {
    const ended = Date.parse(report.operation_end_at);
    return jobs.flatMap((job) => {
      const due = nearestDue(job, ended, this.#parts.windows);
      return due === null ? [] : [{ job, due }];
    });
  }

  judgeReports(agentId: string, cases: readonly ReportCase[]): Promise<readonly (readonly Verdict[])[]> {
    return this.#parts.database.grouped(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      // Looked through, not looked up: a key that is looked up in a map stays in memory for long, and these never end.
      const known = await reportsByKey(db, cases.map(({ origin }) => origin.key));
      const decided = (key: string) => known.find((row) => row.key === key);
      const fresh = cases.filter(({ origin, report }) =>
        decided(origin.key) === undefined && !this.#isStale(report)
      );
      const jobs = fresh.length === 0 ? [] : await this.#agentSeen(tx, agentId, fresh.at(-1)!.report);
      const stored = known.length;
      const all: Verdict[][] = [];
      for (const one of cases) {
        const { origin, report } = one;
        const before = decided(origin.key);
        const verdicts = before !== undefined
          ? await this.#decidedBefore(db, before.verdicts)
          : this.#isStale(report)
          ? report.databases.map(({ database_name }) => nothing(database_name, "the report is too old"))
          : await this.#judgeFresh(tx, one, jobs);
        all.push(verdicts);
        if (before === undefined) known.push(judgedRow(one, now(this.#parts), verdicts));
      }
      await saveReports(db, known.slice(stored));
      return all;
    });
  }

  #isStale(report: Report): boolean {
    const age = this.#parts.clock.now() - Date.parse(report.operation_end_at);
    return age > this.#parts.settings.max_report_age_days * 86_400_000;
  }

  async #decidedBefore(db: Db, text: string): Promise<Verdict[]> {
    return await Promise.all(
      Stored.parse(JSON.parse(text)).map(async (stored) => {
        const entry = stored.entry_id === null ? undefined : await entryById(db, stored.entry_id);
        const promotion = entry === undefined ? null : await promotionFor(db, entry);
        return { ...stored, status: entry?.status ?? null, promotion };
      }),
    );
  }

  async #judgeFresh(
    tx: Transaction<unknown>,
    { origin, report, files }: ReportCase,
    jobs: readonly JobRow[],
  ): Promise<Verdict[]> {
    const due = this.#dueNear(jobs, report);
    const verdicts: Verdict[] = [];
    for (const { job, due: at } of due) {
      const database = report.databases.find(({ database_name }) => database_name === job.database_name);
      const verdict = database === undefined
        ? await this.#absent(tx, origin, report, job, at)
        : await this.#present(tx, origin, report, database, files, job, at);
      if (verdict !== undefined) verdicts.push(verdict);
    }
    const concerned = new Set(due.map(({ job }) => job.database_name));
    const others = report.databases.filter(({ database_name }) => !concerned.has(database_name));
    return [
      ...verdicts,
      ...others.map(({ database_name }) => nothing(database_name, "no job expects it at this time")),
    ];
  }

  /** A report is a sign of life, and the next good one ends what was said about a refused one. Returns the agent's jobs. */
  async #agentSeen(tx: Transaction<unknown>, agentId: string, last: Report): Promise<readonly JobRow[]> {
    const db = tablesOf<MonitorTables>(tx);
    await seeAgent(db, agentId, now(this.#parts), last.operation_end_at);
    const jobs = await reportedJobs(db, agentId);
    const open = await openOfAgent(db, agentId);
    const over = open.filter(({ code }) => code === "silent_agent" || code === "refused_report");
    await this.#parts.findings.recover(tx, over, {
      detail: "a report arrived",
      recipients: recipientsOf(jobs),
    });
    return jobs;
  }

  /** A report without the database says that it is missing, once it was due; a report that has it may come later. */
  async #absent(
    tx: Transaction<unknown>,
    origin: ReportOrigin,
    report: Report,
    job: JobRow,
    due: number,
  ): Promise<Verdict | undefined> {
    if (due > Date.parse(report.operation_end_at)) return undefined;
    if (await entryAt(tablesOf<MonitorTables>(tx), job.id, iso(due)) !== undefined) return undefined;
    const decision: Decision = { status: "missing", message: "the report does not have it" };
    return await this.#record(tx, job, due, decision, null, detailOf(origin, report, undefined, null), {
      ended_at: report.operation_end_at,
      report_key: origin.key,
    });
  }

  async #present(
    tx: Transaction<unknown>,
    origin: ReportOrigin,
    report: Report,
    database: ReportedDatabase,
    files: ReadonlyMap<string, FoundFile>,
    job: JobRow,
    due: number,
  ): Promise<Verdict> {
    const file = files.get(database.database_name) ?? { state: "absent" };
    const known = {
      min_size_bytes: job.min_size_bytes,
      previous_hash: await previousHash(tablesOf<MonitorTables>(tx), job, iso(due)),
    };
    const decision = decideReported(report, database, file, known);
    return await this.#record(tx, job, due, decision, file, detailOf(origin, report, database, file), {
      ended_at: report.operation_end_at,
      report_key: origin.key,
    });
  }

  async #record(
    tx: Transaction<unknown>,
    job: JobRow,
    due: number,
    decision: Decision,
    file: FoundFile | null,
    detail: SomeDetail,
    from: { ended_at: string; report_key: string | null },
  ): Promise<Verdict> {
    // A job may occur twice in one transaction: what the first time changed counts.
    const current = await jobById(tablesOf<MonitorTables>(tx), job.id) ?? job;
    const evidence = { way: job.way, ...from, file, detail };
    const { entry, superseded } = await record(this.#parts, tx, current, iso(due), decision, evidence);
    return {
      entry_id: entry.id,
      job_id: job.id,
      database_name: job.database_name,
      status: entry.status,
      message: superseded ? "a later report had decided already" : entry.message,
      promotion: superseded ? null : await promotionFor(tablesOf<MonitorTables>(tx), entry),
    };
  }

  async refuseReport(origin: ReportOrigin, refusal: Refusal): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      if ((await knownReports(db, [origin.key])).length > 0) return;
      const at = now(this.#parts);
      await saveReports(db, [{
        ...reportRow(origin, at),
        ended_at: null,
        outcome: "refused",
        verdicts: "[]",
      }]);
      await seeAgent(db, origin.agent_id, at, null);
      const name = origin.file_name ?? "a report over HTTP";
      const fields = refusal.fields.slice(0, MAX_FIELDS).map(({ path, message }) => `${path} ${message}`);
      await this.#parts.findings.report(tx, {
        alert: `report:${origin.key}`,
        code: "refused_report",
        subject: { kind: "agent", id: origin.agent_id, name: origin.agent_id },
        job_id: null,
        entry_id: null,
        agent_id: origin.agent_id,
        detail: `"${name}" cannot be judged: ${[refusal.reason, ...fields].join("; ")}`,
        facts: { agent: origin.agent_id, file: origin.file_name, reason: refusal.reason },
        recipients: recipientsOf(await reportedJobs(db, origin.agent_id)),
        occurrence: origin.key,
        tell: true,
      });
    });
  }

  async expectedFiles(): Promise<readonly ExpectedFile[]> {
    const db = tables(this.#parts);
    const { clock, windows } = this.#parts;
    const expected: ExpectedFile[] = [];
    for (const job of await jobsOfWay(db, "file")) {
      if (job.agent_deposit_path_template === null) continue;
      const late = graceMs(job, windows);
      const open = duesBetween(job, clock.now() - late, clock.now() + windows.reportMs, MOST_OPEN);
      for (const due of open) {
        const entry = await entryAt(db, job.id, iso(due));
        if (entry !== undefined && !mayBecomeGood(entry)) continue;
        expected.push({
          job_id: job.id,
          due_at: iso(due),
          from: iso(due - windows.reportMs),
          until: iso(due + late),
          agent_deposit_path_template: job.agent_deposit_path_template,
          values: templateValues(job, iso(due)),
          ...(entry === undefined
            ? {}
            : { judged: { path: entry.file_path, modified_at: entry.file_modified_at } }),
        });
      }
    }
    return expected;
  }

  judgeFile(expected: ExpectedFile, found: readonly FoundFile[]): Promise<Verdict | null> {
    return this.#parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      const job = await jobById(db, expected.job_id);
      if (job === undefined) return null;
      const before = await entryAt(db, job.id, expected.due_at);
      if (before !== undefined && !mayBecomeGood(before)) return null;
      const file = found.find((one) => one.state !== "absent" && isInTime(one, expected));
      if (file === undefined || file.state === "absent") return null;
      const previous_hash = await previousHash(db, job, expected.due_at);
      const decision: Decision = file.state === "unreadable"
        ? { status: "failed", message: file.reason }
        : decideFile(file, { min_size_bytes: job.min_size_bytes, previous_hash });
      if (before?.status === decision.status && before.message === decision.message) return null;
      const ended_at = file.state === "present" ? file.modified_at : now(this.#parts);
      const due = Date.parse(expected.due_at);
      return await this.#record(tx, job, due, decision, file, foundDetail(file), {
        ended_at,
        report_key: null,
      });
    });
  }

  async pendingPromotions(): Promise<readonly Promotion[]> {
    const db = tables(this.#parts);
    const pending = await Promise.all((await pendingEntries(db)).map((entry) => promotionFor(db, entry)));
    return pending.filter((promotion) => promotion !== null);
  }

  async promoted(entryId: number, path: string, modifiedAt: string): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      const entry = await entryById(db, entryId);
      if (entry === undefined) return;
      await updateEntry(db, entryId, {
        promotion: "done",
        promoted_path: path,
        file_modified_at: modifiedAt,
      });
      if (entry.status !== "failed") return;
      await this.#again(tx, { ...entry, promotion: "done", promoted_path: path }, {
        status: "ok",
        message: "it arrived, matches and is kept",
      });
    });
  }

  async promotionFailed(entryId: number, reason: string, retry: boolean): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      const entry = await entryById(db, entryId);
      if (entry === undefined) return;
      const decision: Decision = { status: "failed", message: `it cannot be kept: ${reason}` };
      if (entry.status !== "failed" || entry.message !== decision.message) {
        await this.#again(tx, entry, decision);
      }
      await updateEntry(db, entryId, { promotion: retry ? "pending" : "failed" });
    });
  }

  /** Decides about an entry once more, with the file it had. */
  async #again(tx: Transaction<unknown>, entry: EntryRow, decision: Decision): Promise<void> {
    const job = await jobById(tablesOf<MonitorTables>(tx), entry.expected_job_id);
    if (job === undefined) return;
    await record(this.#parts, tx, job, entry.due_at, decision, evidenceOf(entry));
  }

  async watchedFiles(): Promise<readonly WatchedFile[]> {
    const gone = new Set(
      (await openFindings(tables(this.#parts))).filter((row) => row.code === "vanished").map((row) =>
        row.job_id
      ),
    );
    return (await watchedEntries(tables(this.#parts))).flatMap((entry) => {
      const path = entry.promoted_path ?? entry.file_path;
      if (path === null || entry.backup_hash === null || entry.backup_size_bytes === null) return [];
      return [{
        entry_id: entry.id,
        path,
        size_bytes: entry.backup_size_bytes,
        // One that was gone is read again when it is back, or nobody would hear of that.
        modified_at: gone.has(entry.expected_job_id) ? null : entry.file_modified_at,
        sha256: entry.backup_hash,
      }];
    });
  }

  async judgeWatched(entryId: number, found: FoundFile): Promise<void> {
    await this.#parts.database.transaction((tx) => judgeSeen(this.#parts, tx, entryId, found));
  }

  depositRead(root: string | null, failure: string | null): Promise<void> {
    return judgeDeposit(this.#parts, root, failure);
  }

  async capacity(samples: readonly CapacitySample[]): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      for (const sample of samples) await judgeDisk(this.#parts, tx, sample);
    });
  }
}

/** A finding's sentence is not as long as the worst report. */
const MAX_FIELDS = 10;
/** Open instants of one job that are looked for at once. */
const MOST_OPEN = 100;

function nothing(database_name: string, message: string): Verdict {
  return { entry_id: null, job_id: null, database_name, status: null, message, promotion: null };
}

function reportRow({ key, agent_id, file_name, way }: ReportOrigin, received_at: string) {
  return { key, agent_id, file_name, way, received_at };
}

function judgedRow({ origin, report }: ReportCase, at: string, verdicts: readonly Verdict[]): ReportRow {
  return {
    ...reportRow(origin, at),
    ended_at: report.operation_end_at,
    outcome: "judged",
    verdicts: JSON.stringify(verdicts.map(({ promotion: _, ...rest }) => rest)),
  };
}
