/** `holdfast db migrate|restore`: what can only be done while no daemon runs. `db status|backup` are operations. */
import { resolve } from "node:path";
import { EXIT_INTERRUPTED } from "../../lib/errors.ts";
import { groupOf } from "../args.ts";
import { confirmed } from "../ask.ts";
import type { LocalCommand } from "./command.ts";

export const dbCommand: LocalCommand = {
  word: "db",
  add(program, start) {
    const db = groupOf(program, "db", { db: "Holdfast's own database: status, backup, migrate, restore" });
    db.command("migrate")
      .description("Bring the database to this release's schema; a copy is taken first")
      .addHelpText(
        "after",
        "\nThe daemon does this at start; use it to see the result before.\n\nExamples:\n  $ holdfast db migrate",
      )
      .action(() =>
        start(async (session) => {
          const { config } = await session.loaded();
          const { migrateDataDir } = await import("../../data_dir.ts");
          const result = await migrateDataDir(config.data_dir);
          if (session.options.view.output === "json") {
            session.terminal.print(JSON.stringify(result, null, 2));
          } else if (result.applied.length === 0) {
            session.terminal.print("The database is at this release's schema already.");
          } else {
            session.terminal.print(`Applied ${result.applied.join(", ")}.`);
            if (result.copy !== null) {
              session.terminal.print(`The database before is in ${result.copy}`);
            }
          }
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
            options.yes !== true && !confirmed(`Replace the database in "${config.data_dir}" by "${file}"?`)
          ) {
            return EXIT_INTERRUPTED;
          }
          const { kept } = await restoreDataDir(config.data_dir, resolve(file));
          session.terminal.print(`Restored ${file}.`);
          if (kept !== null) session.terminal.print(`The database before is in ${kept}`);
          return 0;
        })
      );
  },
};
