/** Every statement on the tables of routers. Shapes of stored texts are of this slice's own writing. */
import type { Generated, Kysely, Selectable } from "kysely";
import type { IpPool, PortPool } from "./draft.ts";
import { type Claim, claimsOf, type Machine } from "./machine.ts";
import type { ChangeKind, ChangeStatus } from "./model.ts";
import type { Step } from "./plan.ts";

export interface NetworkTables {
  network_routers: RouterRow;
  network_pools: PoolTable;
  network_machines: { router: string; name: string; body: string };
  network_claims: { router: string; claim: string; machine: string };
  network_changes: ChangeTable;
  network_requests: { router: string; key: string; digest: string; change_id: number; created_at: string };
  network_configs: ConfigTable;
}

/** What was last seen of a router; `drift` is JSON. */
export interface RouterRow {
  name: string;
  release: string | null;
  version: string | null;
  confirm: number;
  background: number;
  detected_at: string | null;
  checked_at: string | null;
  check_error: string | null;
  failures: number;
  drift: string;
  drift_digest: string;
}

interface PoolTable {
  id: Generated<number>;
  router: string;
  kind: "ip" | "ports";
  name: string;
  settings: string;
  is_default: number;
  is_active: number;
  created_at: string;
  updated_at: string;
}

interface ChangeTable {
  id: Generated<number>;
  router: string;
  kind: ChangeKind;
  subject: string;
  status: ChangeStatus;
  requested_by: string;
  created_at: string;
  ended_at: string | null;
  steps: string;
  before: string;
  after: string;
  result: string | null;
  error: string | null;
  rollback_of: number | null;
}

interface ConfigTable {
  id: Generated<number>;
  router: string;
  taken_at: string;
  reason: string;
  digest: string;
  config: string;
}

export type Db = Kysely<NetworkTables>;

/** A change as a record. */
export interface Change extends Omit<Selectable<ChangeTable>, "steps" | "before" | "after"> {
  steps: Step[];
  before: Machine[];
  after: Machine[];
}

/** A pool as a record; a pool of ports has no network. */
export interface Pool extends Omit<Selectable<PoolTable>, "settings" | "is_default" | "is_active"> {
  is_default: boolean;
  is_active: boolean;
  settings: Omit<IpPool, "name"> | Omit<PortPool, "name">;
}

export async function routerRow(db: Db, name: string): Promise<RouterRow> {
  const row = await db.selectFrom("network_routers").selectAll().where("name", "=", name).executeTakeFirst();
  return row ?? {
    name,
    release: null,
    version: null,
    confirm: 0,
    background: 0,
    detected_at: null,
    checked_at: null,
    check_error: null,
    failures: 0,
    drift: "[]",
    drift_digest: "",
  };
}

export async function saveRouter(db: Db, row: RouterRow): Promise<void> {
  await db.insertInto("network_routers").values(row)
    .onConflict((conflict) => conflict.column("name").doUpdateSet(row)).execute();
}

export async function listPools(db: Db, router: string | null, kind?: Pool["kind"]): Promise<Pool[]> {
  let query = db.selectFrom("network_pools").selectAll().orderBy("router").orderBy("kind").orderBy("id");
  if (router !== null) query = query.where("router", "=", router);
  if (kind !== undefined) query = query.where("kind", "=", kind);
  return (await query.execute()).map(poolOf);
}

function poolOf(row: Selectable<PoolTable>): Pool {
  return {
    ...row,
    is_default: row.is_default === 1,
    is_active: row.is_active === 1,
    settings: JSON.parse(row.settings),
  };
}

