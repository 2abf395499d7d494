/** `holdfast config init|check|show`: the configuration of this host, looked at from outside. */
import { checkConfig, configRows, exampleYaml, initFile, writeExample } from "../../config/mod.ts";
import { ERROR_KINDS, HoldfastError } from "../../lib/errors.ts";
import { render } from "../render.ts";
import { configSources } from "../session.ts";
import type { LocalCommand } from "./command.ts";

const COLUMNS = [
  { key: "key", title: "SETTING" },
  { key: "value" },
  { key: "layer", title: "SET BY" },
  { key: "source", title: "WHERE" },
];

/** `config init`, `config check` and `config show`; none of them asks a daemon. */
export const configCommand: LocalCommand = {
  word: "config",
  add(program, start) {
    const config = program.command("config").description(
      "The configuration: where each value comes from, what is wrong",
    );
    config.command("init [file]")
      .description("Write a commented configuration file with every setting")
      .option("--force", "Replace a file that exists")
      .option("--stdout", "Print it instead of writing a file")
      .addHelpText("after", "\nExamples:\n  $ holdfast config init\n  $ holdfast config init ./config.yaml")
      .action((file: string | undefined, options: { force?: boolean; stdout?: boolean }) =>
        start(async ({ terminal, options: { view } }) => {
          if (options.stdout) {
            terminal.print(exampleYaml().trimEnd());
            return 0;
          }
          const path = file ?? initFile({ env: terminal.env });
          if (path === undefined) {
            throw new HoldfastError(
              "invalid",
              "Cannot choose a place for the file: there is no home directory",
              {
                hint: "name one: holdfast config init ./config.yaml",
              },
            );
          }
          // Root writes the host's file, which the daemon's group must read.
          writeExample(path, { force: options.force === true, group: Deno.uid() === 0 });
          await render({ path }, { text: () => `Wrote ${path}` }, view, terminal);
          return 0;
        })
      );
    config.command("check")
      .description("Tell everything that is wrong with the configuration; exit 2 if anything is")
      .addHelpText(
        "after",
        "\nExamples:\n  $ holdfast config check\n  $ holdfast config check --config ./config.yaml",
      )
      .action(() =>
        start(async ({ terminal, options }) => {
          const result = await checkConfig(configSources(options, terminal.env));
          if (options.view.output === "json") terminal.print(JSON.stringify(result, null, 2));
          else {
            for (const warning of result.warnings) terminal.note(`warning: ${warning}`);
            for (const { message } of result.problems) {
              terminal.note(`${terminal.colors.red("error:")} ${message}`);
            }
            if (result.problems.length === 0) {
              terminal.print(
                `The configuration is good (${
                  result.files.length === 0 ? "no file read" : result.files.join(", ")
                }).`,
              );
            }
          }
          return result.problems.length === 0 ? 0 : ERROR_KINDS.invalid.exit;
        })
      );
    config.command("show [setting]")
      .description("Print every setting, its value and the layer that set it; secrets as ***")
      .addHelpText(
        "after",
        "\nExamples:\n  $ holdfast config show\n  $ holdfast config show api.listen\n  $ holdfast config show --filter key~auth",
      )
      .action((setting: string | undefined) =>
        start(async (session) => {
          const rows = configRows(await session.loaded()).filter((row) =>
            setting === undefined || row.key === setting || row.key.startsWith(`${setting}.`)
          );
          if (rows.length === 0) {
            throw new HoldfastError("not_found", `Cannot show "${setting}": no such setting`, {
              hint: "see: holdfast config show",
            });
          }
          await render(rows, { columns: COLUMNS }, session.options.view, session.terminal);
          return 0;
        })
      );
  },
};
