/** `holdfast service unit|install|uninstall`: the daemon as a systemd service. */
import type { Command } from "commander";
import type { Session } from "../session.ts";
import type { LocalCommand, Start } from "./command.ts";
import { UNIT_DIRECTORY } from "./service/names.ts";
import type { InstallFlags, UnitFlags } from "./service/verbs.ts";

const EXAMPLES = `
Settings given as flags (--api-listen 0.0.0.0:8420) become part of the unit.

The unit runs as the user holdfast, sees the host read-only, and has no
capability but what these flags need:
  --source DIR      reads files of every owner there (CAP_DAC_READ_SEARCH)
  --write DIR       may write there, if the user may: a new directory is made
                    for it
  --restore-owners  gives restored files their owners and modes (CAP_CHOWN,
                    CAP_FOWNER, CAP_FSETID, CAP_DAC_OVERRIDE), which makes the
                    daemon nearly as strong as root in what it may write

Examples:
  $ holdfast service unit --source /srv/data --write /srv/backups
  # holdfast service install --source /srv/data --write /srv/backups --now
  # holdfast service install --source /home --write /mnt/nas --restore-owners \\
      --dry-run
  # holdfast doctor                 # names every schedule the unit cannot reach`;

export const serviceCommand: LocalCommand = {
  word: "service",
  add(program, start) {
    const service = program.command("service").description("Run the daemon as a hardened systemd service");
    withUnitFlags(service.command("unit"))
      .description("Print the systemd unit that install would write")
      .action((flags: UnitFlags) =>
        begin(start, async (session, { printUnit }) => await printUnit(session, flags))
      );
    withUnitFlags(service.command("install"))
      .description("Create the user, write the unit and enable it; run it again to change what it may reach")
      .option("--now", "Start it too, or restart it when something changed")
      .option("--dry-run", "Print what would be done, and change nothing")
      .option("--unit-dir <dir>", "Directory of the unit", UNIT_DIRECTORY)
      .action((flags: InstallFlags) =>
        begin(start, async (session, { install }) => await install(session, flags))
      );
    service.command("uninstall")
      .description("Stop, disable and remove the unit; data, configuration and user stay")
      .option("--dry-run", "Print what would be done, and change nothing")
      .option("--unit-dir <dir>", "Directory of the unit", UNIT_DIRECTORY)
      .addHelpText("after", "\nExamples:\n  # holdfast service uninstall")
      .action((flags: Pick<InstallFlags, "unitDir" | "dryRun">) =>
        begin(start, async (session, { uninstall }) => await uninstall(session, flags))
      );
  },
};

type Verbs = typeof import("./service/verbs.ts");

function begin(start: Start, work: (session: Session, verbs: Verbs) => Promise<number>): Promise<void> {
  return start(async (session) => await work(session, await import("./service/verbs.ts")));
}

function withUnitFlags(command: Command): Command {
  return command
    .option("--source <dir>", "Directory or file that is backed up (may be repeated)", collect)
    .option("--write <dir>", "Directory for backups or restored files (may be repeated)", collect)
    .option("--restore-owners", "Let restores give files their owners and modes")
    .option("--user <name>", "System user the daemon runs as; made when missing", "holdfast")
    .option("--binary <file>", "The program, when it is not this one")
    .option(
      "--credential <setting=file>",
      "Secret that systemd hands over from a file (may be repeated)",
      collect,
    )
    .addHelpText("after", EXAMPLES);
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
