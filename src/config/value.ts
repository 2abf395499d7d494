/** Turning what was written, text or YAML, into the value of a setting; and saying what was expected instead. */
import { isAbsolute, resolve } from "node:path";
import { formatDuration, parseDuration } from "../lib/duration.ts";
import { coerceText } from "../lib/fields.ts";
import { formatSize, parseSize } from "../lib/size.ts";
import type { ConfigLeaf } from "./leaves.ts";

/** A judged value, or what is wrong with it, to be read after the setting's key. */
export type Judged = { value: unknown } | { message: string };

/** Where relative file names and `~` lead. */
export interface Places {
  base: string;
  home: string | undefined;
}

/** Turns a written value into the one the schema accepts. */
export function judge(leaf: ConfigLeaf, written: unknown, places: Places): Judged {
  const value = read(leaf, written, places);
  if (value === undefined) return { message: `must be ${expectation(leaf, written)}${got(leaf, written)}` };
  const result = leaf.schema.safeParse(value);
  if (result.success) return { value: result.data };
  const [issue] = result.error.issues;
  const item = typeof issue?.path[0] === "number" && Array.isArray(value) ? value[issue.path[0]] : written;
  return { message: `${limit(leaf, issue!)}${got(leaf, item)}` };
}

/** The value in the leaf's type, or undefined when it is of another. */
function read(leaf: ConfigLeaf, written: unknown, places: Places): unknown {
  if (leaf.nullable && (written === null || written === "")) return null;
  switch (leaf.type) {
    case "text":
    case "choice":
      return typeof written === "string" ? written : undefined;
    case "path":
      return typeof written === "string" ? place(written, places) : undefined;
    case "boolean":
      return asBoolean(typeof written === "string" ? coerceText("boolean", written) : written);
    case "number":
    case "duration":
    case "size":
      return typeof written === "string" ? quantity(leaf, written) : asNumber(written);
    case "list":
      return list(written);
    case "path list":
      return list(written)?.map((path) => place(path, places));
  }
}

function asBoolean(written: unknown): boolean | undefined {
  return typeof written === "boolean" ? written : undefined;
}

function asNumber(written: unknown): number | undefined {
  return typeof written === "number" ? written : undefined;
}

function quantity(leaf: ConfigLeaf, text: string): number | undefined {
  if (leaf.type === "number") return asNumber(coerceText("number", text));
  try {
    return leaf.type === "duration" ? parseDuration(text) : parseSize(text);
  } catch {
    // The sentence about the setting says more than the parser's own.
    return undefined;
  }
}

/** A YAML list of texts; in text, a JSON list or words between commas. */
function list(written: unknown): string[] | undefined {
  if (Array.isArray(written)) return written.every((item) => typeof item === "string") ? written : undefined;
  if (typeof written !== "string") return undefined;
  if (!written.trim().startsWith("[")) {
    return written.split(",").map((item) => item.trim()).filter((item) => item !== "");
  }
  try {
    return list(JSON.parse(written));
  } catch {
    return undefined;
  }
}

/** An absolute path: `~/` is the home directory, relative names start where they are written. */
export function place(path: string, { base, home }: Places): string {
  // An empty name would resolve to the directory itself; the schema refuses it.
  if (path === "" || isAbsolute(path)) return path;
  if (home !== undefined && (path === "~" || path.startsWith("~/"))) return resolve(home, path.slice(2));
  return resolve(base, path);
}

function expectation(leaf: ConfigLeaf, written: unknown): string {
  switch (leaf.type) {
    case "text":
    case "path":
    case "choice":
      return typeof written === "number" || typeof written === "boolean" ? "text, so in quotes" : "text";
    case "boolean":
      return "true or false";
    case "number":
      return "a number";
    case "duration":
      return "a duration such as 45s, 30m or 90d, or a number of seconds";
    case "size":
      return "a size such as 512KiB or 2GiB, or a number of bytes";
    case "list":
    case "path list":
      return "a list of texts";
  }
}

/** The schema's objection in our words. */
function limit(
  leaf: ConfigLeaf,
  issue: { code?: string; message: string; minimum?: unknown; maximum?: unknown },
): string {
  if (leaf.choices.length > 0) return `must be one of ${leaf.choices.join(", ")}`;
  if (issue.code === "invalid_type") return "must be a whole number";
  const texts = leaf.type === "text" || leaf.type === "path" || leaf.type.endsWith("list");
  if (texts && issue.code === "too_small") return "must not be empty";
  if (issue.code === "too_small") return `must be at least ${humanValue(leaf, Number(issue.minimum))}`;
  if (issue.code === "too_big") return `must be at most ${humanValue(leaf, Number(issue.maximum))}`;
  return issue.message;
}

/** A number the way people write it for this setting, when that loses nothing: `30m`, `1 MiB`. */
export function humanValue(leaf: ConfigLeaf, value: number): string {
  if (value === 0 || (leaf.type !== "duration" && leaf.type !== "size")) return String(value);
  const text = leaf.type === "duration" ? formatDuration(value) : formatSize(value);
  const back = leaf.type === "duration" ? parseDuration(text) : parseSize(text);
  return back === value ? text : String(value);
}

function got(leaf: ConfigLeaf, written: unknown): string {
  if (leaf.secret) return "";
  const text = JSON.stringify(written) ?? String(written);
  return `, got ${text === "{}" ? "a section" : text.length > 80 ? `${text.slice(0, 80)}...` : text}`;
}
