/**
 * The running checks: each asks one question within a time limit and answers with a sentence.
 *
 * What cannot be asked (name does not resolve, no systemd here) is not running, with the reason: a backup that
 * is only wanted while the server runs must not start on a guess.
 */
import { basename } from "node:path";
import { messageOf } from "../lib/errors.ts";
import type { RunningCheck, RunningState } from "./model.ts";
import { connectTo, statusOf } from "./probe.ts";

/** What a check needs besides itself. */
export interface CheckContext {
  /** Host of the server, for checks that name none. */
  host: string;
  allow_commands: boolean;
  timeout_seconds: number;
  signal: AbortSignal;
}

/** Asks whether a server is running. Rejects only when the caller's signal aborts. */
export async function runCheck(check: RunningCheck, context: CheckContext): Promise<RunningState> {
  const timeout = AbortSignal.timeout(context.timeout_seconds * 1000);
  const signal = AbortSignal.any([context.signal, timeout]);
  try {
    return await untilAborted(ask(check, context, signal), signal);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (timeout.aborted) return no(`No answer within ${context.timeout_seconds} s`);
    return no(messageOf(error));
  }
}

function ask(check: RunningCheck, context: CheckContext, signal: AbortSignal): Promise<RunningState> {
  switch (check.kind) {
    case "none":
      return Promise.resolve(yes("No running check is set, so the server counts as running"));
    case "tcp":
      return tcp(check.host ?? context.host, check.port, signal);
    case "http":
      return http(new URL(check.url), check.expect_status, signal);
    case "process":
      return processRuns(check.name, signal);
    case "systemd":
      return systemd(check.unit, signal);
    case "command":
      return command(check.command, context, signal);
  }
}

async function tcp(host: string, port: number, signal: AbortSignal): Promise<RunningState> {
  using _connection = await connectTo(host, port, signal);
  return yes(`Port ${port} of ${host} accepts connections`);
}

async function http(url: URL, expected: number | undefined, signal: AbortSignal): Promise<RunningState> {
  const status = await statusOf(url, signal);
  const good = expected === undefined ? status < 400 : status === expected;
  const wanted = expected === undefined ? "a status below 400" : `status ${expected}`;
  return good ? yes(`${url} answers ${status}`) : no(`${url} answers ${status} instead of ${wanted}`);
}

/** The kernel keeps 15 bytes of a name; a longer one is compared with the program that was started. */
const COMM_BYTES = 15;

async function processRuns(name: string, signal: AbortSignal): Promise<RunningState> {
  if (Deno.build.os !== "linux") return no("Processes can be checked on Linux only");
  const isLong = new TextEncoder().encode(name).length > COMM_BYTES;
  // Not read in this process: Deno opens nothing below /proc for a program that was not granted everything.
  const { text } = await output(["sh", "-c", "cat /proc/[0-9]*/stat"], signal);
  // pid (name) state ...: the name may hold parentheses itself.
  for (const [, pid, comm = "", state] of text.matchAll(/^(\d+) \((.*)\) (\S) /gm)) {
    if (state === "Z" || state === "X") continue;
    const isCut = isLong && name.startsWith(comm.replace(/\uFFFD+$/, ""));
    if (comm === name || (isCut && await programOf(pid!, signal) === name)) {
      return yes(`Process "${name}" runs with pid ${pid}`);
    }
  }
  return no(`No process "${name}" runs on this host`);
}

async function programOf(pid: string, signal: AbortSignal): Promise<string> {
  const { text } = await output(["cat", `/proc/${pid}/cmdline`], signal);
  return basename(text.split("\0")[0] ?? "");
}

async function systemd(unit: string, signal: AbortSignal): Promise<RunningState> {
  const { code, text } = await output(["systemctl", "is-active", "--", unit], signal);
  return code === 0 ? yes(`Unit "${unit}" is active`) : no(`Unit "${unit}" is ${text || "not active"}`);
}

async function command(
  words: readonly string[],
  context: CheckContext,
  signal: AbortSignal,
): Promise<RunningState> {
  // Asked again at every check: the setting may have been withdrawn since the check was stored.
  if (!context.allow_commands) return no("Commands are not allowed: backups.allow_commands is false");
  const { code } = await output(words, signal);
  return code === 0
    ? yes(`Command "${words[0]}" ended with 0`)
    : no(`Command "${words[0]}" ended with ${code}`);
}

async function output(
  words: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number; text: string }> {
  const [program = "", ...args] = words;
  try {
    const { code, stdout } = await new Deno.Command(program, {
      args,
      signal,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    return { code, text: new TextDecoder().decode(stdout).trim() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`Program "${program}" is not installed`);
    throw error;
  }
}

/** The answer, or the signal's reason: not every call underneath listens to a signal. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function yes(detail: string): RunningState {
  return { running: true, detail };
}

function no(detail: string): RunningState {
  return { running: false, detail };
}
