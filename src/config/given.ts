/** What a layer hands to the loader: values as they were written, and what was wrong with the writing. */
import type { ConfigLeaf } from "./leaves.ts";

/** The layers, weakest first. `local` is `./config.yaml` or the file of `--config`. */
export const LAYERS = [
  "default",
  "system",
  "user",
  "local",
  "credential",
  "dotenv",
  "environment",
  "flag",
] as const;

/** What set a value, and where it is written. */
export interface Layer {
  name: typeof LAYERS[number];
  /** `/etc/holdfast/config.yaml:12`, `HOLDFAST_API_LISTEN`, `--api-listen`; empty for a default. */
  source: string;
}

/** One value as a layer gives it, not yet judged. */
export interface Given {
  /** The setting, with names in place of `*`: `veeam.servers.paris.host`. */
  path: string;
  leaf: ConfigLeaf;
  /** Text, or what YAML made of it. */
  value: unknown;
  /** True when the value is the name of a file that holds a secret. */
  inFile: boolean;
  /** Directory that relative file names start from. */
  base: string;
  layer: Layer;
}

/** Something wrong, where it is written. */
export interface Problem {
  /** The setting, as far as it is known. */
  path: string;
  /** File and line, variable or flag; empty when the setting is written nowhere. */
  source: string;
  message: string;
}

/** All that one layer has to say. */
export interface Reading {
  given: Given[];
  problems: Problem[];
  warnings: string[];
}

/** A reading with nothing in it yet. */
export function emptyReading(): Reading {
  return { given: [], problems: [], warnings: [] };
}
