/** The service: what the parts of the monitor offer, and what time asks of them. */
import type { DigestSection } from "../notify/mod.ts";
import { iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { type Caller, hasRole } from "../lib/operation.ts";
import { boardOf, calendarOf, checkAll } from "./board.ts";
import { takeBackFuture } from "./ahead.ts";
import { judgeDeadlines } from "./deadlines.ts";
import { ExpectedJobs } from "./expected.ts";
import { FindingDesk } from "./finding_desk.ts";
import { Findings } from "./findings.ts";
import { Judgement } from "./judgement.ts";
import type { ScanResult } from "./scan/result.ts";
import { Scanner } from "./scan/scanner.ts";
import { ToldFindings } from "./told.ts";
import { DepositWatch } from "./scan/watch.ts";
import { Versions } from "./versions/versions.ts";
import { judgeBackups, judgeSchedules } from "./own.ts";
import { VeeamJudge } from "./veeam.ts";
import { type MonitorOptions, type Parts, tables, windowsOf } from "./parts.ts";
import { Pings } from "./pings.ts";
import { forgetEntries } from "./queries/entries.ts";
import { forgetFindings, openFindings } from "./queries/findings.ts";
import { activeJobs } from "./queries/jobs.ts";
import { forgetPings, listPings } from "./queries/pings.ts";
import { forgetSources } from "./queries/sources.ts";
import type { FindingRow, JobRow, PingRow } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { jobIdOf } from "./named.ts";
import type { Ref } from "./refs.ts";
import type { EntryStatus, Verdict } from "./report.ts";
import type { Board, Calendar, Check } from "./board_model.ts";

/** When records are forgotten: an instant in milliseconds, or null to keep them. */
export interface MonitorHorizon {
  entries: number | null;
  pings: number | null;
}

export class Monitor {
  readonly expected: ExpectedJobs;
  readonly judgement: Judgement;
  readonly findings: FindingDesk;
  readonly pings: Pings;
  readonly scanner: Scanner;
  readonly versions: Versions;
  /** Where other slices tell what they find. */
  readonly told: ToldFindings;
  readonly #watch: DepositWatch | null;
  readonly #parts: Parts;
  readonly #veeam: VeeamJudge;
  readonly #since: number;
  readonly #listeners: ((status: EntryStatus) => void)[] = [];
  #tickedAt: number | null = null;
  #deadlines = Promise.resolve();

  constructor(options: MonitorOptions) {
    const { clock, notify, settings } = options;
    this.#parts = {
      ...options,
      findings: new Findings(clock, notify),
      windows: windowsOf(settings),
      recorded: (status) => this.#listeners.forEach((listener) => listener(status)),
    };
    this.#since = clock.now();
    this.#veeam = new VeeamJudge(this.#parts);
    this.expected = new ExpectedJobs(this.#parts);
    this.judgement = new Judgement(this.#parts);
    this.findings = new FindingDesk(this.#parts);
    this.pings = new Pings(this.#parts);
    this.told = new ToldFindings(this.#parts);
    this.scanner = new Scanner({ judge: this.judgement, clock, settings });
    this.versions = new Versions({ database: options.database, clock, settings });
    const { deposit_root } = settings;
    this.#watch = deposit_root === null ? null : new DepositWatch(deposit_root, this.scanner, clock);
    this.expected.onChange(() => this.pings.forget());
  }

  /** What each minute asks, apart from the scan: deadlines, pings, Veeam jobs, schedules and artifacts of Holdfast's own. */
  async tick(): Promise<void> {
    const errors: unknown[] = [];
    for (
      const part of [
        () => takeBackFuture(this.#parts),
        () => this.pings.tick(),
        () => judgeSchedules(this.#parts),
        () => this.#veeam.tick(),
        () => this.#judgeDeadlines(),
        () => judgeBackups(this.#parts),
      ]
    ) {
      // One that fails keeps no other from being judged.
      await part().catch((error) => errors.push(error));
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join("; "));
    this.#tickedAt = this.#parts.clock.now();
  }

  /** The scan a person asks for; deadlines that it was waited for are judged with it. Errors: `invalid` without a deposit. */
  async scan(signal: AbortSignal): Promise<ScanResult> {
    const result = await this.scanner.scan(signal);
    await this.#judgeDeadlines();
    return result;
  }

  /** One at a time: two at once would share the pages, and tell an agent that says nothing twice. */
  #judgeDeadlines(): Promise<void> {
    const judge = async () => {
      await judgeDeadlines(this.#parts, { at: this.judgement.scannedAt, since: this.#since });
    };
    return this.#deadlines = this.#deadlines.then(judge, judge);
  }

  /** What each minute asks of the scanner: a scan when one is due, and that file events are heard. */
  look(): void {
    this.#watch?.ensure();
    this.scanner.tick();
  }

  /** Takes a report over HTTP. Errors: `forbidden` for a key of another agent, `invalid` with each wrong field. */
  async submit(agentId: string, document: unknown, caller: Caller): Promise<readonly Verdict[]> {
    requireAgent(caller, agentId);
    return await this.scanner.submit(agentId, document);
  }

  /** Ends a scan that is under way; the next one goes on. */
  async stop(): Promise<void> {
    this.#watch?.stop();
    await this.scanner.stop();
    await this.versions.stop();
    await this.pings.idle();
  }

  /** When the last tick ended, in milliseconds; null before the first. */
  get tickedAt(): number | null {
    return this.#tickedAt;
  }

  board(date: string | undefined): Promise<Board> {
    return boardOf(this.#parts, date);
  }

  /** Errors: `not_found` and `conflict` for the name of a job. */
  async calendar(
    { job, ...wanted }: { from?: string | undefined; days: number; job?: Ref | undefined },
  ): Promise<Calendar> {
    return await calendarOf(this.#parts, { ...wanted, job: await jobIdOf(tables(this.#parts), job) });
  }

  check(how: { nagios: boolean }): Promise<Check> {
    return checkAll(this.#parts, how);
  }

  /** Pings of a job, the newest first. Errors: `not_found`, `conflict` when several have the name. */
  async pingsOf(job: Ref, page: { skip: number; limit: number }): Promise<PingRow[]> {
    const { id } = await this.expected.row(job);
    return await listPings(tables(this.#parts), id, page);
  }

  /** Told of each due instant that was decided. */
  listen(listener: (status: EntryStatus) => void): void {
    this.#listeners.push(listener);
  }

  /** For metrics: jobs that are expected and findings that are open. */
  async state(): Promise<{ jobs: (JobRow & { name: string })[]; findings: FindingRow[] }> {
    const jobs = await activeJobs(tables(this.#parts));
    return {
      jobs: jobs.map((job) => ({ ...job, name: jobName(job) })),
      findings: await openFindings(tables(this.#parts)),
    };
  }

  /** For the digest: how many of the expected backups are good, by company. */
  async digest(): Promise<DigestSection[]> {
    const jobs = await activeJobs(tables(this.#parts));
    const rows = [...Map.groupBy(jobs, (job) => job.company_name)].map(([company, own]) => {
      const good = own.filter((job) =>
        job.current_status === "ok" || job.current_status === "unchanged"
      ).length;
      return {
        name: company || "-",
        text: { en: `${good} of ${own.length} good`, fr: `${good} sur ${own.length} bons` },
      };
    });
    return [{ heading: { en: "Expected backups", fr: "Sauvegardes attendues" }, rows }];
  }

  /** Forgets what is past its days. */
  async prune({ entries, pings }: MonitorHorizon): Promise<Record<string, number>> {
    const db = tables(this.#parts);
    const before = entries === null ? null : iso(entries);
    return {
      monitor_pings: pings === null ? 0 : await forgetPings(db, iso(pings)),
      monitor_findings: before === null ? 0 : await forgetFindings(db, before),
      monitor_entries: before === null ? 0 : await forgetEntries(db, before),
      monitor_reports: before === null ? 0 : await forgetSources(db, before),
    };
  }
}

/** Keys of agents speak for themselves only. */
function requireAgent(caller: Caller, agentId: string): void {
  if (hasRole(caller.role, "operator") || caller.name === `key:${agentId}`) return;
  throw new HoldfastError("forbidden", `Cannot report for agent "${agentId}": "${caller.name}" is another`, {
    hint: "an agent's API key is named after it",
  });
}
