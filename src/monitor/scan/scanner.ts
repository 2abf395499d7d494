/**
 * The scanner: looks at the deposit and at what is kept, and hands what it finds to judgement.
 *
 * One scan at a time. What comes by itself (the tick, file events) is merged with one that is under way or waiting; one that
 * was asked for by a person waits for its turn and is done whole. Nothing is held between scans but the roots:
 * whatever ends a scan in the middle, the next one finds the same files and goes on.
 */
import { type Clock, iso } from "../../lib/clock.ts";
import { HoldfastError, messageOf } from "../../lib/errors.ts";
import type { Judge, ReportIntake, Verdict } from "../report.ts";
import { type Disk, WorkerDisk } from "./disk.ts";
import { checkWatched, keepPending, sampleCapacity, scanExpected } from "./files.ts";
import { submitReport } from "./intake.ts";
import { addProblems, log, type Pass, type Roots } from "./pass.ts";
import { scanReports } from "./reports.ts";
import { emptyResult, type ScanResult } from "./result.ts";

/** What a scanner works with. */
export interface ScannerOptions {
  judge: Judge;
  clock: Clock;
  settings: Roots & { scan_minutes: number };
  /** Makes what works on disks; default a worker. */
  openDisk?: (signal: AbortSignal) => Disk;
}

/** What the last scan was, for health and metrics. */
export interface ScannerState {
  /** Nothing is configured that could be scanned. */
  idle: boolean;
  /** When the last whole scan ended; null before the first. */
  last_scan_at: number | null;
  /** Why the last one failed; null when it did not. */
  last_error: string | null;
  /** The same in words for everybody; null where only the log may say it. */
  last_reason: string | null;
}

/** A tick comes each minute, not to the millisecond. */
const TICK_SLACK_MS = 20_000;

export class Scanner implements ReportIntake {
  readonly #options: ScannerOptions;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #lastStart: number | null = null;
  #lastEnd: number | null = null;
  #lastError: unknown = null;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  get state(): ScannerState {
    const { deposit_root, final_root } = this.#options.settings;
    return {
      idle: deposit_root === null && final_root === null,
      last_scan_at: this.#lastEnd,
      last_error: this.#lastError === null ? null : messageOf(this.#lastError),
      last_reason: this.#lastError instanceof HoldfastError ? this.#lastError.message : null,
    };
  }

  /** The scan a person asks for: waits for files that are being written. Errors: `invalid` without a deposit. */
  async scan(signal: AbortSignal): Promise<ScanResult> {
    if (this.#options.settings.deposit_root === null) {
      throw new HoldfastError("invalid", "Cannot scan: there is no deposit", {
        code: "no_deposit",
        hint: "set monitor.deposit_root (BACKUP_STORAGE_ROOT) to the directory that agents write to",
      });
    }
    return await this.#queue(true, AbortSignal.any([signal, this.#stop.signal]));
  }

  /** A report that did not come as a file: judged beside any scan, with the files in the deposit. */
  async submit(agentId: string, document: unknown): Promise<readonly Verdict[]> {
    const signal = this.#stop.signal;
    using disk = this.#open(signal);
    const { judge, clock, settings } = this.#options;
    const result = emptyResult(iso(clock.now()));
    const pass: Pass = { disk, judge, clock, roots: settings, signal, patient: true, result };
    return await submitReport(pass, agentId, document);
  }

  /** Begins a scan if one is due and none is under way or waiting. Never throws; `idle()` waits for it. */
  tick(): void {
    const now = this.#options.clock.now();
    const due = this.#lastStart === null ||
      now - this.#lastStart >= this.#options.settings.scan_minutes * 60_000 - TICK_SLACK_MS ||
      now < this.#lastStart;
    if (due) this.begin();
  }

  /** Begins a scan unless one is under way or waiting. */
  begin(): void {
    if (this.#pending > 0 || this.#stop.signal.aborted) return;
    this.#queue(false, this.#stop.signal).catch((error) => {
      if (!this.#stop.signal.aborted) log.error("The scan failed: {why}", { why: messageOf(error), error });
    });
  }

  /** Resolves when no scan is under way. */
  async idle(): Promise<void> {
    while (this.#pending > 0) await this.#running.catch(() => {});
  }

  /** Ends a scan that is under way, at once: the next one goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.idle();
  }

  #open(signal: AbortSignal): Disk {
    return this.#options.openDisk?.(signal) ?? new WorkerDisk(signal);
  }

  #queue(patient: boolean, signal: AbortSignal): Promise<ScanResult> {
    this.#pending++;
    const scan = this.#running.catch(() => {}).then(() => this.#scan(patient, signal)).finally(() =>
      this.#pending--
    );
    this.#running = scan;
    return scan;
  }

  async #scan(patient: boolean, signal: AbortSignal): Promise<ScanResult> {
    const { judge, clock, settings } = this.#options;
    signal.throwIfAborted();
    const startedAt = clock.now();
    this.#lastStart = startedAt;
    const result = emptyResult(iso(startedAt));
    if (this.state.idle) {
      await judge.depositRead(null, null);
      await judge.scanned(startedAt);
      return result;
    }
    using disk = this.#open(signal);
    const pass: Pass = { disk, judge, clock, roots: settings, signal, patient, result };
    try {
      await scanAll(pass, startedAt);
      this.#lastError = null;
    } catch (error) {
      if (!signal.aborted) this.#lastError = error;
      throw error;
    }
    this.#lastEnd = clock.now();
    result.finished_at = iso(this.#lastEnd);
    return result;
  }
}

/** A deposit that is not there must not hide that good files are gone too; it is told at the end. */
async function scanAll(pass: Pass, startedAt: number): Promise<void> {
  const failure = await scanDeposit(pass);
  await pass.judge.scanned(startedAt);
  await keepPending(pass);
  await checkWatched(pass);
  await sampleCapacity(pass);
  if (failure !== undefined) throw failure;
}

async function scanDeposit(pass: Pass): Promise<HoldfastError | undefined> {
  const { deposit_root } = pass.roots;
  if (deposit_root === null) {
    await pass.judge.depositRead(null, null);
    return undefined;
  }
  const deposit = await pass.disk.run("agents", deposit_root);
  await pass.judge.depositRead(deposit_root, deposit.failure);
  if (deposit.failure !== null) {
    return new HoldfastError("unavailable", `Cannot scan the deposit "${deposit_root}": ${deposit.failure}`);
  }
  pass.result.agents = deposit.agents.length;
  addProblems(pass, deposit.problems);
  await scanReports(pass, deposit.agents);
  await scanExpected(pass);
  return undefined;
}
