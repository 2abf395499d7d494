/** Watching the channels themselves: one that does not deliver is an alert on the others. */
import { type Clock, iso } from "../lib/clock.ts";
import type { AlertEvent } from "./event.ts";
import type { Item } from "./message.ts";
import type { ChannelRow, Db, StoredMessage } from "./queries/tables.ts";

/** What watching needs. */
export interface WatchOptions {
  clock: Clock;
  channels: readonly string[];
  deadAfterSeconds: number;
  tell(db: Db, event: AlertEvent): Promise<void>;
}

/** Judges what delivery found, inside the transaction that records it. */
export class Watch {
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Tells the others of a channel that has failed for too long, once, and of its recovery; returns what to remember. */
  async channelChanged(db: Db, before: ChannelRow, after: ChannelRow): Promise<ChannelRow> {
    const { clock, deadAfterSeconds, tell } = this.#options;
    const others = this.#others(after.name);
    const alert = `notify:channel:${after.name}`;
    const about = {
      alert,
      severity: "warning",
      subject: { kind: "channel", id: after.name, name: after.name },
      channels: others,
    } as const;
    if (after.failing_since === null) {
      if (before.reported_at === null) return after;
      await tell(db, {
        ...about,
        key: `${alert}:works:${before.reported_at}`,
        kind: "recovered",
        code: "ok",
      });
      return { ...after, reported_at: null };
    }
    const failingMs = clock.now() - Date.parse(after.failing_since);
    const due = failingMs >= deadAfterSeconds * 1000 && after.reported_at === null;
    if (!due || others.length === 0) return after;
    await tell(db, {
      ...about,
      key: `${alert}:fails:${after.failing_since}`,
      kind: "finding",
      code: "channel_failed",
      facts: { channel: after.name, error: after.last_error },
    });
    return { ...after, reported_at: iso(clock.now()) };
  }

  /** Tells the others of a message that was given up, unless it is such a message itself. */
  async gaveUp(db: Db, message: StoredMessage, items: readonly Item[], error: string): Promise<void> {
    if (items.some((item) => item.code === "delivery_failed")) return;
    const { id, key, channel, attempts } = message;
    await this.#options.tell(db, {
      key: `outbox:${id}:dead:${attempts}`,
      kind: "notice",
      alert: `notify:dead:${id}`,
      code: "delivery_failed",
      severity: "warning",
      subject: { kind: "channel", id: channel, name: items[0]?.subject.name ?? key },
      facts: { channel, attempts, error },
      channels: this.#others(channel),
    });
  }

  #others(name: string): string[] {
    return this.#options.channels.filter((other) => other !== name);
  }
}
