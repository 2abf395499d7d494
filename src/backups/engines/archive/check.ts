/** What can be said against a backup before it runs. */
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { messageOf } from "../../../lib/errors.ts";
import { tryWriting } from "../probe.ts";
import { isS3 } from "../s3/options.ts";
import type { ArchiveOptions } from "./options.ts";
import type { Root } from "./protocol.ts";
import { codeOf } from "./system-errors.ts";

/**
 * The sources as roots of the archive, in the order given: each lies under its own absolute path without the leading
 * slash, so two sources never collide. What lies inside another source is left out, as it is in there already.
 */
export function rootsOf(sources: readonly string[]): Root[] {
  const within = sourcesWithin(sources);
  const outermost = resolved(sources).filter((source) => !within.includes(source));
  return outermost.map((source) => ({ source, path: archivePath(source) }));
}

/** The sources that lie inside another one. */
export function sourcesWithin(sources: readonly string[]): string[] {
  const all = resolved(sources);
  return all.filter((source) => all.some((other) => other !== source && isInside(source, other)));
}

function resolved(sources: readonly string[]): string[] {
  return [...new Set(sources.map((source) => resolve(source)))];
}

function archivePath(source: string): string {
  const path = source.replaceAll("\\", "/").replace(/^([A-Za-z]):/, "$1").replace(/^\/+/, "");
  return path === "" ? "." : path;
}

/** True when `path` is `directory` or lies below it. */
export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== ".." && !way.startsWith(".." + sep) && !isAbsolute(way);
}

/** One sentence per problem. */
export async function checkOptions(options: ArchiveOptions): Promise<string[]> {
  const problems: string[] = [];
  const elsewhere = isS3(options.destination);
  const destination = resolve(options.destination);
  const real = elsewhere ? null : await realPathOf(destination);
  for (const { source } of rootsOf(options.sources)) {
    const problem = await sourceProblem(source);
    if (problem !== null) problems.push(problem);
    else if (real !== null && isInside(real, await Deno.realPath(source))) {
      problems.push(`Destination "${destination}" lies inside source "${source}"`);
    }
  }
  const problem = elsewhere ? null : await destinationProblem(destination);
  if (problem !== null) problems.push(problem);
  problems.push(...await recipientProblems(options.encrypt_to ?? []));
  return problems;
}

async function recipientProblems(recipients: readonly string[]): Promise<string[]> {
  if (recipients.length === 0) return [];
  const { Encrypter } = await import("./age.ts");
  return recipients.flatMap((recipient) => {
    try {
      new Encrypter().addRecipient(recipient);
      return [];
    } catch {
      return [`Recipient "${recipient}" is not one that age knows`];
    }
  });
}

async function sourceProblem(source: string): Promise<string | null> {
  try {
    const info = await Deno.stat(source);
    if (!info.isDirectory && !info.isFile) return `Source "${source}" is neither a directory nor a file`;
    // Opening shows whether it may be read; only Windows does not open directories.
    if (info.isFile || Deno.build.os !== "windows") (await Deno.open(source)).close();
    return null;
  } catch (error) {
    return `Source "${source}" ${wordsFor(error, "cannot be read")}`;
  }
}

/** Where a path would be that need not exist yet, with the links of what does exist resolved. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}

async function destinationProblem(destination: string): Promise<string | null> {
  let directory = destination;
  try {
    while (!await exists(directory)) directory = dirname(directory);
    if (!(await Deno.stat(directory)).isDirectory) return `Destination "${directory}" is not a directory`;
    await tryWriting(directory);
    return null;
  } catch (error) {
    return `Destination "${directory}" ${wordsFor(error, "cannot be written to")}`;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function wordsFor(error: unknown, otherwise: string): string {
  switch (codeOf(error)) {
    case "ENOENT":
      return "does not exist";
    case "ENOTDIR":
      return "does not exist: part of its path is a file";
    case "EACCES":
    case "EPERM":
      return `${otherwise}: permission denied`;
    case "EROFS":
      return "is on a read-only file system";
    case "ENOSPC":
      return "has no space left";
    default:
      return `${otherwise}: ${messageOf(error)}`;
  }
}
