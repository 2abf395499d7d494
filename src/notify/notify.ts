/** The service: takes events, lets time work on them, and answers what people ask of channels and the outbox. */
import { hostname } from "node:os";
import type { Transaction } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { openChannel } from "./channels/mod.ts";
import type { ChannelSettings, NotifyConfig } from "./config.ts";
import { type Attempt, Deliverer, sendInTime } from "./deliverer.ts";
import { Digests, type DigestSource } from "./digest.ts";
import type { AlertEvent, AlertSink } from "./event.ts";
import { Heartbeat } from "./heartbeat.ts";
import { compose, testItem } from "./message.ts";
import type { ChannelView, TestResult } from "./model.ts";
import { Outbox } from "./outbox.ts";
import { policiesOf } from "./policy.ts";
import { forgetAlerts } from "./queries/alerts.ts";
import { channelRow, unpause } from "./queries/channels.ts";
import { countMessages, forgetMessages, oldestDue } from "./queries/outbox.ts";
import type { ChannelRow, Db, NotifyTables, OutboxStatus } from "./queries/tables.ts";
import { channelsOf } from "./settings.ts";
import { Teller } from "./teller.ts";
import { Watch } from "./watch.ts";

/** What the service needs. */
export interface NotifyOptions {
  database: Database;
  clock: Clock;
  settings: NotifyConfig;
  /** Channels may run commands: `backups.allow_commands`. */
  allowCommands: boolean;
  /** In [0, 1); default `Math.random`. */
  random?: () => number;
}

/** How the outbox is, for health and metrics. */
export interface OutboxState {
  counts: { channel: string; status: OutboxStatus; count: number }[];
  /** Age of the oldest message that should have left, in seconds; 0 when none waits. */
  oldest_seconds: number;
}

export class Notify implements AlertSink {
  readonly heartbeat: Heartbeat;
  readonly outbox: Outbox;
  readonly #options: NotifyOptions;
  readonly #channels: ReadonlyMap<string, ChannelSettings>;
  readonly #teller: Teller;
  readonly #deliverer: Deliverer;
  readonly #digests: Digests;
  readonly #listeners: ((attempt: Attempt) => void)[] = [];

