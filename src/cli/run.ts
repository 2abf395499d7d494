/** The command line: arguments in, exit code out. */
import { Command, Option } from "commander";
import { operationsFor, SLICES } from "../catalogue.ts";
import { addressLeaves } from "../config/address.ts";
import { EXIT_INTERRUPTED, HoldfastError } from "../lib/errors.ts";
import { fieldsOf } from "../lib/fields.ts";
import { isWrite, type Operation, parseInput } from "../lib/operation.ts";
import { VERSION } from "../lib/version.ts";
import { addName, addOperation, commandWords, type Typed } from "./args.ts";
import type { LocalCommand, Start } from "./commands/command.ts";
import { COMMANDS, commandsFor } from "./commands/mod.ts";
import { exitCodeHelp, HELP_STYLE } from "./help.ts";
import { listPrinter, type Output, OUTPUTS, render } from "./render.ts";
import { Interrupted, inWords, report, wantsJson } from "./report.ts";
import { type GlobalOptions, Session } from "./session.ts";
import { allFlags, flagsOf, type SettingFlag } from "./setting_flags.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Runs one command line; never throws, never exits the process. */
export async function main(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort(new Interrupted());
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onInterrupt);
  try {
    return await runCommand(argv, terminal, interrupt.signal);
  } catch (error) {
    return report(error, terminal, wantsJson(argv));
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onInterrupt);
  }
}

async function runCommand(argv: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  let flags = flagsOf(addressLeaves());
  let words = leadingWords(argv, flags);
  if (words === undefined) {
    flags = await allFlags();
    words = leadingWords(argv, flags) ?? [];
  }
  const [word] = words;
  const all = word === undefined || ALL_WORDS.has(word) || !owned(word);
  const program = newProgram(terminal, wantsJson(argv));
  let exit = 0;
  const session = () => new Session(terminal, globalOptions(program, flags), signal);
  const groups = Object.assign({}, ...SLICES.map((slice) => slice.words)) as Record<string, string>;
  const commands = await commandsFor(all ? undefined : word);
  const operations = await operationsFor(word);
  const called = all ? undefined : calledBy(words, operations, argv);
  for (const op of operations) {
    if (called !== undefined && op !== called) {
      addName(program, op, groups);
      continue;
    }
    addOperation(program, op, groups, async (typed) => {
      const current = session();
      try {
        try {
          exit = await runOperation(typed, current, commands);
        } catch (error) {
          // As JSON it stays what the API says, word for word.
          throw wantsJson(argv) ? error : inWords(error, typed.words);
        }
        // Commands of their own decide what an interruption means: for the daemon it is how it ends.
        if (signal.aborted) throw signal.reason;
      } finally {
        await current.close();
      }
    }, terminal.env);
  }
  program.commandsGroup("Commands of this host:");
  for (const command of commands) {
    addLocal(program, command, async (run) => {
      const current = session();
      try {
        exit = await run(current);
      } finally {
        await current.close();
      }
    });
  }
  for (const command of program.commands) command.helpCommand(false);
  for (const command of commands) command.extend?.(program);
  // Most commands were given none of them, and reading what they all are takes longer than anything else.
  if (called === undefined || !knowsFlags(argv, [program, ...below(program)], flags)) {
    flags = await allFlags();
  }
  for (const flag of flags) addSetting(program, flag);
  await program.parseAsync([...argv], { from: "user" });
  return exit;
}

/** Words that need every command to be there. */
const ALL_WORDS: ReadonlySet<string> = new Set(["help", "completion", "shell"]);

function owned(word: string): boolean {
  return SLICES.some((slice) => Object.hasOwn(slice.words, word)) ||
    COMMANDS.some((command) => command.word === word);
}

/** Columns of help where there is no terminal. */
const HELP_WIDTH = 80;

