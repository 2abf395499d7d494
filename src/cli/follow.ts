/**
 * Following a stream of events: log lines as lines, progress as a bar on a terminal and as a line now and then
 * elsewhere, and the last `result`, which decides the exit code.
 */
import { EXIT_BAD_ANSWER, HoldfastError } from "../lib/errors.ts";
import { formatDuration } from "../lib/duration.ts";
import { formatSize } from "../lib/size.ts";
import { at, oneLine } from "./cells.ts";
import type { Terminal } from "./terminal.ts";

/** Without a terminal: at most one progress line in this many milliseconds. */
const PLAIN_EVERY_MS = 5000;
const BAR_WIDTH = 24;

/**
 * Prints events until the stream ends; returns the last event of type `result`, or undefined. `tell` has a line for
 * events of other types, and for results where there are many of them.
 */
export async function follow(
  events: AsyncIterable<unknown>,
  terminal: Terminal,
  output: string,
  tell?: (event: unknown) => string | null,
): Promise<unknown> {
  let result: unknown;
  const shown = new ProgressLine(terminal, output !== "json");
  for await (const event of events) {
    if (output === "json" && typeOf(event) !== "progress") terminal.print(JSON.stringify(event));
    const told = output === "json" ? null : tell?.(event) ?? null;
    if (told !== null) terminal.print(oneLine(told));
    switch (typeOf(event)) {
      case "line":
        if (output !== "json") terminal.note(lineText(event, terminal));
        break;
      case "progress":
        shown.show(event);
        break;
      case "result":
        result = event;
        break;
    }
  }
  shown.clear();
  return result;
}

/** Shows how far work is: as a bar on a terminal, elsewhere as a line now and then, or not at all. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #plain: boolean;
  readonly #now: () => number;
  #phase: unknown;
  #began: number;
  #lastPlain: number;

  constructor(terminal: Terminal, plain = true, now: () => number = Date.now) {
    [this.#terminal, this.#plain, this.#now] = [terminal, plain, now];
    this.#began = this.#lastPlain = now();
  }

  show(event: unknown): void {
    const now = this.#now();
    // Each phase has a speed and an end of its own.
    if (at(event, "phase") !== this.#phase) [this.#phase, this.#began] = [at(event, "phase"), now];
    const text = progressText(event, now - this.#began);
    if (this.#terminal.interactive) this.#terminal.status(text);
    else if (this.#plain && now - this.#lastPlain > PLAIN_EVERY_MS) {
      this.#lastPlain = now;
      this.#terminal.note(text);
    }
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#terminal.interactive) this.#terminal.status("");
  }
}

/** What a command shows of work whose answer it prints; answers for programs come alone. */
export function progressFor(
  { terminal, options }: { terminal: Terminal; options: { view: { output: string } } },
): ProgressLine | undefined {
  return options.view.output === "table" ? new ProgressLine(terminal) : undefined;
}

function typeOf(event: unknown): string {
  return String(at(event, "type") ?? "");
}

function lineText(event: unknown, terminal: Terminal): string {
  const level = String(at(event, "level") ?? "info");
  const text = oneLine(String(at(event, "text") ?? ""));
  return level === "info" ? text : terminal.colors.red(`${level}: `) + text;
}

/**
 * `read  [######------]  52 %  1.2 GiB of 2.3 GiB  210 MiB/s  5s left`; work that moves no bytes tells its items:
 * `apply  [######------]  52 %  12 of 23  5s left`.
 */
export function progressText(event: unknown, elapsedMs: number): string {
  const number = (field: string) => Number(at(event, field) ?? 0);
  const [done, total, totalItems] = [number("done_bytes"), number("total_bytes"), number("total_items")];
  const phase = oneLine(String(at(event, "phase") ?? "")).padEnd(7);
  const items = at(event, "done_items");
  const speed = elapsedMs > 500 ? `  ${formatSize(done / elapsedMs * 1000)}/s` : "";
  if (total > 0) {
    const amount = `${formatSize(done)} of ${formatSize(total)}${speed}`;
    return `${phase} ${shareText(done / total, amount, elapsedMs)}`;
  }
  if (done === 0 && totalItems > 0) {
    const amount = `${number("done_items")} of ${totalItems}`;
    return `${phase} ${shareText(number("done_items") / totalItems, amount, elapsedMs)}`;
  }
  return `${phase} ${formatSize(done)}${items === undefined ? "" : `, ${items} items`}${speed}`;
}

/** A bar, a share and an amount, and how long the rest takes at this speed. */
function shareText(part: number, amount: string, elapsedMs: number): string {
  const share = Math.min(1, part);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`;
  const left = share > 0.02 && share < 1 && elapsedMs > 2000
    ? `  ${formatDuration(Math.round(elapsedMs * (1 - share) / share / 1000))} left`
    : "";
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${amount}${left}`;
}

/** The exit code a result asks for: its log's or its own status; one without is no success. Errors: `upstream` when there is no result. */
export function exitOf(result: unknown): number {
  if (result === undefined) {
    throw new HoldfastError("upstream", "Cannot tell the result: the stream ended early");
  }
  const status = at(result, "log.status") ?? at(result, "status");
  return status === "success" || status === "ok" ? 0 : EXIT_BAD_ANSWER;
}
