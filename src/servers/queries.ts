/** Every statement on the table of servers. */
import type { Generated, Kysely, Selectable } from "kysely";
import { Authority } from "../lib/authority.ts";
import { RunningCheck, type RunningState, type Server } from "./model.ts";
import { z } from "zod";
import { statement } from "../store/mod.ts";

/** A row; `running_check` and the two after `default_engine` are JSON. */
interface ServerRow {
  id: Generated<number>;
  name: string;
  host: string;
  description: string | null;
  running_check: string;
  default_engine: string | null;
  default_engine_options: string | null;
  default_engine_authority: string | null;
  created_at: string;
  updated_at: string;
  last_check_at: string | null;
  last_check_running: number | null;
  last_check_detail: string | null;
  deleted_at: string | null;
}

export interface ServersTables {
  servers: ServerRow;
}

type Db = Kysely<ServersTables>;

/** Servers that were not deleted, by name; only those with these ids when ids are given. */
export async function listServers(db: Db, ids: readonly number[] | null): Promise<Server[]> {
  if (ids?.length === 0) return [];
  let query = live(db).orderBy("name").orderBy("id");
  if (ids !== null) query = query.where("id", "in", ids);
  return (await query.execute()).map(fromRow);
}

const liveById = statement<ServersTables, Selectable<ServerRow>, number>(
  -1,
  (db: Db, id: number) => live(db).where("id", "=", id),
);

export async function serverById(db: Db, id: number): Promise<Server | undefined> {
  const [row] = await liveById(db, id);
  return row && fromRow(row);
}

export async function serverByName(db: Db, name: string): Promise<Server | undefined> {
  const row = await live(db).where("name", "=", name).executeTakeFirst();
  return row && fromRow(row);
}

/** The part of a row that changes when somebody changes a server. */
export type ServerValues = Pick<
  Server,
  | "name"
  | "host"
  | "description"
  | "running_check"
  | "default_engine"
  | "default_engine_options"
  | "default_engine_authority"
>;

export async function insertServer(db: Db, values: ServerValues, at: string): Promise<number> {
  const row = { ...toRow(values), created_at: at, updated_at: at };
  const { id } = await db.insertInto("servers").values(row).returning("id").executeTakeFirstOrThrow();
  return id;
}

export async function updateServer(db: Db, id: number, values: ServerValues, at: string): Promise<void> {
  await db.updateTable("servers").set({ ...toRow(values), updated_at: at }).where("id", "=", id).execute();
}

/** The row stays, so that old backups and audit lines still mean something; its name becomes free. */
export async function markServerDeleted(db: Db, id: number, at: string): Promise<void> {
  await db.updateTable("servers").set({ deleted_at: at }).where("id", "=", id).execute();
}

export async function storeCheck(db: Db, id: number, state: RunningState, at: string): Promise<void> {
  await db.updateTable("servers").set({
    last_check_at: at,
    last_check_running: state.running ? 1 : 0,
    last_check_detail: state.detail,
  }).where("id", "=", id).execute();
}

function live(db: Db) {
  return db.selectFrom("servers").selectAll().where("deleted_at", "is", null);
}

function toRow(values: ServerValues) {
  return {
    name: values.name,
    host: values.host,
    description: values.description,
    running_check: JSON.stringify(values.running_check),
    default_engine: values.default_engine,
    default_engine_options: values.default_engine_options && JSON.stringify(values.default_engine_options),
    default_engine_authority: values.default_engine_authority &&
      JSON.stringify(values.default_engine_authority),
  };
}

const Options = z.record(z.string(), z.unknown());

function fromRow({ deleted_at: _, ...row }: Selectable<ServerRow>): Server {
  return {
    ...row,
    running_check: RunningCheck.parse(JSON.parse(row.running_check)),
    default_engine_options: row.default_engine_options === null
      ? null
      : Options.parse(JSON.parse(row.default_engine_options)),
    default_engine_authority: row.default_engine_authority === null
      ? null
      : Authority.parse(JSON.parse(row.default_engine_authority)),
    last_check_running: row.last_check_running === null ? null : row.last_check_running === 1,
  };
}
