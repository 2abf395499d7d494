/** Instants and days as people give them. */
import { iso } from "../lib/clock.ts";

/** A day means its first or its last moment, as the caller says. */
export function momentText(moment: string | undefined, time: string): string | undefined {
  return moment === undefined
    ? undefined
    : iso(Date.parse(moment.includes("T") ? moment : `${moment}${time}`));
}
