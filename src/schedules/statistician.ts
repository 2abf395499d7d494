/** Working statistics out of runs and of the ledger. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { findPastSchedule } from "./find.ts";
import type { SchedulesOptions } from "./options.ts";
import { accountsOf, onSnapshot } from "./proof.ts";
import { allSchedules } from "./queries/proof.ts";
import { endedRuns, lastGood } from "./queries/statistics.ts";
import type { SchedulesTables } from "./queries/tables.ts";
import { visibleServers } from "./run_reader.ts";
import {
  type EndedRun,
  figuresOf,
  recentOf,
  type ScheduleReport,
  type ScheduleStatistics,
  type Statistics,
  streaksOf,
} from "./statistics.ts";

/** What is asked for; instants or days, as of the ledger's report. */
export interface StatisticsInput {
  from?: string | undefined;
  to?: string | undefined;
  server_id?: number | string | undefined;
  schedule_id?: string | undefined;
}

/** Without a beginning, statistics are of so many days. */
const DEFAULT_DAYS = 30;
const DAY_MS = 86_400_000;

/** Statistics of what a caller may see. Errors: `not_found`, `forbidden`, `invalid` for a period that ends before it begins. */
export async function statistics(
  options: SchedulesOptions,
  input: StatisticsInput,
  caller: Caller,
): Promise<Statistics> {
  const period = periodOf(input, options.clock.now());
  const servers = await visibleServers(options, input.server_id, caller);
  const only = input.schedule_id === undefined
    ? undefined
    : await findPastSchedule(options, input.schedule_id, caller);
  const db = options.database.tables<SchedulesTables>();
  const schedules = (await allSchedules(db)).filter(({ id, server_id }) =>
    (servers === null || servers.includes(server_id)) && (only === undefined || only.id === id)
  );
  const accounts = await onSnapshot(
    options,
    (tx) => accountsOf(tx, schedules, { from: period.from, to: period.to, pendingFrom: period.pendingFrom }),
  );
  const [from, to] = [iso(period.from), iso(period.to)];
  const all: EndedRun[] = [];
  const each: ScheduleStatistics[] = [];
  for (const { id, name, server_id } of schedules) {
    const runs = await endedRuns(db, id, from, to);
    const account = accounts.get(id) ?? { expected: 0, accounted: 0, unaccounted: 0 };
    if (runs.length === 0 && account.expected === 0 && only === undefined) continue;
    // Not spread into arguments, of which there may be some 100,000.
    for (const run of runs) all.push(run);
    each.push({
      schedule_id: id,
      schedule_name: name,
      server_id,
      ...figuresOf(runs),
      last_good_at: await lastGood(db, id, to),
      ...account,
      ...streaksOf(runs),
      recent: recentOf(runs),
    });
  }
  return { from, to, ...together(all, each), schedules: each };
}

/** The same of one schedule. Errors: as {@linkcode statistics}. */
export async function scheduleStatistics(
  options: SchedulesOptions,
  schedule: string,
  input: Pick<StatisticsInput, "from" | "to">,
  caller: Caller,
): Promise<ScheduleReport> {
  const { from, to, schedules: [found] } = await statistics(
    options,
    { ...input, schedule_id: schedule },
    caller,
  );
  if (found === undefined) throw new HoldfastError("not_found", `Cannot find schedule "${schedule}"`);
  return { from, to, ...found };
}

/** Sizes are those of all schedules together: the newest ones added up, and their growth. */
function together(runs: EndedRun[], each: readonly ScheduleStatistics[]) {
  const sum = (of: (one: ScheduleStatistics) => number | null) =>
    each.reduce((all, one) => all + (of(one) ?? 0), 0);
  const some = (of: (one: ScheduleStatistics) => number | null) =>
    each.some((one) => of(one) !== null) ? sum(of) : null;
  return {
    ...figuresOf(runs),
    size_last_bytes: some((one) => one.size_last_bytes),
    growth_bytes_per_day: some((one) => one.growth_bytes_per_day),
    last_good_at: each.map((one) => one.last_good_at ?? "").sort().at(-1) || null,
    expected: sum((one) => one.expected),
    accounted: sum((one) => one.accounted),
    unaccounted: sum((one) => one.unaccounted),
  };
}

/** What is due right now may still be started, and is no instant that nobody accounted for. */
const GRACE_MS = 120_000;

function periodOf({ from, to }: StatisticsInput, now: number) {
  const end = Math.min(
    now,
    to === undefined ? Infinity : Date.parse(to.length === 10 ? `${to}T23:59:59.999Z` : to),
  );
  const begin = from === undefined ? end - DEFAULT_DAYS * DAY_MS : Date.parse(from);
  if (begin > end) {
    throw new HoldfastError("invalid", "Cannot tell statistics: the period ends before it begins", {
      errors: [{ path: "to", message: `is before ${iso(begin)}` }],
    });
  }
  return { from: begin, to: end, pendingFrom: now - GRACE_MS };
}
