/** How a command that failed says so, and the exit code it ends with. */
import { CommanderError } from "commander";
import { ERROR_KINDS, EXIT_INTERRUPTED, HoldfastError, messageOf, toProblem } from "../lib/errors.ts";
import { oneLine } from "./cells.ts";
import type { Terminal } from "./terminal.ts";
import { inFlags, wordFor, type Words } from "./words.ts";

/** As programs end that write to a closed pipe: 128 and the number of SIGPIPE. */
const EXIT_BROKEN_PIPE = 141;

/** Why a command ended that the person interrupted. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** True when the arguments ask for JSON, known before they are parsed: a wrong flag is told as JSON too. */
export function wantsJson(argv: readonly string[]): boolean {
  return argv.includes("--output=json") ||
    argv.some((arg, i) => (arg === "--output" || arg === "-o") && argv[i + 1] === "json");
}

/** Prints an error for people, or as a problem document, and returns its exit code. */
export function report(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommanderError) return reportUsage(error, terminal, json);
  if (error instanceof Deno.errors.BrokenPipe) return EXIT_BROKEN_PIPE;
  if (error instanceof Interrupted) {
    terminal.note("Interrupted.");
    return EXIT_INTERRUPTED;
  }
  const known = error instanceof HoldfastError ? error : undefined;
  if (json) {
    const problem = toProblem(error, "local");
    terminal.note(JSON.stringify(known === undefined ? { ...problem, detail: messageOf(error) } : problem));
  } else if (known === undefined) tellDefect(error, terminal);
  else tell(known, terminal);
  return known?.exitCode ?? ERROR_KINDS.internal.exit;
}

/** commander has printed help, version or what is wrong already; what is wrong is left to this for JSON. */
function reportUsage(error: CommanderError, terminal: Terminal, json: boolean): number {
  if (error.exitCode === 0) return 0;
  if (json && error.code !== "commander.help") {
    const [reason = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
    const hint = rest.join(" ").replace(/^\((.*)\)$/, "$1");
    const problem = new HoldfastError("invalid", `Cannot run the command: ${reason}`, {
      code: "usage",
      hint: hint === "" ? "add --help for what is possible" : hint,
    });
    terminal.note(JSON.stringify(toProblem(problem, "local")));
  }
  return ERROR_KINDS.invalid.exit;
}

function tell(error: HoldfastError, terminal: Terminal): void {
  terminal.note(`${terminal.colors.red("error:")} ${lines(asTyped(error.message))}`);
  if (error.errors.length > 1 && !saysAll(error)) {
    for (const { path, message } of error.errors) {
      terminal.note(`  ${path === "" ? "" : `${path}: `}${oneLine(message)}`);
    }
  }
  if (error.hint !== undefined) terminal.note(`hint: ${lines(error.hint)}`);
}

/** True when the message lists every error already, as that of a configuration does. */
function saysAll({ code, message, errors }: HoldfastError): boolean {
  return code === "config" || message.endsWith(errors.map(({ message }) => message).join("; ")) ||
    message.endsWith(errors.map(({ path, message }) => `${path}: ${message}`).join("; "));
}

/** Messages name an operation with dots, as the API does; the person typed words. */
function asTyped(message: string): string {
  return message.replace(
    /^Cannot ([a-z][a-z-]*(?:\.[a-z-]+)+):/,
    (_, name: string) => `Cannot run "${name.replaceAll(".", " ")}":`,
  );
}

/** The same error, said with the flags a person types instead of the fields they stand for. */
export function inWords(error: unknown, words: Words): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const { kind, code, hint, cause } = error;
  let message = error.message;
  for (const { path } of error.errors) {
    if (path === "") continue;
    for (const before of [": ", "; "]) {
      message = message.replace(`${before}${path}: `, `${before}${wordFor(path, words)}: `);
    }
  }
  return new HoldfastError(kind, inFlags(message, words), {
    code,
    errors: error.errors.map(({ path, message }) => ({
      path: wordFor(path, words),
      message: inFlags(message, words),
    })),
    cause,
    ...(error.retryAfterSeconds === undefined ? {} : { retry_after_seconds: error.retryAfterSeconds }),
    ...(hint === undefined ? {} : { hint: inFlags(hint, words) }),
  });
}

function tellDefect(error: unknown, terminal: Terminal): void {
  terminal.note(`${terminal.colors.red("error:")} ${lines(messageOf(error))}`);
  if (terminal.env.HOLDFAST_DEBUG !== undefined && error instanceof Error) {
    terminal.note(error.stack ?? "");
  } else terminal.note("This is a defect of Holdfast. HOLDFAST_DEBUG=1 prints where it happened.");
}

/** Several lines stay several; whatever else could drive a terminal is escaped. */
function lines(text: string): string {
  return text.split("\n").map(oneLine).join("\n");
}
