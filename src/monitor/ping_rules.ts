/** What pings mean: runs begin and end, due instants are met or failed, runs take too long. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { tablesOf } from "../store/mod.ts";
import type { Decision } from "./decide.ts";
import { nearestDue } from "./due.ts";
import { aboutJob, besideAlert, jobFacts } from "./findings.ts";
import type { Parts } from "./parts.ts";
import { openOfJob } from "./queries/findings.ts";
import { jobById } from "./queries/jobs.ts";
import { beginRun, type Counted, endRun, markJudged, overlongRuns, setTooLong } from "./queries/pings.ts";
import type { JobRow, MonitorTables, PingRow } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { record } from "./recorder.ts";

/** A run without an id of its own. */
const NAMELESS = "";
/** Characters of a body that go into a message. */
const SHOWN = 300;

/** Judges one ping, and notes what it counted for. */
export async function judgePing(parts: Parts, tx: Transaction<unknown>, ping: PingRow): Promise<void> {
  await markJudged(tablesOf<MonitorTables>(tx), ping.id, await judge(parts, tx, ping));
}

async function judge(parts: Parts, tx: Transaction<unknown>, ping: PingRow): Promise<Counted> {
  const db = tablesOf<MonitorTables>(tx);
  const job = await jobById(db, ping.job_id);
  if (ping.signal === "log") return { counted: "log", due_at: null };
  if (job === undefined || job.is_active === 0) return { counted: "inactive", due_at: null };
  const run = ping.run_id ?? NAMELESS;
  if (ping.signal === "start") {
    const limit = job.max_run_seconds;
    const too_long_at = limit === null ? null : iso(Date.parse(ping.at) + limit * 1000);
    await beginRun(db, { job_id: job.id, run_id: run, started_at: ping.at, too_long_at });
    return { counted: "start", due_at: null };
  }
  const started = await endRun(db, job.id, run);
  await overLong(parts, tx, job);
  const due = nearestDue(job, Date.parse(ping.at), parts.windows);
  const decision = decidePing(ping, started);
  if (due === null) {
    await tellFar(parts, tx, job, ping, decision);
    return { counted: "far", due_at: null };
  }
  await record(parts, tx, job, iso(due), decision, {
    way: "ping",
    ended_at: ping.at,
    report_key: null,
    file: null,
    detail: {},
  });
  return { counted: "due", due_at: iso(due) };
}

/** Far from any due instant: a failure is a finding all the same, until the next success wherever that comes. */
async function tellFar(
  parts: Parts,
  tx: Transaction<unknown>,
  job: JobRow,
  ping: PingRow,
  { status, message }: Decision,
): Promise<void> {
  const about = aboutJob(job, jobName(job));
  const alert = besideAlert(job.id, "failed");
  if (status === "failed") {
    return await parts.findings.report(tx, {
      ...about,
      alert,
      code: "failed",
      entry_id: null,
      detail: `${message} (no due instant is near)`,
      facts: { ...jobFacts(job), last_good_at: job.last_successful_backup_utc },
      occurrence: `ping:${ping.id}`,
      tell: true,
    });
  }
  const open = (await openOfJob(tablesOf<MonitorTables>(tx), job.id)).filter((row) => row.alert === alert);
  await parts.findings.recover(tx, open, { detail: message, recipients: about.recipients });
}

function decidePing(ping: PingRow, startedAt: string | undefined): Decision {
  const took = startedAt === undefined
    ? ""
    : ` after ${formatDuration((Date.parse(ping.at) - Date.parse(startedAt)) / 1000)}`;
  const code = ping.exit_code ?? (ping.signal === "fail" ? 1 : 0);
  if (code === 0) return { status: "ok", message: `it pinged success${took}` };
  const what = ping.exit_code === null ? "it pinged failure" : `it ended with exit code ${code}`;
  const said = ping.body === null ? "" : `: ${ping.body.slice(-SHOWN).trim()}`;
  return { status: "failed", message: `${what}${took}${said}` };
}

/** A run that took too long has ended: that is over. */
async function overLong(parts: Parts, tx: Transaction<unknown>, job: JobRow): Promise<void> {
  const open = (await openOfJob(tablesOf<MonitorTables>(tx), job.id)).filter(({ code }) =>
    code === "too_long"
  );
  if (open.length === 0) return;
  const { recipients } = aboutJob(job, jobName(job));
  await parts.findings.recover(tx, open, { detail: "the run has ended", recipients });
}

/** Opens the findings of runs that should have ended by now. */
export async function runsTooLong(parts: Parts, tx: Transaction<unknown>): Promise<void> {
  const db = tablesOf<MonitorTables>(tx);
  for (const run of await overlongRuns(db, iso(parts.clock.now()))) {
    await setTooLong(db, run.job_id, run.run_id, null);
    const job = await jobById(db, run.job_id);
    if (job === undefined || job.is_active === 0) continue;
    await parts.findings.report(tx, {
      ...aboutJob(job, jobName(job)),
      alert: besideAlert(job.id, "too_long"),
      code: "too_long",
      entry_id: null,
      detail: `a run started at ${run.started_at} and has not ended after ${
        formatDuration(job.max_run_seconds ?? 0)
      }`,
      facts: {
        ...jobFacts(job),
        started_at: run.started_at,
        run_id: run.run_id === NAMELESS ? null : run.run_id,
      },
      occurrence: `run:${run.run_id}:${run.started_at}`,
      tell: true,
    });
  }
}
