/** Days and instants, as people give them. */
import { z } from "zod";
import { iso } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import { HoldfastError } from "./errors.ts";

/** A day such as `2026-01-31`. */
export const Day = z.iso.date({ error: "must be a day such as 2026-01-31" });

/** A day such as `2026-01-31` or an instant such as `2026-01-31T02:00:00Z`; what a day stands for, its reader says. */
export const Moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: "must be a day such as 2026-01-31 or an instant such as 2026-01-31T02:00:00Z",
});

/**
 * The milliseconds of what somebody typed for a time that is past: how long ago (`24h`, `7d`; a number needs its unit), a day
 * of UTC or an instant. Errors: `invalid`, which names `what` it is; what is before 1970 too, as nothing was kept then.
 */
export function pastMoment(text: string, now: number, what = "since"): number {
  const typed = text.trim();
  const refused = (reason: string, hint = `such as ${iso(now - 86_400_000)}`) =>
    new HoldfastError("invalid", `Cannot read ${what} "${typed}": ${reason}`, { hint });
  const moment = Moment.safeParse(typed);
  // What ECMAScript reads of a day alone is its beginning in UTC.
  if (moment.success) return Date.parse(moment.data);
  if (/^\d+(\.\d+)?$/.test(typed) && Number(typed) !== 0) {
    throw refused(
      "a number needs a unit here",
      `write it with one, such as ${typed}d, ${typed}h or ${typed}m`,
    );
  }
  const ms = now - secondsIn(typed) * 1000;
  if (Number.isNaN(ms)) throw refused("expected how long ago (24h, 7d), a day or an instant with its zone");
  if (ms < 0) throw refused("it is before 1970");
  return ms;
}

/** NaN for what is no duration. */
function secondsIn(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return NaN;
  }
}
