/** Values as text for people: cells of tables, lines of records, and what must not reach a terminal. */
import { formatDuration } from "../lib/duration.ts";
import type { ColumnSpec } from "../lib/operation.ts";
import { formatSize } from "../lib/size.ts";

/** The value at `a.b.c` of a row, or undefined. */
export function at(row: unknown, path: string): unknown {
  return path.includes(".") ? path.split(".").reduce(field, row) : field(row, path);
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** A value as programs read it: text as it is, the rest as JSON. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The keys of a row, in their order. */
export function keysOf(row: unknown): string[] {
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
