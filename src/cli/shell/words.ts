/** A typed line as words: blanks separate, quotes and backslashes keep together, as in other shells. */
import { HoldfastError } from "../../lib/errors.ts";

/** A line up to the cursor. */
export interface Split {
  /** Whole words before the one that is being typed. */
  before: string[];
  /** What the last word says so far, and how it is written. */
  last: string;
  written: string;
  /** The quote that is still open. */
  open: string | null;
}

/** Splits a line at its cursor; nothing is an error yet. */
export function splitAtCursor(line: string): Split {
  const before: string[] = [];
  let [last, started, written, open]: [string, boolean, number, string | null] = ["", false, 0, null];
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (open === null && /\s/.test(c)) {
      if (started) before.push(last);
      [last, started, written] = ["", false, i + 1];
      continue;
    }
    started = true;
    if (c === open) open = null;
    else if (open === null && (c === '"' || c === "'")) open = c;
    else if (c === "\\" && open !== "'" && i + 1 < line.length) last += line[++i]!;
    else last += c;
  }
  return { before, last, written: line.slice(written), open };
}

/** The words of a whole line; empty for a blank line or a comment. Errors: `invalid` for an open quote. */
export function wordsOf(line: string): string[] {
  if (/^\s*(#|$)/.test(line)) return [];
  const { before, last, written, open } = splitAtCursor(line);
  if (open !== null) {
    throw new HoldfastError("invalid", `Cannot read the line: a ${open} is not closed`);
  }
  return written === "" ? before : [...before, last];
}

/** A word as it has to be typed. */
export function typed(word: string): string {
  if (word !== "" && !/[\s"'\\#]/.test(word)) return word;
  return `"${word.replaceAll(/["\\]/g, "\\$&")}"`;
}
