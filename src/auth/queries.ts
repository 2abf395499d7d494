/** All statements on the tables of access: users, sessions, API keys, log-in failures, secrets, the audit log. */
import { type Generated, type Kysely, type Selectable, sql, type Updateable } from "kysely";
import { auditDigest, type AuditLine, type AuditTables } from "../store/mod.ts";
import type { FailureCount, UserRole } from "./model.ts";

/** The tables of this slice. */
export interface AuthTables extends AuditTables {
  users: {
    id: Generated<number>;
    name: string;
    password_hash: string;
    role: UserRole;
    disabled_at: string | null;
    created_at: string;
    updated_at: string;
    last_login_at: string | null;
    deleted_at: string | null;
  };
  user_servers: { user_id: number; server_id: number };
  sessions: {
    id: string;
    user_id: number;
    address: string | null;
    created_at: string;
    last_used_at: string;
    expires_at: string;
    revoked_at: string | null;
    revoked_reason: string | null;
  };
  refresh_tokens: {
    token_hash: string;
    session_id: string;
    created_at: string;
    expires_at: string;
    used_at: string | null;
  };
  api_keys: {
    id: Generated<number>;
    name: string;
    prefix: string;
    key_hash: string;
    role: UserRole;
    all_servers: number;
    created_by: number;
    created_at: string;
    expires_at: string | null;
    last_used_at: string | null;
    revoked_at: string | null;
  };
  api_key_servers: { key_id: number; server_id: number };
  login_failures: FailureCount & { name_hash: string; address: string };
  secrets: { name: string; sealed: string; created_at: string; updated_at: string };
}

export type UserRow = Selectable<AuthTables["users"]>;
export type SessionRow = Selectable<AuthTables["sessions"]>;
export type KeyRow = Selectable<AuthTables["api_keys"]>;
type Db = Kysely<AuthTables>;

// Users

/** By name without regard to case, or by id; deleted ones are nobody. */
export function findUser(db: Db, by: { id: number } | { name: string }): Promise<UserRow | undefined> {
  const live = db.selectFrom("users").selectAll().where("deleted_at", "is", null);
  return ("id" in by
    ? live.where("id", "=", by.id)
    : live.where(sql`lower(name)`, "=", by.name.toLowerCase())).executeTakeFirst();
}

export function listUsers(db: Db): Promise<UserRow[]> {
  return db.selectFrom("users").selectAll().where("deleted_at", "is", null).orderBy(sql`lower(name)`)
    .execute();
}

export async function insertUser(db: Db, row: Omit<UserRow, "id">): Promise<number> {
  return (await db.insertInto("users").values(row).returning("id").executeTakeFirstOrThrow()).id;
}

export async function updateUser(db: Db, id: number, set: Updateable<AuthTables["users"]>): Promise<void> {
  await db.updateTable("users").set(set).where("id", "=", id).execute();
}

/** Enabled admins, leaving out the user `besides`. */
export async function countAdmins(db: Db, besides = 0): Promise<number> {
  const { n } = await db.selectFrom("users").select((eb) => eb.fn.countAll<number>().as("n"))
    .where("role", "=", "admin").where("disabled_at", "is", null).where("deleted_at", "is", null)
    .where("id", "!=", besides).executeTakeFirstOrThrow();
  return Number(n);
}

/** Assigned servers of each user with these ids. */
export async function serversOfUsers(db: Db, ids: readonly number[]): Promise<Map<number, number[]>> {
  const rows = ids.length === 0 ? [] : await db.selectFrom("user_servers")
    .select(["user_id as owner", "server_id"]).where("user_id", "in", ids).orderBy("server_id").execute();
  return byOwner(rows);
}

export async function replaceUserServers(db: Db, id: number, servers: readonly number[]): Promise<void> {
  await db.deleteFrom("user_servers").where("user_id", "=", id).execute();
  if (servers.length === 0) return;
  await db.insertInto("user_servers").values(servers.map((server_id) => ({ user_id: id, server_id })))
    .execute();
}

// Sessions

export async function insertSession(db: Db, row: SessionRow): Promise<void> {
  await db.insertInto("sessions").values(row).execute();
}

