/** `holdfast shell`, and the shells of single slices, such as `holdfast veeam shell`. */
import type { Command } from "commander";
import type { LocalCommand, RunLine, Start } from "./command.ts";

const ABOUT = `
Tab completes commands, flags and the names of things. The arrow keys bring back earlier lines,
which are kept for the next shell, but never lines with a password or key. Long tables stop
after each screen. Ctrl-C ends the command that runs, Ctrl-D or "exit" the shell. Flags before
the word "shell" hold for every command inside. Without a terminal, lines are read from standard
input; the last command's exit code is the shell's.`;

export const shellCommand: LocalCommand = {
  word: "shell",
  add(program, start, run) {
    addShell(
      program,
      program,
      [],
      "Type commands one after another, with completion and history",
      start,
      run,
    );
  },
};

/** Adds a shell to a slice's own commands; nothing where the slice has none. */
function sliceShell(word: string): LocalCommand {
  let added: { start: Start; run: RunLine } | undefined;
  return {
    word,
    add: (_program, start, run) => void (added = { start, run }),
    extend(program) {
      const group = program.commands.find((command) => command.name() === word);
      if (group === undefined || added === undefined) return;
      const about = `Type ${word} commands one after another, with completion and history`;
      addShell(program, group, [word], about, added.start, added.run);
    },
  };
}

/** `holdfast veeam shell`. */
export const veeamShellCommand: LocalCommand = sliceShell("veeam");

function addShell(
  program: Command,
  parent: Command,
  root: readonly string[],
  about: string,
  start: Start,
  run: RunLine,
): void {
  const words = [...root, "shell"].join(" ");
  parent.command("shell").summary(about).description(`${about}.`)
    .addHelpText(
      "after",
      `${ABOUT}\n\nExamples:\n  $ holdfast ${words}\n  $ echo "${
        root.length === 0 ? "schedules list" : "jobs list"
      }" | holdfast ${words}`,
    )
    .action(() =>
      start(async (session) => {
        const { runShell } = await import("../shell/shell.ts");
        return await runShell({ root, program, session, run });
      })
    );
}
