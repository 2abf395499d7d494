/** What people make Veeam servers do: start, stop, retry, enable and disable jobs; and following what they started. */
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { VeeamClient } from "./client.ts";
import type { VeeamJob, VeeamSession } from "./model.ts";
import type { Veeam } from "./veeam.ts";

export const ActionResult = z.object({
  server: z.string(),
  job: z.string(),
  action: z.string(),
  session: z.string().nullable().describe("The run it started; null where the server tells none"),
}).meta({ id: "VeeamAction" });
export type ActionResult = z.output<typeof ActionResult>;

const Line = z.object({ type: z.literal("line"), level: z.string(), text: z.string() });
const Progress = z.object({
  type: z.literal("progress"),
  phase: z.string(),
  done_bytes: z.number(),
  total_bytes: z.number(),
});
const Result = z.object({
  type: z.literal("result"),
  status: z.enum(["success", "warning", "failed"]),
  server: z.string(),
  session: z.string(),
  name: z.string(),
  message: z.string().nullable(),
});
export const FollowEvent = z.discriminatedUnion("type", [Line, Progress, Result]);
export type FollowEvent = z.output<typeof FollowEvent>;

/** How often a session is asked about; its log is read whole each time. */
const FOLLOW_MS = 3000;

export async function startJob(
  veeam: Veeam,
  { job: ref, server, full }: { job: string; server?: string | undefined; full: boolean },
  signal: AbortSignal,
): Promise<ActionResult> {
  const { job, client } = await find(veeam, ref, server, signal);
  refuseRunning(job, "start");
  return result(job, "start", await client.startJob(job.id, full, signal));
}

export async function stopJob(
  veeam: Veeam,
  { job: ref, server, now }: { job: string; server?: string | undefined; now: boolean },
  signal: AbortSignal,
): Promise<ActionResult> {
  const { job, client } = await find(veeam, ref, server, signal);
  return result(job, "stop", await client.stopJob(job.id, !now, signal));
}

/**
 * Retries what failed. Servers before 13 cannot; there the job is started again, which is the same but for machines that
 * succeeded, and only where it can do no harm: the last run failed, none runs, and the job is enabled.
 */
export async function retryJob(
  veeam: Veeam,
  { job: ref, server }: { job: string; server?: string | undefined },
  signal: AbortSignal,
): Promise<ActionResult> {
  const { job, client } = await find(veeam, ref, server, signal);
  if (await client.canRetry(signal)) return result(job, "retry", await client.retryJob(job.id, signal));
  refuseRunning(job, "retry");
  const reason = job.status === "Disabled"
    ? "it is disabled"
    : job.last_result !== "Failed" && job.last_result !== "Warning"
    ? `its last run did not fail (${job.last_result ?? "unknown"})`
    : undefined;
  if (reason !== undefined) {
    throw new HoldfastError(
      "conflict",
      `Cannot retry job "${job.name}" of Veeam server "${job.server}": ${reason}`,
      {
        hint: "this server has no retry of its own; to run the job anyway: holdfast veeam jobs start",
      },
    );
  }
  return result(job, "start", await client.startJob(job.id, false, signal));
}

export async function enableJob(
  veeam: Veeam,
  { job: ref, server }: { job: string; server?: string | undefined },
  enabled: boolean,
  signal: AbortSignal,
): Promise<ActionResult> {
  const { job, client } = await find(veeam, ref, server, signal);
  await client.enableJob(job.id, enabled, signal);
  return result(job, enabled ? "enable" : "disable", null);
}

async function find(
  veeam: Veeam,
  ref: string,
  server: string | undefined,
  signal: AbortSignal,
): Promise<{ job: VeeamJob; client: VeeamClient }> {
  // What is done to a job is decided by what it is now.
  const job = await veeam.findJob(ref, server, true, signal);
  return { job, client: veeam.clients.of(job.server) };
}

function refuseRunning({ name, server, status }: VeeamJob, verb: string): void {
  if (!["Running", "Starting", "Stopping"].includes(status ?? "")) return;
  throw new HoldfastError(
    "conflict",
    `Cannot ${verb} job "${name}" of Veeam server "${server}": it is running`,
    {
      hint: `to see it: holdfast veeam jobs get ${JSON.stringify(name)}`,
    },
  );
}

function result({ server, name }: VeeamJob, action: string, session: VeeamSession | null): ActionResult {
  return { server, job: name, action, session: session?.id ?? null };
}

/** A session as it goes on: new log lines, progress, and how it ended. */
export async function* followSession(
  client: VeeamClient,
  sessionId: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<FollowEvent> {
  const told = new Map<number, string>();
  for (;;) {
    const session = await client.session(sessionId, signal);
    for (const { id, title, status, description } of await client.sessionLog(sessionId, signal)) {
      // A line changes while what it tells of goes on.
      const text = [title, description].filter((part) => part !== null && part !== "").join(": ");
      if (told.get(id) === text) continue;
      told.set(id, text);
      yield { type: "line", level: levelOf(status), text };
    }
    if (session.ended_at !== null || session.state === "Stopped") {
      yield {
        type: "result",
        status: statusOf(session.result),
        server: session.server,
        session: session.id,
        name: session.name,
        message: session.message,
      };
      return;
    }
    yield {
      type: "progress",
      phase: session.progress_percent === null ? "working" : `${session.progress_percent} %`,
      done_bytes: session.processed_bytes ?? 0,
      total_bytes: 0,
    };
    await clock.sleep(FOLLOW_MS, signal);
  }
}

function levelOf(status: string | null): string {
  return status === "Failed" ? "error" : status === "Warning" ? "warning" : "info";
}

function statusOf(result: string | null): "success" | "warning" | "failed" {
  return result === "Success" ? "success" : result === "Warning" ? "warning" : "failed";
}