  constructor(options: NotifyOptions) {
    const { database, clock, settings, random } = options;
    this.#options = options;
    this.#channels = channelsOf(settings);
    this.#teller = new Teller({
      clock,
      channels: this.#channels,
      policies: policiesOf(settings.policies, settings.timezone),
      giveUpAfterSeconds: settings.give_up_after_seconds,
    });
    this.#digests = new Digests(clock, settings, [...this.#channels.keys()], this.#teller);
    this.heartbeat = new Heartbeat(clock, settings.heartbeat);
    const watch = new Watch({
      clock,
      channels: [...this.#channels.keys()],
      deadAfterSeconds: settings.dead_channel_after_seconds,
      tell: (db, event) => this.#tell(db, event),
    });
    this.#deliverer = new Deliverer({
      database,
      clock,
      channels: this.#channels,
      open: (name) => this.#open(name),
      style: (name) => this.#style(name),
      onChannel: (db, before, after) => watch.channelChanged(db, before, after),
      onDead: (db, message, items, error) => watch.gaveUp(db, message, items, error),
      onAttempt: (attempt) => this.#listeners.forEach((listener) => listener(attempt)),
      ...(random === undefined ? {} : { random }),
    });
    this.outbox = new Outbox({
      database,
      clock,
      giveUpAfterSeconds: settings.give_up_after_seconds,
      style: (name) => this.#style(name),
      kick: () => this.#deliverer.kick(),
    });
  }

  async enqueue(tx: Transaction<unknown>, event: AlertEvent): Promise<void> {
    await this.#tell(tablesOf<NotifyTables>(tx), event);
  }

  async #tell(db: Db, event: AlertEvent): Promise<void> {
    await this.#teller.tell(db, event);
    this.#deliverer.kick();
  }

  /** What time asks, each minute: reminders, digests, and messages whose next attempt has come. */
  async tick(): Promise<void> {
    const { database } = this.#options;
    await this.#deliverer.release(false);
    await this.#deliverer.wake();
    await this.#deliverer.giveUpStranded();
    await database.transaction((tx) => this.#teller.remind(tablesOf<NotifyTables>(tx)));
    for (const due of await this.#digests.due(database.tables())) {
      const extra = await this.#digests.extraSections(due.since);
      await database.transaction((tx) => this.#digests.tell(tablesOf<NotifyTables>(tx), due, extra));
    }
    this.#deliverer.kick();
  }

  /** At the start of a process that owns the data directory: what one that died had claimed is free again. */
  async settle(): Promise<void> {
    await this.#deliverer.release(true);
  }

  /** Adds to the digest. */
  addDigestSource(source: DigestSource): void {
    this.#digests.addSource(source);
  }

  /** Told of every attempt to deliver. */
  listen(listener: (attempt: Attempt) => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves when nothing that is due is still to be sent. */
  idle(): Promise<void> {
    return this.#deliverer.idle();
  }

  /** Lets deliveries under way end while `grace` is pending; what is left stays in the outbox. */
  stop(grace: Promise<unknown>): Promise<void> {
    return this.#deliverer.stop(grace);
  }

  async channels(): Promise<ChannelView[]> {
    const db = this.#db;
    const counts = await countMessages(db);
    const count = (channel: string, ...statuses: OutboxStatus[]) =>
      counts.filter((one) => one.channel === channel && statuses.includes(one.status))
        .reduce((sum, one) => sum + one.count, 0);
    return await Promise.all([...this.#channels].map(async ([name, { kind, enabled }]) => {
      const { failures: _, reported_at: __, ...row } = await channelRow(db, name);
      return {
        ...row,
        name,
        kind,
        status: enabled ? statusOf(row) : "disabled",
        waiting: count(name, "waiting", "sending"),
        dead: count(name, "dead"),
      };
    }));
  }

  /** Sends a test message past the outbox. Errors: `not_found`, `forbidden`, `upstream` with what the channel said. */
  async test(name: string, caller: Caller): Promise<TestResult> {
    const { clock, database } = this.#options;
    const settings = this.#channels.get(name);
    if (settings === undefined) throw this.#unknownChannel(name);
    if (settings.kind === "command" && caller.role !== "admin") {
      throw new HoldfastError(
        "forbidden",
        `Cannot test channel "${name}": needs role admin, because it runs a command`,
      );
    }
    const started = performance.now();
    const key = `test:${crypto.randomUUID()}`;
    const message = compose([testItem(key, iso(clock.now()), name)], {
      key,
      ...this.#style(name),
      recipients: [],
      remaining: null,
    });
    await sendInTime(await this.#open(name), message, settings.timeout_seconds * 1000, caller.signal);
    if (!database.readonly) await unpause(this.#db, [name]);
    this.#deliverer.kick();
    return { channel: name, kind: settings.kind, key, duration_ms: Math.round(performance.now() - started) };
  }

  #unknownChannel(name: string): HoldfastError {
    const meant = nearest(name, this.#channels.keys());
    return new HoldfastError("not_found", `Cannot find channel "${name}"`, {
      hint: meant !== undefined
        ? `did you mean "${meant}"?`
        : this.#channels.size === 0
        ? "no channel is configured: set SMTP_HOST, or notify.channels in the configuration"
        : `there are: ${[...this.#channels.keys()].join(", ")}`,
    });
  }

  /** For health and metrics. */
  async state(): Promise<OutboxState> {
    const now = this.#options.clock.now();
    const oldest = await oldestDue(this.#db, iso(now));
    return {
      counts: await countMessages(this.#db),
      oldest_seconds: oldest === undefined ? 0 : Math.max(0, (now - Date.parse(oldest)) / 1000),
    };
  }

  /** Forgets what ended before; null keeps all. */
  async prune(before: number | null): Promise<{ notifications: number }> {
    if (before === null) return { notifications: 0 };
    const messages = await forgetMessages(this.#db, iso(before));
    await forgetAlerts(this.#db, iso(before));
    return { notifications: messages };
  }

  get #db(): Db {
    return this.#options.database.tables<NotifyTables>();
  }

  #open(name: string): ReturnType<typeof openChannel> {
    const { clock, allowCommands } = this.#options;
    const settings = this.#channels.get(name);
    if (settings === undefined) throw this.#unknownChannel(name);
    return openChannel({ name, settings, clock, allowCommands });
  }

  #style(name: string) {
    const { language, timezone, instance } = this.#options.settings;
    return {
      language: this.#channels.get(name)?.language ?? language,
      timezone,
      instance: instance ?? hostname(),
    };
  }
}

function statusOf(row: Pick<ChannelRow, "failing_since" | "last_ok_at">): "ok" | "failing" | "unused" {
  if (row.failing_since !== null) return "failing";
  return row.last_ok_at === null ? "unused" : "ok";
}
