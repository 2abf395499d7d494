/**
 * Delivery: one worker per channel takes its messages in turn, so that a slow or dead channel delays no other.
 *
 * A message is claimed under a lease, sent, and settled with one conditional update. A crash in between leaves the lease, which
 * runs out or is dropped at the next start, and the message is sent again under the same key. A failure that may pass
 * pauses the channel, longer each time; a refusal only puts the one message off.
 */
import { getLogger } from "@logtape/logtape";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { type Channel, DeliveryError } from "./channels/mod.ts";
import type { ChannelSettings } from "./config.ts";
import { compose, Item, type Message } from "./message.ts";
import { channelRow, saveChannel, wakeChannels } from "./queries/channels.ts";
import {
  bringForward,
  changeMessages,
  claim,
  dueChannels,
  eventsOf,
  releaseLeases,
  settle,
  type Settled,
  strandedMessages,
} from "./queries/outbox.ts";
import type { ChannelRow, Db, NotifyTables, StoredMessage } from "./queries/tables.ts";
import { MAX_REFUSALS, retryDelay } from "./retry.ts";

const log = getLogger(["holdfast", "notify"]);

/** How one attempt ended. */
export interface Attempt {
  channel: string;
  result: "sent" | "partial" | "refused" | "failed";
  /** True when the message will not be tried again. */
  dead: boolean;
  seconds: number;
}

/** What delivery needs. */
export interface DelivererOptions {
  database: Database;
  clock: Clock;
  channels: ReadonlyMap<string, ChannelSettings>;
  /** Opens a channel; asked once for each. */
  open(name: string): Promise<Channel>;
  /** Language, zone and name for a channel's messages. */
  style(name: string): Pick<Message, "language" | "instance"> & { timezone: string };
  /** Told of a channel's failure or success, and of messages given up, inside the transaction that records it. */
  onChannel(db: Db, before: ChannelRow, after: ChannelRow): Promise<ChannelRow>;
  onDead(db: Db, message: StoredMessage, items: readonly Item[], error: string): Promise<void>;
  onAttempt(attempt: Attempt): void;
  /** In [0, 1); default `Math.random`. */
  random?: () => number;
}

/** Beyond the time limit of a delivery; then another process may take the message. */
const LEASE_MARGIN_MS = 60_000;

/** No attempt is put off for so long. */
const LATEST_MS = 2 * 86_400_000;

