/** Lists as tables that fit the terminal; loaded when one is printed. */
import Table from "cli-table3";
import stringWidth from "string-width";
import type { ColumnSpec } from "../lib/operation.ts";
import { at, formatCell, keysOf, oneLine } from "./cells.ts";
import type { Terminal } from "./terminal.ts";
import { wrap } from "./wrap.ts";

/** Prints rows, of which there is at least one; without columns every key of the first row is one. */
export function printTable(
  rows: readonly unknown[],
  specs: readonly ColumnSpec[] | undefined,
  terminal: Terminal,
): void {
  const columns: readonly ColumnSpec[] = specs ?? keysOf(rows[0]).map((key) => ({ key }));
  const heads = columns.map((column) =>
    oneLine(column.title ?? column.key.split(".").at(-1)!.replaceAll("_", " ")).toUpperCase()
  );
  const whole = rows.map((row) => columns.map((column) => formatCell(at(row, column.key), column.format)));
  const natural = widthsOf(heads, whole);
  const limit = columns.some(({ whole }) => whole === true) ? 0 : terminal.columns;
  const tooWide = limit > 0 && sumOf(natural) > limit;
  const cells = tooWide
    ? whole.map((row) => row.map((cell, i) => columns[i]!.format === "instant" ? toTheMinute(cell) : cell))
    : whole;
  const wraps = columns.some((column) => column.wrap === true);
  const rigid = columns.map(({ key, format, wrap }) =>
    wraps ? wrap !== true : format !== undefined || /(^|_)id$/.test(key)
  );
  const widths = fit(tooWide ? widthsOf(heads, cells) : natural, limit, rigid);
  if (tooWide && wraps) wrapIn(cells, columns, widths);
  const laidOut = (rows: readonly string[][]): string[] => {
    const table = new Table({
      chars: PLAIN,
      style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
      colWidths: widths.map((width) => width + 2),
      colAligns: columns.map((column) => RIGHT.has(column.align ?? column.format ?? "") ? "right" : "left"),
    });
    table.push(...rows);
    return table.toString().split("\n").map((line) => line.trimEnd());
  };
  terminal.print(laidOut([heads]).map(terminal.colors.bold).join("\n"));
  for (let from = 0; from < cells.length; from += ROWS_AT_ONCE) {
    terminal.print(laidOut(cells.slice(from, from + ROWS_AT_ONCE)).join("\n"));
  }
}

/** Breaks sentences into lines of their column's width, which grows to the longest word. */
function wrapIn(cells: readonly string[][], columns: readonly ColumnSpec[], widths: number[]): void {
  for (const [i, column] of columns.entries()) {
    if (column.wrap !== true) continue;
    for (const row of cells) {
      const lines = wrap(row[i]!, widths[i]!);
      row[i] = lines.join("\n");
      widths[i] = Math.max(widths[i]!, ...lines.map((line) => stringWidth(line)));
    }
  }
}

/** Rows laid out at a time: what the library takes grows with their square. */
const ROWS_AT_ONCE = 100;

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
  return heads.map((head, i) =>
    cells.reduce((width, row) => Math.max(width, stringWidth(row[i]!)), stringWidth(head))
  );
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
