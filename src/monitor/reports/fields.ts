/** Reading single fields of a report; what is wrong with them is collected with its place. */
import type { Refusal } from "../report.ts";

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** An answer about a wrong report is not as long as it. */
const [MAX_PROBLEMS, MAX_PATH, MAX_TEXT] = [100, 200, 10_000];

/** Collects what is wrong. */
export class Problems {
  readonly fields: { path: string; message: string }[] = [];
  count = 0;

  add(path: string, message: string): void {
    this.count++;
    if (this.fields.length < MAX_PROBLEMS) this.fields.push({ path: path.slice(0, MAX_PATH), message });
  }

  /** All of it as a refusal. */
  refusal(): Refusal {
    const { count, fields } = this;
    return { reason: count === 1 ? "a field is wrong" : `${count} fields are wrong`, fields };
  }
}

/** True for a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One of the names a field goes by in the formats, the one that is there. */
export function named(fields: Fields, names: readonly string[]): { name: string; value: unknown } {
  const name = names.find((one) => Object.hasOwn(fields, one)) ?? names[0]!;
  return { name, value: Object.hasOwn(fields, name) ? fields[name] : undefined };
}

/** Absent, null, empty, and the word agents write for it. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null ||
    (typeof value === "string" && /^(\s*|null|none)$/i.test(value));
}

/** A short text that has to be there. */
export function readName(value: unknown, path: string, problems: Problems): string {
  if (value === undefined || value === null) problems.add(path, "is required");
  else if (typeof value !== "string") problems.add(path, "must be text");
  else if (value.trim() === "") problems.add(path, "must not be empty");
  else if (value.length > 255) problems.add(path, "must not be longer than 255 characters");
  else if (hasControl(value)) problems.add(path, "must not hold control characters");
  else return value;
  return "";
}

/** A text that may be absent; one that is too long is cut. */
export function readText(value: unknown, path: string, problems: Problems): string | null {
  if (isNothing(value)) return null;
  if (typeof value === "string") return value.slice(0, MAX_TEXT);
  problems.add(path, "must be text or null");
  return null;
}

/** `true`, `"True"`. */
export function readStatus(value: unknown, path: string, problems: Problems): boolean {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.trim().toLowerCase() : undefined;
  if (word === "true" || word === "false") return word === "true";
  problems.add(path, value === undefined ? "is required" : "must be true or false");
  return false;
}

/** `12`, `"12"`; null when absent. */
export function readSize(value: unknown, path: string, problems: Problems): number | null {
  if (isNothing(value)) return null;
  const size = typeof value === "string" && /^\s*\d{1,16}\s*$/.test(value) ? Number(value) : value;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  problems.add(path, "must be a whole number of bytes, 0 or more");
  return null;
}

/** 64 hexadecimal digits; null when absent. */
export function readHash(value: unknown, path: string, problems: Problems): string | null {
  if (isNothing(value)) return null;
  if (typeof value !== "string") problems.add(path, "must be text");
  else if (value.trim().length !== 64) {
    problems.add(path, `must have 64 hexadecimal digits, has ${value.trim().length} characters`);
  } else if (!/^[0-9a-f]{64}$/i.test(value.trim())) problems.add(path, "must have only hexadecimal digits");
  else return value.trim().toLowerCase();
  return null;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?$/i;

/** An instant; without a zone it is UTC. Null when absent. */
export function readTime(value: unknown, path: string, problems: Problems): string | null {
  if (isNothing(value)) return null;
  const found = typeof value === "string" ? TIME.exec(value.trim()) : null;
  const wrong = () => {
    problems.add(path, 'must be an instant such as "2025-06-20T13:00:00Z" or "2025-06-20 13:00:00"');
    return null;
  };
  if (found === null) return wrong();
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = found;
  const wall = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, "0").slice(0, 3)}`;
  const ms = Date.parse(`${wall}Z`);
  // The parser takes 31 February for a day in March.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== `${wall}Z`) return wrong();
  if (zone.toUpperCase() === "Z") return new Date(ms).toISOString();
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 14 || minutes > 59) return wrong();
  const offset = (hours * 60 + minutes) * 60_000 * (zone.startsWith("-") ? -1 : 1);
  return new Date(ms - offset).toISOString();
}

export function hasControl(text: string): boolean {
  for (const character of text) if (character < " " || character === "\u007f") return true;
  return false;
}
