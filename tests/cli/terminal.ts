/** A terminal that remembers what was printed on it. */
import type { Terminal } from "../../src/cli/terminal.ts";

export interface FakeTerminal extends Terminal {
  /** Lines of standard output. */
  printed: string[];
  /** Lines of standard error. */
  noted: string[];
  /** What the line of progress showed. */
  statuses: string[];
}

/** Whoever sits at it has no variables but those given. */
export function fakeTerminal(
  options: { columns?: number; interactive?: boolean; env?: Record<string, string> } = {},
): FakeTerminal {
  const [printed, noted, statuses]: [string[], string[], string[]] = [[], [], []];
  const plain = (text: string) => text;
  return {
    printed,
    noted,
    statuses,
    print: (line) => void printed.push(line),
    note: (line) => void noted.push(line),
    status: (line) => void statuses.push(line),
    columns: options.columns ?? 0,
    interactive: options.interactive ?? false,
    env: options.env ?? {},
    colors: { bold: plain, red: plain, dim: plain },
  };
}
