/** What a check found, and how it is printed. */
import stringWidth from "string-width";
import { messageOf } from "../../../lib/errors.ts";
import type { Terminal } from "../../terminal.ts";
import { wrap } from "../../wrap.ts";

/** One line of `holdfast doctor`. */
export interface Line {
  check: string;
  status: "ok" | "warning" | "bad";
  detail: string;
  /** What to do about it. */
  fix: string | null;
}

/** A line that says all is well. */
export function ok(check: string, detail: string): Line {
  return { check, status: "ok", detail, fix: null };
}

/** A line about what works but should not stay so. */
export function warning(check: string, detail: string, fix: string): Line {
  return { check, status: "warning", detail, fix };
}

/** A line about what does not work. */
export function bad(check: string, detail: string, fix: string): Line {
  return { check, status: "bad", detail, fix };
}

/** Runs a check; what it throws is a line too, for a doctor must not fall ill. */
export async function look(check: string, work: () => Promise<Line[]> | Line[]): Promise<Line[]> {
  try {
    return await work();
  } catch (error) {
    const denied = error instanceof Deno.errors.PermissionDenied;
    return [
      denied
        ? warning(check, messageOf(error), "run holdfast doctor as root or as the daemon's user to see this")
        : bad(check, messageOf(error), "look into what the message names"),
    ];
  }
}

/** The lines as a table no wider than `columns`; a detail goes on below itself, and what to do stands under it. */
export function printLines(lines: readonly Line[], terminal: Terminal, columns: number): void {
  const width = Math.max(5, ...lines.map((line) => stringWidth(line.check)));
  const [indent, room] = [width + 11, Math.max(30, columns - width - 11)];
  terminal.print(terminal.colors.bold(`${"CHECK".padEnd(width)}  ${"STATUS".padEnd(7)}  DETAIL`));
  for (const { check, status, detail, fix } of lines) {
    const said = [...wrap(detail, room), ...(fix === null ? [] : wrap(`-> ${fix}`, room))];
    const word = status === "bad" ? terminal.colors.red(status) : status;
    const [first = "", ...rest] = said;
    terminal.print(`${check.padEnd(width)}  ${word}${" ".repeat(7 - status.length)}  ${first}`);
    for (const line of rest) terminal.print(" ".repeat(indent) + line);
  }
}
