/** Statements on how channels have been. */
import type { ChannelRow, Db } from "./tables.ts";

export async function channelRows(db: Db): Promise<ChannelRow[]> {
  return await db.selectFrom("notify_channels").selectAll().orderBy("name").execute();
}

export async function channelRow(db: Db, name: string): Promise<ChannelRow> {
  const row = await db.selectFrom("notify_channels").selectAll().where("name", "=", name).executeTakeFirst();
  return row ?? {
    name,
    failures: 0,
    failing_since: null,
    paused_until: null,
    last_ok_at: null,
    last_error: null,
    reported_at: null,
  };
}

export async function saveChannel(db: Db, row: ChannelRow): Promise<void> {
  const { name: _, ...changes } = row;
  await db.insertInto("notify_channels").values(row)
    .onConflict((conflict) => conflict.column("name").doUpdateSet(changes)).execute();
}

/** Lets a channel be tried at once. */
export async function unpause(db: Db, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await db.updateTable("notify_channels").set({ paused_until: null }).where("name", "in", names).execute();
}

/** Lets channels be tried that are paused until after `latest`; one that failed from after `now` on fails from now on. */
export async function wakeChannels(db: Db, now: string, latest: string): Promise<void> {
  await db.updateTable("notify_channels").set({ paused_until: null }).where("paused_until", ">", latest)
    .execute();
  await db.updateTable("notify_channels").set({ failing_since: now }).where("failing_since", ">", now)
    .execute();
}