export function findSession(db: Db, id: string): Promise<SessionRow | undefined> {
  return db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function extendSession(
  db: Db,
  id: string,
  last_used_at: string,
  expires_at: string,
): Promise<void> {
  await db.updateTable("sessions").set({ last_used_at, expires_at }).where("id", "=", id).execute();
}

/** Revokes one session or all of a user; returns how many were open. */
export async function revokeSessions(
  db: Db,
  which: { id: string } | { user_id: number },
  revoked_at: string,
  revoked_reason: string,
): Promise<number> {
  const open = db.updateTable("sessions").set({ revoked_at, revoked_reason }).where("revoked_at", "is", null)
    .where("expires_at", ">", revoked_at);
  const { numUpdatedRows } =
    await ("id" in which ? open.where("id", "=", which.id) : open.where("user_id", "=", which.user_id))
      .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Addresses a user logged in from, as far as sessions are remembered. */
export async function addressesOf(db: Db, user_id: number): Promise<(string | null)[]> {
  const rows = await db.selectFrom("sessions").select("address").distinct().where("user_id", "=", user_id)
    .execute();
  return rows.map((row) => row.address);
}

/** Forgets sessions, and with them their refresh tokens, that ended before an instant. */
export async function forgetSessions(db: Db, before: string): Promise<number> {
  const { numDeletedRows } = await db.deleteFrom("sessions").where("expires_at", "<", before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

export async function insertRefreshToken(db: Db, row: AuthTables["refresh_tokens"]): Promise<void> {
  await db.insertInto("refresh_tokens").values(row).execute();
}

export function findRefreshToken(db: Db, token_hash: string) {
  return db.selectFrom("refresh_tokens").selectAll().where("token_hash", "=", token_hash).executeTakeFirst();
}

/** Uses a token up; false when somebody else just did. */
export async function useRefreshToken(db: Db, token_hash: string, used_at: string): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable("refresh_tokens").set({ used_at })
    .where("token_hash", "=", token_hash).where("used_at", "is", null).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Forgets tokens of a session that expired: a reuse is told for as long as the token would have been good. */
export async function forgetRefreshTokens(db: Db, session_id: string, before: string): Promise<void> {
  await db.deleteFrom("refresh_tokens").where("session_id", "=", session_id).where("expires_at", "<", before)
    .execute();
}

// API keys

/** By id (revoked ones too), by name (live ones) or by prefix. */
export function findKey(
  db: Db,
  by: { id: number } | { name: string } | { prefix: string },
): Promise<KeyRow | undefined> {
  const all = db.selectFrom("api_keys").selectAll();
  if ("id" in by) return all.where("id", "=", by.id).executeTakeFirst();
  if ("prefix" in by) return all.where("prefix", "=", by.prefix).executeTakeFirst();
  return all.where("name", "=", by.name).where("revoked_at", "is", null).executeTakeFirst();
}

export function listKeys(db: Db, revoked: boolean): Promise<KeyRow[]> {
  const all = db.selectFrom("api_keys").selectAll().orderBy("name").orderBy("id");
  return (revoked ? all : all.where("revoked_at", "is", null)).execute();
}

export async function insertKey(
  db: Db,
  row: Omit<KeyRow, "id">,
  servers: readonly number[],
): Promise<number> {
  const { id } = await db.insertInto("api_keys").values(row).returning("id").executeTakeFirstOrThrow();
  if (servers.length > 0) {
    await db.insertInto("api_key_servers").values(servers.map((server_id) => ({ key_id: id, server_id })))
      .execute();
  }
  return id;
}

export async function updateKey(
  db: Db,
  id: number,
  set: { last_used_at: string } | { revoked_at: string },
): Promise<void> {
  await db.updateTable("api_keys").set(set).where("id", "=", id).execute();
}

/** Servers of each key with these ids. */
export async function serversOfKeys(db: Db, ids: readonly number[]): Promise<Map<number, number[]>> {
  const rows = ids.length === 0 ? [] : await db.selectFrom("api_key_servers")
    .select(["key_id as owner", "server_id"]).where("key_id", "in", ids).orderBy("server_id").execute();
  return byOwner(rows);
}

function byOwner(rows: readonly { owner: number; server_id: number }[]): Map<number, number[]> {
  const result = new Map<number, number[]>();
  for (const { owner, server_id } of rows) result.set(owner, [...result.get(owner) ?? [], server_id]);
  return result;
}

// Log-in failures

export function failuresOf(db: Db, name_hash: string, addresses: readonly string[]) {
  return db.selectFrom("login_failures").selectAll().where("name_hash", "=", name_hash)
    .where("address", "in", addresses).execute();
}

export async function putFailure(db: Db, row: AuthTables["login_failures"]): Promise<void> {
  const { failures, last_at, locked_until } = row;
  await db.insertInto("login_failures").values(row)
    .onConflict((c) => c.columns(["name_hash", "address"]).doUpdateSet({ failures, last_at, locked_until }))
    .execute();
}

/** Forgets the failures of a name, at one address or everywhere. */
export async function clearFailures(db: Db, name_hash: string, address?: string): Promise<void> {
  const all = db.deleteFrom("login_failures").where("name_hash", "=", name_hash);
  await (address === undefined ? all : all.where("address", "=", address)).execute();
}

/** Forgets failures older than an instant, and the oldest ones beyond `keep`. */
export async function forgetFailures(db: Db, before: string, keep: number): Promise<number> {
  const old = await db.deleteFrom("login_failures").where("last_at", "<", before).executeTakeFirst();
  const edge = await db.selectFrom("login_failures").select("last_at").orderBy("last_at", "desc").offset(keep)
    .limit(1).executeTakeFirst();
  if (edge === undefined) return Number(old.numDeletedRows);
  const excess = await db.deleteFrom("login_failures").where("last_at", "<=", edge.last_at)
    .executeTakeFirst();
  return Number(old.numDeletedRows + excess.numDeletedRows);
}

// Secrets

export function listSecrets(db: Db) {
  return db.selectFrom("secrets").select(["name", "created_at", "updated_at"]).orderBy("name").execute();
}

export function findSecret(db: Db, name: string) {
  return db.selectFrom("secrets").selectAll().where("name", "=", name).executeTakeFirst();
}

export async function putSecret(db: Db, row: AuthTables["secrets"]): Promise<void> {
  const { sealed, updated_at } = row;
  await db.insertInto("secrets").values(row)
    .onConflict((c) => c.column("name").doUpdateSet({ sealed, updated_at })).execute();
}

export async function deleteSecret(db: Db, name: string): Promise<void> {
  await db.deleteFrom("secrets").where("name", "=", name).execute();
}

// The audit log

/** What audit lines are looked for by; texts are whole, `operation` and `target` also match what lies below. */
export interface AuditFilter {
  since?: string | undefined;
  until?: string | undefined;
  caller?: string | undefined;
  operation?: string | undefined;
  target?: string | undefined;
}

export async function findAudit(db: Db, filter: AuditFilter, limit: number, offset: number) {
  let lines = db.selectFrom("audit_lines");
  if (filter.since !== undefined) lines = lines.where("at", ">=", filter.since);
  if (filter.until !== undefined) lines = lines.where("at", "<", filter.until);
  if (filter.caller !== undefined) {
    lines = lines.where(sql`lower(caller_name)`, "=", filter.caller.toLowerCase());
  }
  for (const [column, separator] of [["operation", "."], ["target", "/"]] as const) {
    const wanted = filter[column];
    if (wanted === undefined) continue;
    const below = `${wanted.replace(/[\\%_]/g, "\\$&")}${separator}%`;
    lines = lines.where((eb) =>
      eb.or([eb(column, "=", wanted), sql<boolean>`${sql.ref(column)} like ${below} escape '\\'`])
    );
  }
  const { n } = await lines.select((eb) => eb.fn.countAll<number>().as("n")).executeTakeFirstOrThrow();
  const rows = await lines.selectAll().orderBy("id", "desc").limit(limit).offset(offset).execute();
  return { rows, total: Number(n) };
}

/** Digests of audit lines by id as text, for the check of the hash chain. */
export async function auditDigests(db: Db, refs: readonly string[]): Promise<Map<string, string>> {
  const rows: AuditLine[] = refs.length === 0
    ? []
    : await db.selectFrom("audit_lines").selectAll().where("id", "in", refs.map(Number)).execute();
  return new Map(rows.map((row) => [String(row.id), auditDigest(row)]));
}
