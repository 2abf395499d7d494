/** Asking the person: secrets without echo, and yes or no. */
import { HoldfastError } from "../lib/errors.ts";

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
  const first = readHidden(`${prompt}: `);
  if (word === "password" && readHidden(`${prompt} again: `) !== first) {
    throw new HoldfastError("invalid", `Cannot use the ${word}: the two entries differ`);
  }
  return first;
}

async function readStdin(): Promise<string> {
  return await new Response(Deno.stdin.readable).text();
}

function readHidden(prompt: string): string {
  const encoder = new TextEncoder();
  Deno.stderr.writeSync(encoder.encode(prompt));
  Deno.stdin.setRaw(true);
  const bytes: number[] = [];
  try {
    const buffer = new Uint8Array(1);
    for (;;) {
      if (Deno.stdin.readSync(buffer) === null) break;
      const byte = buffer[0]!;
      if (byte === 13 || byte === 10) break;
      if (byte === 3) throw new HoldfastError("invalid", "Cannot go on: interrupted");
      if (byte === 127 || byte === 8) {
        // Take back a whole character, continuation bytes included.
        while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
      } else bytes.push(byte);
    }
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Yes or no; without a terminal the answer has to come as `--yes`. Errors: `invalid`. */
export function confirmed(question: string): boolean {
  if (!Deno.stdin.isTerminal()) {
    throw new HoldfastError("invalid", `Cannot ask "${question}": standard input is no terminal`, {
      hint: "add --yes",
    });
  }
  return confirm(question);
}
