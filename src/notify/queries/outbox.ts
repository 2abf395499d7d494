/** Statements on the outbox. A claim is one conditional update, so that no message is ever held by two. */
import type { ExpressionBuilder, Insertable } from "kysely";
import type { Db, EventRow, NotifyTables, OutboxRow, OutboxStatus, StoredMessage } from "./tables.ts";

/** Adds a message with its first event; nothing when its key is there already. */
export async function addMessage(
  db: Db,
  row: Insertable<OutboxRow>,
  event: { key: string; alert: string },
): Promise<void> {
  const [added] = await db.insertInto("notify_outbox").values(row)
    .onConflict((conflict) => conflict.column("key").doNothing()).returning("id").execute();
  if (added !== undefined) await joinMessage(db, added.id, event);
}

/** Adds an event to a message that is still collecting. */
export async function joinMessage(
  db: Db,
  id: number,
  event: { key: string; alert: string },
): Promise<void> {
  await db.insertInto("notify_outbox_events").values({
    outbox_id: id,
    event_key: event.key,
    alert: event.alert,
  }).onConflict((conflict) => conflict.columns(["outbox_id", "event_key"]).doNothing()).execute();
}

/** The message of this channel and policy, to the same recipients, that takes further events and leaves by `until`. */
export async function collecting(
  db: Db,
  { channel, policy, recipients }: Pick<StoredMessage, "channel" | "policy" | "recipients">,
  now: string,
  until: string,
): Promise<StoredMessage | undefined> {
  return await db.selectFrom("notify_outbox").selectAll()
    .where("status", "=", "waiting").where("channel", "=", channel)
    .where("collect_until", ">", now).where("collect_until", "<=", until)
    .where("policy", "=", policy).where("recipients", "=", recipients).where("attempts", "=", 0)
    .orderBy("id").limit(1).executeTakeFirst();
}

/** Channels with something to send at `now`. */
export async function dueChannels(db: Db, now: string): Promise<string[]> {
  const rows = await db.selectFrom("notify_outbox").select("channel").distinct()
    .where("status", "=", "waiting").where("next_attempt_at", "<=", now).execute();
  return rows.map((row) => row.channel);
}

/**
 * Takes the next message of a channel; `lease` says by whom and until when. One whose alert has an earlier message
 * to this channel that is due or was tried waits for it, so that nobody hears of a recovery before the finding.
 */
export async function claim(
  db: Db,
  channel: string,
  lease: { owner: string; lease_until: string },
  now: string,
): Promise<StoredMessage | undefined> {
  const [row] = await db.updateTable("notify_outbox")
    .set((eb) => ({ status: "sending", ...lease, collect_until: null, attempts: eb("attempts", "+", 1) }))
    .where("status", "=", "waiting")
    .where("id", "=", (eb) =>
      eb.selectFrom("notify_outbox as next").select("next.id")
        .where("next.status", "=", "waiting").where("next.channel", "=", channel)
        .where("next.next_attempt_at", "<=", now)
        .where((inner) => inner.not(inner.exists(earlierOfSameAlert(inner, channel, now))))
        .orderBy("next.next_attempt_at").orderBy("next.id").limit(1))
    .returningAll().execute();
  return row;
}

type Claiming = NotifyTables & { next: OutboxRow };

function earlierOfSameAlert(eb: ExpressionBuilder<Claiming, "next">, channel: string, now: string) {
  return eb.selectFrom("notify_outbox_events as mine")
    .innerJoin("notify_outbox_events as theirs", "theirs.alert", "mine.alert")
    .innerJoin("notify_outbox as earlier", "earlier.id", "theirs.outbox_id")
    .select("earlier.id")
    .whereRef("mine.outbox_id", "=", "next.id")
    .whereRef("earlier.id", "<", "next.id")
    .where("earlier.channel", "=", channel)
    .where("earlier.status", "in", ["waiting", "sending"])
    .where((one) => one.or([one("earlier.attempts", ">", 0), one("earlier.next_attempt_at", "<=", now)]));
}

/** What becomes of a message that was being sent. */
export type Settled = Partial<Omit<OutboxRow, "id" | "key" | "channel">> & { status: OutboxStatus };

