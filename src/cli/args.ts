/**
 * The command line projection: an operation becomes a command, its input fields become flags and arguments.
 *
 * What a command collects is the operation's raw input; the operation's own schema judges it, in `invoke()` or on
 * the other side of the wire.
 */
import { Argument, Command, Option } from "commander";
import { isAbsolute, resolve } from "node:path";
import { ERROR_KINDS, EXIT_BAD_ANSWER, HoldfastError } from "../lib/errors.ts";
import { formatDuration } from "../lib/duration.ts";
import { coerceText, type Field, fieldsOf } from "../lib/fields.ts";
import { exampleText, Flag } from "./help.ts";
import type { FlagSpec, Operation } from "../lib/operation.ts";
import { inFlags, type Words } from "./words.ts";

/** What the person typed for one operation. */
export interface Typed {
  op: Operation;
  input: Record<string, unknown>;
  /** Flags of the command line itself, beside the operation's input. */
  options: Record<string, unknown>;
  /** What the person types for a field, by its path: `max_backups` is `--max-backups`. */
  words: Words;
  /** Words of file names that were typed relative to the working directory. */
  relative: readonly string[];
}

/** Adds the command of an operation below `program`; `run` is called when it is the one typed. Some of its fields may come from `env`. */
export function addOperation(
  program: Command,
  op: Operation,
  groups: Readonly<Record<string, string>>,
  run: (typed: Typed) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): void {
  const command = addName(program, op, groups);
  if (command === undefined) return;
  const inputs = new Map<string, Bound>();
  const positional = addArguments(command, op);
  addFlags(command, op, new Set(positional.map((argument) => argument.field.name)), inputs);
  addCommon(command, op);
  const words = typedWords(command, positional, inputs);
  const description = op.description === undefined ? op.summary : `${op.summary}\n\n${op.description}`;
  command.description(inFlags(description, words));
  for (const part of [...command.options, ...command.registeredArguments]) {
    part.description = inFlags(part.description, words);
  }
  command.addHelpText("after", () => helpAfter(op));
  command.action(async () => {
    const input: Record<string, unknown> = {};
    const options: Record<string, unknown> = command.opts();
    positional.forEach((argument, i) => {
      const value: unknown = command.processedArgs[i];
      // Of a repeated argument that was left out commander makes an empty list.
      const absent = value === undefined || (Array.isArray(value) && value.length === 0);
      if (!absent) setAt(input, argument.path, convert(argument, value));
    });
    for (const [name, bound] of inputs) {
      const value = options[name];
      const variable = bound.spec.env === undefined ? undefined : env[bound.spec.env];
      if (value !== undefined) setAt(input, bound.path, convert(bound, value));
      else if (variable !== undefined && variable !== "") setAt(input, bound.path, variable);
    }
    const relative = [
      ...positional.map((bound, i): { bound: Bound; value: unknown } => ({
        bound,
        value: command.processedArgs[i],
      })),
      ...[...inputs].map(([name, bound]) => ({ bound, value: options[name] })),
    ].filter(({ bound, value }) => isRelative(bound, value)).map(({ bound: { path } }) =>
      words.get(path.join(".")) ?? path.join(".")
    );
    await run({ op, input, options, words, relative });
  });
}

/** Adds the bare command of an operation, beside which another is called: enough to tell words from words. */
export function addName(
  program: Command,
  op: Operation,
  groups: Readonly<Record<string, string>>,
): Command | undefined {
  const words = commandWords(op);
  if (words === null) return undefined;
  const parent = words.slice(0, -1).reduce((command, word) => groupOf(command, word, groups), program);
  return parent.command(words.at(-1)!).summary(op.summary);
}

function typedWords(
  command: Command,
  positional: readonly Bound[],
  inputs: ReadonlyMap<string, Bound>,
): Words {
  const flags = new Map(command.options.map((option) => [option.attributeName(), option.long]));
  const typed = new Map([...inputs].map(([name, { path }]) => [path.join("."), flags.get(name) ?? name]));
  positional.forEach(({ path }, i) => {
    const name = path.join(".");
    const argument = `<${command.registeredArguments[i]?.name() ?? name}>`;
    const flag = typed.get(name);
    typed.set(name, flag === undefined ? argument : `${argument} or ${flag}`);
  });
  return typed;
}

/** The words of an operation's command, or null when it has none. */
export function commandWords(op: Operation): string[] | null {
  const { command } = op.cli ?? {};
  if (command === null) return null;
  return (command ?? op.name.replaceAll(".", " ")).split(" ");
}

