/** The board, the calendar and the check as records. */
import { z } from "zod";
import { WAYS } from "./model.ts";
import { ENTRY_STATUSES } from "./report.ts";

/** What an instant can be: judged, still to come, or due and not there yet. */
export const BOARD_STATES = [...ENTRY_STATUSES, "overdue", "due"] as const;
export type BoardState = typeof BOARD_STATES[number];

/** One expected backup of a day. */
export const BoardRow = z.object({
  job_id: z.int(),
  name: z.string(),
  way: z.enum(WAYS),
  due_at: z.string(),
  deadline_at: z.string(),
  state: z.enum(BOARD_STATES).describe("A status, or overdue (awaited) or due (to come)"),
  size_bytes: z.int().nullable(),
  message: z.string().nullable(),
});
export type BoardRow = z.output<typeof BoardRow>;

export const Board = z.object({
  date: z.string(),
  counts: z.record(z.string(), z.int()),
  rows: z.array(BoardRow),
}).meta({ id: "MonitorBoard" });
export type Board = z.output<typeof Board>;

export const Calendar = z.object({
  from: z.string(),
  days: z.array(z.string()),
  jobs: z.array(z.object({
    job_id: z.int(),
    name: z.string(),
    days: z.array(z.object({
      date: z.string(),
      due: z.int().describe("Instants of the day"),
      good: z.int(),
      state: z.enum(BOARD_STATES).nullable().describe("The worst of the day; null when nothing is due"),
    })),
  })),
}).meta({ id: "MonitorCalendar" });
export type Calendar = z.output<typeof Calendar>;

/** Whether all is well, for scripts. */
export const Check = z.object({
  state: z.enum(["ok", "warning", "critical", "unknown"]),
  line: z.string().describe("All of it in one line"),
  nagios: z.boolean().describe("The line and the exit code are those of a Nagios plugin"),
  jobs: z.int(),
  good: z.int(),
  bad: z.int(),
  unknown: z.int(),
  findings: z.int().describe("Open ones that nobody has acknowledged or muted"),
}).meta({ id: "MonitorCheck" });
export type Check = z.output<typeof Check>;
