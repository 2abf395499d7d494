/**
 * Bringing the layers together. Every value that is written anywhere is judged, also one that a stronger layer
 * overrides, so that all problems are told at once.
 */
import { join } from "node:path";
import type { z } from "zod";
import type { FieldError } from "../lib/errors.ts";
import type { Given, Layer } from "./given.ts";
import { type ConfigSources, readLayers } from "./layers.ts";
import { judgeAll, nest, settingsOf, strongest } from "./merge.ts";
import type { Names } from "./names.ts";
import { dataDir, homeOf } from "./places.ts";

/** A configuration, and where each of its values comes from. */
export interface Loaded<T> {
  config: T;
  /** The layer of every setting, by its key. */
  layers: Map<string, Layer>;
  /** Sentences about what works but should not stay so. */
  warnings: string[];
  /** Files that were read, weakest first. */
  files: string[];
}

/** What `config check` tells. */
export interface ConfigCheck {
  problems: FieldError[];
  warnings: string[];
  files: string[];
}

/** The outcome of reading all layers; `config` is there when nothing is wrong. */
export interface Assembled<T> extends Omit<Loaded<T>, "config">, ConfigCheck {
  config: T | undefined;
}

/**
 * Reads the layers for a schema, whose settings have these names. `compute` adds values that depend on the host or on others.
 * Problems are collected, never thrown.
 */
export async function assemble<S extends z.ZodObject>(
  schema: S,
  names: Names,
  sources: ConfigSources,
  compute: (values: Map<string, unknown>) => void = () => {},
): Promise<Assembled<z.output<S>>> {
  const { given, problems, warnings, files } = await readLayers(sources, names);
  const winners = strongest(given, problems);
  const values = judgeAll(given, winners, homeOf(sources), problems);
  compute(values);
  // Compiling the schema for a single use would cost more than it saves.
  const result = schema.safeParse(nest(values, names.leaves), { jitless: true });
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path.join(".");
    if (problems.some((problem) => problem.path === path)) continue;
    const message = issue.code === "custom" ? issue.message : "must be set";
    problems.push({ path, source: sourceNear(path, winners), message: `${path} ${message}` });
  }
  // File by file and line by line, as somebody reads who mends them.
  problems.sort((a, b) => a.source.localeCompare(b.source, "en", { numeric: true }));
  const layers = new Map<string, Layer>();
  for (const { path } of settingsOf(names.leaves, result.data)) {
    layers.set(path, winners.get(path)?.layer ?? { name: "default", source: "" });
  }
  return {
    config: problems.length === 0 ? result.data : undefined,
    layers,
    problems: problems.map(({ path, source, message }) => ({
      path,
      message: source === "" ? message : `${source}: ${message}`,
    })),
    warnings,
    files,
  };
}

/** Puts the data directory and the socket where nobody says otherwise; returns the directory when there is one. */
export function computePlaces(values: Map<string, unknown>, sources: ConfigSources): string | undefined {
  const directory = values.get("data_dir") ?? dataDir(sources);
  if (typeof directory !== "string") return undefined;
  values.set("data_dir", directory);
  if (!values.has("api.socket")) values.set("api.socket", join(directory, "holdfast.sock"));
  return directory;
}

/** Where a setting is written; for one that is missing, where its section is. */
function sourceNear(path: string, winners: ReadonlyMap<string, Given>): string {
  const section = path.slice(0, path.lastIndexOf(".") + 1);
  const near = winners.get(path) ??
    [...winners.values()].find((given) => section !== "" && given.path.startsWith(section));
  return near?.layer.source ?? "";
}
