/** Every statement on the tables of Veeam servers. */
import type { Kysely } from "kysely";
import type { z } from "zod";
import type { FillSample } from "./fill.ts";
import type { Known } from "./memory.ts";
import type { VeeamRepository, VeeamRestorePoint, VeeamSession } from "./model.ts";

/** What is kept of a server. */
export interface ServerRow {
  name: string;
  revision: string | null;
  build: string | null;
  /** Last attempt to read it. */
  tried_at: string;
  synced_at: string | null;
  sessions_until: string | null;
  points_until: string | null;
  error: string | null;
  error_since: string | null;
}

/** Kinds of things that are kept as they were last. */
export type ThingKind = "job" | "job-state" | "repository" | "backup" | "license" | "config-backup";

export interface VeeamTables {
  veeam_known: Known & { address: string };
  veeam_servers: ServerRow;
  veeam_things: { server: string; kind: string; id: string; body: string };
  veeam_sessions: VeeamSession;
  veeam_points: Omit<VeeamRestorePoint, "backup_file">;
  veeam_fills: {
    server: string;
    repository_id: string;
    at: string;
    capacity_bytes: number;
    used_bytes: number;
  };
}

export type Db = Kysely<VeeamTables>;

/** Rows written by one statement: engines limit the number of values. */
const AT_ONCE = 500;

export async function knownAt(db: Db, address: string): Promise<Known | undefined> {
  return await db.selectFrom("veeam_known").select(["fingerprint", "revision"]).where("address", "=", address)
    .executeTakeFirst();
}

export async function setKnown(db: Db, address: string, known: Known): Promise<void> {
  await db.insertInto("veeam_known").values({ address, ...known })
    .onConflict((conflict) => conflict.column("address").doUpdateSet({ ...known })).execute();
}

export async function serverRow(db: Db, name: string): Promise<ServerRow | undefined> {
  return await db.selectFrom("veeam_servers").selectAll().where("name", "=", name).executeTakeFirst();
}

export async function setServer(db: Db, row: ServerRow): Promise<void> {
  const { name: _, ...values } = row;
  await db.insertInto("veeam_servers").values(row)
    .onConflict((conflict) => conflict.column("name").doUpdateSet(values)).execute();
}

/** Things of a kind, in the order of their ids; what is kept was written by us. */
export async function things<Schema extends z.ZodType>(
  db: Db,
  server: string,
  kind: ThingKind,
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const rows = await db.selectFrom("veeam_things").select("body").where("server", "=", server)
    .where("kind", "=", kind).orderBy("id").execute();
  return rows.map(({ body }) => schema.parse(JSON.parse(body)));
}

/** Replaces all things of a kind; rows that are the same stay untouched. */
export async function replaceThings(
  db: Db,
  server: string,
  kind: ThingKind,
  rows: readonly { id: string; body: unknown }[],
): Promise<void> {
  const of = db.selectFrom("veeam_things").where("server", "=", server).where("kind", "=", kind);
  const before = new Set((await of.select("id").execute()).map(({ id }) => id));
  const now = new Set(rows.map(({ id }) => id));
  for (const gone of chunks([...before].filter((id) => !now.has(id)))) {
    await db.deleteFrom("veeam_things").where("server", "=", server).where("kind", "=", kind)
      .where("id", "in", gone).execute();
  }
  for (const part of chunks(rows)) {
    await db.insertInto("veeam_things")
      .values(part.map(({ id, body }) => ({ server, kind, id, body: JSON.stringify(body) })))
      .onConflict((conflict) =>
        conflict.columns(["server", "kind", "id"]).doUpdateSet((eb) => ({ body: eb.ref("excluded.body") }))
      ).execute();
  }
}

export async function saveSessions(db: Db, sessions: readonly VeeamSession[]): Promise<void> {
  for (const part of chunks(sessions)) {
    await db.insertInto("veeam_sessions").values(part).onConflict((conflict) =>
      conflict.columns(["server", "id"]).doUpdateSet((eb) => ({
        state: eb.ref("excluded.state"),
        result: eb.ref("excluded.result"),
        message: eb.ref("excluded.message"),
        ended_at: eb.ref("excluded.ended_at"),
        duration_seconds: eb.ref("excluded.duration_seconds"),
        progress_percent: eb.ref("excluded.progress_percent"),
        processed_bytes: eb.ref("excluded.processed_bytes"),
        transferred_bytes: eb.ref("excluded.transferred_bytes"),
        read_at: eb.ref("excluded.read_at"),
      }))
    ).execute();
  }
}

/** Oldest first. */
export async function sessionsSince(db: Db, server: string, createdAfter: string): Promise<VeeamSession[]> {
  return await db.selectFrom("veeam_sessions").selectAll().where("server", "=", server)
    .where("created_at", ">=", createdAfter).orderBy("created_at").orderBy("id").execute();
}

/**
 * Sessions of one job that go on or ended after an instant, of those created within; oldest first. The name only speaks for
 * sessions that have no id of a job: two jobs may have one name.
 */
