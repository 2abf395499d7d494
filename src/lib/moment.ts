/** Days and instants, as people give them. */
import { z } from "zod";

/** A day such as `2026-01-31`. */
export const Day = z.iso.date({ error: "must be a day such as 2026-01-31" });

/** A day such as `2026-01-31` or an instant such as `2026-01-31T02:00:00Z`; what a day stands for, its reader says. */
export const Moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: "must be a day such as 2026-01-31 or an instant such as 2026-01-31T02:00:00Z",
});
