/** Pings, and reports over HTTP. */
import { z } from "zod";
import { type Operation, operation } from "../lib/operation.ts";
import { JobRef, type MonitorApp } from "./job_operations.ts";
import { Entry } from "./model.ts";
import type { PingCount } from "./queries/tables.ts";

const DESCRIPTION =
  "Who knows the id may ping, 60 times a minute. The beginning of a body is kept. GET, HEAD and POST do the same.";

const pinged = {
  ping_id: z.string().min(1).max(200).describe("The job's ping_id"),
  rid: z.string().min(1).max(100).optional().describe("Tells runs of one job apart"),
  body: z.string().optional().describe("Output of the run"),
};

export const ping = operation({
  name: "monitor.ping",
  route: "GET /api/v1/ping/{ping_id}",
  aliases: ["POST /api/v1/ping/{ping_id}"],
  role: "public",
  summary: "Signal that a backup ended well",
  description: DESCRIPTION,
  input: z.strictObject(pinged),
  output: z.object({ status: z.literal("ok") }),
  body: "cut",
  unaudited: true,
  exempt: true,
  cli: { command: null },
  run: (app: MonitorApp, input, caller) => app.monitor.pings.take({ ...input, address: caller.address }),
});

export const signal = operation({
  name: "monitor.signal",
  route: "GET /api/v1/ping/{ping_id}/{signal}",
  aliases: ["POST /api/v1/ping/{ping_id}/{signal}"],
  role: "public",
  summary: "Signal that a backup began, ended or failed",
  description: DESCRIPTION,
  input: z.strictObject({
    ...pinged,
    signal: z.string().min(1).max(20).describe("start, success, fail, log, or an exit code"),
  }),
  output: z.object({ status: z.literal("ok") }),
  body: "cut",
  unaudited: true,
  exempt: true,
  cli: { command: null },
  run: (app: MonitorApp, input, caller) => app.monitor.pings.take({ ...input, address: caller.address }),
});

/** What pings are said to count for that meet no due instant. */
const COUNTED: Readonly<Record<PingCount | "unknown", string>> = {
  due: "a due instant",
  start: "the beginning of a run",
  log: "nothing: a log",
  far: "no due instant near",
  inactive: "nothing: the job is not expected",
  unknown: "not noted",
};

export const listPings = operation({
  name: "monitor.pings.list",
  route: "GET /api/v1/jobs/{job}/pings",
  role: "operator",
  summary: "List the pings of a job, the newest first",
  input: z.strictObject({
    job: JobRef,
    skip: z.int().min(0).default(0).describe("How many to leave out at the beginning"),
    limit: z.int().min(1).max(1000).default(100).describe("How many at most"),
  }),
  output: z.array(z.object({
    id: z.int(),
    at: z.string(),
    signal: z.enum(["success", "start", "fail", "log", "exit"]),
    exit_code: z.int().nullable(),
    run_id: z.string().nullable(),
    address: z.string().nullable(),
    body: z.string().nullable(),
    cut: z.boolean().describe("The body was longer than what is kept"),
    due_at: z.string().nullable().describe("The due instant it counted for"),
    counted_for: z.string().describe("That instant, or why it counted for none"),
  })),
  cli: {
    args: ["job"],
    columns: [
      { key: "at", format: "instant" },
      { key: "signal" },
      { key: "exit_code", title: "exit", align: "right" },
      { key: "run_id", title: "run" },
      { key: "counted_for", format: "instant" },
      { key: "body" },
    ],
    examples: ["holdfast monitor pings list 3"],
  },
  run: async (app: MonitorApp, { job, ...page }) =>
    (await app.monitor.pingsOf(job, page)).map(({ job_id: _, judged, counted, cut, ...rest }) => ({
      ...rest,
      cut: cut === 1,
      counted_for: judged === 0 ? "not judged yet" : rest.due_at ?? COUNTED[counted ?? "unknown"],
    })),
});

/** Fields of every format at the top; what is inside is judged by the reader of reports, field by field. */
const ReportDocument = z.strictObject({
  agent_id: z.string().min(1).max(200).describe("Agent that reports"),
  operation_start_time: z.unknown().optional(),
  operation_end_time: z.unknown().optional(),
  operation_timestamp: z.unknown().optional(),
  overall_status: z.unknown().optional(),
  databases: z.unknown().optional().describe("Object by database name"),
});

export const report = operation({
  name: "monitor.entries.report",
  route: "POST /api/v1/entries/report",
  role: "user",
  scope: "own",
  summary: "Hand in an agent's report, as in its file",
  description:
    "An API key of role user reports for the agent it is named after; operators for any. The files are looked for in the agent's deposit. A report that was judged before is answered as it was.",
  input: ReportDocument,
  output: z.object({
    verdicts: z.array(z.object({
      database_name: z.string(),
      status: Entry.shape.status.nullable(),
      entry_id: z.int().nullable(),
      job_id: z.int().nullable(),
      message: z.string(),
    })),
  }),
  unaudited: true,
  cli: { command: null },
  run: async (app: MonitorApp, input, caller) => {
    const verdicts = await app.monitor.submit(input.agent_id, input, caller);
    return { verdicts: verdicts.map(({ promotion: _, ...rest }) => rest) };
  },
});

export const pingOperations: readonly Operation[] = [ping, signal, listPings, report];
