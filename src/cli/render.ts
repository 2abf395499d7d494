/**
 * How answers look: tables for people, JSON, YAML and CSV for programs.
 *
 * JSON is the API's answer as it is, and that is a contract. Tables fit the terminal; when the output is no
 * terminal nothing is cut, so that `grep` sees all of it.
 */
import stringWidth from "string-width";
import { formatDuration } from "../lib/duration.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { CliSpec, ColumnSpec } from "../lib/operation.ts";
import { formatSize } from "../lib/size.ts";
import type { Terminal } from "./terminal.ts";

/** Forms of output. */
export const OUTPUTS = ["table", "json", "csv", "yaml"] as const;
export type Output = typeof OUTPUTS[number];

/** What shapes a list. */
export interface View {
  output: Output;
  /** `field=value` (equal) or `field~text` (contains), all of which must hold. */
  filters: readonly string[];
  /** Field, with `-` before it for falling order. */
  sortBy: string | undefined;
}

/** Prints an answer. `value` is what the API answered. */
export async function render(value: unknown, cli: CliSpec, view: View, terminal: Terminal): Promise<void> {
  const rows = rowsOf(value, cli);
  const shaped = rows === undefined ? undefined : sortRows(filterRows(rows, view.filters), view.sortBy);
  switch (view.output) {
    case "json":
      return terminal.print(JSON.stringify(replaceRows(value, rows, shaped), null, 2));
    case "yaml": {
      const { stringify } = await import("yaml");
      return terminal.print(stringify(replaceRows(value, rows, shaped)).trimEnd());
    }
    case "csv":
      return terminal.print(await csv(shaped ?? [value], cli.columns));
    case "table":
      if (shaped !== undefined) return await printTable(shaped, cli.columns, terminal);
      if (cli.text !== undefined) return terminal.print(cli.text(value).split("\n").map(oneLine).join("\n"));
      return printRecord(value, terminal);
  }
}

function rowsOf(value: unknown, cli: CliSpec): readonly unknown[] | undefined {
  if (cli.rows !== undefined) return cli.rows(value);
  return Array.isArray(value) ? value : undefined;
}

/** The answer with its list replaced by the filtered one; everything beside the list stays. */
function replaceRows(
  value: unknown,
  rows: readonly unknown[] | undefined,
  shaped: readonly unknown[] | undefined,
): unknown {
  if (rows === undefined || shaped === undefined || value === rows) return shaped ?? value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, item === rows ? shaped : item]));
}

/** Rows for which every filter holds. Errors: `invalid` for a filter that is none. */
export function filterRows(rows: readonly unknown[], filters: readonly string[]): readonly unknown[] {
  const tests = filters.map((filter) => {
    const match = /^([\w.]+)([=~])(.*)$/s.exec(filter);
    if (match === null) {
      throw new HoldfastError("invalid", `Cannot filter by "${filter}": expected field=value or field~text`);
    }
    const [, field = "", sign, wanted = ""] = match;
    return (row: unknown) => {
      const text = plainText(at(row, field));
      return sign === "="
        ? text.toLowerCase() === wanted.toLowerCase()
        : text.toLowerCase().includes(wanted.toLowerCase());
    };
  });
  return rows.filter((row) => tests.every((test) => test(row)));
}

/** Rows in the order of a field; numbers by value, the rest as text, absent values last. */
export function sortRows(rows: readonly unknown[], by: string | undefined): readonly unknown[] {
  if (by === undefined) return rows;
  const [field, sign] = by.startsWith("-") ? [by.slice(1), -1] : [by, 1];
  return [...rows].sort((a, b) => {
    const [x, y] = [at(a, field), at(b, field)];
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * plainText(x).localeCompare(plainText(y));
  });
}

/** The value at `a.b.c` of a row, or undefined. */
export function at(row: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, key) => typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    row,
  );
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function csv(rows: readonly unknown[], columns: readonly ColumnSpec[] | undefined): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  const keys = columns?.map((column) => column.key) ?? [...new Set(rows.flatMap((row) => keysOf(row)))];
  const records = rows.map((row) => keys.map((key) => plainText(at(row, key))));
  // Cells that a spreadsheet would run as a formula are quoted away.
  return stringify([keys, ...records], { escape_formulas: true }).replace(/\n$/, "");
}

function keysOf(row: unknown): string[] {
  return typeof row === "object" && row !== null ? Object.keys(row) : [];
}

/** A cell as text for people. */
export function formatCell(value: unknown, format: ColumnSpec["format"]): string {
  if (value === null || value === undefined || value === "") return "-";
  switch (format) {
    case "bytes":
      return typeof value === "number" ? formatSize(value) : oneLine(plainText(value));
    case "duration":
      return typeof value === "number" ? formatDuration(value) : oneLine(plainText(value));
    case "percent":
      return typeof value === "number" ? `${Math.round(value * 10) / 10} %` : oneLine(plainText(value));
    case "boolean":
      return value === true ? "yes" : "no";
    case "instant":
      return instant(String(value));
    case "list":
      if (!Array.isArray(value)) return oneLine(plainText(value));
      return value.length === 0 ? "-" : oneLine(value.map(plainText).join(", "));
    default:
      return oneLine(plainText(value));
  }
}

