/**
 * The interactive shell: the commands of the program without its name, one line after another.
 *
 * Each line is a command line of its own, with its own session, flags and interruption: Ctrl-C ends the command and
 * not the shell, and no command can end the process. Without a terminal, lines are read from standard input and run
 * one by one, and the last one's exit code is the shell's.
 */
import { join } from "node:path";
import type { Command } from "commander";
import { configLeaves, stateDir } from "../../config/mod.ts";
import { EXIT_INTERRUPTED } from "../../lib/errors.ts";
import type { RunLine } from "../commands/command.ts";
import { namesOf } from "../commands/completion/names.ts";
import { placesOf } from "../commands/completion/tree.ts";
import { report } from "../report.ts";
import { type GlobalOptions, Session } from "../session.ts";
import { processTerminal, type Terminal } from "../terminal.ts";
import { offersFor } from "./complete.ts";
import { Editor, sizeOf } from "./editor.ts";
import { addToHistory, isKeepable, readHistory } from "./history.ts";
import { askMore, paged } from "./pager.ts";
import { wordsOf } from "./words.ts";

/** What a shell is made of. */
export interface ShellOptions {
  /** Words before every line: `veeam` for `holdfast veeam shell`. */
  root: readonly string[];
  program: Command;
  session: Session;
  run: RunLine;
}

/** How long names are looked up for one Tab, and how long they are believed, in milliseconds. */
const NAMES_LIMIT_MS = 3_000;
const NAMES_FRESH_MS = 15_000;

/** Commands that make no sense inside. */
const OUTSIDE: ReadonlyMap<string, string> = new Map([
  ["shell", "this is a shell already"],
  ["serve", "run the daemon in a terminal of its own, or as a service"],
]);

/** Runs the shell to its end; returns its exit code. */
export async function runShell(options: ShellOptions): Promise<number> {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal()
    ? await interactive(options)
    : await fromInput(options);
}

async function fromInput(options: ShellOptions): Promise<number> {
  let exit = 0;
  for (const line of (await new Response(Deno.stdin.readable).text()).split("\n")) {
    const ran = await runLine(line, options, options.session.terminal);
    if (ran === "end") break;
    exit = ran ?? exit;
  }
  return exit;
}

async function interactive(options: ShellOptions): Promise<number> {
  const { root, session } = options;
  const directory = stateDir({ env: session.terminal.env });
  const file = directory === undefined ? undefined : join(directory, "history");
  const places = placesOf(options.program).map((place) => ({
    ...place,
    commands: place.commands.filter(({ word }) => !OUTSIDE.has(word)),
  }));
  const names = cachedNames(session.options);
  const editor = new Editor({
    history: readHistory(file),
    keep: isKeepable,
    complete: async (line) => {
      const { words, replaces } = await offersFor(line, places, root, names);
      return [words, replaces];
    },
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let terminated = false;
  const onTerminate = () => {
    terminated = true;
    end();
  };
  // Ctrl-C is for the line or for the command; only this one is for the shell.
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onTerminate);
  const name = root.at(-1) ?? "holdfast";
  session.terminal.note(`${name} shell: Tab completes, "help" lists the commands, Ctrl-D ends.`);
  try {
    let exit = 0;
    while (!terminated) {
      const line = await editor.line(exit === 0 ? `${name}> ` : `${name} (${exit})> `, ended);
      if (line === null) {
        session.terminal.note("");
        break;
      }
      addToHistory(file, line);
      const ran = await runLine(line, options, shellTerminal());
      if (ran === "end") break;
      exit = ran ?? exit;
    }
  } finally {
    editor.close();
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", onTerminate);
  }
  return terminated ? EXIT_INTERRUPTED : 0;
}

/** Runs a line and returns its exit code; nothing for a blank one, `end` when it asks for the end of the shell. */
async function runLine(
  line: string,
  options: ShellOptions,
  terminal: Terminal,
): Promise<number | "end" | undefined> {
  const { root, run, session } = options;
  try {
    let words = wordsOf(line);
    // Lines copied from elsewhere begin with a prompt, the program or the word of this shell.
    if (words[0] === "$") words = words.slice(1);
    for (const word of ["holdfast", ...root]) if (words[0] === word) words = words.slice(1);
    const [first] = words;
    if (first === undefined) return undefined;
    if (first === "exit" || first === "quit") return "end";
    const outside = OUTSIDE.get(first);
    if (outside !== undefined) {
      terminal.note(`${terminal.colors.red("error:")} Cannot run "${first}" here: ${outside}`);
      return 2;
    }
    const help = first === "help" || first === "?";
    const typed = help ? ["help", ...root, ...words.slice(1)] : [...root, ...words];
    return await run([...contextFlags(session.options), ...typed], terminal);
  } catch (error) {
    return report(error, terminal, false);
  }
}

/** What the shell itself was started with, for each of its commands. */
export function contextFlags({ settings, configFile, view }: GlobalOptions): string[] {
  const flags = new Map(configLeaves().map((leaf) => [leaf.path, leaf]));
  return [
    ...Object.entries(settings).flatMap(([key, value]) => {
      const leaf = flags.get(key);
      if (leaf === undefined) return [];
      if (leaf.type !== "boolean") return [leaf.flag, value];
      return [value === "false" ? leaf.flag.replace("--", "--no-") : leaf.flag];
    }),
    ...(configFile === undefined ? [] : ["--config", configFile]),
    ...(view.output === "table" ? [] : ["--output", view.output]),
  ];
}

/** The process's terminal as it is now, which shows long answers a screen at a time. */
function shellTerminal(): Terminal {
  const terminal = processTerminal();
  return { ...terminal, paged: () => paged(terminal, sizeOf().rows, askMore) };
}

/** Names for completion, looked up once in a while; what cannot be looked up is offered as nothing. */
function cachedNames(options: GlobalOptions): (noun: string) => Promise<readonly string[]> {
  const known = new Map<string, { at: number; names: Promise<readonly string[]> }>();
  return (noun) => {
    const before = known.get(noun);
    const now = performance.now();
    if (before !== undefined && now - before.at < NAMES_FRESH_MS) return before.names;
    const names = lookUp(noun, options);
    known.set(noun, { at: now, names });
    return names;
  };
}

async function lookUp(noun: string, options: GlobalOptions): Promise<readonly string[]> {
  const silent = { ...processTerminal(), print: () => {}, note: () => {}, status: () => {} };
  const limit = AbortSignal.timeout(NAMES_LIMIT_MS);
  const session = new Session(silent, options, limit);
  const late = new Promise<never>((_, reject) =>
    limit.addEventListener("abort", () => reject(limit.reason), { once: true })
  );
  try {
    return await Promise.race([namesOf(noun, session), late]);
  } catch {
    return [];
  } finally {
    await session.close().catch(() => {});
  }
}