export async function sessionsOfJob(
  db: Db,
  { server, job, job_id }: { server: string; job: string; job_id: string | null },
  { after, began_after, until }: { after: string; began_after: string; until: string },
): Promise<VeeamSession[]> {
  return await db.selectFrom("veeam_sessions").selectAll().where("server", "=", server)
    .where((eb) =>
      job_id === null
        ? eb("name", "=", job)
        : eb.or([eb("job_id", "=", job_id), eb.and([eb("job_id", "is", null), eb("name", "=", job)])])
    )
    .where("created_at", ">", began_after).where("created_at", "<=", until)
    .where((eb) => eb.or([eb("ended_at", "is", null), eb("ended_at", ">", after)]))
    .orderBy("created_at").orderBy("id").execute();
}

/** Names that sessions of a server have, also those of jobs that no list shows. */
export async function sessionNames(db: Db, server: string): Promise<string[]> {
  const rows = await db.selectFrom("veeam_sessions").select("name").distinct().where("server", "=", server)
    .orderBy("name").execute();
  return rows.map(({ name }) => name);
}

/** Sessions that had not ended when they were last read, oldest first. */
export async function openSessions(
  db: Db,
  server: string,
): Promise<{ id: string; created_at: string | null; read_at: string }[]> {
  return await db.selectFrom("veeam_sessions").select(["id", "created_at", "read_at"]).where(
    "server",
    "=",
    server,
  )
    .where("ended_at", "is", null).orderBy("created_at").orderBy("id").execute();
}

/** A session that is no longer there will never end. */
export async function forgetSession(db: Db, server: string, id: string): Promise<void> {
  await db.deleteFrom("veeam_sessions").where("server", "=", server).where("id", "=", id).execute();
}

export async function savePoints(db: Db, points: readonly VeeamRestorePoint[]): Promise<void> {
  for (const part of chunks(points)) {
    await db.insertInto("veeam_points").values(part.map(({ backup_file: _, ...point }) => point))
      .onConflict((conflict) =>
        conflict.columns(["server", "id"]).doUpdateSet((eb) => ({
          malware_status: eb.ref("excluded.malware_status"),
          read_at: eb.ref("excluded.read_at"),
        }))
      ).execute();
  }
}

/** Keeps how full repositories are now, unless that was kept since `notAfter`. */
export async function saveFills(
  db: Db,
  repositories: readonly VeeamRepository[],
  at: string,
  notAfter: string,
): Promise<void> {
  const [first] = repositories;
  if (first === undefined) return;
  const recent = await db.selectFrom("veeam_fills").select("at").where("server", "=", first.server)
    .where("at", ">", notAfter).limit(1).executeTakeFirst();
  if (recent !== undefined) return;
  const rows = repositories.flatMap(({ server, id, capacity_bytes, used_bytes }) =>
    capacity_bytes === null || used_bytes === null
      ? []
      : [{ server, repository_id: id, at, capacity_bytes, used_bytes }]
  );
  for (const part of chunks(rows)) await db.insertInto("veeam_fills").values(part).execute();
}

/** How full each repository was since an instant, by its id. */
export async function fillsSince(db: Db, server: string, since: string): Promise<Map<string, FillSample[]>> {
  const rows = await db.selectFrom("veeam_fills").selectAll().where("server", "=", server)
    .where("at", ">=", since).orderBy("at").execute();
  const byId = new Map<string, FillSample[]>();
  for (const { repository_id, at, used_bytes } of rows) {
    const samples = byId.get(repository_id) ?? [];
    samples.push({ at: Date.parse(at), used_bytes });
    byId.set(repository_id, samples);
  }
  return byId;
}

/** How many sessions and restore points are kept of each server. */
export async function counts(db: Db): Promise<Map<string, { sessions: number; points: number }>> {
  const count = async (table: "veeam_sessions" | "veeam_points") =>
    await db.selectFrom(table).select((eb) => ["server", eb.fn.countAll<number>().as("count")]).groupBy(
      "server",
    )
      .execute();
  const [sessions, points] = [await count("veeam_sessions"), await count("veeam_points")];
  const names = new Set([...sessions, ...points].map(({ server }) => server));
  const of = (rows: readonly { server: string; count: number }[], name: string) =>
    Number(rows.find(({ server }) => server === name)?.count ?? 0);
  return new Map(
    [...names].map((name) => [name, { sessions: of(sessions, name), points: of(points, name) }]),
  );
}

/** Forgets what is older. */
export async function forgetBefore(db: Db, before: string): Promise<number> {
  const sessions = await db.deleteFrom("veeam_sessions").where("created_at", "<", before).executeTakeFirst();
  const points = await db.deleteFrom("veeam_points").where("created_at", "<", before).executeTakeFirst();
  const fills = await db.deleteFrom("veeam_fills").where("at", "<", before).executeTakeFirst();
  return Number(sessions.numDeletedRows + points.numDeletedRows + fills.numDeletedRows);
}

function chunks<T>(rows: readonly T[]): T[][] {
  return Array.from(
    { length: Math.ceil(rows.length / AT_ONCE) },
    (_, i) => rows.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );
}
