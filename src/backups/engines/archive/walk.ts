/** Finding what is to be archived: depth first, names in code-unit order, so that one tree gives one archive. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { SkippedItem } from "../../engine.ts";
import { globMatcher } from "./glob.ts";
import type { Root } from "./protocol.ts";
import { codeOf } from "./system-errors.ts";

/** Something that exists and is not excluded. */
export interface Found {
  /** Absolute path on disk. */
  path: string;
  /** Path in the archive. */
  name: string;
  info: Deno.FileInfo;
}

/** Says whether an item is left out, by its path below its source and by its path on disk. */
export type Excluded = (below: string, path: string) => boolean;

/** What `patterns` leave out: one that begins with a slash counts from the source, and from the root as well. */
export function exclusion(patterns: readonly string[]): Excluded {
  const below = globMatcher(patterns);
  const absolute = globMatcher(patterns.filter((pattern) => pattern.startsWith("/")));
  return (name, path) => below(name) || absolute(path.slice(1));
}

/** Takes note of something that cannot be archived. */
export type Skip = (path: string, reason: SkippedItem["reason"], detail?: string) => void;

interface Level {
  path: string;
  name: string;
  entries: Entries;
  next: number;
}

interface Entries {
  names: string[];
  /** Directories among those whose name cannot be used to look at them. */
  unreachable: Set<string>;
}

/**
 * Everything below `root` and itself. The root is followed when it is a link: who names it wants what it leads to.
 * A root that is gone is an error, whatever else is gone is passed to `skip`.
 */
export function* walk(root: Root, excluded: Excluded, skip: Skip): Generator<Found> {
  const { path, info } = resolveRoot(root);
  yield { path, name: root.path, info };
  if (!info.isDirectory) return;
  const top: Level = {
    path: root.source === "/" ? "" : root.source,
    name: root.path === "." ? "" : root.path + "/",
    entries: entriesOf(root.source),
    next: 0,
  };
  const levels = [top];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { names, unreachable } = level.entries;
    const base = names[level.next++];
    if (base === undefined) {
      levels.pop();
      continue;
    }
    const path = `${level.path}/${base}`;
    const name = level.name + base;
    if (excluded(name.slice(top.name.length), path)) continue;
    let info: Deno.FileInfo | undefined;
    try {
      info = Deno.lstatSync(path);
      yield { path, name, info };
      if (info.isDirectory) levels.push({ path, name: name + "/", entries: entriesOf(path), next: 0 });
    } catch (error) {
      const { reason, detail } = reasonFor(error, path);
      const directory = info?.isDirectory ?? unreachable.has(base);
      skip(path, reason, directory ? `${detail}; a directory, with all it holds` : detail);
    }
  }
}

/** Why an item whose system call failed with `error` is not in the archive; other errors are thrown again. */
export function reasonFor(error: unknown, path: string): { reason: SkippedItem["reason"]; detail: string } {
  const code = codeOf(error);
  // A name that is not UTF-8 is listed with U+FFFD in place of the bytes, and then there is no such file.
  if (code === "ENOENT" && path.includes("\uFFFD")) {
    return { reason: "bad_name", detail: "name is not UTF-8" };
  }
  if (code === "ENOENT" || code === "ENOTDIR") {
    return { reason: "vanished", detail: "gone before it was read" };
  }
  if (code === "ENAMETOOLONG") return { reason: "too_long", detail: "path too long for the system" };
  // The compiled program may not read some of /proc and /sys, whoever runs it.
  if (code === undefined && !(error instanceof Deno.errors.NotCapable)) throw error;
  return { reason: "unreadable", detail: messageOf(error).replace(/ \(os error.*$/s, "") };
}

function resolveRoot(root: Root): { path: string; info: Deno.FileInfo } {
  try {
    const path = Deno.realPathSync(root.source);
    return { path, info: Deno.lstatSync(path) };
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot back up "${root.source}": ${reasonWord(error)}`, {
      cause: error,
    });
  }
}

function reasonWord(error: unknown): string {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return "it does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return messageOf(error);
}

function entriesOf(path: string): Entries {
  const names: string[] = [];
  const unreachable = new Set<string>();
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    names.push(name);
    if (isDirectory && name.includes("\uFFFD")) unreachable.add(name);
  }
  return { names: names.sort(), unreachable };
}
