/** What changed about jobs between two looks at them that somebody may have to hear of. Pure. */
import type { VeeamJob } from "./model.ts";

/** What is remembered of a job between two looks. */
export interface JobState {
  /** The run that was judged last: its session, or when it began. */
  run: string | null;
  trouble: "failed" | "warning" | "missing" | null;
  next_run_at: string | null;
}

/** One change. */
export interface JobChange {
  job: VeeamJob;
  kind: "failed" | "warning" | "missing" | "recovered";
  /** Names the change for ever: the same one found again has the same. */
  key: string;
  text: string;
}

/** How late a run may begin. */
export const GRACE_MS = 15 * 60_000;

/**
 * The changes since the states before, and the states now. A job seen for the first time counts as well until now, so that one
 * that already failed is a change. Runs that go on are judged when they have ended.
 */
export function judgeJobs(
  before: ReadonlyMap<string, JobState>,
  jobs: readonly VeeamJob[],
  now: number,
): { changes: JobChange[]; states: Map<string, JobState> } {
  const changes: JobChange[] = [];
  const states = new Map<string, JobState>();
  for (const job of jobs) {
    const known = before.get(job.id) ?? { run: null, trouble: null, next_run_at: null };
    const { state, change } = judge(job, known, now);
    states.set(job.id, state);
    if (change !== undefined) changes.push(change);
  }
  return { changes, states };
}

/** A job that was in trouble and that its server has no more. */
export interface GoneJob {
  id: string;
  name: string;
  run: string | null;
}

/** Those of the jobs before that were in trouble and are gone: nothing of them will ever run well again. Both lists are complete. */
export function goneJobs(
  states: ReadonlyMap<string, JobState>,
  before: readonly { id: string; name: string }[],
  jobs: readonly { id: string }[],
): GoneJob[] {
  const there = new Set(jobs.map(({ id }) => id));
  return before.flatMap(({ id, name }) => {
    const state = states.get(id);
    return there.has(id) || state === undefined || state.trouble === null
      ? []
      : [{ id, name, run: state.run }];
  });
}

function judge(job: VeeamJob, before: JobState, now: number): { state: JobState; change?: JobChange } {
  const run = job.session_id ?? job.last_run_at;
  const { next_run_at } = job;
  const busy = ["Running", "Starting", "Stopping"].includes(job.status ?? "");
  const ended = !busy && job.last_result !== null && job.last_result !== "None";
  const change = (kind: JobChange["kind"], at: string | null, text: string): JobChange => ({
    job,
    kind,
    key: `veeam:${job.server}:${job.id}:${kind}:${at ?? "unknown"}`,
    text,
  });
  if (ended && (run !== before.run || before.trouble === null && isBad(job))) {
    const trouble = job.last_result === "Failed"
      ? "failed"
      : job.last_result === "Warning"
      ? "warning"
      : null;
    const state: JobState = { run, trouble, next_run_at };
    if (trouble !== null) return { state, change: change(trouble, run, `ended with ${job.last_result}`) };
    return before.trouble === null
      ? { state }
      : { state, change: change("recovered", run, "succeeded again") };
  }
  const due = before.next_run_at === null ? NaN : Date.parse(before.next_run_at);
  const began = job.last_run_at === null ? -Infinity : Date.parse(job.last_run_at);
  const late = !busy && job.status !== "Disabled" && now > due + GRACE_MS && began < due;
  // Until it runs the instant it should have begun is kept: the server names the next one at once.
  if (late) {
    const state: JobState = { run: before.run ?? run, trouble: "missing", next_run_at: before.next_run_at };
    return before.trouble === "missing" ? { state } : {
      state,
      change: change("missing", before.next_run_at, `should have begun at ${before.next_run_at}`),
    };
  }
  const waiting = !busy && due <= now && began < due && job.status !== "Disabled";
  return {
    state: {
      run: busy ? before.run : run,
      trouble: before.trouble,
      next_run_at: waiting ? before.next_run_at : next_run_at,
    },
  };
}

function isBad({ last_result }: VeeamJob): boolean {
  return last_result === "Failed" || last_result === "Warning";
}
