/** Jobs that must have succeeded by a time of day: `Daily VMs by 06:00`, `vbr-1: SQL by 23:30 mon,tue`. Pure. */
import { parseInstant } from "./decode.ts";
import type { VeeamSession } from "./model.ts";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY = `(?:${DAYS.join("|")})`;

/** One expectation as it is written. */
export const EXPECTATION = new RegExp(
  `^(?:([A-Za-z0-9._-]+): )?(.+) by ((?:[01]\\d|2[0-3]):[0-5]\\d)(?: (${DAY}(?:,${DAY})*))?$`,
);

export interface Expectation {
  /** Null where there is only one server. */
  server: string | null;
  job: string;
  /** `06:00`. */
  time: string;
  /** Days of the week on which it is due, 0 for Sunday. */
  days: readonly number[];
}

/** Reads an expectation; the configuration has judged it. */
export function parseExpectation(text: string): Expectation {
  const [, server, job = "", time = "", days] = EXPECTATION.exec(text) ?? [];
  return {
    server: server ?? null,
    job,
    time,
    days: days === undefined ? DAYS.map((_, day) => day) : days.split(",").map((day) => DAYS.indexOf(day)),
  };
}

/** The last two deadlines that have passed, newest first, in milliseconds. */
export function deadlines({ time, days }: Expectation, now: number, timezone: string): [number, number] {
  const local = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(now);
  const today = Date.parse(`${local}T00:00:00Z`);
  const found: number[] = [];
  for (let back = 0; found.length < 2; back++) {
    const day = new Date(today - back * 86_400_000);
    if (!days.includes(day.getUTCDay())) continue;
    const wall = `${day.toISOString().slice(0, 10)}T${time}:00`;
    const at = parseInstant(wall, { iana: timezone, offset_minutes: 0 });
    if (at !== null && at <= now) found.push(at);
  }
  return [found[0]!, found[1]!];
}

/** The session that met the last deadline, or came after it; undefined while there is none. `inTime` tells which. */
export function metBy(
  sessions: readonly VeeamSession[],
  [deadline, before]: readonly [number, number],
): { session: VeeamSession; inTime: boolean } | undefined {
  const good = sessions.filter(({ result, ended_at }) =>
    (result === "Success" || result === "Warning") && ended_at !== null && Date.parse(ended_at) > before
  );
  const [first] = good.toSorted((a, b) => a.ended_at!.localeCompare(b.ended_at!));
  return first === undefined
    ? undefined
    : { session: first, inTime: Date.parse(first.ended_at!) <= deadline };
}
