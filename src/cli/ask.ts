/** Asking the person: secrets without echo, and yes or no. */
import { HoldfastError } from "../lib/errors.ts";
import { Interrupted } from "./report.ts";
import type { Terminal } from "./terminal.ts";

/** A secret: from standard input when asked for or when that is no terminal, else from a hidden prompt. Errors: `invalid`. */
export async function askSecret(word: string, prompt: string, fromStdin: boolean): Promise<string> {
  if (fromStdin || !Deno.stdin.isTerminal()) {
    if (!fromStdin && word === "password") {
      throw new HoldfastError("invalid", `Cannot ask for the ${word}: standard input is no terminal`, {
        hint: `pipe it in with --${word}-stdin`,
      });
    }
    // One line end belongs to the pipe (`echo`), not to the secret.
    return (await readStdin()).replace(/\r?\n$/, "");
  }
  const first = readTyped(`${prompt}: `, true);
  if (word === "password" && readTyped(`${prompt} again: `, true) !== first) {
    throw new HoldfastError("invalid", `Cannot use the ${word}: the two entries differ`);
  }
  return first;
}

async function readStdin(): Promise<string> {
  return await new Response(Deno.stdin.readable).text();
}

/** Asks on standard error and reads what is typed until Enter. Errors: `Interrupted` on Ctrl-C, as everywhere. */
function readTyped(prompt: string, hidden: boolean): string {
  const encoder = new TextEncoder();
  const show = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  // Before the question is seen: a Ctrl-C that comes as a signal would not end the reading.
  Deno.stdin.setRaw(true);
  show(prompt);
  const bytes: number[] = [];
  try {
    const buffer = new Uint8Array(1);
    for (;;) {
      if (Deno.stdin.readSync(buffer) === null) break;
      const byte = buffer[0]!;
      if (byte === 13 || byte === 10) break;
      if (byte === 3) throw new Interrupted();
      // Ctrl-D says that nothing more comes.
      if (byte === 4) break;
      if (byte === 127 || byte === 8) {
        if (bytes.length > 0 && !hidden) show("\b \b");
        // Take back a whole character, continuation bytes included.
        while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
      } else {
        bytes.push(byte);
        if (!hidden) Deno.stderr.writeSync(buffer);
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    show("\n");
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Yes or no; without a terminal the answer has to come as `--yes`. Errors: `invalid`, `Interrupted` on Ctrl-C. */
export function confirmed(question: string, terminal: Pick<Terminal, "note">): boolean {
  if (!Deno.stdin.isTerminal()) {
    throw new HoldfastError("invalid", `Cannot ask "${question}": standard input is no terminal`, {
      hint: "add --yes",
    });
  }
  const yes = /^y(es)?$/i.test(readTyped(`${question} [y/N] `, false).trim());
  if (!yes) terminal.note("Nothing was changed.");
  return yes;
}
