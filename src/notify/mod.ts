/**
 * Alerts that arrive: an outbox, channels behind one interface, and the policies that decide who is told when.
 *
 * A slice that changes a state somebody should hear of calls `enqueue(tx, event)` inside its own transaction. The
 * event names an *alert*, which is open from its first finding until it recovers.
 */
export * from "./event.ts";
