/** Files that no report speaks of: those expected by path template, those to be kept still, and those kept already. */
import { messageOf } from "../../lib/errors.ts";
import type { ExpectedFile, FoundFile, WatchedFile } from "../report.ts";
import { textsOf } from "../template.ts";
import type { Glance } from "./examine.ts";
import type { Match } from "./find.ts";
import { addProblems, examineStill, keep, type Pass, settle, untilStill } from "./pass.ts";

/** Of the files that fit, the newest so many are read. */
const MAX_CANDIDATES = 3;

interface Candidate {
  expected: ExpectedFile;
  files: { path: string; glance: Glance }[];
}

/** Judges the plain files that are expected at this moment. */
export async function scanExpected(pass: Pass): Promise<void> {
  const root = pass.roots.deposit_root;
  if (root === null) return;
  const candidates: Candidate[] = [];
  for (const expected of await pass.judge.expectedFiles()) {
    await attempt(pass, `look for the file of ${nameOf(expected)}`, async () => {
      const { agent_deposit_path_template, values, from, until } = expected;
      const within = { from_ms: Date.parse(from), until_ms: Date.parse(until) };
      const search = await pass.disk.run("find", root, agent_deposit_path_template, textsOf(values), within);
      addProblems(pass, search.problems);
      const newest = search.matches.slice(0, MAX_CANDIDATES);
      if (newest[0] !== undefined && wasJudged(expected, newest[0])) return;
      const files = newest.map(({ path, print }) => ({ path, glance: { state: "present", print } as const }));
      if (files.length > 0) candidates.push({ expected, files });
    });
  }
  if (candidates.length === 0) return;
  const seenAt = pass.clock.now();
  pass.result.files.found += candidates.length;
  await untilStill(pass, seenAt);
  for (const { expected, files } of candidates) {
    await attempt(pass, `judge the file of ${nameOf(expected)}`, async () => {
      const found: FoundFile[] = [];
      for (const { path, glance } of files) {
        const examined = await examineStill(pass, path, glance);
        // The newest is the one that counts: while it is being written, nothing is decided.
        if (examined.state === "moving") return;
        found.push(examined);
      }
      const verdict = await pass.judge.judgeFile(expected, found);
      if (verdict === null) return;
      pass.result.files.judged++;
      await settle(pass, [verdict], { agent_id: expected.values.agent_id, report: null });
    });
  }
}

function wasJudged({ judged }: ExpectedFile, { path, print }: Match): boolean {
  return judged?.path === path && judged.modified_at === new Date(print.modified_ms).toISOString();
}

function nameOf({ values }: ExpectedFile): string {
  return `"${values.database_name}"`;
}

/** Keeps what a crash or a full disk left over. */
export async function keepPending(pass: Pass): Promise<void> {
  for (const promotion of await pass.judge.pendingPromotions()) {
    await attempt(pass, `keep "${promotion.path}"`, () => keep(pass, promotion));
  }
}

/** Files looked at in one call. */
const BATCH = 500;

/** Looks at the good files again: whether they are there, and still what they were. */
export async function checkWatched(pass: Pass): Promise<void> {
  const watched = await pass.judge.watchedFiles();
  for (let at = 0; at < watched.length; at += BATCH) {
    const batch = watched.slice(at, at + BATCH);
    const glances = await pass.disk.run("check", batch.map((file) => file.path));
    for (const [index, file] of batch.entries()) {
      pass.signal.throwIfAborted();
      await attempt(pass, `check "${file.path}"`, () => checkOne(pass, file, glances[index]!));
    }
  }
  pass.result.files.checked += watched.length;
}

/** A file with the size and time it had is what it was, unless its checksum beside it says otherwise. */
async function checkOne(
  pass: Pass,
  file: WatchedFile,
  { glance, side_file_sha256 }: { glance: Glance; side_file_sha256: string | null },
): Promise<void> {
  const isSame = glance.state === "present" && glance.print.size === file.size_bytes &&
    new Date(glance.print.modified_ms).toISOString() === file.modified_at &&
    (side_file_sha256 === null || side_file_sha256 === file.sha256);
  if (isSame) return;
  const found = await pass.disk.run("examine", file.path, glance);
  // One that is being written right now is looked at again by the next scan.
  if (found.state === "moving") return;
  const isWell = found.state === "present" && found.sha256 === file.sha256 &&
    (found.side_file_sha256 ?? file.sha256) === file.sha256;
  if (!isWell) pass.result.files.changed++;
  await pass.judge.judgeWatched(file.entry_id, found);
}

/** Notes how full the disks of the roots are. */
export async function sampleCapacity(pass: Pass): Promise<void> {
  const samples = [];
  for (const path of new Set([pass.roots.deposit_root, pass.roots.final_root])) {
    if (path === null) continue;
    try {
      samples.push({ path, ...await pass.disk.run("space", path) });
    } catch (error) {
      pass.signal.throwIfAborted();
      addProblems(pass, [`Cannot tell how full the disk of "${path}" is: ${messageOf(error)}`]);
    }
  }
  if (samples.length > 0) await pass.judge.capacity(samples);
}

/** One thing that cannot be done does not stop the rest. */
async function attempt(pass: Pass, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    pass.signal.throwIfAborted();
    addProblems(pass, [`Cannot ${what}: ${messageOf(error)}`]);
  }
}
