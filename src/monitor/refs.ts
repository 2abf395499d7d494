/** What people call a thing by: an id, and for an expected job its name as well. */
import { z } from "zod";

/** An id, or whatever else was typed: that is nothing's id, and shown again in the error that says so. */
export type Ref = number | string;

/** A reference as it comes in. */
export const Ref = z.union([z.int(), z.string().min(1).max(1000)]).transform((typed): Ref => {
  const number = Number(typed);
  return Number.isSafeInteger(number) && number > 0 ? number : String(typed);
});

/** The id a reference can be; 0, which nothing has, for any other text. */
export function idOf(ref: Ref): number {
  return typeof ref === "number" ? ref : 0;
}

/** A reference as errors show it. */
export function shownRef(ref: Ref): string {
  return typeof ref === "number" ? String(ref) : `"${ref}"`;
}