/** With `json` commander's own complaints are left to `report()`. */
function newProgram(terminal: Terminal, json: boolean): Command {
  const program = new Command("holdfast")
    .description("Schedules, verifies, restores and proves backups, and looks after the network around them.")
    .option("--config <file>", "Configuration file, instead of ./config.yaml")
    .addOption(
      new Option("-o, --output <form>", "How answers are printed").choices([...OUTPUTS]).default("table"),
    )
    .option("--filter <test>", "List only rows with field=value or field~text (may be repeated)", collect)
    .option("--sort-by <field>", "Sort a list by a field; -field for falling order")
    .version(`holdfast ${VERSION}`, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Show help; each command has its own")
    .showHelpAfterError(json ? false : "(add --help for what is possible)")
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp(HELP_STYLE)
    .configureOutput({
      writeOut: (text) => (terminal.paged?.() ?? terminal).print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
      outputError: (text, write) => json ? undefined : write(text),
      getOutHelpWidth: () => terminal.columns || HELP_WIDTH,
      getErrHelpWidth: () => terminal.columns || HELP_WIDTH,
    });
  program.command("version", { hidden: true }).action(() =>
    json ? terminal.print(JSON.stringify({ version: VERSION })) : terminal.print(`holdfast ${VERSION}`)
  );
  program.helpCommand(false);
  program.command("help [topic...]", { hidden: true }).action((topic: string[]) => {
    if (topic[0] === "exit-codes") return terminal.print(exitCodeHelp());
    const target = topic.reduce<Command | undefined>(
      (command, name) => command?.commands.find((child) => child.name() === name),
      program,
    );
    if (target === undefined) {
      throw new HoldfastError("not_found", `Cannot find help for "${topic.join(" ")}"`, {
        hint: "see: holdfast --help",
      });
    }
    // What stands after the options, such as examples, comes with this call only.
    target.outputHelp();
  });
  program.addHelpText(
    "after",
    `
Examples:
  $ holdfast demo                         # see it work, in a temporary directory
  $ holdfast serve                        # run the daemon
  $ holdfast schedules list --output json
  $ holdfast backups verify ID && holdfast backups restore ID --to DIR

Every setting is also a flag (--api-listen) and a variable (HOLDFAST_API_LISTEN):
see config show. Commands one after another, with completion: holdfast shell
Exit codes: holdfast help exit-codes`,
  );
  return program;
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function addLocal(
  program: Command,
  command: LocalCommand,
  start: Start,
): void {
  command.add(program, start, main);
}

/**
 * The words up to the first flag of a command, without flags of every command and their values. Undefined when a flag
 * before the first word is none of these settings: the next word may be its value.
 */
function leadingWords(argv: readonly string[], flags: readonly SettingFlag[]): string[] | undefined {
  const valued = new Set(["--config", "-o", "--output", "--filter", "--sort-by"]);
  const switches = new Set<string>(["-h", "--help", "-V", "--version"]);
  for (const { flag, value } of flags) {
    if (value === null) switches.add(flag).add(off(flag));
    else valued.add(flag);
  }
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (!arg.startsWith("-")) words.push(arg);
    else if (valued.has(arg)) i++;
    else if (words.length > 0) break;
    else if (!switches.has(arg) && !valued.has(arg.split("=")[0]!)) return undefined;
  }
  return words;
}

/** The operation these words call, or undefined when others may be asked about. */
function calledBy(
  words: readonly string[],
  operations: readonly Operation[],
  argv: readonly string[],
): Operation | undefined {
  if (argv.includes("--help") || argv.includes("-h")) return undefined;
  const lengthOf = (op: Operation) => commandWords(op)?.length ?? 0;
  return operations.filter((op) => commandWords(op)?.every((word, i) => words[i] === word))
    .sort((a, b) => lengthOf(b) - lengthOf(a))[0];
}

/** True when each flag that was typed is one of these commands' or settings'. */
function knowsFlags(
  argv: readonly string[],
  commands: readonly Command[],
  flags: readonly SettingFlag[],
): boolean {
  const known = new Set(
    commands.flatMap(({ options }) => options.flatMap(({ long, short }) => [long, short])),
  );
  for (const { flag } of flags) known.add(flag).add(off(flag));
  return argv.every((arg) => !arg.startsWith("--") || known.has(arg.split("=")[0]));
}

function below(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...below(child)]);
}

function addSetting(program: Command, { flag, value, description }: SettingFlag): void {
  const option = new Option(value === null ? flag : `${flag} <${value}>`, description);
  program.addOption(option.hideHelp(flag !== "--data-dir"));
  if (value === null) program.addOption(new Option(off(flag)).hideHelp());
}

/** The flag that turns a switch off. */
function off(flag: string): string {
  return flag.replace("--", "--no-");
}

function globalOptions(program: Command, flags: readonly SettingFlag[]): GlobalOptions {
  const options: Record<string, unknown> = program.opts();
  const settings: Record<string, string> = {};
  for (const { key, flag } of flags) {
    const name = new Option(flag).attributeName();
    if (program.getOptionValueSource(name) === "cli") settings[key] = String(options[name]);
  }
  const filters = options.filter;
  return {
    settings,
    configFile: typeof options.config === "string" ? options.config : undefined,
    view: {
      output: OUTPUTS.find((form): form is Output => form === options.output) ?? "table",
      filters: Array.isArray(filters) ? filters.map(String) : [],
      sortBy: typeof options.sortBy === "string" ? options.sortBy : undefined,
    },
  };
}

