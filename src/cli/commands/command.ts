/** What a command is that is no operation. */
import type { Command } from "commander";
import type { Typed } from "../args.ts";
import type { Session } from "../session.ts";
import type { Terminal } from "../terminal.ts";

/** Starts what a command does, with a session that is closed afterwards; the number is the exit code. */
export type Start = (run: (session: Session) => Promise<number> | number) => Promise<void>;

/** Runs a command line as if it were typed; its exit code. */
export type RunLine = (argv: readonly string[], terminal: Terminal) => Promise<number>;

/** A command that starts the daemon, or works on this host alone. */
export interface LocalCommand {
  /** First word of the command. */
  word: string;
  add(program: Command, start: Start, run: RunLine): void;
  /** Adds to commands of operations, once those are there. */
  extend?(program: Command): void;
  /** Takes an operation's command over when it can be done without a transport; returns its exit code then. */
  intercept?(typed: Typed, session: Session): Promise<number | undefined>;
}
