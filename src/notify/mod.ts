/**
 * Alerts that arrive: an outbox, channels behind one interface, and the policies that decide who is told when.
 *
 * A slice that changes a state somebody should hear of calls `enqueue(tx, event)` inside its own transaction. The
 * event names an *alert*, which is open from its first finding until it recovers (table `notify_alerts`), and has a key, under
 * which it is told once (`notify_events`). The *policy* for its subject decides whether a message is due: the first
 * finding, or the one after N failures; a finding that is worse or of another kind; the recovery. For each channel that
 * is to be told there is one *message* in the outbox (`notify_outbox`), written in the same transaction: the change and what
 * has to be said of it are both there after a crash, or neither.
 *
 * A message is `waiting` (for its turn, for the end of quiet hours, for others to join it), `sending` under a
 * lease, and then `sent`; or `dead` when it was refused too often or too long undeliverable; or `discarded` by a
 * person. Delivery is at least once: after a crash between sending and noting it, a message is sent again under the same
 * key, which every receiver is told. To one channel, messages of one alert go in order.
 *
 * Channels (`channels/`, one file per kind) are configured, never stored; how they have been is (`notify_channels`). One that
 * fails is paused, longer each time, and delays no other; one that fails for long is itself an alert on the others.
 * Reminders, escalations and digests are made each minute by `tick()`. The heartbeat goes past all of this: it is
 * for the case that nothing here works any more.
 */
export type { Attempt } from "./deliverer.ts";
export type { DigestSource } from "./digest.ts";
export * from "./event.ts";
export { type LetterSender, letterSender } from "./letters.ts";
export type { DigestSection } from "./message.ts";
export { Notify, type NotifyOptions } from "./notify.ts";
export type { NotifyTables } from "./queries/tables.ts";
