/** Every migration, in order. Append only: a released one is never edited. */
import type { Migration } from "kysely/migration";
import * as frame from "./0001_frame.ts";

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_frame": frame,
};
