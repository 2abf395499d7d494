/** Where the command line prints: standard output for answers, standard error for everything else. */
import { styleText } from "node:util";

/** Output of one command and the variables of whoever types it; tests give their own. */
export interface Terminal {
  /** A line of the answer. */
  print(line: string): void;
  /** A line about the command: hints, progress, warnings. */
  note(line: string): void;
  /** Rewrites the current line of standard error; only on a terminal. */
  status(line: string): void;
  /** Columns of standard output, or 0 when it is no terminal. */
  readonly columns: number;
  /** True when standard error is a terminal, so that progress may be drawn. */
  readonly interactive: boolean;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where a whole answer goes that may be longer than the screen; absent where nothing stops it. */
  paged?(): Terminal;
  readonly colors: { bold(text: string): string; red(text: string): string; dim(text: string): string };
}

/** The process's own terminal. Colours only on a terminal, and never with `NO_COLOR`. */
export function processTerminal(): Terminal {
  const encoder = new TextEncoder();
  const colored = Deno.stdout.isTerminal() && !Deno.noColor && Deno.env.get("TERM") !== "dumb";
  const styled = (style: "bold" | "red" | "dim") => (text: string) =>
    colored ? styleText(style, text, { validateStream: false }) : text;
  let drawn = false;
  const clear = () => {
    if (drawn) Deno.stderr.writeSync(encoder.encode("\r\x1b[K"));
    drawn = false;
  };
  return {
    print(line) {
      clear();
      writeAll(Deno.stdout, encoder.encode(`${line}\n`));
    },
    note(line) {
      clear();
      writeAll(Deno.stderr, encoder.encode(`${line}\n`));
    },
    status(line) {
      if (!Deno.stderr.isTerminal()) return;
      drawn = line !== "";
      Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${line}`));
    },
    columns: columnsOf(),
    interactive: Deno.stderr.isTerminal(),
    env: Deno.env.toObject(),
    colors: { bold: styled("bold"), red: styled("red"), dim: styled("dim") },
  };
}

function columnsOf(): number {
  if (!Deno.stdout.isTerminal()) return 0;
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += to.writeSync(bytes.subarray(written));
}
