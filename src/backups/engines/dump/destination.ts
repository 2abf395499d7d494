/** The directory single-file artifacts are written to. */
import { dirname, isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { messageOf } from "../../../lib/errors.ts";
import { writeError } from "../archive/system-errors.ts";
import { tryWriting } from "../probe.ts";

/** A path in options. */
export const AbsolutePath = z.string().refine(isAbsolute, "expected an absolute path");

/** The option every such engine has. */
export const Destination = AbsolutePath
  .describe("Directory the artifacts are written to, created when missing");

/** How artifacts are stored. */
export const CompressionOption = z.enum(["zstd", "none"]).optional().describe("zstd (default) or none");

/** One sentence when nothing can be written there. */
export async function destinationProblems(destination: string): Promise<string[]> {
  let directory = resolve(destination);
  try {
    while (!await exists(directory)) directory = dirname(directory);
    if (!(await Deno.stat(directory)).isDirectory) return [`Destination "${directory}" is not a directory`];
    await tryWriting(directory);
    return [];
  } catch (error) {
    const worded = messageOf(writeError(error, directory)).replace(/^Cannot write ".*": /, "");
    return [`Destination "${directory}" cannot be written to: ${worded}`];
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
