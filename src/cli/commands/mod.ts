/**
 * Commands that are no operation: they start the daemon, or work on this host alone.
 *
 * Each says its words and loads its code when it runs.
 */
import type { LocalCommand } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import { dbCommand } from "./db.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { recoverCommand } from "./recover.ts";
import { serveCommand } from "./serve.ts";
import { serviceCommand } from "./service.ts";

/** All of them, in the order of `--help`. */
export const COMMANDS: readonly LocalCommand[] = [
  serveCommand,
  demoCommand,
  configCommand,
  doctorCommand,
  serviceCommand,
  dbCommand,
  recoverCommand,
  completionCommand,
];
