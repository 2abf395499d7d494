/**
 * Engine `command`: whatever a command of the administrator's makes.
 *
 * What it promises
 * - The command is a program with its arguments, or a script for `/bin/sh` when asked for. What it writes to standard output,
 *   to `$HOLDFAST_OUTPUT`, or leaves at a path becomes the artifact. Nothing, an empty file or an old one is a failure.
 * - Its environment is small: `PATH`, `HOME`, `TZ` and the like, `HOLDFAST_NAME`, `HOLDFAST_RUN_ID`, and what `env` gives;
 *   secrets are struck out of its output, which is kept in the run's log up to a bound.
 * - A cancel or a time limit reaches everything it started, first politely: it runs in a process group of its own. What
 *   makes itself a group of its own (a daemon, `setsid`) is not followed.
 * - What the content is nobody here knows: verifying compares hash and size, restoring gives the file back.
 * - Over the network only administrators may use it, and only where `backups.allow_commands` is true.
 */
import { dirname, isAbsolute, resolve } from "node:path";
import type { Engine } from "../engine.ts";
import { CommandOptions } from "./command/options.ts";
import { opaqueEngine } from "./dump/opaque.ts";
import { type Tools, toolsOn } from "./tools/find.ts";

/** The engine, with the programs of the given path. */
export function commandOn(tools: Tools): Engine<CommandOptions> {
  return {
    ...opaqueEngine("command"),
    summary: "What a command writes to standard output or leaves in a file",
    options: CommandOptions,
    runsCommands: true,
    paths: ({ destination, cwd, output }) => ({
      read: [cwd].filter((path) => path !== undefined).map((path) => resolve(path)),
      // The file is moved away from the directory it was left in.
      write: [destination, isAbsolute(output ?? "") ? dirname(output ?? "") : destination].map((path) =>
        resolve(path)
      ),
    }),
    check: async (options) => await (await import("./command/make.ts")).checkOptions(tools, options),
    make: async (request, context) => await (await import("./command/make.ts")).make(tools, request, context),
  };
}

/** The engine, with the programs of this process's path. */
export const commandEngine: Engine<CommandOptions> = commandOn(toolsOn());
