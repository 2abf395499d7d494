/**
 * Recovery without a database: `backups verify --file` and `backups restore --file` work on an artifact alone, on
 * a machine that has nothing but the file and this program.
 */
import { resolve } from "node:path";
import type { verifyArtifact } from "../../app.ts";
import { EXIT_BAD_ANSWER, HoldfastError } from "../../lib/errors.ts";
import type { Operation } from "../../lib/operation.ts";
import { progressFor, type ProgressLine } from "../follow.ts";
import { render } from "../render.ts";
import type { Session } from "../session.ts";
import type { LocalCommand } from "./command.ts";

const FILE = "Work on this file alone: no data directory, no daemon, no catalogue";

/** Gives `backups verify` and `backups restore` the flag `--file`, and takes them over when it is there. */
export const recoverCommand: LocalCommand = {
  word: "backups",
  add() {},
  extend(program) {
    const backups = program.commands.find((command) => command.name() === "backups");
    for (const name of ["verify", "restore"]) {
      backups?.commands.find((command) => command.name() === name)?.option("--file <path>", FILE);
    }
  },
  async intercept({ op, input, options }, session) {
    const file = options.file;
    if (op.name !== "backups.restore" && op.name !== "backups.verify") return undefined;
    if (typeof file !== "string") {
      if (input.backup !== undefined) return undefined;
      throw new HoldfastError(
        "invalid",
        `Cannot tell which backup is meant: name one, or a file with --file`,
        {
          hint: "see: holdfast backups list",
        },
      );
    }
    if (input.backup !== undefined) {
      throw new HoldfastError("invalid", "Cannot use both a backup and --file: give one of them");
    }
    return await recover(resolve(file), op, input, session);
  },
};

async function recover(
  file: string,
  op: Operation,
  input: Record<string, unknown>,
  session: Session,
): Promise<number> {
  const { restoreArtifact, verifyArtifact: verify } = await import("../../app.ts");
  const shown = progressFor(session);
  const context = contextFor(session, shown);
  const { view } = session.options;
  if (input.identity_secret !== undefined) {
    throw new HoldfastError(
      "invalid",
      "Cannot use --identity-secret with --file: secrets are in a data directory",
      {
        hint: "use --identity-file",
      },
    );
  }
  const identity = typeof input.identity === "string" ? input.identity : undefined;
  if (op.name === "backups.verify") {
    const verified = await verify(file, context, identity).finally(() => shown?.clear());
    await render(verified, op.cli ?? {}, view, session.terminal);
    return verified.ok ? 0 : EXIT_BAD_ANSWER;
  }
  if (typeof input.to !== "string") {
    throw new HoldfastError("invalid", "Cannot restore: say where to", { hint: "add --to DIR" });
  }
  const restored = await restoreArtifact({
    file,
    to: resolve(input.to),
    patterns: Array.isArray(input.patterns) ? input.patterns.map(String) : [],
    force: input.force === true,
    owners: input.owners === true,
    outside_links: input.outside_links === true,
    ...(identity === undefined ? {} : { identity }),
  }, context).finally(() => shown?.clear());
  await render(restored, op.cli ?? {}, view, session.terminal);
  return 0;
}

function contextFor(
  { terminal, signal }: Session,
  shown: ProgressLine | undefined,
): Parameters<typeof verifyArtifact>[1] {
  return {
    signal,
    now: () => Date.now(),
    log: (level, text) => level === "info" ? undefined : terminal.note(`${level}: ${text}`),
    progress: (update) => shown?.show(update),
    secret: (name) =>
      Promise.reject(
        new HoldfastError(
          "not_found",
          `Cannot read secret "${name}": there is no data directory in this command`,
        ),
      ),
  };
}
