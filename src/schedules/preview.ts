/** The coming instants of a rule for people: in UTC, in local time, and with a note where something changes them. */
import { z } from "zod";
import { iso } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { nextAfter, type Rule, wallsOf } from "./calendar.ts";
import { localText, type Span, type Zone, zoneOf } from "./zones.ts";

export const ComingInstant = z.object({
  due_at: z.string().describe("UTC"),
  local: z.string().describe("The same instant as the schedule's zone shows it"),
  note: z.string().optional().describe("What clocks that change, windows, a pause or jitter do to it"),
}).meta({ id: "ComingInstant" });
export type ComingInstant = z.infer<typeof ComingInstant>;

/** What to show. */
export interface Preview {
  rule: Rule;
  after: number;
  count: number;
  /** What else there is to say of an instant. */
  remark?(instant: number): string | null;
}

/** The next `count` instants after `after`. */
export function comingInstants({ rule, after, count, remark }: Preview): ComingInstant[] {
  const zone = zoneOf(rule.timezone);
  const coming: ComingInstant[] = [];
  let before = after;
  while (coming.length < count) {
    const instant = nextAfter(rule, before);
    if (instant === null) break;
    const notes = [
      noteOn(rule, zone, before - rule.shift, instant - rule.shift),
      jitterNote(rule),
      remark?.(instant),
    ];
    const note = notes.filter((text) => text != null).join("; ");
    coming.push({
      due_at: iso(instant),
      local: localText(instant, zone),
      ...(note === "" ? {} : { note }),
    });
    before = instant;
  }
  return coming;
}

/** Changes of the clocks looked ahead to: a year of them. */
const CHANGES = 2;

/** The instants around the next changes of the clocks: what comes before each, and everything on its day. */
export function instantsAtChanges({ rule, after, count, remark }: Preview): ComingInstant[] {
  const zone = zoneOf(rule.timezone);
  const coming: ComingInstant[] = [];
  let span = zone.spanAt(after);
  for (let i = 0; i < CHANGES && span.to !== Infinity; i++) {
    const from = Math.max(after, span.to - DAY_MS);
    const near = comingInstants({ rule, after: from, count, ...(remark === undefined ? {} : { remark }) });
    const to = iso(span.to + DAY_MS);
    coming.push(...near.filter((instant) => instant.due_at < to));
    span = zone.spanAt(span.to);
  }
  return coming;
}

const DAY_MS = 86_400_000;

function jitterNote({ shift }: Rule): string | null {
  return shift > 0 ? `${formatDuration(shift / 1000)} later, by its jitter` : null;
}

function noteOn(rule: Rule, zone: Zone, before: number, instant: number): string | null {
  const span = zone.spanAt(instant);
  const isChanged = span.from > before;
  if (rule.kind === "cron") {
    const shown = wallsOf(rule.expression).everyHour || rule.dst === "wall";
    const note = (shown || rule.dst === "skip" ? null : movedTo(rule.expression, zone, instant)) ??
      (isChanged ? leftOut(rule.expression, zone, span) : null) ?? twice(zone, instant, shown);
    if (note !== null) return note;
  }
  return isChanged ? changeText(zone, span.from) : null;
}

/** Says which time does not exist when an instant stands in for it. */
function movedTo(expression: string, zone: Zone, instant: number): string | null {
  const span = zone.spanAt(instant);
  const wall = instant === span.from ? firstInGap(expression, zone, span) : null;
  return wall === null ? null : `${clockText(wall)} does not exist on this day: ${changeText(zone, instant)}`;
}

/** Says which time was not due, right before this instant, because it does not exist. */
function leftOut(expression: string, zone: Zone, span: Span): string | null {
  const wall = wallsOf(expression).everyHour ? null : firstInGap(expression, zone, span);
  if (wall === null) return null;
  const day = new Date(wall).toISOString().slice(0, 10);
  return `${clockText(wall)} on ${day} does not exist and is left out: ${changeText(zone, span.from)}`;
}

/** The first matching time among those left out when a span began, if clocks went forward then. */
function firstInGap(expression: string, zone: Zone, span: Span): number | null {
  if (span.from === -Infinity) return null;
  const wall = wallsOf(expression).next(span.from + zone.spanAt(span.from - 1).offset - 1);
  return wall === null || wall >= span.from + span.offset ? null : wall;
}

/** Says that a time comes twice, and which of the two this is. */
function twice(zone: Zone, instant: number, shown: boolean): string | null {
  const span = zone.spanAt(instant);
  const wall = instant + span.offset;
  if (span.to !== Infinity && wall - zone.spanAt(span.to).offset >= span.to) {
    const which = shown ? "this is the first" : "only the first counts";
    return `${clockText(wall)} comes twice on this day, ${which}: ${changeText(zone, span.to)}`;
  }
  if (!shown || span.from === -Infinity) return null;
  const earlier = zone.firstInstant(wall);
  return earlier === instant
    ? null
    : `${clockText(wall)} comes twice on this day, this is the second: ${changeText(zone, span.from)}`;
}

function changeText(zone: Zone, at: number): string {
  const [old, now] = [zone.spanAt(at - 1).offset, zone.spanAt(at).offset];
  const direction = now > old ? "forward" : "back";
  const day = new Date(at + old).toISOString().slice(0, 10);
  return `clocks go ${direction} from ${clockText(at + old)} to ${clockText(at + now)} on ${day}`;
}

function clockText(wall: number): string {
  return new Date(wall).toISOString().slice(11, 16);
}