/** Settles a message, unless somebody else holds it by now; true when it was ours. */
export async function settle(
  db: Db,
  { id, owner, attempts }: Pick<StoredMessage, "id" | "owner" | "attempts">,
  to: Settled,
): Promise<boolean> {
  const result = await db.updateTable("notify_outbox").set({ ...to, owner: null, lease_until: null })
    .where("id", "=", id).where("status", "=", "sending").where("owner", "=", owner)
    .where("attempts", "=", attempts).executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Gives back what others claimed and never settled: what ran out by `now`, or all of it. */
export async function releaseLeases(db: Db, owner: string, now: string | null): Promise<number> {
  const result = await db.updateTable("notify_outbox")
    .set({ status: "waiting", owner: null, lease_until: null })
    .where("status", "=", "sending").where("owner", "!=", owner)
    .$if(now !== null, (query) => query.where("lease_until", "<", now))
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** Makes due what is put off until after `latest`, if it was tried before or was made after `now`. */
export async function bringForward(db: Db, now: string, latest: string): Promise<void> {
  await db.updateTable("notify_outbox").set({ next_attempt_at: now })
    .where("status", "=", "waiting").where("next_attempt_at", ">", latest)
    .where((eb) => eb.or([eb("attempts", ">", 0), eb("created_at", ">", now)])).execute();
}

/** Waiting messages past their time whose channels are not among these. */
export async function strandedMessages(
  db: Db,
  channels: readonly string[],
  now: string,
): Promise<StoredMessage[]> {
  return await db.selectFrom("notify_outbox").selectAll()
    .where("status", "=", "waiting").where("give_up_at", "<=", now)
    .$if(channels.length > 0, (query) => query.where("channel", "not in", channels))
    .orderBy("id").limit(100).execute();
}

/** The events of a message, in the order they were told. */
export async function eventsOf(db: Db, id: number): Promise<EventRow[]> {
  return await db.selectFrom("notify_events")
    .innerJoin("notify_outbox_events", "notify_outbox_events.event_key", "notify_events.key")
    .selectAll("notify_events").where("notify_outbox_events.outbox_id", "=", id)
    .orderBy("notify_outbox_events.id").execute();
}

/** What people want to see of the outbox. */
export interface OutboxFilter {
  status?: OutboxStatus | undefined;
  channel?: string | undefined;
  limit: number;
}

/** Messages, the newest first. */
export async function listMessages(
  db: Db,
  { status, channel, limit }: OutboxFilter,
): Promise<StoredMessage[]> {
  return await db.selectFrom("notify_outbox").selectAll()
    .$if(status !== undefined, (query) => query.where("status", "=", status!))
    .$if(channel !== undefined, (query) => query.where("channel", "=", channel!))
    .orderBy("id", "desc").limit(limit).execute();
}

/** Messages by their numbers. */
export async function messagesById(db: Db, ids: readonly number[]): Promise<StoredMessage[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom("notify_outbox").selectAll().where("id", "in", ids).orderBy("id").execute();
}

/** Changes messages that are in one of these states; returns how many were. */
export async function changeMessages(
  db: Db,
  ids: readonly number[],
  among: readonly OutboxStatus[],
  to: Settled,
): Promise<number> {
  if (ids.length === 0) return 0;
  const result = await db.updateTable("notify_outbox").set(to).where("id", "in", ids)
    .where("status", "in", among).executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** How many messages are in each state, by channel. */
export async function countMessages(
  db: Db,
): Promise<{ channel: string; status: OutboxStatus; count: number }[]> {
  const rows = await db.selectFrom("notify_outbox")
    .select((eb) => ["channel", "status", eb.fn.countAll().as("count")])
    .where("status", "!=", "sent").groupBy(["channel", "status"]).execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** When the message that waits longest past its time was due; undefined when none does. */
export async function oldestDue(db: Db, now: string): Promise<string | undefined> {
  const row = await db.selectFrom("notify_outbox").select((eb) => eb.fn.min("created_at").as("at"))
    .where("status", "in", ["waiting", "sending"])
    .where((eb) => eb.or([eb("attempts", ">", 0), eb("next_attempt_at", "<=", now)])).executeTakeFirst();
  return row?.at ?? undefined;
}

/** Forgets messages that ended before; dead ones stay until somebody decides. */
export async function forgetMessages(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("notify_outbox").where("status", "in", ["sent", "discarded"])
    .where("ended_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
