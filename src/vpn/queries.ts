/** Statements on what the daemon keeps of tenants. */
import type { Insertable } from "kysely";
import type { ChangeRow, Db, FeedRow, LogRow, TenantRow, ThingRow } from "./tables.ts";

export async function tenantRow(db: Db, tenant: string): Promise<TenantRow> {
  const row = await db.selectFrom("vpn_tenants").selectAll().where("tenant", "=", tenant).executeTakeFirst();
  return row ?? { tenant, synced_at: null, failed_at: null, error: null, drift: "[]" };
}

export async function saveTenant(db: Db, row: TenantRow): Promise<void> {
  const { tenant: _, ...changes } = row;
  await db.insertInto("vpn_tenants").values(row)
    .onConflict((conflict) => conflict.column("tenant").doUpdateSet(changes)).execute();
}

export async function thingRows(db: Db, tenant: string, kind?: string): Promise<ThingRow[]> {
  let query = db.selectFrom("vpn_things").selectAll().where("tenant", "=", tenant);
  if (kind !== undefined) query = query.where("kind", "=", kind);
  return await query.orderBy("kind").orderBy("name").orderBy("id").execute();
}

export async function saveThing(db: Db, row: ThingRow): Promise<void> {
  const { name, body, connection, changed_at } = row;
  await db.insertInto("vpn_things").values(row)
    .onConflict((conflict) =>
      conflict.columns(["tenant", "kind", "id"]).doUpdateSet({ name, body, connection, changed_at })
    ).execute();
}

export async function deleteThing(db: Db, { tenant, kind, id }: ThingRow): Promise<void> {
  await db.deleteFrom("vpn_things").where("tenant", "=", tenant).where("kind", "=", kind).where("id", "=", id)
    .execute();
}

export async function addChange(db: Db, row: Insertable<ChangeRow>): Promise<void> {
  await db.insertInto("vpn_changes").values(row).execute();
}

/** Changes after `since` up to `until`, in the order they were seen; with a limit the newest of them. */
export async function changeRows(
  db: Db,
  tenant: string,
  { since, until, kind, limit }: {
    since: string;
    until: string;
    kind?: string | undefined;
    limit: number | null;
  },
) {
  let query = db.selectFrom("vpn_changes").selectAll().where("tenant", "=", tenant)
    .where("at", ">", since).where("at", "<=", until);
  if (kind !== undefined) query = query.where("kind", "=", kind);
  if (limit !== null) query = query.limit(limit);
  return (await query.orderBy("number", "desc").execute()).reverse();
}

/** Writes rows of a log; one that is there already is replaced by what is newer. */
export async function saveLog(
  db: Db,
  table: "vpn_sessions" | "vpn_audit",
  rows: readonly LogRow[],
): Promise<void> {
  for (const row of rows) {
    const { at, body } = row;
    await db.insertInto(table).values(row)
      .onConflict((conflict) => conflict.columns(["tenant", "id"]).doUpdateSet({ at, body })).execute();
  }
}

export async function feedRow(db: Db, tenant: string, feed: string): Promise<FeedRow | undefined> {
  return await db.selectFrom("vpn_feeds").selectAll().where("tenant", "=", tenant).where("feed", "=", feed)
    .executeTakeFirst();
}

export async function saveFeed(db: Db, row: FeedRow): Promise<void> {
  const { tenant: _, feed: __, ...changes } = row;
  await db.insertInto("vpn_feeds").values(row)
    .onConflict((conflict) => conflict.columns(["tenant", "feed"]).doUpdateSet(changes)).execute();
}

/** How many things of a kind are connected how, over all tenants. */
export async function countConnections(
  db: Db,
): Promise<{ tenant: string; kind: string; connection: string; count: number }[]> {
  const rows = await db.selectFrom("vpn_things")
    .select(({ fn }) => ["tenant", "kind", "connection", fn.countAll<number>().as("count")])
    .where("connection", "is not", null).groupBy(["tenant", "kind", "connection"]).execute();
  return rows.map(({ connection, count, ...row }) => ({
    ...row,
    connection: connection ?? "",
    count: Number(count),
  }));
}

/** Forgets what is older; null keeps all. */
export async function forget(
  db: Db,
  before: { sessions: string | null; audit: string | null },
): Promise<{ vpn_sessions: number; vpn_audit: number; vpn_changes: number }> {
  const remove = async (table: "vpn_sessions" | "vpn_audit" | "vpn_changes", at: string | null) =>
    at === null
      ? 0
      : Number((await db.deleteFrom(table).where("at", "<", at).executeTakeFirst()).numDeletedRows);
  return {
    vpn_sessions: await remove("vpn_sessions", before.sessions),
    vpn_audit: await remove("vpn_audit", before.audit),
    vpn_changes: await remove("vpn_changes", before.audit),
  };
}
