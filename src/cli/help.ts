/** How help reads: flags with what there is to know about them, examples in lines that fit, the table of exit codes. */
import { type Help, Option } from "commander";
import { ERROR_KINDS, EXIT_BAD_ANSWER, EXIT_INTERRUPTED } from "../lib/errors.ts";

/** A flag that stands for an input field. */
export class Flag extends Option {
  /** What stands in brackets behind the description: required, a default. */
  readonly notes: string[] = [];
  /** True when `--no-FLAG` says the opposite. */
  negatable = false;
}

/** Help of every command. */
export const HELP_STYLE: Partial<Help> = {
  sortSubcommands: false,
  showGlobalOptions: false,
  optionTerm: (option) =>
    option instanceof Flag && option.negatable ? option.flags.replace("--", "--[no-]") : option.flags,
  optionDescription(option) {
    const notes = option instanceof Flag ? [...option.notes] : [];
    if (option.argChoices !== undefined) notes.unshift(`one of ${option.argChoices.join(", ")}`);
    const fallback: unknown = option.defaultValue;
    if (typeof fallback === "string") notes.push(`default ${fallback}`);
    return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
  },
};

const EXAMPLE_WIDTH = 96;

/** An example as a line of help; a long one is broken before its flags, or after its variables. */
export function exampleText(example: string): string {
  const lines: string[] = [];
  for (const part of example.split(/ (?=--|holdfast )/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + part.length < EXAMPLE_WIDTH) {
      lines[lines.length - 1] += ` ${part}`;
    } else lines.push(part);
  }
  return `  $ ${lines.join(" \\\n      ")}`;
}

/** The text of `holdfast help exit-codes`. */
export function exitCodeHelp(): string {
  const rows = Object.entries(ERROR_KINDS).map(([kind, { exit, title }]) =>
    `  ${String(exit).padStart(3)}  ${kind.padEnd(16)} ${title}`
  );
  return [
    "Exit codes:",
    `    0  success`,
    ...rows.sort(),
    `   ${EXIT_BAD_ANSWER}  bad answer       The command worked and the answer is bad: a failed run, a failed verify`,
    `  ${EXIT_INTERRUPTED}  interrupted      Ended by Ctrl-C, or by a no to a question`,
  ].join("\n");
}