/** `2026-01-02 03:04:05Z`: UTC, to the second, sortable. */
function instant(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? oneLine(text) : `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** Characters that drive a terminal, begin a line, or turn the direction of what follows. */
const HARMFUL = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text that shows what is in it and does nothing else. */
export function oneLine(text: string): string {
  return text.replaceAll(HARMFUL, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    const hex = c.charCodeAt(0).toString(16);
    return hex.length > 2 ? `\\u${hex}` : `\\x${hex.padStart(2, "0")}`;
  });
}

async function printTable(
  rows: readonly unknown[],
  specs: readonly ColumnSpec[] | undefined,
  terminal: Terminal,
): Promise<void> {
  if (rows.length === 0) return terminal.note("Nothing to show.");
  const { default: Table } = await import("cli-table3");
  const columns: readonly ColumnSpec[] = specs ?? keysOf(rows[0]).map((key) => ({ key }));
  const heads = columns.map((column) =>
    oneLine(column.title ?? column.key.split(".").at(-1)!.replaceAll("_", " ")).toUpperCase()
  );
  const whole = rows.map((row) => columns.map((column) => formatCell(at(row, column.key), column.format)));
  const tooWide = terminal.columns > 0 && sumOf(widthsOf(heads, whole)) > terminal.columns;
  const cells = tooWide
    ? whole.map((row) => row.map((cell, i) => columns[i]!.format === "instant" ? toTheMinute(cell) : cell))
    : whole;
  const rigid = columns.map(({ key, format }) => format !== undefined || /(^|_)id$/.test(key));
  const widths = fit(widthsOf(heads, cells), terminal.columns, rigid);
  const table = new Table({
    chars: PLAIN,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    colWidths: widths.map((width) => width + 2),
    colAligns: columns.map((column) => RIGHT.has(column.align ?? column.format ?? "") ? "right" : "left"),
  });
  table.push(heads, ...cells);
  const [head = "", ...lines] = table.toString().split("\n").map((line) => line.trimEnd());
  terminal.print(terminal.colors.bold(head));
  for (const line of lines) terminal.print(line);
}

/** Formats that are read from the right, like columns that ask for it. */
const RIGHT: ReadonlySet<string> = new Set(["right", "bytes", "percent"]);

/** No borders: a table is also what `awk` reads. */
const PLAIN = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
    "middle",
  ]
    .map((place) => [place, ""]),
);

function widthsOf(heads: readonly string[], cells: readonly (readonly string[])[]): number[] {
  return heads.map((head, i) => Math.max(stringWidth(head), ...cells.map((row) => stringWidth(row[i]!))));
}

/** Columns a table takes, the gaps between its own columns included. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((a, b) => a + b, 2 * (widths.length - 1));
}

/** `2026-01-02 03:04Z`: half an instant says nothing, one without its seconds says most. */
function toTheMinute(cell: string): string {
  return cell.replace(/(\d\d:\d\d):\d\dZ$/, "$1Z");
}

/** The least a column keeps of its texts. */
const NARROW = 6;

/** Column widths within `total`: the widest give way first, rigid ones last. `total` 0 means no limit. */
export function fit(natural: readonly number[], total: number, rigid: readonly boolean[] = []): number[] {
  const widths = [...natural];
  if (total === 0) return widths;
  for (const mayShrink of [(i: number) => rigid[i] !== true, () => true]) {
    while (sumOf(widths) > total) {
      const widest = Math.max(...widths.filter((_, i) => mayShrink(i)));
      if (widest <= NARROW) break;
      widths[widths.findIndex((width, i) => width === widest && mayShrink(i))]!--;
    }
  }
  return widths;
}

/** One thing as a line per field; what is inside a field gets lines of its own: `engine options sources`. */
function printRecord(value: unknown, terminal: Terminal): void {
  if (value === null || value === undefined) return;
  if (typeof value !== "object") return terminal.print(oneLine(String(value)));
  const fields = fieldsOf(value, []);
  const width = Math.max(0, ...fields.map(({ name }) => stringWidth(name)));
  for (const { name, lines } of fields) {
    const [first = "", ...rest] = lines;
    terminal.print(`${terminal.colors.bold(name.padEnd(width))}  ${first}`.trimEnd());
    for (const line of rest) terminal.print(" ".repeat(width + 2) + line);
  }
}

function fieldsOf(record: object, above: readonly string[]): { name: string; lines: string[] }[] {
  return Object.entries(record).filter(([, item]) => item !== undefined).flatMap(([key, item]) => {
    const path = [...above, oneLine(key.replaceAll("_", " "))];
    const inside = typeof item === "object" && item !== null && !Array.isArray(item) &&
      Object.keys(item).length > 0;
    return inside ? fieldsOf(item, path) : [{ name: path.join(" "), lines: linesOf(key, item) }];
  });
}

/** A field's value in lines; lists have one for each item. */
function linesOf(key: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.length === 0 ? ["-"] : value.map((item) => oneLine(plainText(item)));
  if (typeof value === "string" && value.includes("\n")) return value.trimEnd().split("\n").map(oneLine);
  return [formatCell(value, formatOf(key, value))];
}

function formatOf(key: string, value: unknown): ColumnSpec["format"] {
  if (typeof value === "boolean") return "boolean";
  if (key.endsWith("_bytes")) return "bytes";
  if (key.endsWith("_seconds")) return "duration";
  if (key.endsWith("_at") || key.endsWith("_since") || key === "at") return "instant";
  return undefined;
}
