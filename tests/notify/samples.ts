/** Events, messages and channels for the tests of this folder. */
import { systemClock } from "../../src/lib/clock.ts";
import { type Channel, openChannel } from "../../src/notify/channels/mod.ts";
import { ChannelSettings } from "../../src/notify/config.ts";
import type { AlertEvent } from "../../src/notify/event.ts";
import { compose, type Item, type Message, type Style } from "../../src/notify/message.ts";

/** A finding about the database `shop`. */
export function event(fields: Partial<AlertEvent> = {}): AlertEvent {
  return {
    key: "entry:1:missing",
    kind: "finding",
    alert: "job:1",
    code: "missing",
    severity: "critical",
    subject: { kind: "job", id: "1", name: "shop" },
    detail: "No report and no file came until 13:30",
    facts: { database: "shop", agent: "ACME_PARIS_NORTH", expected_at: "2026-01-05T13:00:00.000Z" },
    ...fields,
  };
}

export function item(fields: Partial<Item> = {}): Item {
  return {
    key: "entry:1:missing",
    kind: "finding",
    alert: "job:1",
    code: "missing",
    severity: "critical",
    subject: { kind: "job", id: "1", name: "shop" },
    at: "2026-01-05T13:30:00.000Z",
    since: "2026-01-05T13:30:00.000Z",
    failures: 1,
    detail: "No report and no file came until 13:30",
    facts: { database: "shop", size_bytes: 2048 },
    sections: [],
    ...fields,
  };
}

export function message(items: [Item, ...Item[]] = [item()], style: Partial<Style> = {}): Message {
  return compose(items, {
    key: "entry:1:missing/ops",
    language: "en",
    timezone: "Europe/Paris",
    instance: "backup-1",
    recipients: [],
    remaining: null,
    ...style,
  });
}

/** An open channel called `ops`. */
export async function channel(settings: Record<string, unknown>, allowCommands = true): Promise<Channel> {
  return await openChannel({
    name: "ops",
    settings: ChannelSettings.parse(settings),
    clock: systemClock,
    allowCommands,
  });
}
