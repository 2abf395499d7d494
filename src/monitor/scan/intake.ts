/** A report that comes over HTTP: read, its files looked at in the deposit, judged and kept like one that was found there. */
import { join } from "node:path";
import { HoldfastError } from "../../lib/errors.ts";
import { readReportValue } from "../reports/read.ts";
import type { FoundFile, Refusal, Report, ReportOrigin, Verdict } from "../report.ts";
import { requireName } from "../template.ts";
import { hashBytes } from "./hash.ts";
import { examineStill, fromFuture, keep, type Pass, untilStill } from "./pass.ts";

/** Errors: `invalid` with each field that is wrong, or when the report is another agent's. */
export async function submitReport(
  pass: Pass,
  agentId: string,
  document: unknown,
): Promise<readonly Verdict[]> {
  const reading = readReportValue(document);
  if (reading.outcome !== "read") throw refused(reading.refusal);
  const { report } = reading;
  const early = fromFuture(report, pass.clock.now());
  if (early !== undefined) throw refused(early);
  if (report.agent_id !== agentId) {
    const message = `must be "${agentId}", the agent that sends it`;
    throw new HoldfastError("invalid", `Cannot read the report: agent_id ${message}`, {
      code: "report",
      errors: [{ path: "agent_id", message }],
    });
  }
  requireName(agentId, "read the report of an agent");
  const origin: ReportOrigin = {
    key: hashBytes(JSON.stringify(document)),
    file_name: null,
    way: "http",
    agent_id: agentId,
  };
  const one = { origin, report, files: await filesOf(pass, report) };
  const [verdicts = []] = await pass.judge.judgeReports(agentId, [one]);
  for (const { promotion } of verdicts) if (promotion !== null) await keep(pass, promotion);
  return verdicts;
}

function refused({ reason, fields }: Refusal): HoldfastError {
  const [first] = fields;
  const what = first === undefined ? reason : `${first.path} ${first.message}`;
  return new HoldfastError("invalid", `Cannot read the report: ${what}`, {
    code: "report",
    errors: [...fields],
  });
}

/** The files of the databases that a job expects, as they are in the agent's folder. */
async function filesOf(pass: Pass, report: Report): Promise<ReadonlyMap<string, FoundFile>> {
  const found = new Map<string, FoundFile>();
  const [wanted] = await pass.judge.wanted(report.agent_id, [report]);
  const named = report.databases.flatMap(({ database_name, staged_file_name }) =>
    staged_file_name !== null && wanted?.has(database_name) ? [{ database_name, staged_file_name }] : []
  );
  if (named.length === 0) return found;
  const folder = await folderOf(pass, report.agent_id);
  if (!folder.ok) {
    for (const { database_name } of named) {
      found.set(database_name, { state: "unreadable", reason: folder.reason });
    }
    return found;
  }
  const { path } = folder;
  if (path === null) return found;
  const paths = named.map((one) => join(path, one.staged_file_name));
  const glances = await pass.disk.run("glance", paths);
  await untilStill(pass, pass.clock.now());
  for (const [at, { database_name }] of named.entries()) {
    const examined = await examineStill(pass, paths[at]!, glances[at]!);
    const isMoving = examined.state === "moving";
    found.set(
      database_name,
      isMoving ? { state: "unreadable", reason: "it is still being written" } : examined,
    );
  }
  return found;
}

type Folder = { ok: true; path: string | null } | { ok: false; reason: string };

async function folderOf({ disk, roots }: Pass, agentId: string): Promise<Folder> {
  if (roots.deposit_root === null) {
    return { ok: false, reason: "there is no deposit to look for it in (monitor.deposit_root)" };
  }
  return await disk.run("folder", roots.deposit_root, agentId);
}
