/** The service on a real database, with channels that lead to real servers and a clock that stands still. */
import { NotifyConfig } from "../../src/notify/config.ts";
import type { AlertEvent } from "../../src/notify/event.ts";
import { Notify, type NotifyTables } from "../../src/notify/mod.ts";
import type { Attempt } from "../../src/notify/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { MailServer } from "../support/mail_server.ts";
import { freePort } from "../support/ports.ts";
import { type Answer, Receiver } from "../support/receiver.ts";
import { type TempStore, tempStore } from "../support/store.ts";

/** A Monday morning. */
export const START = "2026-01-05T08:00:00.000Z";

/** The service and what is around it. */
export interface NotifyWorld extends AsyncDisposable {
  clock: FakeClock;
  store: TempStore;
  notify: Notify;
  mail: MailServer;
  hook: Receiver;
  attempts: Attempt[];
  /** Tells events in one transaction and waits until what is due has been tried. */
  tell(...events: AlertEvent[]): Promise<void>;
  /** Lets time pass, with a tick every minute, or every `step` minutes. */
  pass(minutes: number, step?: number): Promise<void>;
  /** Rows of the outbox in the order they were made: channel, status, attempts. */
  rows(): Promise<string[]>;
  /** A second service on the same database, as after a restart. */
  again(): Notify;
  /** The titles that came by web hook. */
  titles(): string[];
}

/** Two channels: `mail` and the web hook `hook`; `settings` as in the configuration. */
export async function notifyWorld(
  settings: Record<string, unknown> = {},
  answer: Answer = () => new Response(),
): Promise<NotifyWorld> {
  const clock = new FakeClock(START);
  const store = await tempStore(clock);
  // Known beforehand, so that it can go away and come back to the same port.
  const mail = await MailServer.start({ port: freePort() });
  const hook = new Receiver(answer);
  const { channels, ...rest } = settings;
  const config = NotifyConfig.parse({
    instance: "backup-1",
    mail: {
      host: "127.0.0.1",
      port: mail.port,
      sender: "holdfast@example.org",
      recipients: ["ops@example.org"],
      timeout_seconds: 5,
    },
    channels: {
      hook: { kind: "webhook", url: hook.url, allow_private_addresses: true, timeout_seconds: 5 },
      ...(typeof channels === "object" ? channels : {}),
    },
    ...rest,
  });
  const attempts: Attempt[] = [];
  const services: Notify[] = [];
  const open = () => {
    const notify = new Notify({
      database: store.database,
      clock,
      settings: config,
      allowCommands: true,
      random: () => 0.5,
    });
    notify.listen((attempt) => attempts.push(attempt));
    services.push(notify);
    return notify;
  };
  const notify = open();
  return {
    clock,
    store,
    notify,
    mail,
    hook,
    attempts,
    again: open,
    async tell(...events) {
      await store.database.transaction(async (tx) => {
        for (const event of events) await notify.enqueue(tx, event);
      });
      await notify.idle();
    },
    async pass(minutes, step = 1) {
      for (let minute = 0; minute < minutes; minute += step) {
        clock.advance(step * 60_000);
        await notify.tick();
        await notify.idle();
      }
    },
    async rows() {
      const rows = await store.database.tables<NotifyTables>().selectFrom("notify_outbox")
        .select(["channel", "status", "attempts"]).orderBy("id").execute();
      return rows.map((row) => `${row.channel} ${row.status} ${row.attempts}`);
    },
    titles: () => hook.bodies.map((body) => String(body.title)),
    async [Symbol.asyncDispose]() {
      for (const service of services) await service.stop(Promise.resolve());
      await mail[Symbol.asyncDispose]();
      await hook[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
