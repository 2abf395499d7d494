/** The coming instants of a rule for people: in UTC, in local time, and with a note where clocks change. */
import { z } from "zod";
import { iso } from "../lib/clock.ts";
import { nextAfter, type Rule, wallsOf } from "./calendar.ts";
import { localText, type Zone, zoneOf } from "./zones.ts";

export const ComingInstant = z.object({
  due_at: z.string().describe("UTC"),
  local: z.string().describe("The same instant as the schedule's zone shows it"),
  note: z.string().optional().describe("What a change of the clocks does to this instant"),
}).meta({ id: "ComingInstant" });
export type ComingInstant = z.infer<typeof ComingInstant>;

/** The next `count` instants after `after`. */
export function comingInstants(rule: Rule, after: number, count: number): ComingInstant[] {
  const zone = zoneOf(rule.timezone);
  const coming: ComingInstant[] = [];
  let before = after;
  while (coming.length < count) {
    const instant = nextAfter(rule, before);
    if (instant === null) break;
    const note = noteOn(rule, zone, before, instant);
    coming.push({
      due_at: iso(instant),
      local: localText(instant, zone),
      ...(note === null ? {} : { note }),
    });
    before = instant;
  }
  return coming;
}

function noteOn(rule: Rule, zone: Zone, before: number, instant: number): string | null {
  const span = zone.spanAt(instant);
  if (rule.kind === "cron") {
    const note = leftOut(rule.expression, zone, instant) ?? twice(rule.expression, zone, instant);
    if (note !== null) return note;
  }
  return span.from > before ? changeText(zone, span.from) : null;
}

/** Says which time does not exist when an instant stands in for it. */
function leftOut(expression: string, zone: Zone, instant: number): string | null {
  const span = zone.spanAt(instant);
  if (instant !== span.from || wallsOf(expression).everyHour) return null;
  const gapFrom = instant + zone.spanAt(instant - 1).offset;
  const wall = wallsOf(expression).next(gapFrom - 1);
  if (wall === null || wall >= instant + span.offset) return null;
  return `${clockText(wall)} does not exist on this day: ${changeText(zone, instant)}`;
}

/** Says that a time comes twice, and which of the two this is. */
function twice(expression: string, zone: Zone, instant: number): string | null {
  const span = zone.spanAt(instant);
  const wall = instant + span.offset;
  const { everyHour } = wallsOf(expression);
  if (span.to !== Infinity && wall - zone.spanAt(span.to).offset >= span.to) {
    const which = everyHour ? "this is the first" : "only the first counts";
    return `${clockText(wall)} comes twice on this day, ${which}: ${changeText(zone, span.to)}`;
  }
  if (!everyHour || span.from === -Infinity) return null;
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
