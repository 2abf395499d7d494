/**
 * Running a program to its end, whatever that is.
 *
 * Each program leads a process group (and session) of its own, so that a cancel reaches what it started too: the group
 * is asked to end, and killed when the program or what holds its output is still there after a time. Where there are no
 * process groups (Windows) only the program itself is ended.
 */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { EngineContext } from "../../engine.ts";
import { capped } from "./caps.ts";
import { environment } from "./find.ts";
import { LineSplitter, OutputLog } from "./lines.ts";
import type { Secrets } from "./secrets.ts";

/** How long a program may take to end after it was asked to, in milliseconds. Less than runs wait for their engine. */
export const GRACE_MS = 10_000;
/** How long output may stay open after its program has ended: something it started still has it. */
const LINGER_MS = 2000;
/** Longest line of structured output, in characters. */
const MAX_RECORD = 4 << 20;

/** A program to run. Secrets go into `env` or `stdin`, never into `args`: those can be read by everybody on the host. */
export interface Run {
  /** Word for it in messages. */
  name: string;
  program: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  stdin?: AsyncIterable<Uint8Array>;
  /** Takes standard output in pieces; what it throws ends the program. Default: lines for the log. */
  onOutput?: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void;
  /** Takes standard output line by line, lines over 4 Mi characters cut. */
  onLine?: (line: string) => void;
  /** Takes the lines of standard error instead of the log; true when a line is dealt with. */
  onErrorLine?: (line: string) => boolean;
  /** Keeps the lines of standard error out of the log; errors quote them all the same. */
  quiet?: boolean;
  /** Longest time it may run, in milliseconds. */
  timeoutMs?: number;
  graceMs?: number;
  /** How it is asked to end; default SIGTERM. */
  politely?: Deno.Signal;
}

/** How a program ended. */
export interface Ended {
  /** Exit code; 128 and more when a signal ended it. */
  code: number;
  /** Its last lines on standard error, without secrets. */
  last: string[];
  /** More of them, to look for reasons in. */
  text: string;
}

/** What a program works in. */
export interface RunContext {
  context: Pick<EngineContext, "signal" | "log" | "caps">;
  secrets: Secrets;
}

/**
 * Runs a program. Resolves with any exit code. Errors: `invalid` when it cannot be started, `unavailable` after its time
 * limit, what the handlers threw, and the reason of the signal when that aborts; never before the program has ended.
 */
export async function runTool(run: Run, { context, secrets }: RunContext): Promise<Ended> {
  context.signal.throwIfAborted();
  const { program, args, missing } = await capped(run, context.caps);
  for (const problem of missing) context.log("warning", `${run.name}: ${problem}`);
  context.signal.throwIfAborted();
  const child = start({ ...run, program, args });
  const stop = new Stop(child, run.politely ?? "SIGTERM", run.graceMs ?? GRACE_MS);
  const limit = run.timeoutMs === undefined
    ? undefined
    : setTimeout(() => stop.now(timedOut(run)), run.timeoutMs);
  const onAbort = () => stop.now(context.signal.reason);
  context.signal.addEventListener("abort", onAbort, { once: true });
  const log = new OutputLog(context, secrets, run.name, run.quiet);
  const work = Promise.all([
    feed(child, run.stdin).catch((error) => stop.now(error)),
    drain(child.stdout, outputOf(run, log), stop, run.name),
    drain(child.stderr, errorsOf(run, log), stop, run.name),
  ]);
  try {
    const { code } = await child.status;
    await stop.closed(work);
    log.end();
    if (stop.reason !== undefined) throw stop.reason.cause;
    return { code, last: log.last, text: log.text };
  } finally {
    clearTimeout(limit);
    stop.over();
    context.signal.removeEventListener("abort", onAbort);
  }
}

function start({ name, program, args, env, cwd, stdin }: Run): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      env: environment(env),
      clearEnv: true,
      ...(cwd === undefined ? {} : { cwd }),
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      detached: Deno.build.os !== "windows",
    }).spawn();
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    throw new HoldfastError(
      "invalid",
      `Cannot run ${name}: ${gone ? `"${program}" does not exist` : messageOf(error)}`,
      {
        code: "tool_missing",
        cause: error,
      },
    );
  }
}

