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
    return `${state.replaceAll("_", " ")} (${own.length})\n${lines.join("\n")}`;
  });
  return `${date}\n${parts.join("\n")}`;
}

/** A line for each job, a column for each day. */
export function calendarText({ days, jobs }: Calendar): string {
  if (jobs.length === 0) return "Nothing is expected";
  const width = Math.max(...jobs.map(({ name }) => name.length));
  const head = `${" ".repeat(width)}  ${days.map((day) => day.slice(5)).join(" ")}`;
  const lines = jobs.map((job) => {
    const cells = job.days.map(({ state }) => (state === null ? "." : MARKS[state] ?? state).padEnd(5));
    return `${job.name.padEnd(width)}  ${cells.join(" ")}`.trimEnd();
  });
  return [head, ...lines].join("\n");
}
