/** Statistics as operations. */
import { z } from "zod";
import { formatDuration } from "../lib/duration.ts";
import { operation } from "../lib/operation.ts";
import { formatSize } from "../lib/size.ts";
import { Moment } from "../lib/moment.ts";
import type { Schedules } from "./schedules.ts";
import { ScheduleReport, type ScheduleStatistics, sparkline, Statistics } from "./statistics.ts";

interface App {
  schedules: Schedules;
}

const BASE = "/api/v1/backup-scheduler";

const period = {
  from: Moment.optional().describe("First day or instant (UTC); else thirty days before the end"),
  to: Moment.optional().describe("Last day or instant (UTC), included; else now"),
};

/** What a table shows of a schedule. */
function row(one: ScheduleStatistics): object {
  const { success_rate, growth_bytes_per_day: growth, recent, duration_p95_seconds: p95, streak } = one;
  const sizes = recent.slice(-SPARKS).filter(({ outcome }) => outcome === "success").map(({ size_bytes }) =>
    size_bytes
  );
  return {
    ...one,
    rate: success_rate === null ? "-" : `${Math.floor(success_rate * 100)} %`,
    p95: p95 === null ? "-" : formatDuration(p95),
    growth: growth === null ? "-" : `${growth < 0 ? "-" : "+"}${formatSize(Math.abs(Math.round(growth)))}`,
    row: streak === 0 ? "-" : streak > 0 ? `${streak} good` : `${-streak} bad`,
    sizes: sparkline(sizes),
  };
}

/** Bars in a cell. */
const SPARKS = 12;

export const showStatistics = operation({
  name: "schedules.statistics",
  route: `GET ${BASE}/statistics`,
  role: "user",
  scope: "filtered",
  summary: "Show how schedules have done: rates, times, sizes, growth, rows of successes",
  description:
    "Of the last thirty days, or of a period. Each attempt counts as a run. The table shows each schedule; a bar is a backup's size.",
  input: z.strictObject({
    schedule_id: z.string().min(1).optional().describe("Only this schedule (id, name or server/name)"),
    server_id: z.union([z.int(), z.string().min(1)]).optional().describe(
      "Only those of this server (id or name)",
    ),
    ...period,
  }),
  output: Statistics,
  cli: {
    args: ["schedule_id?"],
    flags: { schedule_id: { flag: "--schedule <name>" }, server_id: { flag: "--server <name>" } },
    rows: (answer) => answer.schedules.map(row),
    columns: [
      { key: "schedule_name", title: "schedule" },
      { key: "runs", align: "right" },
      { key: "rate", title: "good", align: "right" },
      { key: "p95", title: "95% took", align: "right" },
      { key: "size_last_bytes", title: "size", format: "bytes", align: "right" },
      { key: "growth", title: "a day", align: "right" },
      { key: "row", title: "in a row" },
      { key: "unaccounted", title: "open", align: "right" },
      { key: "sizes" },
    ],
    examples: [
      "holdfast schedules statistics",
      "holdfast schedules statistics nightly --from 2026-01-01 --to 2026-01-31 --output json",
    ],
  },
  run: (app: App, input, caller) => app.schedules.statistics(input, caller),
});

export const showScheduleStatistics = operation({
  name: "schedules.report",
  route: `GET ${BASE}/schedules/{schedule}/statistics`,
  role: "user",
  scope: "filtered",
  summary: "Show how one schedule has done",
  description: "As the statistics of all, of one schedule alone.",
  input: z.strictObject({
    schedule: z.string().min(1).describe("Id, name or server/name of the schedule"),
    ...period,
  }),
  output: ScheduleReport,
  cli: { command: null },
  run: (app: App, { schedule, ...input }, caller) =>
    app.schedules.scheduleStatistics(schedule, input, caller),
});