export async function insertPool(db: Db, pool: Omit<Pool, "id">): Promise<number> {
  const { id } = await db.insertInto("network_pools").values(poolRow(pool)).returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

export async function updatePool(db: Db, { id, ...pool }: Pool): Promise<void> {
  await db.updateTable("network_pools").set(poolRow(pool)).where("id", "=", id).execute();
}

function poolRow(pool: Omit<Pool, "id">) {
  return {
    router: pool.router,
    kind: pool.kind,
    name: pool.name,
    settings: JSON.stringify(pool.settings),
    is_default: pool.is_default ? 1 : 0,
    is_active: pool.is_active ? 1 : 0,
    created_at: pool.created_at,
    updated_at: pool.updated_at,
  };
}

/** Only one pool of a kind is the default. */
export async function clearDefault(db: Db, router: string, kind: Pool["kind"]): Promise<void> {
  await db.updateTable("network_pools").set({ is_default: 0 }).where("router", "=", router)
    .where("kind", "=", kind).execute();
}

export async function deletePool(db: Db, id: number): Promise<void> {
  await db.deleteFrom("network_pools").where("id", "=", id).execute();
}

export async function listMachines(db: Db, router: string | null): Promise<Machine[]> {
  let query = db.selectFrom("network_machines").select("body").orderBy("router").orderBy("name");
  if (router !== null) query = query.where("router", "=", router);
  return (await query.execute()).map(({ body }) => JSON.parse(body));
}

export async function machineByName(db: Db, router: string, name: string): Promise<Machine | undefined> {
  const row = await db.selectFrom("network_machines").select("body").where("router", "=", router)
    .where("name", "=", name).executeTakeFirst();
  return row && JSON.parse(row.body);
}

/** What machines were becomes what they are, claims included. */
export async function replaceMachines(
  db: Db,
  router: string,
  before: readonly Machine[],
  after: readonly Machine[],
): Promise<void> {
  const names = [...new Set([...before, ...after].map(({ name }) => name))];
  for (const name of names) {
    await db.deleteFrom("network_machines").where("router", "=", router).where("name", "=", name).execute();
    await db.deleteFrom("network_claims").where("router", "=", router).where("machine", "=", name).execute();
  }
  for (const machine of after) {
    await db.insertInto("network_machines").values({
      router,
      name: machine.name,
      body: JSON.stringify(machine),
    })
      .execute();
    await insertClaims(db, router, machine.name, claimsOf(machine));
  }
}

/** Takes what is asked for while a change is under way. Errors: the database's, when somebody has it. */
export async function insertClaims(
  db: Db,
  router: string,
  machine: string,
  claims: readonly Claim[],
): Promise<void> {
  if (claims.length === 0) return;
  await db.insertInto("network_claims").values(claims.map((claim) => ({ router, claim, machine }))).execute();
}

/** Gives back what a change that failed had taken: the machines have what they had before. */
export async function restoreClaims(
  db: Db,
  router: string,
  before: readonly Machine[],
  after: readonly Machine[],
): Promise<void> {
  for (const { name } of after) {
    await db.deleteFrom("network_claims").where("router", "=", router).where("machine", "=", name).execute();
    const known = before.find((machine) => machine.name === name);
    if (known !== undefined) await insertClaims(db, router, name, claimsOf(known));
  }
}

/** Everything that is taken, with the machine that has it. */
export async function claimsOn(db: Db, router: string): Promise<Map<string, string>> {
  const rows = await db.selectFrom("network_claims").select(["claim", "machine"]).where("router", "=", router)
    .execute();
  return new Map(rows.map(({ claim, machine }) => [claim, machine]));
}

export async function insertChange(db: Db, change: Omit<Change, "id">): Promise<number> {
  const { id } = await db.insertInto("network_changes").values({
    ...change,
    steps: JSON.stringify(change.steps),
    before: JSON.stringify(change.before),
    after: JSON.stringify(change.after),
  }).returning("id").executeTakeFirstOrThrow();
  return id;
}

export async function setChange(
  db: Db,
  id: number,
  values: Partial<Pick<Change, "status" | "ended_at" | "result" | "error">>,
): Promise<void> {
  await db.updateTable("network_changes").set(values).where("id", "=", id).execute();
}

export async function changeById(db: Db, id: number): Promise<Change | undefined> {
  const row = await db.selectFrom("network_changes").selectAll().where("id", "=", id).executeTakeFirst();
  return row && changeOf(row);
}

export async function changesIn(db: Db, router: string, status: ChangeStatus): Promise<Change[]> {
  const rows = await db.selectFrom("network_changes").selectAll().where("router", "=", router)
    .where("status", "=", status).orderBy("id").execute();
  return rows.map(changeOf);
}

/** The newest first. */
export async function listChanges(
  db: Db,
  router: string | null,
  page: { limit: number; offset: number },
): Promise<Change[]> {
  let query = db.selectFrom("network_changes").selectAll().orderBy("id", "desc").limit(page.limit)
    .offset(page.offset);
  if (router !== null) query = query.where("router", "=", router);
  return (await query.execute()).map(changeOf);
}

export async function countChanges(db: Db): Promise<{ router: string; status: string; count: number }[]> {
  const rows = await db.selectFrom("network_changes").select((
    eb,
  ) => ["router", "status", eb.fn.countAll().as("count")])
    .groupBy(["router", "status"]).execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

function changeOf(row: Selectable<ChangeTable>): Change {
  return {
    ...row,
    steps: JSON.parse(row.steps),
    before: JSON.parse(row.before),
    after: JSON.parse(row.after),
  };
}

export async function requestByKey(
  db: Db,
  router: string,
  key: string,
): Promise<{ digest: string; change_id: number } | undefined> {
  return await db.selectFrom("network_requests").select(["digest", "change_id"]).where("router", "=", router)
    .where("key", "=", key).executeTakeFirst();
}

export async function saveRequest(db: Db, row: NetworkTables["network_requests"]): Promise<void> {
  await db.insertInto("network_requests").values(row)
    .onConflict((conflict) => conflict.columns(["router", "key"]).doUpdateSet(row)).execute();
}

export async function forgetRequests(db: Db, before: string): Promise<void> {
  await db.deleteFrom("network_requests").where("created_at", "<", before).execute();
}

/** A version of a configuration, without its text. */
export type ConfigVersion = Omit<Selectable<ConfigTable>, "config">;

export async function listConfigs(db: Db, router: string, limit: number): Promise<ConfigVersion[]> {
  return await db.selectFrom("network_configs").select(["id", "router", "taken_at", "reason", "digest"])
    .where("router", "=", router).orderBy("id", "desc").limit(limit).execute();
}

export async function configById(
  db: Db,
  router: string,
  id: number,
): Promise<Selectable<ConfigTable> | undefined> {
  return await db.selectFrom("network_configs").selectAll().where("router", "=", router).where("id", "=", id)
    .executeTakeFirst();
}

export async function insertConfig(db: Db, row: Omit<Selectable<ConfigTable>, "id">): Promise<number> {
  const { id } = await db.insertInto("network_configs").values(row).returning("id").executeTakeFirstOrThrow();
  return id;
}

/** Keeps the newest of a router. */
export async function trimConfigs(db: Db, router: string, keep: number): Promise<void> {
  const [oldest] = await db.selectFrom("network_configs").select("id").where("router", "=", router)
    .orderBy("id", "desc").offset(keep).limit(1).execute();
  if (oldest === undefined) return;
  await db.deleteFrom("network_configs").where("router", "=", router).where("id", "<=", oldest.id).execute();
}
