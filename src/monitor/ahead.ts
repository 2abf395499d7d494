/**
 * A clock that was ahead, as that of a machine that starts before it has asked for the time: each instant up to the wrong time
 * was judged missing, and nothing would be expected, and no report change anything, until that time has really come. What was
 * said of instants still to come is taken back.
 */
import type { Transaction } from "kysely";
import { getLogger } from "@logtape/logtape";
import { iso } from "../lib/clock.ts";
import { tablesOf } from "../store/mod.ts";
import { graceMs, nextDue } from "./due.ts";
import { jobAlert, recipientsOf } from "./findings.ts";
import { GOOD_STATUSES } from "./model.ts";
import { type Parts, tables } from "./parts.ts";
import { deleteMissingAfter, jobsMissingAfter, newestEntry } from "./queries/entries.ts";
import { openOfAgent, openOfJob } from "./queries/findings.ts";
import { jobsByIds, updateJob } from "./queries/jobs.ts";
import type { JobRow, MonitorTables } from "./queries/tables.ts";

const log = getLogger(["holdfast", "monitor"]);

/** A report may belong to an instant somewhat ahead; nothing is missing so long before it is due. */
const AHEAD_MS = 3 * 3_600_000;
/** Jobs in one transaction. */
const PAGE = 200;
const WHY = "the clock was ahead: what was said of instants to come is taken back";

/** Takes back that instants to come are missing. Schedules of Holdfast's own say themselves what became of them. */
export async function takeBackFuture(parts: Parts): Promise<void> {
  const from = iso(parts.clock.now() + AHEAD_MS);
  const ids = await jobsMissingAfter(tables(parts), from);
  for (let at = 0; at < ids.length; at += PAGE) {
    await parts.database.transaction(async (tx) => {
      const jobs = await jobsByIds(tablesOf<MonitorTables>(tx), ids.slice(at, at + PAGE));
      for (const job of jobs) await takeBack(parts, tx, job);
    });
  }
  if (ids.length > 0) {
    log.warning("The clock was ahead: {count} expected backups are judged anew", { count: ids.length });
  }
}

async function takeBack(parts: Parts, tx: Transaction<unknown>, job: JobRow): Promise<void> {
  const db = tablesOf<MonitorTables>(tx);
  // What is open now was judged as well, before its deadline.
  const open = parts.clock.now() - graceMs(job, parts.windows);
  await deleteMissingAfter(db, job.id, iso(open));
  const newest = await newestEntry(db, job.id);
  const next = job.is_active === 0 ? null : nextDue(job, Math.max(open, Date.parse(job.created_at)));
  await updateJob(db, job.id, {
    current_status: newest?.status ?? "unknown",
    last_due_at: newest?.due_at ?? null,
    next_due_at: next === null ? null : iso(next),
    next_deadline_at: next === null ? null : iso(next + graceMs(job, parts.windows)),
  });
  const isWell = newest === undefined || GOOD_STATUSES.includes(newest.status);
  // What was wrong before the clock was is wrong still, and has been told.
  if (!isWell) return;
  const over = (await openOfJob(db, job.id)).filter(({ alert }) => alert === jobAlert(job.id));
  const silent = job.way === "report"
    ? (await openOfAgent(db, job.agent_id_responsible)).filter(({ code }) => code === "silent_agent")
    : [];
  await parts.findings.recover(tx, [...over, ...silent], { detail: WHY, recipients: recipientsOf([job]) });
}
