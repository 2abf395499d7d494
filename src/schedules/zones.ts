/** Time zones as stretches of constant offset, which is all a calendar has to know of them. */
import { nearest } from "../lib/errors.ts";

/** A stretch of time in which a zone keeps one offset: `from` inclusive, `to` exclusive, all in milliseconds. */
export interface Span {
  from: number;
  to: number;
  /** Wall clock minus UTC. */
  offset: number;
}

/** Spans kept per zone: years of them, and still a short walk. */
const KEPT_SPANS = 32;

/** One IANA zone. Spans are remembered, because asking for one costs as much as a hundred look-ups. */
export class Zone {
  readonly name: string;
  #spans: Span[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The span an instant lies in. */
  spanAt(ms: number): Span {
    const known = this.#spans.find((span) => ms >= span.from && ms < span.to);
    if (known !== undefined) return known;
    const here = at(ms, this.name);
    // "previous" is strictly before, and a span begins at its transition: ask from the next millisecond.
    const previous = at(ms + 1, this.name).getTimeZoneTransition("previous");
    const next = here.getTimeZoneTransition("next");
    const span = {
      from: previous?.epochMilliseconds ?? -Infinity,
      to: next?.epochMilliseconds ?? Infinity,
      offset: here.offsetNanoseconds / 1e6,
    };
    this.#spans = [span, ...this.#spans.slice(0, KEPT_SPANS - 1)];
    return span;
  }

  /** The wall clock at an instant, as the milliseconds that UTC would show it at. */
  wallAt(ms: number): number {
    return ms + this.spanAt(ms).offset;
  }

  /**
   * The instant at which the wall clock first shows `wall`. A time that is left out when clocks go forward
   * gives the instant right after the jump; one that comes twice gives the first.
   */
  firstInstant(wall: number): number {
    for (let span = this.spanAt(wall - EARLIEST_OFFSET_MS);; span = this.spanAt(span.to)) {
      const instant = wall - span.offset;
      if (instant < span.to) return Math.max(instant, span.from);
    }
  }
}

/** No zone is further ahead of UTC than 14 hours; a span that holds an earlier instant begins before any candidate. */
const EARLIEST_OFFSET_MS = 26 * 3_600_000;

function at(ms: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
}

const zones = new Map<string, Zone>();

/** The zone of that name. Errors: `RangeError` when there is none, see {@linkcode isZone}. */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) zones.set(name, zone = new Zone(name));
  return zone;
}

/** True for an IANA name such as `Europe/Paris` or `UTC`; offsets such as `+02:00` are no zones, they know no summer. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    at(0, name);
    return true;
  } catch {
    return false;
  }
}

/** The zone a misspelt name may have meant. */
export function nearestZone(name: string): string | undefined {
  const names = Intl.supportedValuesOf("timeZone");
  const city = name.split("/").at(-1)!.replaceAll(" ", "_").toLowerCase();
  return nearest(name, names) ?? names.find((zone) => zone.toLowerCase().endsWith(`/${city}`));
}

/** An instant as the zone's clocks show it: `2026-03-29T03:00:00+02:00`. */
export function localText(ms: number, zone: Zone): string {
  const { offset } = zone.spanAt(ms);
  return `${new Date(ms + offset).toISOString().slice(0, 19)}${offsetText(offset)}`;
}

function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
