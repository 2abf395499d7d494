/** `holdfast db migrate|restore`: what can only be done while no daemon runs. `db status|backup` are operations. */
import { resolve } from "node:path";
import type { migrateDataDir } from "../../data_dir.ts";
import { EXIT_INTERRUPTED } from "../../lib/errors.ts";
import { groupOf } from "../args.ts";
import { confirmed } from "../ask.ts";
import { render } from "../render.ts";
import type { LocalCommand } from "./command.ts";

/** `db migrate` and `db restore`, which take the data directory's lock themselves. */
export const dbCommand: LocalCommand = {
  word: "db",
  add(program, start) {
    // The operations of the store have made and described the group already.
    const db = groupOf(program, "db", {});
    db.command("migrate")
      .description("Bring the database to this release's schema; a copy is taken first")
      .addHelpText(
        "after",
        "\nThe daemon does this at start; use it to see the result before.\n\nExamples:\n  $ holdfast db migrate",
      )
      .action(() =>
        start(async (session) => {
          const { config } = await session.loaded();
          const { migrateDataDir: migrate } = await import("../../data_dir.ts");
          const result = await migrate(config.data_dir);
          await render(result, { text: () => migratedText(result) }, session.options.view, session.terminal);
          return 0;
        })
      );
    db.command("restore <file>")
      .description("Put a copy in the place of the database; the present one is kept beside it")
      .option("-y, --yes", "Do not ask for confirmation")
      .addHelpText(
        "after",
        `
The copy is checked before anything is touched, and is brought to this release's schema.
The daemon must not run.

Examples:
  $ holdfast db status                       # lists the copies
  $ holdfast db restore /var/lib/holdfast/copies/holdfast-2026-01-02T03-04-05-000Z.db`,
      )
      .action((file: string, options: { yes?: boolean }) =>
        start(async (session) => {
          const { config } = await session.loaded();
          const { restoreDataDir } = await import("../../data_dir.ts");
          if (
            options.yes !== true &&
            !confirmed(`Replace the database in "${config.data_dir}" by "${file}"?`, session.terminal)
          ) {
            return EXIT_INTERRUPTED;
          }
          const result = await restoreDataDir(config.data_dir, resolve(file));
          await render(
            result,
            { text: () => restoredText(file, result.kept) },
            session.options.view,
            session.terminal,
          );
          return 0;
        })
      );
  },
};

function migratedText({ applied, copy }: Awaited<ReturnType<typeof migrateDataDir>>): string {
  if (applied.length === 0) return "The database is at this release's schema already.";
  return `Applied ${applied.join(", ")}.${copy === null ? "" : `\nThe database before is in ${copy}`}`;
}

function restoredText(file: string, kept: string | null): string {
  return `Restored ${file}.${kept === null ? "" : `\nThe database before is in ${kept}`}`;
}
