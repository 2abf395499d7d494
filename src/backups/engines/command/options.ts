/** What an administrator sets for a `command` backup. */
import { z } from "zod";
import { AbsolutePath, CompressionOption, Destination } from "../dump/destination.ts";
import { SecretRef } from "../tools/secrets.ts";

const Argument = z.string().refine((text) => !text.includes("\0"), "expected no NUL character");
const ExitCode = z.int().min(0).max(255);

/** Schema of `engine_options`. */
export const CommandOptions = z.strictObject({
  command: z.array(Argument).min(1).optional()
    .describe("Program and arguments, one by one; no shell looks at them"),
  shell: z.string().min(1).optional().describe("Instead of command: a script for /bin/sh"),
  destination: Destination,
  output: z.union([z.enum(["stdout", "file"]), AbsolutePath]).optional().describe(
    "Where the backup appears: stdout (default), file (the command writes to $HOLDFAST_OUTPUT), " +
      "or the absolute path of a file it leaves, which is taken from there",
  ),
  suffix: z.string().regex(/^(\.[A-Za-z0-9_-]+)+$/, "expected a form such as .tar").optional()
    .describe("Ending of the artifact, before that of the compression; default .out"),
  compression: CompressionOption.describe("zstd, or none (default)"),
  cwd: AbsolutePath.optional().describe("Directory the command runs in; default: the destination"),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.union([Argument, SecretRef])).optional()
    .describe(
      'Variables for the command; a value can be {"secret": "NAME"}. Little else of Holdfast\'s own environment is there',
    ),
  timeout_seconds: z.int().min(1).max(7 * 86_400).optional().describe(
    "Longest time it may run; default: no limit of its own",
  ),
  grace_seconds: z.int().min(0).max(25).optional()
    .describe(
      "Time between asking it to end (SIGTERM to its process group) and ending it (SIGKILL); default 10",
    ),
  success_codes: z.array(ExitCode).min(1).optional().describe("Exit codes of success; default 0"),
  incomplete_codes: z.array(ExitCode).optional().describe(
    "Exit codes that mean that the backup is there but incomplete",
  ),
}).superRefine((options, context) => {
  if ((options.command === undefined) === (options.shell === undefined)) {
    context.addIssue({ code: "custom", path: ["command"], message: "expected either command or shell" });
  }
});
export type CommandOptions = z.output<typeof CommandOptions>;
