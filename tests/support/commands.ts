/** The commands of the program, as its own help knows them. */
import { Command } from "commander";
import { allOperations } from "../../src/catalogue.ts";
import { addOperation } from "../../src/cli/args.ts";
import { commandsFor } from "../../src/cli/commands/mod.ts";
import { main } from "../../src/cli/run.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** One command by its words; a group only holds others. */
export interface CommandPlace {
  words: readonly string[];
  isGroup: boolean;
}

/** Every command that help shows, groups before what they hold; the program itself has no words. */
export async function commandPlaces(): Promise<CommandPlace[]> {
  const program = new Command().helpCommand(false);
  for (const op of await allOperations()) addOperation(program, op, {}, () => Promise.resolve());
  const commands = await commandsFor(undefined);
  for (const command of commands) command.add(program, () => Promise.resolve(), () => Promise.resolve(0));
  for (const command of commands) command.extend?.(program);
  return below(program, []);
}

function below(command: Command, words: readonly string[]): CommandPlace[] {
  const children = command.createHelp().visibleCommands(command).filter((child) => child.name() !== "help");
  return [
    { words, isGroup: children.length > 0 },
    ...children.flatMap((child) => below(child, [...words, child.name()])),
  ];
}

/** What a command prints, and its exit code, in a terminal of so many columns (0: none). */
export async function printed(
  args: readonly string[],
  columns = 0,
): Promise<{ code: number; lines: string[]; notes: string[] }> {
  const { terminal, lines, notes } = paper(columns);
  return { code: await main(args, terminal), lines, notes };
}

/** A terminal that only remembers. */
export function paper(columns = 0): { terminal: Terminal; lines: string[]; notes: string[] } {
  const lines: string[] = [];
  const notes: string[] = [];
  const same = (text: string) => text;
  return {
    lines,
    notes,
    terminal: {
      print: (text) => void lines.push(...text.split("\n")),
      note: (text) => void notes.push(...text.split("\n")),
      status: () => {},
      columns,
      interactive: false,
      env: {},
      colors: { bold: same, red: same, dim: same },
    },
  };
}
