/** `holdfast completion bash|zsh|fish`: a script made from the commands there are. */
import type { Command } from "commander";
import type { LocalCommand } from "./command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = typeof SHELLS[number];

/** For every shell that starts from now on, or for one user, or for this shell alone. */
const LOADING: Record<Shell, readonly string[]> = {
  bash: ["holdfast completion bash > /etc/bash_completion.d/holdfast", "source <(holdfast completion bash)"],
  zsh: ['holdfast completion zsh > "${fpath[1]}/_holdfast"', "source <(holdfast completion zsh)"],
  fish: ["holdfast completion fish > ~/.config/fish/completions/holdfast.fish"],
};

export const completionCommand: LocalCommand = {
  word: "completion",
  add(program, start) {
    const completion = program.command("completion")
      .description("Print the completion script of a shell: bash, zsh or fish")
      .addHelpText("after", `\n${examples(...SHELLS.flatMap((shell) => LOADING[shell]))}`);
    for (const shell of SHELLS) {
      completion.command(shell)
        .description(`Print the completion script of ${shell}`)
        .addHelpText("after", `\n${examples(...LOADING[shell])}`)
        .action(() =>
          start(async ({ terminal }) => {
            terminal.print((await scriptOf(shell, program)).trimEnd());
            return 0;
          })
        );
    }
    completion.command("names <noun>", { hidden: true })
      .description("Print the names of things, for the scripts")
      .action((noun: string) =>
        start(async (session) => {
          const { namesOf } = await import("./completion/names.ts");
          for (const name of await namesOf(noun, session)) session.terminal.print(name);
          return 0;
        })
      );
  },
};

async function scriptOf(shell: Shell, program: Command): Promise<string> {
  const { placesOf } = await import("./completion/tree.ts");
  const places = placesOf(program);
  switch (shell) {
    case "bash":
      return (await import("./completion/bash.ts")).bashScript(places);
    case "zsh":
      return (await import("./completion/zsh.ts")).zshScript(places);
    case "fish":
      return (await import("./completion/fish.ts")).fishScript(places);
  }
}

function examples(...lines: readonly string[]): string {
  return ["Examples:", ...lines.map((line) => `  $ ${line}`)].join("\n");
}
