/** Rows about Veeam ONE. */
import type { Input, Row, Rows } from "../row.ts";

const row = (input: Input = {}): Row => ({ role: "operator", limited: "free", input: () => input });

export const veeamOneRows: Rows = {
  "veeam-one.about": row(),
  "veeam-one.alarms.list": row(),
  "veeam-one.alarms.get": row({ alarm: 4711 }),
  "veeam-one.alarms.resolve": row({ alarms: [4712], comment: "seen" }),
  "veeam-one.servers.list": row(),
  "veeam-one.repos.list": row(),
  "veeam-one.jobs.list": row(),
  "veeam-one.tapes.list": row(),
  "veeam-one.tapes.servers": row(),
};
