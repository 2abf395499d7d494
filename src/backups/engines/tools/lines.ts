/** Output of programs as lines: bounded in length and number, without secrets. */
import { formatSize } from "../../../lib/size.ts";
import type { EngineContext } from "../../engine.ts";
import type { Secrets } from "./secrets.ts";

/** Splits bytes into lines of bounded length; what is longer is cut, and the rest of it only counted. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #limit: number;
  readonly #onLine: (line: string, cutOff: number) => void;
  #line = "";
  #cutOff = 0;

  /** `limit` in characters. `onLine` is told how many characters of the line are missing. */
  constructor(limit: number, onLine: (line: string, cutOff: number) => void) {
    [this.#limit, this.#onLine] = [limit, onLine];
  }

  push(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The last line need not end in a newline. */
  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#line !== "" || this.#cutOff > 0) this.#emit();
  }

  #take(text: string): void {
    // A carriage return alone is how programs draw over a line of progress.
    const parts = text.split(/\r\n|\n|\r/);
    for (const [index, part] of parts.entries()) {
      if (index > 0) this.#emit();
      const room = this.#limit - this.#line.length;
      this.#line += part.slice(0, room);
      this.#cutOff += Math.max(0, part.length - room);
    }
  }

  #emit(): void {
    const [line, cutOff] = [this.#line, this.#cutOff];
    [this.#line, this.#cutOff] = ["", 0];
    if (line !== "") this.#onLine(line, cutOff);
  }
}

/** Longest line taken from a program, in characters. */
const MAX_LINE = 4000;
/** Lines logged as they come, and lines kept of the end. */
const [HEAD, TAIL] = [1000, 200];
/** Lines an error may quote. */
const QUOTED = 5;

interface Line {
  text: string;
  cutOff: number;
}

/** The output of one program on its way into a run's log: the beginning, the end, and a mark where lines are missing. */
export class OutputLog {
  readonly #context: Pick<EngineContext, "log">;
  readonly #secrets: Secrets;
  readonly #name: string;
  readonly #quiet: boolean;
  /** As they came: most lines of an endless output are dropped again, and need no cleaning. */
  readonly #recent: Line[] = [];
  #count = 0;
  #size = 0;

  /** `quiet`: lines are kept for errors only. */
  constructor(context: Pick<EngineContext, "log">, secrets: Secrets, name: string, quiet = false) {
    [this.#context, this.#secrets, this.#name, this.#quiet] = [context, secrets, name, quiet];
  }

  /** For one stream of bytes; two must not share one, as each may be in the middle of a line. */
  splitter(): LineSplitter {
    return new LineSplitter(MAX_LINE, (line, cutOff) => this.add(line, cutOff));
  }

  /** Adds a line. */
  add(text: string, cutOff = 0): void {
    this.#count++;
    this.#size += text.length + cutOff;
    const line = { text, cutOff };
    this.#recent.push(line);
    if (this.#recent.length > TAIL) this.#recent.shift();
    if (!this.#quiet && this.#count <= HEAD) this.#log(line);
  }

  /** Logs the end of what was too much. */
  end(): void {
    const rest = this.#count - HEAD;
    if (this.#quiet || rest <= 0) return;
    const shown = this.#recent.slice(-rest);
    if (rest > shown.length) {
      const all = `${this.#count} lines, ${formatSize(this.#size)}`;
      this.#context.log("warning", `(${rest - shown.length} lines left out: ${this.#name} printed ${all})`);
    }
    for (const line of shown) this.#log(line);
  }

  /** The last lines, for an error. */
  get last(): string[] {
    return this.#recent.slice(-QUOTED).map((line) => this.#clean(line));
  }

  /** All recent lines: where a program's reason is looked for. */
  get text(): string {
    return this.#recent.map((line) => this.#clean(line)).join("\n");
  }

  #log(line: Line): void {
    this.#context.log("info", `${this.#name}: ${this.#clean(line)}`);
  }

  #clean({ text, cutOff }: Line): string {
    // Where a line was cut a secret may have been cut too, and what is left of it would not be recognized.
    const whole = cutOff === 0 ? text : text.slice(0, Math.max(0, text.length - this.#secrets.longest));
    const lost = cutOff + text.length - whole.length;
    return this.#secrets.clean(whole) + (lost === 0 ? "" : ` ... (${lost} more characters)`);
  }
}
