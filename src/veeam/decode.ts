/**
 * Reading answers of servers of many releases: absent fields are null, words keep their meaning in any letter case, and
 * instants are read in each of the four shapes the product writes.
 *
 * Lists have tens of thousands of rows, and what reading one leaves behind is what a command's memory grows by: here nothing is
 * copied that can be looked at, and what nearly every row has is read first.
 */

/** One object of an answer. */
export type Raw = Readonly<Record<string, unknown>>;

/** What a value is when it should be an object; anything else reads as an empty one. */
export function rawOf(value: unknown): Raw {
  return isRaw(value) ? value : NOTHING;
}

const NOTHING: Raw = {};

function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects of a list; anything else is no row. */
export function rowsOf(value: unknown): Raw[] {
  return Array.isArray(value) ? value.filter(isRaw) : [];
}

/** A field, or else another, that is a text with something in it, or null. */
export function text(raw: Raw, key: string, otherwise?: string): string | null {
  const value = raw[key];
  if (typeof value === "string" && value.trim() !== "") return value;
  if (typeof value === "number") return String(value);
  return otherwise === undefined ? null : text(raw, otherwise);
}

/** A field that is a finite number, or null. */
export function number(raw: Raw, key: string): number | null {
  const value = raw[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A field that is true or false, or null. */
export function flag(raw: Raw, key: string): boolean | null {
  const value = raw[key];
  return typeof value === "boolean" ? value : null;
}

/** An id, or null; the product writes "nothing" as an id of zeros. */
export function id(raw: Raw, key: string, otherwise?: string): string | null {
  const value = text(raw, key, otherwise);
  if (value === null || /^[0-]+$/.test(value)) return null;
  // Making it lower case would copy each one that is.
  return /[A-Z]/.test(value) ? value.toLowerCase() : value;
}

/** A word of a known list in its usual spelling, whatever letter case the revision writes; unknown ones as they are. */
export function word(raw: Raw, key: string, known: readonly string[]): string | null {
  const value = text(raw, key);
  if (value === null) return null;
  const exact = known.indexOf(value);
  if (exact >= 0) return known[exact]!;
  return known.find((one) => one.toLowerCase() === value.toLowerCase()) ?? value;
}

/** The zone of a server, for instants that name no offset. */
export interface ServerZone {
  /** IANA name, where the server tells it (1.3-rev2 and later). */
  iana: string | null;
  /** Minutes ahead of UTC when the server was asked. */
  offset_minutes: number;
}

export const UTC: ServerZone = { iana: null, offset_minutes: 0 };

/** Before it is "never". */
const FIRST_YEAR = "1971";

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(?:[.,](\d+))?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/** An instant as UTC ISO 8601; null when absent, unreadable, or the product's "never" (year 1). */
export function instant(raw: Raw, key: string, zone: ServerZone): string | null {
  const ms = parseInstant(text(raw, key), zone);
  return ms === null ? null : new Date(ms).toISOString();
}

/** The usual shape, which the runtime reads by itself. */
const USUAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an instant in any of the shapes the product writes, or null. */
export function parseInstant(value: string | null, zone: ServerZone): number | null {
  if (value === null) return null;
  if (USUAL.test(value)) {
    const ms = Date.parse(value);
    if (!Number.isNaN(ms)) return value < FIRST_YEAR ? null : ms;
  }
  const match = INSTANT.exec(value.trim());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = "0", fraction = "", offset] = match;
  if (year! < FIRST_YEAR) return null;
  // Up to seven digits come; milliseconds are what there is room for.
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    ms,
  );
  return wall - offsetMinutes(offset, wall, zone) * 60_000;
}

function offsetMinutes(offset: string | undefined, wall: number, zone: ServerZone): number {
  if (offset === undefined) return zoneOffset(wall, zone);
  if (offset.toUpperCase() === "Z") return 0;
  const [, sign, hours, minutes] = /([+-])(\d\d):?(\d\d)/.exec(offset)!;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Minutes the zone is ahead at a wall clock time; where a time happens twice, the first. */
function zoneOffset(wall: number, { iana, offset_minutes }: ServerZone): number {
  if (iana === null) return offset_minutes;
  const before = offsetAt(wall - 86_400_000, iana);
  const guess = wall - before * 60_000;
  return offsetAt(guess, iana) === before ? before : offsetAt(wall - offsetAt(guess, iana) * 60_000, iana);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function offsetAt(ms: number, iana: string): number {
  let format = formats.get(iana);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: iana,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(iana, format);
  }
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
  return Math.round((shown - Math.floor(ms / 1000) * 1000) / 60_000);
}

/** The zone in an answer of `/serverTime`. */
export function zoneOf(raw: Raw): ServerZone {
  const said = text(raw, "serverTime") ?? "";
  const offset = /([+-])(\d\d):?(\d\d)$/.exec(said.trim());
  const iana = text(raw, "ianaTimeZoneId");
  return {
    iana: iana !== null && isZone(iana) ? iana : null,
    offset_minutes: offset === null
      ? 0
      : (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])),
  };
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Seconds of `HH:MM:SS` or `D.HH:MM:SS`, with or without fraction, or null. */
export function durationSeconds(value: string | null): number | null {
  const match = /^(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.\d+)?$/.exec(value ?? "");
  if (match === null) return null;
  const [, days = "0", hours, minutes, seconds] = match;
  return Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
