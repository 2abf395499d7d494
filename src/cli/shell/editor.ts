/**
 * Editing one line at a time on a terminal, with Node's readline.
 *
 * readline never reads by itself: it is fed here, key by key, and only while a line is asked for. So a command that
 * asks for a password, or a pager that waits for a key, has the terminal to itself, and what is typed ahead waits.
 */
import { createInterface } from "node:readline";
import { PassThrough, Writable } from "node:stream";

/** What an editor needs. */
export interface EditorOptions {
  /** Lines of earlier shells, oldest first. */
  history: readonly string[];
  /** Judges whether a line may come back with the arrow keys. */
  keep: (line: string) => boolean;
  /** Offers for a line: full last words, and the part of the line they stand for. Never rejects. */
  complete: (line: string) => Promise<[string[], string]>;
}

const CTRL_C = Symbol("Ctrl-C");

/** Asks for lines. */
export class Editor {
  readonly #keys = new PassThrough();
  readonly #readline;
  readonly #lines: (string | typeof CTRL_C)[] = [];
  readonly #decoder = new TextDecoder();
  #unread: string[] = [];
  #closed = false;

  constructor({ history, keep, complete }: EditorOptions) {
    this.#readline = createInterface({
      input: this.#keys,
      output: new Screen(),
      terminal: true,
      history: [...history].reverse(),
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, offers: [string[], string]) => void) => {
        void complete(line).then((offers) => done(null, offers));
      },
    });
    this.#readline.on("line", (line) => this.#lines.push(line));
    this.#readline.on("history", (lines: string[]) => {
      if (lines[0] !== undefined && !keep(lines[0])) lines.shift();
    });
    this.#readline.on("SIGINT", () => this.#lines.push(CTRL_C));
    this.#readline.on("close", () => this.#closed = true);
  }

  /** The next line; null at the end of input (Ctrl-D), and when `end` resolves. Ctrl-C starts the line again. */
  async line(prompt: string, end: Promise<void>): Promise<string | null> {
    this.#readline.setPrompt(prompt);
    Deno.stdin.setRaw(true);
    try {
      this.#readline.prompt();
      for (;;) {
        const line = this.#lines.shift();
        if (typeof line === "string") return line;
        if (line === CTRL_C) this.#startAgain();
        else if (this.#closed || !await this.#feed(end)) return null;
      }
    } finally {
      Deno.stdin.setRaw(false);
    }
  }

  #startAgain(): void {
    Deno.stdout.writeSync(new TextEncoder().encode("^C\n"));
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#readline.prompt();
  }

  /** Hands on one key, once an answer that is looked up has come; false at the end. */
  async #feed(end: Promise<void>): Promise<boolean> {
    while (this.#keys.isPaused()) await new Promise((resolve) => setTimeout(resolve, 2));
    const key = this.#unread.shift();
    if (key !== undefined) return this.#keys.emit("data", key);
    const buffer = new Uint8Array(4096);
    const size = await Promise.race([Deno.stdin.read(buffer), end.then(() => null)]);
    if (size === null) return false;
    this.#unread = [...this.#decoder.decode(buffer.subarray(0, size), { stream: true })];
    return true;
  }

  close(): void {
    this.#readline.close();
  }
}

/** Where readline draws. */
class Screen extends Writable {
  get columns(): number {
    return sizeOf().columns;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    for (let written = 0; written < chunk.length;) written += Deno.stdout.writeSync(chunk.subarray(written));
    done();
  }
}

/** The size of the terminal; where it cannot be told, that of the first ones. */
export function sizeOf(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}
