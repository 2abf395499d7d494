/**
 * Reports of a deposit: read in batches, judged when the files they name have been still long enough, and archived once
 * what was decided is stored.
 *
 * While one batch waits for its files, the next ones are read; so the wait is paid once, not once per batch.
 */
import { join } from "node:path";
import type { FoundFile, Refusal, Report, ReportCase, ReportOrigin } from "../report.ts";
import type { AgentFolder, DoneReport, FoundReport } from "./deposit.ts";
import type { Glance } from "./examine.ts";
import { hashBytes } from "./hash.ts";
import { addProblems, examineStill, fromFuture, type Pass, settle, untilStill } from "./pass.ts";
import { addLines } from "./result.ts";

/** Reports read at once, and batches that may wait: together they bound the memory. */
const [BATCH, MAX_BATCHES] = [32, 20];

/** A report that cannot be parsed may still be on its way for so long. */
const YOUNG_MS = 10 * 60_000;

/** A report with a first look at its files. */
interface Item {
  origin: ReportOrigin;
  found: DoneReport;
  report: Report;
  files: { database_name: string; path: string; glance: Glance }[];
}

interface Batch {
  agent: AgentFolder;
  items: Item[];
  /** When the files were looked at. */
  seen_at: number;
  /** Reports that cannot be judged, and why. */
  refused: { origin: ReportOrigin; found: DoneReport; refusal: Refusal }[];
  /** Reports that need no judgement any more. */
  done: DoneReport[];
}

/** Judges every report there is. One that fails does not stop the others. */
export async function scanReports(pass: Pass, agents: readonly AgentFolder[]): Promise<void> {
  const waiting: Batch[] = [];
  for (const agent of agents) {
    for await (const names of batchesOf(pass, agent)) {
      const batch = await readBatch(pass, agent, names);
      const isFree = batch.items.every((item) => item.files.length === 0);
      // Reports of one agent are judged in their order.
      if (isFree && waiting.length === 0) await judgeBatch(pass, batch);
      else waiting.push(batch);
      while (waiting.length > MAX_BATCHES) await judgeBatch(pass, waiting.shift()!);
    }
  }
  for (const batch of waiting) await judgeBatch(pass, batch);
}

async function* batchesOf(pass: Pass, agent: AgentFolder): AsyncGenerator<string[]> {
  let names: string[];
  try {
    names = await pass.disk.run("reports", agent.log);
  } catch (error) {
    pass.signal.throwIfAborted();
    return addProblems(pass, [`Cannot list reports of "${agent.agent_id}": ${String(error)}`]);
  }
  pass.result.reports.found += names.length;
  for (let at = 0; at < names.length; at += BATCH) yield names.slice(at, at + BATCH);
}

/** Reads reports, tells what is none from the rest, and looks at the files of that. */
async function readBatch(pass: Pass, agent: AgentFolder, names: readonly string[]): Promise<Batch> {
  const batch: Batch = { agent, items: [], seen_at: 0, refused: [], done: [] };
  const now = pass.clock.now();
  const all = await pass.disk.run("read", agent.log, names);
  const origins = all.map((one) => originOf(agent, one));
  const known = await pass.judge.known(origins.map((origin) => origin.key));
  for (const [at, { reading, key, ...found }] of all.entries()) {
    const origin = origins[at]!;
    if (known.includes(origin.key)) {
      pass.result.reports.known++;
      batch.done.push(found);
    } else if (reading.outcome === "unparsed" && Math.abs(now - (found.print?.modified_ms ?? 0)) < YOUNG_MS) {
      pass.result.reports.young++;
    } else if (reading.outcome !== "read") {
      batch.refused.push({ origin, found, refusal: reading.refusal });
    } else {
      const { report } = reading;
      const refusal = report.agent_id === agent.agent_id ? fromFuture(report, now) : foreign(agent);
      if (refusal === undefined) batch.items.push({ origin, found, report, files: [] });
      else {
        const told = { ...origin, key: refusedKey(agent, found.file_name, key) };
        batch.refused.push({ origin: told, found, refusal });
      }
    }
  }
  await lookAtFiles(pass, batch);
  return batch;
}

/** Who reports is told by the folder; a report of somebody else in it would be judged with the wrong files. */
function foreign(agent: AgentFolder): Refusal {
  const message = `must be "${agent.agent_id}", the name of the folder it lies in`;
  return { reason: "it lies in the folder of another agent", fields: [{ path: "agent_id", message }] };
}

function originOf(agent: AgentFolder, { file_name, key, reading }: FoundReport): ReportOrigin {
  // The same rubbish may come again tomorrow, under another name: that is another refusal.
  const told = reading.outcome === "read" ? key : refusedKey(agent, file_name, key);
  return { key: told, file_name, way: "file", agent_id: agent.agent_id };
}

