/** Rows about channels and the outbox. */
import type { Rows } from "../row.ts";

const nothing = () => ({});

export const notifyRows: Rows = {
  "notify.channels.list": { role: "operator", limited: "free", input: nothing },
  "notify.test": { role: "operator", limited: "free", input: () => ({ channel: "log" }) },
  "notify.outbox.list": { role: "operator", limited: "free", input: nothing },
  "notify.dead.list": { role: "operator", limited: "free", input: nothing },
  "notify.outbox.retry": { role: "operator", limited: "free", input: nothing },
  "notify.outbox.discard": { role: "operator", limited: "free", input: nothing },
};
