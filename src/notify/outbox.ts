/** The outbox as people see it: what waits, what was given up, and what they decide about it. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import { compose, Item, type Style } from "./message.ts";
import type { OutboxMessage } from "./model.ts";
import { unpause } from "./queries/channels.ts";
import { changeMessages, eventsOf, listMessages, messagesById, type OutboxFilter } from "./queries/outbox.ts";
import type { Db, NotifyTables, StoredMessage } from "./queries/tables.ts";

/** What it needs. */
export interface OutboxOptions {
  database: Database;
  clock: Clock;
  giveUpAfterSeconds: number;
  style(channel: string): Pick<Style, "language" | "timezone" | "instance">;
  /** Starts delivery. */
  kick(): void;
}

/** Messages that a command chose: by their numbers, or the dead ones, those of one channel only when it is named. */
export interface Chosen {
  ids: readonly number[];
  channel?: string | undefined;
}

/** Messages one command may change. */
const MAX_CHANGED = 10_000;

export class Outbox {
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get #db(): Db {
    return this.#options.database.tables<NotifyTables>();
  }

  /** Messages, the newest first. */
  async list(filter: OutboxFilter): Promise<OutboxMessage[]> {
    const messages = await listMessages(this.#db, filter);
    return await Promise.all(messages.map((message) => this.#view(message)));
  }

  async #view(message: StoredMessage): Promise<OutboxMessage> {
    const items = (await eventsOf(this.#db, message.id)).map((row) => Item.parse(JSON.parse(row.body)));
    const [first, ...rest] = items;
    const style = {
      key: message.key,
      ...this.#options.style(message.channel),
      recipients: [],
      remaining: null,
    };
    const { id, key, channel, status, created_at, next_attempt_at, attempts, ended_at, last_error } = message;
    return {
      id,
      key,
      channel,
      status,
      title: first === undefined ? "" : compose([first, ...rest], style).title,
      created_at,
      next_attempt_at: status === "waiting" ? next_attempt_at : null,
      attempts,
      ended_at,
      last_error,
    };
  }

  /** Sends messages again, or sooner than they would be. Errors: `not_found`. */
  async retry(chosen: Chosen, caller: Caller): Promise<{ changed: number }> {
    const { database, clock, giveUpAfterSeconds, kick } = this.#options;
    const messages = await this.#choose(chosen);
    const now = clock.now();
    const changed = await database.change(caller, async (change) => {
      const db = change.tables<NotifyTables>();
      change.audit({ target: "notify/outbox", after: { retried: messages.map((one) => one.key) } });
      await unpause(db, [...new Set(messages.map((one) => one.channel))]);
      return await changeMessages(db, messages.map((one) => one.id), ["waiting", "dead", "discarded"], {
        status: "waiting",
        next_attempt_at: iso(now),
        collect_until: null,
        give_up_at: iso(now + giveUpAfterSeconds * 1000),
        refusals: 0,
        ended_at: null,
      });
    });
    kick();
    return { changed };
  }

  /** Strikes messages out, so that they are not sent. Errors: `not_found`. */
  async discard(chosen: Chosen, caller: Caller): Promise<{ changed: number }> {
    const { database, clock } = this.#options;
    const messages = await this.#choose(chosen);
    const changed = await database.change(caller, async (change) => {
      change.audit({ target: "notify/outbox", after: { discarded: messages.map((one) => one.key) } });
      return await changeMessages(change.tables(), messages.map((one) => one.id), ["waiting", "dead"], {
        status: "discarded",
        ended_at: iso(clock.now()),
      });
    });
    return { changed };
  }

  async #choose({ ids, channel }: Chosen): Promise<StoredMessage[]> {
    if (ids.length === 0) {
      return await listMessages(this.#db, { status: "dead", channel, limit: MAX_CHANGED });
    }
    const messages = await messagesById(this.#db, ids);
    const missing = ids.find((id) => !messages.some((message) => message.id === id));
    if (missing !== undefined) throw new HoldfastError("not_found", `Cannot find message ${missing}`);
    return messages.filter((message) => channel === undefined || message.channel === channel);
  }
}
