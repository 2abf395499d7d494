/** `holdfast doctor`: everything about this host that can keep a backup from happening. */
import { EXIT_BAD_ANSWER } from "../../lib/errors.ts";
import type { LocalCommand } from "./command.ts";

export const doctorCommand: LocalCommand = {
  word: "doctor",
  add(program, start) {
    program.command("doctor")
      .description(
        "Check this host: configuration, data, clock, disks, daemon, and what every schedule needs",
      )
      .addHelpText(
        "after",
        `
Looks and changes nothing; works without a daemon, without data and with a broken configuration.
Run it as root: then it sees what the service's user may and may not reach.

Exit codes: 0 nothing is bad, ${EXIT_BAD_ANSWER} something is

Examples:
  $ holdfast doctor
  $ holdfast doctor --output json --filter status=bad`,
      )
      .action(() =>
        start(async (session) => {
          const { examine } = await import("./doctor/examine.ts");
          const { printLines } = await import("./doctor/line.ts");
          const { filterRows, render } = await import("../render.ts");
          const lines = await examine(session);
          const { view } = session.options;
          const { terminal } = session;
          if (view.output !== "table" || view.sortBy !== undefined) {
            await render(lines, { columns: COLUMNS }, view, terminal);
          } else {
            const shown = new Set(filterRows(lines, view.filters));
            printLines(lines.filter((line) => shown.has(line)), terminal, terminal.columns || 80);
          }
          return lines.some((line) => line.status === "bad") ? EXIT_BAD_ANSWER : 0;
        })
      );
  },
};

const COLUMNS = [{ key: "check" }, { key: "status" }, { key: "detail" }, { key: "fix" }];
