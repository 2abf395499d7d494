/** A program in a pseudo-terminal, typed at and read from, by `script` of util-linux. */
import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";

/** No screen is waited for longer, in milliseconds. */
const PATIENCE_MS = 120_000;

/** True where there is a `script` that runs a command. */
export function hasPty(): boolean {
  try {
    const { success, stdout } = new Deno.Command("script", { args: ["--version"], stderr: "null" })
      .outputSync();
    return success && new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

/** How big the terminal is, and what the program knows. */
export interface PtyOptions {
  columns?: number;
  rows?: number;
  env: Record<string, string>;
  cwd: string;
}

/** A running program and what it has shown. */
export class Pty implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #typing: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #shown = "";
  #seen = 0;
  #changed = Promise.withResolvers<void>();

  constructor(program: string, args: readonly string[], { columns = 80, rows = 24, env, cwd }: PtyOptions) {
    const command = [program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["-qefc", `stty rows ${rows} cols ${columns}; exec ${command}`, "/dev/null"],
      env: { ...env, TERM: "xterm", SHELL: "/bin/sh" },
      clearEnv: true,
      cwd,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#typing = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#shown += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  /** Types keys as a keyboard sends them: `\r` is Enter, `\t` Tab, `\x03` Ctrl-C. */
  async type(keys: string): Promise<void> {
    await this.#typing.write(new TextEncoder().encode(keys));
  }

  /** Waits until a pattern shows in what came since the last one that was waited for; answers all up to its end. */
  async shows(pattern: RegExp): Promise<string> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = plain(this.#shown.slice(this.#seen));
      const found = pattern.exec(text);
      if (found !== null) {
        this.#seen = this.#shown.length;
        return text;
      }
      const left = until - performance.now();
      assert.ok(left > 0, `${pattern} never showed; the screen since then:\n${text}`);
      let timer;
      const later = new Promise<void>((resolve) => timer = setTimeout(resolve, left));
      await Promise.race([this.#changed.promise, later, this.#reading.then(() => later)]);
      clearTimeout(timer);
    }
  }

  /** Types the same again and again until a pattern shows: for keys that count only while something runs. */
  async typeUntil(keys: string, pattern: RegExp): Promise<string> {
    await this.type(keys);
    const again = setInterval(() => void this.type(keys).catch(() => {}), 1000);
    try {
      return await this.shows(pattern);
    } finally {
      clearInterval(again);
    }
  }

  /** How the program ended. */
  async exit(): Promise<number> {
    let timer;
    const late = new Promise<never>((_, reject) =>
      timer = setTimeout(
        () => reject(new Error(`it did not end; last:\n${this.#shown.slice(-500)}`)),
        PATIENCE_MS,
      )
    );
    try {
      return (await Promise.race([this.#child.status, late])).code;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal to the program's `script`, which ends with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#typing.close().catch(() => {});
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading;
  }
}

/** Text without what moves the cursor or colours. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\r", "");
}