/** A command that only holds others, made when first needed. */
export function groupOf(parent: Command, word: string, groups: Readonly<Record<string, string>>): Command {
  const known = parent.commands.find((command) => command.name() === word);
  if (known !== undefined) return known;
  const group = parent.command(word).helpCommand(false);
  // The group of a group is described under both its words: `notify outbox`.
  const summary = groups[parent.parent === null ? word : `${parent.name()} ${word}`];
  if (summary !== undefined) group.description(summary);
  return group;
}

/** Where a flag's or an argument's value goes. */
interface Bound {
  path: string[];
  field: Field;
  spec: FlagSpec;
}

function convert(bound: Bound, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => convertOne(bound, String(item), bound.field.item ?? "string"));
  }
  if (typeof value !== "string") return value;
  const one = convertOne(
    bound,
    value,
    bound.field.type === "array" ? bound.field.item ?? "string" : bound.field.type,
  );
  return bound.field.type === "array" ? [one] : one;
}

function convertOne({ spec, path }: Bound, text: string, type: Field["type"]): unknown {
  if (spec.parse !== undefined) return spec.parse(text);
  if (type === "object" && /^\s*[{[]/.test(text) && !isJson(text)) {
    const flag = spec.flag?.split(" ")[0] ?? `--${path.join("-").replaceAll("_", "-")}`;
    throw new HoldfastError("invalid", `Cannot read ${flag}: it is no JSON`, {
      hint:
        `JSON has its words in double quotes, and the shell wants quotes around it all: '{"key": "value"}'`,
    });
  }
  return isPath(spec, text) ? resolve(text) : coerceText(type, text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** An empty path would become the current directory; the schema has a better answer to it. An address is no path. */
function isPath(spec: FlagSpec, text: string): boolean {
  return spec.path === true && text !== "" && !/^[a-z][a-z0-9+.-]*:\/\//.test(text);
}

function isRelative({ spec }: Bound, value: unknown): boolean {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  return texts.some((text) => typeof text === "string" && isPath(spec, text) && !isAbsolute(text));
}

function setAt(input: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  if (rest.length === 0) {
    const before = input[key];
    // `--engine-options '{...}'` and `--source` meet in one object.
    const bothObjects = isObject(before) && isObject(value);
    input[key] = bothObjects ? { ...before, ...value } : value;
    return;
  }
  const inner = input[key];
  // What was meant to be an object and is none stays, for the schema to refuse.
  if (inner !== undefined && !isObject(inner)) return;
  const next = { ...inner };
  input[key] = next;
  setAt(next, rest, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function addArguments(command: Command, op: Operation): Bound[] {
  const fields = new Map(fieldsOf(op.input).map((field) => [field.name, field]));
  return (op.cli?.args ?? []).map((text) => {
    const name = text.replace(/(\?|\.\.\.)$/, "");
    const field = fields.get(name);
    if (field === undefined) {
      throw new TypeError(`Operation "${op.name}" has no field "${name}" for its argument`);
    }
    const shown = (op.cli?.flags?.[name]?.flag ?? name.replace(/_id$/, "")).replaceAll("_", "-").replace(
      /^--(\S+).*$/,
      "$1",
    );
    const form = text.endsWith("...") ? `[${shown}...]` : text.endsWith("?") ? `[${shown}]` : `<${shown}>`;
    command.addArgument(new Argument(form, field.description ?? ""));
    return { path: [name], field, spec: op.cli?.flags?.[name] ?? {} };
  });
}

function addFlags(
  command: Command,
  op: Operation,
  taken: ReadonlySet<string>,
  inputs: Map<string, Bound>,
): void {
  const secret = op.cli?.secret?.field;
  for (const field of fieldsOf(op.input)) {
    const both = op.cli?.flags?.[field.name]?.both === true;
    if ((taken.has(field.name) && !both) || field.name === secret) continue;
    addFlag(command, [field.name], field, op.cli?.flags?.[field.name] ?? {}, inputs);
  }
  for (const [path, spec] of Object.entries(op.cli?.flags ?? {})) {
    if (path.includes(".")) addFlag(command, path.split("."), innerField(op, path, spec), spec, inputs);
  }
  if (secret !== undefined) {
    const word = secret.replaceAll("_", "-");
    command.addOption(new Option(`--${word}-stdin`, `Read the ${word} from standard input`));
  }
}

/** A field inside a field; where the schema leaves it open (engine options), the flag itself says what it is. */
function innerField(op: Operation, path: string, spec: FlagSpec): Field {
  const parts = path.split(".");
  let fields: readonly Field[] = fieldsOf(op.input);
  let found: Field | undefined;
  for (const part of parts) {
    found = fields.find((field) => field.name === part);
    fields = found?.fields ?? [];
  }
  if (found !== undefined) return found;
  const many = spec.flag?.endsWith("...") ?? false;
  return {
    name: parts.at(-1)!,
    type: many ? "array" : spec.flag?.includes("<") === false ? "boolean" : "string",
    item: many ? "string" : undefined,
    required: false,
    description: spec.description,
    choices: undefined,
    default: undefined,
    fields: [],
  };
}

function addFlag(
  command: Command,
  path: string[],
  field: Field,
  spec: FlagSpec,
  inputs: Map<string, Bound>,
): void {
  if (spec.hidden) return;
  const word = field.name.replaceAll("_", "-");
  const many = field.type === "array" || (spec.flag?.endsWith("...") ?? false);
  const isSwitch = field.type === "boolean" && !(spec.flag?.includes("<") ?? false);
  const long = (spec.flag ?? (isSwitch ? `--${word}` : `--${word} <${valueName(field)}>`)).replace(
    /\.\.\.$/,
    "",
  );
  const flags = spec.short === undefined ? long : `${spec.short}, ${long}`;
  const option = new Flag(flags, spec.description ?? field.description ?? "");
  if (field.required && path.length === 1) {
    option.notes.push(spec.both === true ? "instead of the argument" : "required");
  }
  if (spec.env !== undefined) option.notes.push(`or $${spec.env}`);
  if (many) {
    option.notes.push("may be repeated");
    option.argParser((value: string, before: unknown) => [...(Array.isArray(before) ? before : []), value]);
  }
  if (typeof field.default === "number" || typeof field.default === "string") {
    option.notes.push(`default ${defaultText(field)}`);
  }
  if (field.choices !== undefined && !many) option.choices([...field.choices]);
  command.addOption(option);
  inputs.set(option.attributeName(), { path, field, spec });
  if (isSwitch && field.default !== false) {
    // A switch that is on unless said otherwise, or that an update may turn either way.
    option.negatable = true;
    if (field.default === true) option.notes.push("default on");
    command.addOption(new Option(`--no-${long.replace(/^--/, "")}`).hideHelp());
    // commander turns the pair's default to true; absent must stay absent.
    command.setOptionValue(option.attributeName(), undefined);
  }
}

function defaultText({ name, default: value }: Field): string {
  return typeof value === "number" && name.endsWith("_seconds") ? formatDuration(value) : String(value);
}

function valueName(field: Field): string {
  if (field.name.endsWith("_seconds")) return "seconds";
  if (field.name.endsWith("_bytes")) return "bytes";
  return field.type === "number" ? "n" : field.type === "object" ? "json" : field.name.split("_").at(-1)!;
}

function addCommon(command: Command, op: Operation): void {
  if (op.cli?.confirm !== undefined) command.option("-y, --yes", "Do not ask for confirmation");
  if (op.cli?.watch !== undefined) {
    command.option(op.cli.watch.flag, "Go on watching, until Ctrl-C");
  }
  if (op.cli?.follow !== undefined) {
    command.option(
      "-w, --wait",
      `Wait for the end and show progress; ends with ${EXIT_BAD_ANSWER} when the run fails`,
    );
  }
}

function helpAfter(op: Operation): string {
  const parts: string[] = [];
  if (op.cli?.examples?.length) {
    parts.push(`\nExamples:\n${op.cli.examples.map(exampleText).join("\n")}`);
  }
  const needs = op.role === "public" ? "Needs no login." : `Over the network it needs role ${op.role}.`;
  parts.push(`\n${needs}\nExit codes: ${exitCodes(op)}.\nFlags of every command: holdfast --help`);
  return parts.join("\n");
}

function exitCodes(op: Operation): string {
  const bad = op.cli?.exit !== undefined || op.cli?.follow !== undefined
    ? `, ${EXIT_BAD_ANSWER} bad answer`
    : "";
  const { invalid, not_found } = ERROR_KINDS;
  return `0 done, ${invalid.exit} wrong input, ${not_found.exit} not found${bad}; all: holdfast help exit-codes`;
}
