/** What the parts of one scan share. */
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration.ts";
import { HoldfastError } from "../../lib/errors.ts";
import type { Judge, Promotion, Refusal, Report, Verdict } from "../report.ts";
import { fillTemplate, parseTemplate, textsOf } from "../template.ts";
import type { Disk } from "./disk.ts";
import type { Examined, Glance } from "./examine.ts";
import { addLines, type ScanResult } from "./result.ts";

export const log = getLogger(["holdfast", "monitor"]);

/** A file that looks the same after so long is not being written any more. */
export const STILL_MS = 2000;

/** How long a scan that was asked for by a person waits for files that are being written. */
const PATIENCE_MS = 60_000;

/** Where things are. */
export interface Roots {
  deposit_root: string | null;
  final_root: string | null;
}

/** One scan: what it works with, and what it found so far. */
export interface Pass {
  readonly disk: Disk;
  readonly judge: Judge;
  readonly clock: Clock;
  readonly roots: Roots;
  readonly signal: AbortSignal;
  /** Wait for files that are being written, up to a minute. */
  readonly patient: boolean;
  readonly result: ScanResult;
}

/** Says what could not be looked at, in the log and in the result. */
export function addProblems(pass: Pass, problems: readonly string[]): void {
  for (const problem of problems) log.warning("{problem}", { problem });
  addLines(pass.result.problems, problems);
}

/** Waits until `STILL_MS` have passed since a moment of the clock. A clock that was set back waits once in full. */
export async function untilStill(pass: Pass, since: number): Promise<void> {
  const waited = Math.max(0, pass.clock.now() - since);
  if (waited < STILL_MS) await pass.clock.sleep(STILL_MS - waited, pass.signal);
}

/** Reads a file that was glanced at long enough ago; a patient scan looks again while it is being written. */
export async function examineStill(pass: Pass, path: string, before: Glance): Promise<Examined> {
  let seen = before;
  for (let waited = 0;; waited += STILL_MS) {
    const examined = await pass.disk.run("examine", path, seen);
    if (examined.state !== "moving" || !pass.patient || waited >= PATIENCE_MS) return examined;
    seen = (await pass.disk.run("glance", [path]))[0] ?? seen;
    await pass.clock.sleep(STILL_MS, pass.signal);
  }
}

/** Clocks of agents are not all exact; one that is further ahead says nothing about an instant. */
const AHEAD_MS = 60 * 60_000;

/**
 * Why a report is refused that ended in the future: it would meet an instant before it is due, and what comes of that one
 * itself would be told to nobody.
 */
export function fromFuture(report: Report, now: number): Refusal | undefined {
  const ahead = Date.parse(report.operation_end_at) - now;
  if (ahead <= AHEAD_MS) return undefined;
  const message = `is ${formatDuration(ahead / 1000)} in the future: a time without a zone is UTC`;
  return { reason: "it ended in the future", fields: [{ path: "operation_end_time", message }] };
}

/** Where a file is kept now, or why it is not. */
export type KeepOutcome = { path: string } | { reason: string };

/** Keeps a good file; a disk that is full is tried again by the next scan. */
export async function keep(pass: Pass, promotion: Promotion): Promise<KeepOutcome> {
  const { judge, result, roots } = pass;
  if (roots.final_root === null) return { reason: "good files are not kept here (monitor.final_root)" };
  const { entry_id, path, size_bytes, sha256, values, final_storage_path_template } = promotion;
  let directories: string[];
  try {
    directories = fillTemplate(parseTemplate(final_storage_path_template), textsOf(values));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return await notKept(pass, promotion, error.message, false);
  }
  const stamp = values.due_at.replace(/[-:]|\.\d+/g, "");
  const root = roots.final_root;
  const now = pass.clock.now();
  const kept = await pass.disk.run("keep", { path, size_bytes, sha256, root, directories, stamp, now });
  if (!kept.ok) return await notKept(pass, promotion, kept.reason, kept.retry);
  await judge.promoted(entry_id, kept.path, new Date(kept.modified_ms).toISOString());
  result.files.kept++;
  return { path: kept.path };
}

async function notKept(
  pass: Pass,
  { entry_id, path }: Promotion,
  reason: string,
  retry: boolean,
): Promise<KeepOutcome> {
  await pass.judge.promotionFailed(entry_id, reason, retry);
  addProblems(pass, [`Cannot keep "${path}": ${reason}`]);
  return { reason };
}

/** Keeps what is good of some verdicts, and adds them to the result. */
export async function settle(
  pass: Pass,
  verdicts: readonly Verdict[],
  from: { agent_id: string; report: string | null },
): Promise<void> {
  for (const { promotion, ...verdict } of verdicts) {
    const isKept = promotion !== null && pass.roots.final_root !== null;
    const kept = isKept ? await keep(pass, promotion) : undefined;
    const changed = kept === undefined || "path" in kept
      ? { kept_path: kept?.path ?? null }
      : { kept_path: null, status: "failed" as const, message: `it cannot be kept: ${kept.reason}` };
    addLines(pass.result.backups, [{ ...from, ...verdict, ...changed }]);
  }
}
