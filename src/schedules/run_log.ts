/**
 * The lines of one run: published as they come, stored in batches, and bounded.
 *
 * The first half of the allowed lines and the latest half are kept; what is between is counted in one marking
 * line, so that neither the beginning nor the end of an endless log is lost, even when the process is killed.
 */
import { getLogger } from "@logtape/logtape";
import { type Clock, iso } from "../lib/clock.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import type { LineLevel } from "./model.ts";
import { insertLines, removeLines } from "./queries/lines.ts";
import type { RunLineRow, SchedulesTables } from "./queries/tables.ts";

/** Longest time a line waits to be stored, in milliseconds. */
const FLUSH_MS = 250;
/** Longest line, in characters. */
const MAX_LINE = 4000;

const logger = getLogger(["holdfast", "schedules"]);

/** What a run's log is made of. */
export interface RunLogOptions {
  database: Database;
  clock: Clock;
  runId: string;
  maxLines: number;
  publish(line: RunLineRow): void;
}

export class RunLog {
  readonly #options: RunLogOptions;
  /** Lines kept from the beginning, and the number the marking line has. */
  readonly #head: number;
  readonly #tail: number;
  readonly #stop = new AbortController();
  #count = 0;
  #warnings = 0;
  #pending: RunLineRow[] = [];
  #removedTo: number;
  #timer: Promise<void> | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#head = Math.ceil(options.maxLines / 2);
    this.#tail = options.maxLines - this.#head - 1;
    this.#removedTo = this.#head + 1;
  }

  /** Warnings so far, errors included. */
  get warnings(): number {
    return this.#warnings;
  }

  /** Adds a text; each of its lines becomes one. */
  add(level: LineLevel, text: string): void {
    if (level !== "info") this.#warnings++;
    for (const part of text.replace(/\r?\n$/, "").split(/\r?\n/)) this.#addLine(level, part);
  }

  #addLine(level: LineLevel, text: string): void {
    this.#count++;
    const line = {
      run_id: this.#options.runId,
      // One number is left free for the marking line.
      seq: this.#count <= this.#head ? this.#count : this.#count + 1,
      at: iso(this.#options.clock.now()),
      level,
      text: printable(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}… (cut)` : text),
    };
    this.#pending.push(line);
    // What was overtaken before it was stored need not be stored at all.
    if (this.#pending.length > 2 * this.#options.maxLines) {
      this.#pending = this.#pending.filter((l) => this.#isKept(l));
    }
    this.#options.publish(line);
    this.#timer ??= this.#later();
  }

  #isKept(line: RunLineRow): boolean {
    return line.seq <= this.#head || line.seq > this.#lastRemoved();
  }

  /** Number of the last line left out; the marking line's own when none is. */
  #lastRemoved(): number {
    return Math.max(this.#head + 1, this.#count + 1 - this.#tail);
  }

  async #later(): Promise<void> {
    try {
      await this.#options.clock.sleep(FLUSH_MS, this.#stop.signal);
    } catch {
      return;
    }
    this.#timer = undefined;
    await this.flush();
  }

  /** Stores what is waiting. Lines are not worth a run: a failure is logged and they wait for the next time. */
  flush(): Promise<void> {
    return this.#flushing = this.#flushing.then(() => this.#store());
  }

  async #store(): Promise<void> {
    const lines = this.#pending.filter((line) => this.#isKept(line));
    const [last, from] = [this.#lastRemoved(), this.#removedTo];
    this.#pending = [];
    if (lines.length === 0) return;
    if (last > this.#head + 1) lines.push(this.#mark(last - this.#head - 1));
    try {
      // With the lines of other runs: a commit of its own for each would be what a short run waits for most.
      await this.#options.database.grouped(async (tx) => {
        const db = tablesOf<SchedulesTables>(tx);
        await insertLines(db, lines);
        if (last > from) await removeLines(db, this.#options.runId, from + 1, last);
      });
      this.#removedTo = last;
    } catch (error) {
      this.#pending = [...lines.filter((line) => line.seq !== this.#head + 1), ...this.#pending];
      logger.warning("Cannot store log lines of run {run_id}: {error}", {
        run_id: this.#options.runId,
        error,
      });
    }
  }

  #mark(left_out: number): RunLineRow {
    const text = `(${left_out} lines left out: a run keeps ${this.#options.maxLines})`;
    return {
      run_id: this.#options.runId,
      seq: this.#head + 1,
      at: iso(this.#options.clock.now()),
      level: "warning",
      text,
    };
  }

  /** Stores the rest and ends the timer. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.flush();
  }
}

/** Control characters would let a file's name drive the reader's terminal. */
function printable(text: string): string {
  return text.replaceAll(
    /[^\P{Cc}\t]/gu,
    (char) => `\\x${char.codePointAt(0)!.toString(16).padStart(2, "0")}`,
  );
}