function timedOut({ name, timeoutMs = 0 }: Run): HoldfastError {
  const limit = formatDuration(timeoutMs / 1000);
  return new HoldfastError("unavailable", `Cannot wait for ${name}: it did not end within ${limit}`, {
    code: "timeout",
  });
}

/** Ending a program and what it started. */
class Stop {
  /** Why it is ended; the first reason counts. */
  reason: { cause: unknown } | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #politely: Deno.Signal;
  readonly #graceMs: number;
  readonly #giveUp: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is still to be tried when the output stays open; undefined while the program itself runs. */
  #steps: (() => void)[] | undefined;
  #busy = 0;

  constructor(child: Deno.ChildProcess, politely: Deno.Signal, graceMs: number) {
    [this.#child, this.#politely, this.#graceMs] = [child, politely, graceMs];
  }

  now(cause: unknown): void {
    if (this.reason !== undefined) return;
    this.reason = { cause };
    this.#signal(this.#politely);
    // Once the program has ended its output is what is waited for.
    if (this.#steps === undefined) this.#timer = setTimeout(() => this.#signal("SIGKILL"), this.#graceMs);
  }

  /** Waits for the output of a program that has ended. What keeps it open without writing to it is ended. */
  async closed(work: Promise<unknown>): Promise<void> {
    clearTimeout(this.#timer);
    this.#steps = [
      () => this.#signal(this.#politely),
      () => this.#signal("SIGKILL"),
      () => this.#giveUp.forEach((close) => close()),
    ];
    this.#wait();
    await work;
    // What has given up its output and ignored the request gets no further time.
    if (this.reason !== undefined) this.#signal("SIGKILL");
  }

  /** Called when a stream is not waited for any longer. */
  onGivenUp(close: () => void): void {
    this.#giveUp.push(close);
  }

  /** Time counts only while nothing comes: a slow disk on our side is no fault of the program. */
  async whileBusy(work: () => Promise<void> | void): Promise<void> {
    this.#busy++;
    try {
      await work();
    } finally {
      this.#busy--;
      if (this.#steps !== undefined) this.#wait();
    }
  }

  over(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#busy === 0) this.#steps?.shift()?.();
      this.#wait();
    }, Math.min(LINGER_MS, this.#graceMs));
  }

  #signal(signal: Deno.Signal): void {
    try {
      if (Deno.build.os === "windows") this.#child.kill(signal);
      else Deno.kill(-this.#child.pid, signal);
    } catch {
      // Nobody is left.
    }
  }
}

async function feed(child: Deno.ChildProcess, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (input === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    for await (const bytes of input) await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A program that ended early says why itself.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

interface Taker {
  take(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void;
  end?(): void;
  /** A stream that must not end before its end. */
  whole?: boolean;
}

/** Reads a stream to its end, or until that is given up. What the taker throws ends the program. */
async function drain(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  taker: Taker,
  stop: Stop,
  name: string,
): Promise<void> {
  const reader = stream.getReader();
  stop.onGivenUp(() => {
    if (taker.whole) stop.now(heldOpen(name));
    reader.cancel().catch(() => {});
  });
  let failed = false;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    // Read on after a failure, or the program would hang in its next write instead of ending.
    if (failed) continue;
    const { value } = read;
    try {
      await stop.whileBusy(() => taker.take(value));
    } catch (error) {
      failed = true;
      stop.now(error);
    }
  }
  taker.end?.();
}

function heldOpen(name: string): HoldfastError {
  return new HoldfastError(
    "unavailable",
    `Cannot take the output of ${name}: something it started still holds it open`,
    { code: "output_open", hint: "let it wait for what it starts, or give that another output" },
  );
}

function outputOf({ onOutput, onLine }: Run, log: OutputLog): Taker {
  if (onOutput !== undefined) return { take: onOutput, whole: true };
  return linesTo(
    onLine === undefined ? log.splitter() : new LineSplitter(MAX_RECORD, (line) => onLine(line)),
  );
}

function errorsOf({ onErrorLine }: Run, log: OutputLog): Taker {
  if (onErrorLine === undefined) return linesTo(log.splitter());
  return linesTo(
    new LineSplitter(MAX_RECORD, (line, cutOff) => {
      if (!onErrorLine(line)) log.add(line, cutOff);
    }),
  );
}

function linesTo(splitter: LineSplitter): Taker {
  return { take: (bytes) => splitter.push(bytes), end: () => splitter.end() };
}
