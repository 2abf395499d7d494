/** What is told to `notify` of Veeam servers. Pure. */
import type { AlertEvent } from "../notify/mod.ts";
import type { GoneJob, JobChange } from "./changes.ts";

/** A job that failed, is missing, or is well again. */
export function jobEvent({ job, kind, key, text }: JobChange): AlertEvent {
  return {
    key,
    kind: kind === "recovered" ? "recovered" : "finding",
    alert: `veeam:${job.server}:job:${job.id}`,
    code: kind === "recovered" ? "ok" : kind,
    severity: kind === "recovered" ? "info" : kind === "warning" ? "warning" : "critical",
    subject: { kind: "veeam-job", id: job.id, name: `${job.server}/${job.name}` },
    detail: text,
    facts: {
      server: job.server,
      type: job.type,
      last_result: job.last_result,
      last_run_at: job.last_run_at,
      next_run_at: job.next_run_at,
      repository: job.repository_name,
    },
  };
}

/** What was told of a job is over: it is gone from the server. */
export function goneEvent(server: string, { id, name, run }: GoneJob): AlertEvent {
  return {
    key: `veeam:${server}:${id}:gone:${run ?? "unknown"}`,
    kind: "recovered",
    alert: `veeam:${server}:job:${id}`,
    code: "ok",
    severity: "info",
    subject: { kind: "veeam-job", id, name: `${server}/${name}` },
    detail: "the job is gone from the server",
  };
}

/** A server that cannot be read; told once until it can be again. */
export function lostEvent(server: string, text: string, since: string): AlertEvent {
  return {
    key: `veeam:${server}:lost:${since}`,
    kind: "finding",
    alert: `veeam:${server}`,
    code: "unreachable",
    severity: "critical",
    subject: { kind: "veeam-server", id: server, name: server },
    detail: text,
    facts: { server, since },
  };
}

export function seenEvent(server: string, since: string): AlertEvent {
  return {
    key: `veeam:${server}:seen:${since}`,
    kind: "recovered",
    alert: `veeam:${server}`,
    code: "ok",
    severity: "info",
    subject: { kind: "veeam-server", id: server, name: server },
    detail: "can be read again",
  };
}