function refusedKey(agent: AgentFolder, fileName: string, key: string): string {
  return hashBytes(`refused\0${agent.agent_id}\0${fileName}\0${key}`);
}

async function refuse(
  pass: Pass,
  batch: Batch,
  { origin, found, refusal }: Batch["refused"][number],
): Promise<void> {
  const report = origin.file_name ?? "";
  try {
    await pass.judge.refuseReport(origin, refusal);
  } catch (error) {
    return failed(pass, origin, error);
  }
  pass.result.reports.refused++;
  addLines(pass.result.refused, [{
    agent_id: origin.agent_id,
    report,
    ...refusal,
    fields: [...refusal.fields],
  }]);
  batch.done.push(found);
}

function failed(pass: Pass, origin: ReportOrigin, error: unknown): void {
  pass.signal.throwIfAborted();
  const reason = error instanceof Error ? error.message : String(error);
  addProblems(pass, [`Cannot judge report "${origin.agent_id}/${origin.file_name}": ${reason}`]);
}

/** A first look at every file that a job wants to know of; items that cannot be asked about are left out. */
async function lookAtFiles(pass: Pass, batch: Batch): Promise<void> {
  const { agent } = batch;
  const wanted = await together(
    pass,
    batch.items,
    (items) => pass.judge.wanted(agent.agent_id, items.map((item) => item.report)),
  );
  batch.items = wanted.map(([item, names]) => ({ ...item, files: filesOf(item.report, agent, names) }));
  const files = batch.items.flatMap((item) => item.files);
  const glances = files.length === 0 ? [] : await pass.disk.run("glance", files.map((file) => file.path));
  for (const [at, glance] of glances.entries()) files[at]!.glance = glance;
  batch.seen_at = pass.clock.now();
}

/**
 * What `work` answers for each item, asked for all at once: a question for each would cost much more. Where that fails each
 * is asked for alone, so that only the bad one is told and left out.
 */
async function together<T extends { origin: ReportOrigin }, R>(
  pass: Pass,
  items: readonly T[],
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<[T, R][]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    const answers = await work(items);
    return items.map((item, at) => [item, answers[at]!]);
  } catch (error) {
    if (items.length > 1) {
      return (await Array.fromAsync(items, (item) => together(pass, [item], work))).flat();
    }
    failed(pass, first.origin, error);
    return [];
  }
}

/** Where the files of a report should be; without a folder for files every one of them is absent. */
function filesOf(
  report: Report,
  { databases: folder }: AgentFolder,
  wanted: ReadonlySet<string>,
): Item["files"] {
  if (folder === null) return [];
  return report.databases.flatMap(({ database_name, staged_file_name }) =>
    staged_file_name === null || !wanted.has(database_name)
      ? []
      : [{ database_name, path: join(folder, staged_file_name), glance: { state: "absent" } }]
  );
}

/** Judges what was read, and archives it. */
async function judgeBatch(pass: Pass, batch: Batch): Promise<void> {
  const { agent, items, seen_at, done } = batch;
  const ready: (ReportCase & Pick<Item, "found">)[] = [];
  for (
    const item of items.toSorted((a, b) => a.report.operation_end_at < b.report.operation_end_at ? -1 : 1)
  ) {
    pass.signal.throwIfAborted();
    const files = await readFiles(pass, item, seen_at);
    if (files !== undefined) ready.push({ ...item, files });
    else pass.result.reports.waiting++;
  }
  const judged = await together(pass, ready, (cases) => pass.judge.judgeReports(agent.agent_id, cases));
  for (const [{ origin, found }, verdicts] of judged) {
    pass.result.reports.judged++;
    await settle(pass, verdicts, { agent_id: origin.agent_id, report: origin.file_name });
    done.push(found);
  }
  // A good report ends what was said of a refused one before it: what is refused together with it has to be heard.
  for (const one of batch.refused) await refuse(pass, batch, one);
  if (done.length > 0) addProblems(pass, await pass.disk.run("archive", agent.log, done));
}

/** The files of a report by database; undefined while one of them is being written. */
async function readFiles(
  pass: Pass,
  { files }: Item,
  seenAt: number,
): Promise<ReadonlyMap<string, FoundFile> | undefined> {
  const found = new Map<string, FoundFile>();
  if (files.length > 0) await untilStill(pass, seenAt);
  for (const { database_name, path, glance } of files) {
    const examined = await examineStill(pass, path, glance);
    if (examined.state === "moving") return undefined;
    found.set(database_name, examined);
  }
  return found;
}