/** The workers. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #owner = crypto.randomUUID();
  readonly #channels = new Map<string, Promise<Channel>>();
  readonly #workers = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  /** Messages that were tried, and of which the database did not take what became of them. */
  readonly #unsettled: StoredMessage[] = [];
  readonly #stopping = new AbortController();
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: DelivererOptions) {
    this.#options = options;
  }

  /** Looks for work soon: right after the transaction under way, when there is one. */
  kick(): void {
    if (this.#stopping.signal.aborted) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
  }

  async #look(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false;
      try {
        await this.#startWorkers();
      } catch (error) {
        log.error("Cannot look for messages to send: {reason}", { reason: messageOf(error), error });
      }
    }
  }

  /** Resolves when nothing is due and nothing is being sent. */
  async idle(): Promise<void> {
    for (;;) {
      const work = [...this.#workers.values(), ...(this.#looking === undefined ? [] : [this.#looking])];
      if (work.length === 0) return;
      await Promise.allSettled(work);
    }
  }

  /**
   * Gives back what a process that died had claimed, at start, when nobody else can be at work, all of it; and what this one
   * tried while nothing could be written, as on a full disk.
   */
  async release(all: boolean): Promise<void> {
    const { database, clock } = this.#options;
    await releaseLeases(database.tables(), this.#owner, all ? null : iso(clock.now()));
    for (let message; (message = this.#unsettled[0]) !== undefined; this.#unsettled.shift()) {
      await settle(database.tables(), message, { status: "waiting" });
    }
  }

  /** A clock that was ahead has put off what failed meanwhile: nobody would try it until that time has really come. */
  async wake(): Promise<void> {
    const { database, clock } = this.#options;
    const now = clock.now();
    const latest = iso(now + LATEST_MS);
    await bringForward(database.tables(), iso(now), latest);
    await wakeChannels(database.tables(), iso(now), latest);
  }

  /** Lets deliveries under way end for as long as `grace` is pending, then ends them; they stay to be sent. */
  async stop(grace: Promise<unknown>): Promise<void> {
    await Promise.race([this.idle(), grace]);
    this.#stopping.abort(new DOMException("the program stops", "AbortError"));
    await this.idle();
  }

  /** Gives up what waits for channels that were taken out of the configuration, and tells that on those there are. */
  async giveUpStranded(): Promise<void> {
    const { database, clock, channels, onDead } = this.#options;
    const stranded = await strandedMessages(database.tables(), [...channels.keys()], iso(clock.now()));
    for (const message of stranded) {
      const error = `Cannot deliver: there is no channel "${message.channel}"`;
      const items = await this.#itemsOf(message);
      await database.transaction(async (tx) => {
        const db = tablesOf<NotifyTables>(tx);
        const to = { status: "dead" as const, ended_at: iso(clock.now()), last_error: error };
        if (await changeMessages(db, [message.id], ["waiting"], to) > 0) {
          await onDead(db, message, items, error);
        }
      });
      log.error("Gave up message {key}: {reason}", { key: message.key, reason: error });
    }
  }

  async #startWorkers(): Promise<void> {
    const { database, clock, channels } = this.#options;
    for (const name of await dueChannels(database.tables(), iso(clock.now()))) {
      if (channels.get(name)?.enabled !== true) continue;
      if (this.#workers.has(name)) {
        this.#again.add(name);
        continue;
      }
      const worker = this.#drain(name)
        .catch((error) =>
          log.error("Delivery through {channel} stopped: {reason}", {
            channel: name,
            reason: messageOf(error),
            error,
          })
        )
        .finally(() => {
          this.#workers.delete(name);
          if (this.#again.delete(name)) this.kick();
        });
      this.#workers.set(name, worker);
    }
  }

  /** Sends what is due for a channel, until nothing is or it is paused. */
  async #drain(name: string): Promise<void> {
    const { database, clock, channels } = this.#options;
    const db = database.tables<NotifyTables>();
    const limitMs = channels.get(name)!.timeout_seconds * 1000;
    while (!this.#stopping.signal.aborted) {
      const now = clock.now();
      const { paused_until } = await channelRow(db, name);
      if (paused_until !== null && paused_until > iso(now)) return;
      const lease = { owner: this.#owner, lease_until: iso(now + limitMs + LEASE_MARGIN_MS) };
      const message = await claim(db, name, lease, iso(now));
      if (message === undefined) return;
      try {
        await this.#deliver(message, limitMs);
      } catch (error) {
        this.#unsettled.push(message);
        throw error;
      }
    }
  }

  async #deliver(message: StoredMessage, limitMs: number): Promise<void> {
    const { database, onAttempt } = this.#options;
    const items = await this.#itemsOf(message);
    const started = performance.now();
    const error = await this.#attempt(message, items, limitMs).then(() => null, (error: unknown) => error);
    if (error !== null && this.#stopping.signal.aborted) {
      await settle(database.tables(), message, { status: "waiting" });
      return;
    }
    const seconds = (performance.now() - started) / 1000;
    const attempt = error === null
      ? await this.#succeeded(message)
      : await this.#failed(message, items, asDeliveryError(error));
    onAttempt({ channel: message.channel, seconds, ...attempt });
  }

  async #itemsOf({ id }: StoredMessage): Promise<Item[]> {
    const rows = await eventsOf(this.#options.database.tables(), id);
    return rows.map((row) => Item.parse(JSON.parse(row.body)));
  }

  async #attempt(message: StoredMessage, items: readonly Item[], limitMs: number): Promise<void> {
    const [first, ...rest] = items;
    if (first === undefined) return;
    const channel = await this.#open(message.channel);
    const letter = compose([first, ...rest], {
      key: message.key,
      ...this.#options.style(message.channel),
      recipients: addresses(message.recipients),
      remaining: message.remaining === null ? null : addresses(message.remaining),
    });
    await sendInTime(channel, letter, limitMs, this.#stopping.signal);
  }

  #open(name: string): Promise<Channel> {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const opened = this.#options.open(name);
    this.#channels.set(name, opened);
    return opened;
  }

  async #succeeded(message: StoredMessage): Promise<Pick<Attempt, "result" | "dead">> {
    const { database, clock } = this.#options;
    const now = iso(clock.now());
    await database.transaction(async (tx) => {
      const db = tablesOf<NotifyTables>(tx);
      await settle(db, message, { status: "sent", ended_at: now, last_error: null });
      await this.#channelWorks(db, message.channel, now);
    });
    return { result: "sent", dead: false };
  }

  async #channelWorks(db: Db, name: string, now: string): Promise<void> {
    const before = await channelRow(db, name);
    const after = {
      ...before,
      failures: 0,
      failing_since: null,
      paused_until: null,
      last_ok_at: now,
      last_error: null,
    };
    await saveChannel(db, await this.#options.onChannel(db, before, after));
  }

  async #failed(
    message: StoredMessage,
    items: readonly Item[],
    error: DeliveryError,
  ): Promise<Pick<Attempt, "result" | "dead">> {
    const { database, clock, onDead, random = Math.random } = this.#options;
    const now = clock.now();
    const partial = error.remaining !== undefined;
    const refusals = message.refusals + (error.refused ? 1 : 0);
    const dead = refusals >= MAX_REFUSALS || iso(now) >= message.give_up_at;
    const wait = retryDelay(error.refused ? refusals : message.attempts, error.retryAfterSeconds, random());
    const to: Settled = {
      status: dead ? "dead" : "waiting",
      next_attempt_at: iso(now + wait),
      refusals,
      ended_at: dead ? iso(now) : null,
      last_error: error.message,
      ...(error.remaining === undefined ? {} : { remaining: JSON.stringify(error.remaining) }),
    };
    await database.transaction(async (tx) => {
      const db = tablesOf<NotifyTables>(tx);
      if (!await settle(db, message, to)) return;
      if (partial) await this.#channelWorks(db, message.channel, iso(now));
      else await this.#channelFails(db, message.channel, error, now);
      if (dead) await onDead(db, message, items, error.message);
    });
    log.warning("{reason}", { reason: error.message, key: message.key, attempts: message.attempts, dead });
    return { result: partial ? "partial" : error.refused ? "refused" : "failed", dead };
  }

  async #channelFails(db: Db, name: string, error: DeliveryError, now: number): Promise<void> {
    const { random = Math.random } = this.#options;
    const before = await channelRow(db, name);
    const failures = before.failures + 1;
    const pause = retryDelay(failures, error.retryAfterSeconds, random());
    const after = {
      ...before,
      failures,
      failing_since: before.failing_since ?? iso(now),
      // What is wrong with one message is no reason to keep the others.
      paused_until: error.refused ? before.paused_until : iso(now + pause),
      last_error: error.message,
    };
    await saveChannel(db, await this.#options.onChannel(db, before, after));
  }
}

/** Sends, or fails when time is up, whatever the channel does with its signal. */
export async function sendInTime(
  channel: Channel,
  message: Message,
  limitMs: number,
  stopping: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([late, stopping]);
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () =>
    reject(
      late.aborted
        ? new DeliveryError(
          `Cannot deliver through channel "${channel.name}": no answer within ${limitMs / 1000} s`,
          {
            refused: false,
          },
        )
        : signal.reason,
    );
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const sending = channel.send(message, signal);
    // After the time limit nobody waits for it any more.
    sending.catch(() => {});
    await Promise.race([sending, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** What a channel throws besides its own errors is a setting that cannot work, or a defect: both are refusals. */
function asDeliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (!(error instanceof HoldfastError)) log.error("A channel failed unexpectedly", { error });
  return new DeliveryError(messageOf(error), { refused: true });
}

function addresses(text: string): string[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}
