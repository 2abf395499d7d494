/**
 * Answers as a page: one file without scripts or anything from elsewhere, for a browser, a mail or a printer.
 *
 * Every text of the answer is escaped, and the page itself forbids scripts and requests, so that a job that is
 * called like a script tag stays a name.
 */
import type { ColumnSpec } from "../lib/operation.ts";
import { at, formatCell, keysOf, oneLine } from "./cells.ts";

/** What a page shows under one heading. */
export interface PageSection {
  /** Heading; without one the section follows the title. */
  title?: string;
  /** Text, its lines kept. */
  text?: string;
  table?: PageTable;
}

/** Cells that are text already. */
export interface PageTable {
  /** Headings; null for lines of a name and a value. */
  heads: readonly string[] | null;
  rows: readonly (readonly string[])[];
  /** Columns that are read from the right. */
  right: readonly boolean[];
}

/** The table of rows, with the columns and the words of the terminal's. */
export function pageTable(rows: readonly unknown[], specs: readonly ColumnSpec[] | undefined): PageTable {
  const columns: readonly ColumnSpec[] = specs ?? keysOf(rows[0]).map((key) => ({ key }));
  return {
    heads: columns.map(({ key, title }) => title ?? key.split(".").at(-1)!.replaceAll("_", " ")),
    rows: rows.map((row) => columns.map(({ key, format }) => formatCell(at(row, key), format))),
    right: columns.map(({ align, format }) =>
      align === "right" || format === "bytes" || format === "percent" || format === "duration"
    ),
  };
}

/** A whole page. `when` is an instant for people. */
export function page(title: string, when: string, sections: readonly PageSection[]): string {
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width">',
    `<title>${escape(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>`,
    `<h1>${escape(title)}</h1>`,
    ...sections.map(sectionHtml),
    `<footer>Holdfast, ${escape(when)}</footer>\n</body>\n</html>`,
  ].join("\n");
}

function sectionHtml({ title, text, table }: PageSection): string {
  return [
    title === undefined ? undefined : `<h2>${escape(title)}</h2>`,
    text === undefined ? undefined : `<pre>${text.split("\n").map(escape).join("\n")}</pre>`,
    table === undefined ? undefined : tableHtml(table),
  ].filter((part) => part !== undefined).join("\n");
}

function tableHtml({ heads, rows, right }: PageTable): string {
  if (rows.length === 0) return "<p>Nothing to show.</p>";
  const align = (i: number) => right[i] ? ' class="r"' : "";
  return [
    "<table>",
    heads === null
      ? "<tbody>"
      : `<thead><tr>${
        heads.map((head, i) => `<th scope="col"${align(i)}>${escape(head)}</th>`).join("")
      }</tr></thead>\n<tbody>`,
    ...rows.map((cells) =>
      `<tr>${
        cells.map((cell, i) =>
          heads === null && i === 0
            ? `<th scope="row">${escape(cell)}</th>`
            : `<td${align(i)}>${cell.split("\n").map(escape).join("<br>")}</td>`
        ).join("")
      }</tr>`
    ),
    "</tbody>\n</table>",
  ].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return oneLine(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Heads of tables come again on each printed page, and no row is torn. */
const STYLE = `
:root { color-scheme: light dark }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 80rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem }
table { border-collapse: collapse; width: 100% }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8884 }
td { overflow-wrap: anywhere } thead th { border-bottom: 2px solid #888; text-transform: capitalize }
tbody th { font-weight: 600; white-space: nowrap; width: 1% }
.r { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
pre { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
footer { margin-top: 2rem; color: #777; font-size: .85em }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt }
  thead { display: table-header-group } tr { break-inside: avoid } h2 { break-after: avoid }
}
`;
