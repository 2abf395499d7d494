/** Rows about the program itself: its settings, its database, its health. */
import type { Rows } from "../row.ts";

export const programRows: Rows = {
  "config.effective": { role: "admin", limited: "never", input: () => ({}) },
  "db.status": { role: "admin", limited: "never", input: () => ({}) },
  "db.backup": { role: "admin", limited: "never", input: () => ({}) },
  health: { role: "public", limited: "free", input: () => ({}) },
};
