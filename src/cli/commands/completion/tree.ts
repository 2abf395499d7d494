/** The command tree as completion needs it: what can stand where, read from commander's own. */
import type { Argument, Command, Option } from "commander";

/** What a value can be. `names` asks the program for the names of things: schedules, servers. */
export type Value =
  | { kind: "words"; words: readonly string[] }
  | { kind: "names"; noun: string }
  | { kind: "directory" | "file" | "text" };

/** A word with a line about it. */
export interface Word {
  word: string;
  about: string;
}

/** One command, by its words: `schedules create`; the program itself is the empty text. */
export interface Place {
  path: string;
  commands: Word[];
  /** Flags that are offered here. */
  flags: Word[];
  /** What its flags take; a flag that is missing takes nothing. */
  values: ReadonlyMap<string, Value>;
  arguments: Value[];
  /** True when the last argument may be repeated. */
  repeats: boolean;
}

/** All places of a program, the program itself first. */
export function placesOf(program: Command): Place[] {
  return below(program, [], new Set(nounsOf(program, [])));
}

/** Groups with a list, as operations name them: `schedules`, `notify.channels`. */
function nounsOf(group: Command, words: readonly string[]): string[] {
  const inside = group.commands.flatMap((child) => nounsOf(child, [...words, child.name()]));
  return group.commands.some((command) => command.name() === "list") ? [words.join("."), ...inside] : inside;
}

/** Commands that are started with settings as flags; elsewhere only a few are worth offering. */
const SETTABLE = /^(|serve|demo|service (unit|install))$/;

function below(command: Command, words: string[], nouns: ReadonlySet<string>): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const path = words.join(" ");
  const own = help.visibleOptions(command);
  const global = globalsOf(command, SETTABLE.test(path));
  const place: Place = {
    path,
    commands: commands.map((child) => ({ word: child.name(), about: firstLine(child.description()) })),
    flags: [...own, ...global].flatMap((option) =>
      namesOf(option).map((word) => ({ word, about: firstLine(option.description) }))
    ),
    values: new Map(command.options.flatMap((option) => valuesOf(option, words, nouns))),
    arguments: command.registeredArguments.map((argument) =>
      valueOf(argument, argument.name(), words, nouns)
    ),
    repeats: command.registeredArguments.at(-1)?.variadic ?? false,
  };
  return [place, ...commands.flatMap((child) => below(child, [...words, child.name()], nouns))];
}

function globalsOf(command: Command, all: boolean): Option[] {
  let root = command;
  while (root.parent !== null) root = root.parent;
  if (root === command) return all ? root.options.filter((option) => option.hidden && !option.negate) : [];
  return root.options.filter((option) =>
    !option.negate && option.long !== "--version" && (all || !option.hidden)
  );
}

function namesOf(option: Option): string[] {
  return [option.short, option.long].filter((name) => name !== undefined);
}

function valuesOf(
  option: Option,
  words: readonly string[],
  nouns: ReadonlySet<string>,
): [string, Value][] {
  if (!option.required && !option.optional) return [];
  const shown = /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? "";
  const value = valueOf(option, shown, words, nouns, option.name());
  return namesOf(option).map((name) => [name, value]);
}

const DIRECTORY = /(^|[-_])(dir|directory|destination|directories|source|to)$/;
const FILE = /(^|[-_])(file|path|socket)s?$/;

function valueOf(
  from: Pick<Option | Argument, "argChoices">,
  shown: string,
  words: readonly string[],
  nouns: ReadonlySet<string>,
  name = shown,
): Value {
  if (from.argChoices !== undefined) return { kind: "words", words: from.argChoices };
  for (const word of [shown, name]) {
    if (DIRECTORY.test(word)) return { kind: "directory" };
    if (FILE.test(word)) return { kind: "file" };
    const noun = nounFor(word, words, nouns);
    if (noun !== undefined) return { kind: "names", noun };
  }
  return { kind: "text" };
}

/** The list a word means, the nearest first: inside `veeam jobs get`, a job is of `veeam.jobs`. */
function nounFor(word: string, words: readonly string[], nouns: ReadonlySet<string>): string | undefined {
  for (let depth = words.length; depth >= 0; depth--) {
    const group = words.slice(0, depth).join(".");
    const found = [word, `${word}s`].map((noun) => group === "" ? noun : `${group}.${noun}`)
      .find((noun) => nouns.has(noun));
    if (found !== undefined) return found;
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** A value as the scripts carry it: `words a b`, `names schedules`, `directory`, `file`, `text`. */
export function valueText(value: Value): string {
  switch (value.kind) {
    case "words":
      return `words ${value.words.join(" ")}`;
    case "names":
      return `names ${value.noun}`;
    default:
      return value.kind;
  }
}

/** Flags whose values decide which daemon or data directory is asked for names. */
export const CONTEXT_FLAGS = [
  "--data-dir",
  "--config",
  "--api-url",
  "--api-key-file",
  "--api-socket",
] as const;