async function runOperation(
  typed: Typed,
  session: Session,
  commands: readonly LocalCommand[],
): Promise<number> {
  for (const command of commands) {
    const taken = await command.intercept?.(typed, session);
    if (taken !== undefined) return taken;
  }
  const { op, input, options } = typed;
  const cli = op.cli ?? {};
  const { terminal } = session;
  if (cli.secret !== undefined) {
    const { askSecret } = await import("./ask.ts");
    const word = cli.secret.field;
    // Nobody should type a secret, twice at that, to learn that something else is missing.
    if (
      fieldsOf(op.input).some(({ name, required }) => required && name !== word && input[name] === undefined)
    ) {
      parseInput(op.input, { ...input, [word]: "x".repeat(64) }, op.name);
    }
    input[word] = await askSecret(
      word.replaceAll("_", "-"),
      cli.secret.prompt,
      options[`${camel(word)}Stdin`] === true,
    );
  }
  if (cli.confirm !== undefined && options.yes !== true) {
    const { confirmed } = await import("./ask.ts");
    if (!confirmed(cli.confirm, terminal)) return EXIT_INTERRUPTED;
  }
  const transport = await session.transport(op);
  if (transport.kind === "remote" && typed.relative.length > 0) {
    throw new HoldfastError(
      "invalid",
      `Cannot use ${typed.relative[0]}: its path is relative to a directory of this host`,
      {
        hint: "give the whole path as it is on the daemon's host",
      },
    );
  }
  if (op.stream) {
    const waits = transport.kind === "process" && !isWrite(op);
    if (waits) {
      terminal.note("note: no daemon runs, so nothing new will happen here; Ctrl-C ends the waiting");
    }
    return await followOperation(op, input, session);
  }
  const view = session.options.view;
  const list = op.parts ? listPrinter(cli, view, terminal) : undefined;
  const output = op.progress
    ? await callWatched(op, input, session)
    : await transport.call(op, input, session.signal, undefined, list?.add);
  if (list?.begun() === true) {
    list.end();
    return cli.exit?.(output) ?? 0;
  }
  if (cli.follow !== undefined && (options.wait === true || transport.kind === "process")) {
    return await followOperation(await find(op, cli.follow.operation), cli.follow.input(output), session);
  }
  // No answer is undefined over HTTP (204) and null in process.
  if (output !== undefined && output !== null) await render(output, cli, view, terminal, op.summary);
  else if (view.output === "table") terminal.print(cli.text?.(output, terminal.columns) ?? "Done");
  if (cli.watch !== undefined && options[camel(cli.watch.flag.slice(2))] === true) {
    const watched = Object.fromEntries(cli.watch.fields.map((field) => [field, input[field]]));
    return await followOperation(await find(op, cli.watch.operation), watched, session);
  }
  return cli.exit?.(output) ?? 0;
}

async function callWatched(
  op: Operation,
  input: Record<string, unknown>,
  session: Session,
): Promise<unknown> {
  const { progressFor } = await import("./follow.ts");
  const transport = await session.transport(op);
  const shown = progressFor(session);
  if (shown === undefined) return await transport.call(op, input, session.signal);
  try {
    return await transport.call(op, input, session.signal, (event) => shown.show(event));
  } finally {
    shown.clear();
  }
}

async function followOperation(
  op: Operation,
  input: Record<string, unknown>,
  session: Session,
): Promise<number> {
  const { exitOf, follow } = await import("./follow.ts");
  const transport = await session.transport(op);
  const { terminal, options, signal } = session;
  const result = await follow(
    transport.stream(op, input, signal),
    terminal,
    options.view.output,
    (event) => op.cli?.event?.(event) ?? null,
  );
  // A stream that was interrupted has no result.
  signal.throwIfAborted();
  const exit = exitOf(result);
  const { output } = options.view;
  if (output === "table" && op.cli?.text !== undefined) terminal.print(op.cli.text(result, terminal.columns));
  // Events were printed one by one as JSON; the other forms know no stream and tell its end.
  if (output !== "table" && output !== "json") {
    await render(result, {}, options.view, terminal, op.summary);
  }
  return op.cli?.exit?.(result) ?? exit;
}

async function find(near: Operation, name: string): Promise<Operation> {
  const operations = await operationsFor(near.name.split(".")[0]);
  const found = operations.find((op) => op.name === name);
  if (found === undefined) {
    throw new TypeError(`Operation "${near.name}" follows "${name}", which does not exist`);
  }
  return found;
}

function camel(word: string): string {
  return word.replaceAll(/[_-](\w)/g, (_, letter: string) => letter.toUpperCase());
}
