/** From an event to rows: what is remembered of the alert, and one message for each channel that has to be told. */
import { type Clock, iso } from "../lib/clock.ts";
import { TRAITS } from "./channels/mod.ts";
import type { ChannelSettings } from "./config.ts";
import type { AlertEvent } from "./event.ts";
import { Item, type MessageKind } from "./message.ts";
import { type AlertState, decide, dueFor, isAtLeast, type Policy, policyFor } from "./policy.ts";
import { addEvent, alertByName, dueAlerts, lastFinding, saveAlert } from "./queries/alerts.ts";
import { addMessage, collecting, joinMessage } from "./queries/outbox.ts";
import type { Db } from "./queries/tables.ts";
import { heldUntil } from "./quiet.ts";

/** What the teller needs. */
export interface TellerOptions {
  clock: Clock;
  channels: ReadonlyMap<string, ChannelSettings>;
  policies: readonly Policy[];
  giveUpAfterSeconds: number;
}

/** Reminders made in one go; the rest waits a minute. */
const REMINDERS_AT_ONCE = 200;

/** Writes events and messages; everything happens in the transaction it is given. */
export class Teller {
  readonly #options: TellerOptions;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** Tells an event, unless its key was told before. */
  async tell(db: Db, event: AlertEvent): Promise<void> {
    const { clock, policies } = this.#options;
    const now = clock.now();
    const before = await alertByName(db, event.alert);
    const policy = policyFor(policies, event.subject, event.policy ?? before?.policy ?? null);
    const decision = decide(event, before, policy, now);
    const item = itemOf(event, decision?.after, before, iso(now));
    const row = { key: event.key, at: item.at, kind: event.kind, alert: event.alert };
    if (!await addEvent(db, { ...row, body: JSON.stringify(item) })) return;
    if (event.kind === "notice") {
      if (isAtLeast(event.severity, policy.min_severity)) {
        await this.post(db, item, this.#channelsFor(event, policy), policy, event.recipients ?? []);
      }
      return;
    }
    if (decision === undefined) return;
    const { after, tell } = decision;
    if (tell === null) return await saveAlert(db, after);
    const channels = tell === "recovered"
      ? this.#stillThere(after.channels, policy)
      : [...new Set([...this.#channelsFor(event, policy), ...after.channels])];
    const told = await this.post(db, item, channels, policy, after.recipients);
    await saveAlert(db, { ...after, channels: [...new Set([...after.channels, ...told])] });
  }

  #channelsFor(event: AlertEvent, policy: Policy): readonly string[] {
    return event.channels ?? this.#channelsOf(policy);
  }

  #channelsOf(policy: Policy): readonly string[] {
    return policy.channels.length > 0 ? policy.channels : [...this.#options.channels.keys()];
  }

  /** Channels that were told, as far as they are still there; where none is, as after a renaming, those that would be told now. */
  #stillThere(told: readonly string[], policy: Policy): readonly string[] {
    const left = told.filter((name) => this.#options.channels.has(name));
    return left.length > 0 || told.length === 0 ? left : this.#channelsOf(policy);
  }

  /** Makes the reminders and escalations that are due; true when there were any. */
  async remind(db: Db): Promise<boolean> {
    const { clock, policies } = this.#options;
    const due = await dueAlerts(db, iso(clock.now()), REMINDERS_AT_ONCE);
    for (const state of due) {
      const policy = policyFor(policies, state.subject, state.policy);
      const found = dueFor(state, policy, clock.now());
      if (found === undefined) continue;
      await this.#again(db, state, found.after, found.kind, found.channel, policy);
    }
    return due.length > 0;
  }

  async #again(
    db: Db,
    before: AlertState,
    after: AlertState,
    kind: "reminder" | "escalation",
    channel: string | null,
    policy: Policy,
  ): Promise<void> {
    const now = iso(this.#options.clock.now());
    const row = await lastFinding(db, after.alert);
    const number = kind === "reminder" ? after.reminders : after.step;
    const key = `${after.alert}@${after.opened_at}:${kind}:${number}`;
    await saveAlert(db, after);
    if (row === undefined) return;
    const found = Item.parse(JSON.parse(row.body));
    const item: Item = { ...found, key, kind, at: now, since: after.opened_at, failures: after.failures };
    await addEvent(db, { key, at: now, kind, alert: after.alert, body: JSON.stringify(item) });
    await this.post(
      db,
      item,
      channel === null ? this.#stillThere(before.channels, policy) : [channel],
      policy,
      after.recipients,
    );
  }

  /** Puts an item into the outbox for each of these channels that takes it; returns those. */
  async post(
    db: Db,
    item: Item,
    channels: readonly string[],
    policy: Policy | null,
    recipients: readonly string[],
  ): Promise<string[]> {
    const told: string[] = [];
    for (const name of channels) {
      const settings = this.#options.channels.get(name);
      if (settings === undefined || !takes(settings, item, recipients)) continue;
      await this.#postOne(db, item, name, settings, policy, settings.kind === "mail" ? recipients : []);
      told.push(name);
    }
    return told;
  }

  async #postOne(
    db: Db,
    item: Item,
    channel: string,
    settings: ChannelSettings,
    policy: Policy | null,
    addresses: readonly string[],
  ): Promise<void> {
    const { clock, giveUpAfterSeconds } = this.#options;
    const now = clock.now();
    const { groups } = TRAITS[settings.kind];
    const wait = policy === null ? 0 : waitFor(policy, item, groups, now);
    const until = iso(now + wait);
    const same = { channel, policy: policy?.name ?? "", recipients: JSON.stringify(addresses) };
    if (wait > 0 && groups) {
      const open = await collecting(db, same, iso(now), until);
      if (open !== undefined) return await joinMessage(db, open.id, item);
    }
    await addMessage(db, {
      ...same,
      key: `${item.key}/${channel}`,
      remaining: null,
      status: "waiting",
      created_at: iso(now),
      next_attempt_at: until,
      collect_until: wait > 0 && groups ? until : null,
      give_up_at: iso(now + wait + giveUpAfterSeconds * 1000),
      attempts: 0,
      refusals: 0,
      owner: null,
      lease_until: null,
      ended_at: null,
      last_error: null,
    }, item);
  }
}

/** Milliseconds a message waits: for the end of quiet times, and for others to join it. */
function waitFor(policy: Policy, item: Item, groups: boolean, now: number): number {
  const held = heldUntil(policy, item.severity, now) ?? now;
  const grouped = groups ? now + policy.group_seconds * 1000 : now;
  return Math.max(held, grouped) - now;
}

function takes(settings: ChannelSettings, item: Item, recipients: readonly string[]): boolean {
  if (!settings.enabled || !isAtLeast(item.severity, settings.min_severity)) return false;
  if (item.kind === "digest" && !TRAITS[settings.kind].digests) return false;
  return settings.kind !== "mail" || settings.recipients.length + recipients.length > 0;
}

function itemOf(
  event: AlertEvent,
  after: AlertState | undefined,
  before: AlertState | undefined,
  at: string,
): Item {
  const recovered = event.kind === "recovered" && before !== undefined;
  const kind: MessageKind = event.kind === "acknowledged" ? "notice" : event.kind;
  return {
    key: event.key,
    kind,
    alert: event.alert,
    // What it was: a recovery has no code of its own.
    code: recovered ? before.code : event.code,
    severity: recovered ? before.severity : event.severity,
    subject: event.subject,
    at,
    since: after?.opened_at ?? null,
    failures: after?.failures ?? 0,
    detail: event.detail === undefined
      ? null
      : typeof event.detail === "string"
      ? event.detail
      : { ...event.detail },
    ...(event.by === undefined ? {} : { by: event.by }),
    facts: { ...event.facts },
    sections: [],
  };
}
