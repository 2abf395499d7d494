/**
 * How answers look: tables for people, JSON, YAML and CSV for programs.
 *
 * JSON is the API's answer as it is, and that is a contract. Tables fit the terminal; when the output is no
 * terminal nothing is cut, so that `grep` sees all of it.
 */
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { CliSpec, ColumnSpec, SectionSpec } from "../lib/operation.ts";
import { at, formatCell, keysOf, oneLine, plainText } from "./cells.ts";
import type { Terminal } from "./terminal.ts";

/** Forms of output. */
export const OUTPUTS = ["table", "json", "csv", "yaml", "html"] as const;
export type Output = typeof OUTPUTS[number];

/** What shapes a list. */
export interface View {
  output: Output;
  /** `field=value` (equal) or `field~text` (contains), all of which must hold. */
  filters: readonly string[];
  /** Field, with `-` before it for falling order. */
  sortBy: string | undefined;
}

/** Rows turned into text at a time: a list of tens of thousands must not be in memory twice. */
const ROWS_AT_ONCE = 1000;

/** Prints an answer. `value` is what the API answered; `title` is what a page of it is called. */
export async function render(
  value: unknown,
  cli: CliSpec,
  view: View,
  printer: Terminal,
  title = "Holdfast",
): Promise<void> {
  const terminal = printer.paged?.() ?? printer;
  const rows = rowsOf(value, cli);
  const shaped = rows === undefined
    ? undefined
    : sortRows(filterRows(rows, view.filters, cli.columns), sortField(rows, view.sortBy, cli), cli.columns);
  switch (view.output) {
    case "json":
      return printJson(replaceRows(value, rows, shaped), terminal);
    case "yaml": {
      const { stringify } = await import("../lib/yaml.ts");
      return terminal.print(stringify(replaceRows(value, rows, shaped)).trimEnd());
    }
    case "csv":
      return cli.sheet === undefined
        ? printCsv(shaped ?? [value], cli.columns, terminal)
        : printCsv(filterRows(cli.sheet(value), view.filters), undefined, terminal);
    case "html":
      return terminal.print(await html(value, cli, shaped, title));
    case "table":
      if (cli.sections !== undefined) return await printSections(cli.sections(value), terminal);
      for (const note of cli.notes?.(value) ?? []) terminal.note(oneLine(note));
      if (shaped?.length === 0) return terminal.note("Nothing to show.");
      if (shaped !== undefined) {
        return await (await import("./table.ts")).printTable(shaped, cli.columns, terminal);
      }
      if (cli.text !== undefined) return terminal.print(harmless(cli.text(value, terminal.columns)));
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

/** Refuses a field that no row has: an empty answer would look like a good one. */
function requireField(
  rows: readonly unknown[],
  field: string,
  verb: string,
  columns: readonly ColumnSpec[] = [],
): void {
  if (rows.length === 0 || rows.some((row) => at(row, field) !== undefined)) return;
  const shown = columns.map(({ key }) => key);
  if (shown.includes(field)) return;
  const fields = [...new Set([...rows.flatMap((row) => keysOf(row)), ...shown])];
  const close = nearest(field, fields);
  throw new HoldfastError("invalid", `Cannot ${verb} by "${field}": there is no such field`, {
    hint: close === undefined ? `fields: ${fields.join(", ")}` : `did you mean "${close}"?`,
  });
}

/** Rows for which every filter holds. Errors: `invalid` for a filter that is none, and for a field no row has. */
export function filterRows(
  rows: readonly unknown[],
  filters: readonly string[],
  columns?: readonly ColumnSpec[],
): readonly unknown[] {
  const tests = filters.map((filter) => {
    const match = /^([\w.]+)([=~])(.*)$/s.exec(filter);
    if (match === null) {
      throw new HoldfastError("invalid", `Cannot filter by "${filter}": expected field=value or field~text`);
    }
    const [, field = "", sign, wanted = ""] = match;
    requireField(rows, field, "filter", columns);
    return (row: unknown) => {
      const text = plainText(at(row, field));
      return sign === "="
        ? text.toLowerCase() === wanted.toLowerCase()
        : text.toLowerCase().includes(wanted.toLowerCase());
    };
  });
  return rows.filter((row) => tests.every((test) => test(row)));
}

/** The field that a word of `--sort-by` means: its own name, that of an earlier tool, or it in camelCase. */
function sortField(
  rows: readonly unknown[],
  by: string | undefined,
  { sort = {} }: CliSpec,
): string | undefined {
  if (by === undefined) return undefined;
  const [sign, word] = by.startsWith("-") ? ["-", by.slice(1)] : ["", by];
  const snake = word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const has = (field: string) => rows.some((row) => at(row, field) !== undefined);
  return sign + (sort[word.toLowerCase()] ?? (has(word) || !has(snake) ? word : snake));
}

/** Rows in the order of a field; numbers by value, the rest as text, absent values last. Errors: as {@linkcode filterRows}. */
export function sortRows(
  rows: readonly unknown[],
  by: string | undefined,
  columns?: readonly ColumnSpec[],
): readonly unknown[] {
  if (by === undefined) return rows;
  const [field, sign] = by.startsWith("-") ? [by.slice(1), -1] : [by, 1];
  requireField(rows, field, "sort", columns);
  return [...rows].sort((a, b) => {
    const [x, y] = [at(a, field), at(b, field)];
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * plainText(x).localeCompare(plainText(y));
  });
}

/** Prints a list as its rows come, so that a long one is never held: the same text as in one piece. */
export interface ListPrinter {
  add(rows: readonly unknown[]): void;
  /** True once there was a row. */
  begun(): boolean;
  end(): void;
}

/** The printer for a list of this look, or undefined where all of it has to be there first. */
export function listPrinter(cli: CliSpec, view: View, printer: Terminal): ListPrinter | undefined {
  if (view.filters.length > 0 || view.sortBy !== undefined || cli.rows !== undefined) return undefined;
  const terminal = printer.paged?.() ?? printer;
  if (view.output === "json") return jsonList(terminal);
  if (view.output !== "csv" || cli.columns === undefined || cli.sheet !== undefined) return undefined;
  return csvList(cli.columns.map(({ key }) => key), terminal);
}

function jsonList(terminal: Terminal): ListPrinter {
  // The last part that was added: whether a comma is behind it the next one says.
  let last: string | undefined;
  return {
    add(rows) {
      if (rows.length === 0) return;
      terminal.print(last === undefined ? "[" : `${last},`);
      last = JSON.stringify(rows, null, 2).slice(2, -2);
    },
    begun: () => last !== undefined,
    end() {
      terminal.print(last === undefined ? "[]" : `${last}\n]`);
    },
  };
}

function csvList(keys: readonly string[], terminal: Terminal): ListPrinter {
  let begun = false;
  const begin = () => {
    if (!begun) terminal.print(keys.map(csvCell).join(","));
    begun = true;
  };
  return {
    add(rows) {
      if (rows.length === 0) return;
      begin();
      terminal.print(rows.map((row) => keys.map((key) => csvCell(at(row, key))).join(",")).join("\n"));
    },
    begun: () => begun,
    end: begin,
  };
}

function printJson(value: unknown, terminal: Terminal): void {
  if (Array.isArray(value)) printList(value, jsonList(terminal));
  else terminal.print(JSON.stringify(value, null, 2));
}

function printList(rows: readonly unknown[], list: ListPrinter): void {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    list.add(rows.slice(from, from + ROWS_AT_ONCE));
  }
  list.end();
}

function printCsv(
  rows: readonly unknown[],
  columns: readonly ColumnSpec[] | undefined,
  terminal: Terminal,
): void {
  const keys = columns?.map((column) => column.key) ?? [...new Set(rows.flatMap((row) => keysOf(row)))];
  printList(rows, csvList(keys, terminal));
}

/**
 * A field of CSV (RFC 4180). Text that a spreadsheet would run as a formula (OWASP, CSV injection) gets a quote before it;
 * numbers stay numbers.
 */
function csvCell(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = plainText(value);
  const harmless = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

async function html(
  value: unknown,
  cli: CliSpec,
  rows: readonly unknown[] | undefined,
  title: string,
): Promise<string> {
  if (cli.page !== undefined) return cli.page(value);
  const { page, pageTable } = await import("./html.ts");
  const when = formatCell(new Date().toISOString(), "instant");
  if (cli.sections !== undefined) {
    const sections = cli.sections(value).map(({ rows, columns, ...rest }) => ({
      ...rest,
      ...(rows === undefined ? {} : { table: pageTable(rows, columns) }),
    }));
    return page(title, when, sections);
  }
  if (rows !== undefined) return page(title, when, [{ table: pageTable(rows, cli.columns) }]);
  if (cli.text !== undefined || typeof value !== "object" || value === null) {
    return page(title, when, [{ text: cli.text?.(value) ?? plainText(value) }]);
  }
  const lines = fieldsOf(value, []).map(({ name, lines }) => [name, lines.join("\n")]);
  return page(title, when, [{ table: { heads: null, rows: lines, right: [] } }]);
}

/** The parts of a report, an empty line between them. */
async function printSections(sections: readonly SectionSpec[], terminal: Terminal): Promise<void> {
  for (const [i, { title, text, rows, columns }] of sections.entries()) {
    if (i > 0) terminal.print("");
    if (title !== undefined) terminal.print(terminal.colors.bold(oneLine(title)));
    if (text !== undefined) terminal.print(harmless(text));
    if (rows === undefined) continue;
    if (rows.length === 0) terminal.print("Nothing to show.");
    else (await import("./table.ts")).printTable(rows, columns, terminal);
  }
}

/** Lines that drive no terminal. */
function harmless(text: string): string {
  return text.split("\n").map(oneLine).join("\n");
}

/** One thing as a line per field; what is inside a field gets lines of its own: `engine options sources`. */
function printRecord(value: unknown, terminal: Terminal): void {
  if (value === null || value === undefined) return;
  if (typeof value !== "object") return terminal.print(oneLine(String(value)));
  const fields = fieldsOf(value, []);
  const width = Math.max(0, ...fields.map(({ name }) => name.length));
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
