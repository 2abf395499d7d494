/** Long answers, a screen at a time. */
import stringWidth from "string-width";
import type { Terminal } from "../terminal.ts";

/** What a person answers at the end of a screen. */
export type More = "screen" | "line" | "end";

/**
 * A terminal that stops after each screen of the answer and asks how to go on; after `end` the rest is left out.
 * For one answer: the next one gets a new one.
 */
export function paged(terminal: Terminal, rows: number, ask: () => More): Terminal {
  let [left, ended] = [rows - 1, false];
  return {
    ...terminal,
    print(text) {
      for (const line of text.split("\n")) {
        if (ended) return;
        const height = Math.max(1, Math.ceil(stringWidth(line) / Math.max(1, terminal.columns)));
        if (height > left) {
          const more = ask();
          ended = more === "end";
          if (ended) return;
          left = more === "line" ? height : rows - 1;
        }
        terminal.print(line);
        left -= height;
      }
    },
  };
}

/** Shows that there is more and waits for a key: space or page down, Enter or down, q. */
export function askMore(): More {
  const encoder = new TextEncoder();
  Deno.stdout.writeSync(encoder.encode("\x1b[7m-- more: space, Enter, q --\x1b[0m"));
  Deno.stdin.setRaw(true);
  try {
    const buffer = new Uint8Array(16);
    for (;;) {
      const size = Deno.stdin.readSync(buffer);
      const key = size === null ? "q" : new TextDecoder().decode(buffer.subarray(0, size));
      // Ctrl-C and Ctrl-D end it as q does.
      if (key.startsWith(" ") || key === "f" || key === "\x1b[6~") return "screen";
      if (key.startsWith("\r") || key.startsWith("\n") || key === "\x1b[B" || key === "j") return "line";
      if (["q", "Q", "\x03", "\x04"].includes(key)) return "end";
    }
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stdout.writeSync(encoder.encode("\r\x1b[K"));
  }
}
