/** Wall-clock rules: when messages wait, and when a digest is due. Days on which clocks change are `Temporal`'s business. */
import type { Severity } from "./event.ts";
import { isAtLeast, type Policy } from "./policy.ts";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

interface Window {
  /** ISO days of the week the window begins on. */
  days: readonly number[];
  start: Temporal.PlainTime;
  end: Temporal.PlainTime;
  /** Days from the beginning to the end. */
  span: 0 | 1;
}

/** Windows that touch each other count as one; a policy that is always quiet still speaks after this many. */
const MAX_WINDOWS = 8;

/** When a message that is ready at `now` may leave: the end of the quiet time it falls into, else null. Milliseconds. */
export function heldUntil(
  policy: Pick<Policy, "quiet" | "quiet_up_to" | "timezone">,
  severity: Severity,
  now: number,
): number | null {
  if (policy.quiet.length === 0) return null;
  if (severity !== policy.quiet_up_to && isAtLeast(severity, policy.quiet_up_to)) return null;
  const windows = policy.quiet.map(windowOf);
  let until: number | null = null;
  for (let i = 0; i < MAX_WINDOWS; i++) {
    const end = endOf(windows, policy.timezone, until ?? now);
    if (end === null) return until;
    until = end;
  }
  return until;
}

function windowOf(text: string): Window {
  const [, days, start = "", end = ""] = /^(?:(\S+) )?(\S+)-(\S+)$/.exec(text) ?? [];
  const [from, to] = [start, end === "24:00" ? "00:00" : end].map((time) => Temporal.PlainTime.from(time));
  return {
    days: days === undefined ? [1, 2, 3, 4, 5, 6, 7] : days.split(",").map((day) => DAYS.indexOf(day) + 1),
    start: from!,
    end: to!,
    span: Temporal.PlainTime.compare(to!, from!) <= 0 ? 1 : 0,
  };
}

/** The latest end among the windows an instant lies in. */
function endOf(windows: readonly Window[], timezone: string, at: number): number | null {
  const today = dateAt(at, timezone);
  const ends = windows.flatMap(({ days, start, end, span }) =>
    [today.subtract({ days: 1 }), today].flatMap((day) => {
      const from = instantOf(day, start, timezone);
      const to = instantOf(day.add({ days: span }), end, timezone);
      return days.includes(day.dayOfWeek) && from <= at && at < to ? [to] : [];
    })
  );
  return ends.length === 0 ? null : Math.max(...ends);
}

/** The first instant after `after` at which a digest is due: `07:00`, or `mon 07:00`. Milliseconds. */
export function nextDigest(when: string, timezone: string, after: number): number {
  const [time = "", day] = when.split(" ").reverse();
  const weekday = day === undefined ? null : DAYS.indexOf(day) + 1;
  for (let date = dateAt(after, timezone);; date = date.add({ days: 1 })) {
    const at = instantOf(date, Temporal.PlainTime.from(time), timezone);
    if (at > after && (weekday === null || date.dayOfWeek === weekday)) return at;
  }
}

function dateAt(ms: number, timezone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone).toPlainDate();
}

/** A time that clocks leave out is the one right after the jump, one that comes twice is the first. */
function instantOf(date: Temporal.PlainDate, time: Temporal.PlainTime, timezone: string): number {
  return date.toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds;
}
