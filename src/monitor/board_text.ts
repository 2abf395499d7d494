/** The board and the calendar as text for a terminal. */
import { formatSize } from "../lib/size.ts";
import type { Board, Calendar } from "./board_model.ts";

/** What a state of a day looks like in the calendar. */
const MARKS: Readonly<Record<string, string>> = {
  ok: "ok",
  unchanged: "same",
  missing: "MISS",
  failed: "FAIL",
  transfer_integrity_failed: "BAD",
  hash_mismatch: "BAD",
  overdue: "late",
  due: "due",
};

/** Findings call overdue what is beyond its grace period: what is within it has another word for people. */
const WORDS: Readonly<Record<string, string>> = { overdue: "late, still awaited" };

/** A heading for each state, its backups below. */
export function boardText({ date, rows }: Board): string {
  if (rows.length === 0) return `${date}: nothing is expected`;
  const width = Math.max(...rows.map(({ name }) => name.length));
  const groups = Map.groupBy(rows, (row) => row.state);
  const parts = [...groups].map(([state, own]) => {
    const lines = own.map(({ name, due_at, size_bytes, message }) => {
      const size = size_bytes === null ? "" : formatSize(size_bytes);
      const isGood = state === "ok" || state === "due" || state === "overdue";
      return `  ${due_at.slice(11, 16)}  ${name.padEnd(width)}  ${isGood ? size : message ?? ""}`.trimEnd();
    });
    return `${WORDS[state] ?? state.replaceAll("_", " ")} (${own.length})\n${lines.join("\n")}`;
  });
  return `${date}\n${parts.join("\n")}`;
}

/** Characters of a day's column, with the space before it. */
const DAY_WIDTH = 6;

/** A line for each job, a column for each day: the latest ones that fit into `columns`, all of them where that is 0. */
export function calendarText({ days, jobs }: Calendar, columns = 0): string {
  if (jobs.length === 0) return "Nothing is expected";
  const width = Math.max(...jobs.map(({ name }) => name.length));
  const room = columns === 0 ? days.length : Math.max(1, Math.floor((columns - width - 1) / DAY_WIDTH));
  const shown = days.slice(-room);
  const head = `${" ".repeat(width)}  ${shown.map((day) => day.slice(5)).join(" ")}`;
  const lines = jobs.map((job) => {
    const cells = job.days.slice(-room)
      .map(({ state }) => (state === null ? "." : MARKS[state] ?? state).padEnd(5));
    return `${job.name.padEnd(width)}  ${cells.join(" ")}`.trimEnd();
  });
  const rest = days.length - shown.length;
  const note = `${shown[0]} to ${shown.at(-1)}: ${rest} earlier ${
    rest === 1 ? "day does" : "days do"
  } not fit, --output json has all`;
  return [head, ...lines, ...(rest > 0 ? [note] : [])].join("\n");
}
