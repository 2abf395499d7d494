/** Users: who may log in, what they may do, and on which servers. */
import type { Kysely } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { type Caller, hasRole } from "../lib/operation.ts";
import { type Change, type Database, isUniqueViolation } from "../store/mod.ts";
import type { LoginGuard } from "./guard.ts";
import { leavesNoAdmin, passwordProblem, type ServerRef, type User, type UserRole } from "./model.ts";
import type { PasswordCheck } from "./password_check.ts";
import type { Passwords } from "./passwords.ts";
import * as queries from "./queries.ts";
import type { AuthTables, UserRow } from "./queries.ts";
import type { SetupCode } from "./setup_code.ts";
import type { VerifiedTokens } from "./verified.ts";

/** Finds a server by id or name. Errors: `not_found`. */
export type ResolveServer = (ref: ServerRef) => Promise<number>;

/** What the service is made of. */
export interface UsersParts {
  database: Database;
  clock: Clock;
  settings: { min_password_length: number };
  passwords: Passwords;
  check: PasswordCheck;
  guard: LoginGuard;
  verified: VerifiedTokens;
  setupCode: SetupCode;
  resolveServer: ResolveServer;
}

/** A user to make. */
export interface NewUser {
  name: string;
  role: UserRole;
  password: string;
  servers?: ServerRef[] | undefined;
}

type Db = Kysely<AuthTables>;
type Edit = Partial<Omit<UserRow, "id">>;

/** The service behind `users`. */
export class Users {
  readonly #parts: UsersParts;

  constructor(parts: UsersParts) {
    this.#parts = parts;
  }

  get #db(): Db {
    return this.#parts.database.tables<AuthTables>();
  }

  #now(): string {
    return iso(this.#parts.clock.now());
  }

  /** All that were not deleted, by name. */
  async list(): Promise<User[]> {
    const rows = await queries.listUsers(this.#db);
    const servers = await queries.serversOfUsers(this.#db, rows.map((row) => row.id));
    return rows.map((row) => recordOf(row, servers.get(row.id)));
  }

  /** By name or id. Errors: `not_found`. */
  async get(ref: string): Promise<User> {
    return await readRecord(this.#db, await requireUser(this.#db, ref));
  }

  /** Makes a user. Errors: `invalid` for a password, `not_found` for a server, `conflict` for a name that is taken. */
  async create(input: NewUser, caller: Caller): Promise<User> {
    const servers = await this.#resolve(input.servers ?? []);
    const password_hash = await this.#hash(input.name, input.password);
    return await this.#insert({ ...input, password_hash }, servers, caller);
  }

  /** Makes an administrator while there is none. Errors: as `create`, and `conflict` when there is one. */
  async createFirstAdmin(input: { name: string; password: string }, caller: Caller): Promise<User> {
    const password_hash = await this.#hash(input.name, input.password);
    return await this.#insert({ name: input.name, role: "admin", password_hash }, [], caller, async (db) => {
      if (await queries.countAdmins(db) > 0) throw alreadySetUp();
    });
  }

  async #insert(
    input: { name: string; role: UserRole; password_hash: string },
    servers: readonly number[],
    caller: Caller,
    guard?: (db: Db) => Promise<void>,
  ): Promise<User> {
    const { name, role, password_hash } = input;
    const at = this.#now();
    const times = {
      created_at: at,
      updated_at: at,
      last_login_at: null,
      disabled_at: null,
      deleted_at: null,
    };
    const user = await this.#parts.database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      await guard?.(db);
      const row = { name, role, password_hash, ...times };
      const id = await unlessTaken(name, () => queries.insertUser(db, row));
      await queries.replaceUserServers(db, id, servers);
      const user = await readRecord(db, { ...row, id });
      change.audit({ target: `users/${name}`, after: user });
      return user;
    });
    if (role === "admin") this.#parts.setupCode.forget();
    return user;
  }

  /** Changes name or role. Errors: `not_found`, `conflict` for a taken name or the last administrator. */
  async update(ref: string, set: { name?: string | undefined; role?: UserRole | undefined }, caller: Caller) {
    const user = await this.#edit(
      ref,
      caller,
      (row) => ({ name: set.name ?? row.name, role: set.role ?? row.role }),
    );
    if (user.role === "admin") this.#parts.setupCode.forget();
    return user;
  }

  /** Lets a user in again, and opens the lock on the name. */
  enable(ref: string, caller: Caller): Promise<User> {
    return this.#edit(
      ref,
      caller,
      () => ({ disabled_at: null }),
      (db, row) => this.#parts.guard.unlock(db, row.name),
    );
  }

  /** Keeps a user out; its sessions end. Errors: `conflict` for the last administrator. */
  disable(ref: string, caller: Caller): Promise<User> {
    const at = this.#now();
    return this.#edit(
      ref,
      caller,
      (row) => ({ disabled_at: row.disabled_at ?? at }),
      async (db, row) => void await queries.revokeSessions(db, { user_id: row.id }, at, "user disabled"),
    );
  }

  /** Deletes a user; its name becomes free, the audit log still knows it. Errors: `conflict` for the last administrator. */
  async delete(ref: string, caller: Caller): Promise<null> {
    const at = this.#now();
    await this.#edit(
      ref,
      caller,
      () => ({ deleted_at: at }),
      async (db, row) => void await queries.revokeSessions(db, { user_id: row.id }, at, "user deleted"),
    );
    return null;
  }

  /** Assigns exactly these servers. Errors: `not_found` for a user or server. */
  async assign(ref: string, servers: readonly ServerRef[], caller: Caller): Promise<User> {
    const ids = await this.#resolve(servers);
    return await this.#edit(
      ref,
      caller,
      () => ({}),
      (db, row) => queries.replaceUserServers(db, row.id, ids),
    );
  }

  /**
   * Sets a password and ends the user's sessions. An administrator sets anybody's; users set their own and
   * say the current one, administrators who are logged in too. Errors: `forbidden`, `invalid`, `rate_limited`.
   */
  async passwd(
    ref: string,
    input: { password: string; current_password?: string | undefined },
    caller: Caller,
  ): Promise<User> {
    const row = await findUser(this.#db, ref);
    const own = caller.kind === "user" && row?.id === caller.id;
    if (!own && !hasRole(caller.role, "admin")) {
      throw new HoldfastError(
        "forbidden",
        `Cannot change the password of "${ref}": only an administrator may`,
      );
    }
    if (row === undefined) throw noUser(ref);
    if (own) await this.#requireCurrent(row, input.current_password, caller);
    const password_hash = await this.#hash(row.name, input.password);
    const at = this.#now();
    return await this.#edit(String(row.id), caller, () => ({ password_hash }), async (db) => {
      await queries.revokeSessions(db, { user_id: row.id }, at, "password changed");
      await this.#parts.guard.unlock(db, row.name);
    });
  }

  async #requireCurrent(row: UserRow, current: string | undefined, caller: Caller): Promise<void> {
    if (current !== undefined && await this.#parts.check.check(caller, row.name, current) !== undefined) {
      return;
    }
    const message = current === undefined ? "is required" : "is wrong";
    throw new HoldfastError(
      "invalid",
      `Cannot change the password of "${row.name}": the current password ${message}`,
      { errors: [{ path: "current_password", message }] },
    );
  }

  /** Ends every session of a user; returns how many were open. */
  async revokeSessions(ref: string, caller: Caller): Promise<{ revoked: number }> {
    const { database, verified } = this.#parts;
    const { id, revoked } = await database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const row = await requireUser(db, ref);
      const revoked = await queries.revokeSessions(db, { user_id: row.id }, this.#now(), "revoked");
      change.audit({ target: `users/${row.name}`, after: { revoked_sessions: revoked } });
      return { id: row.id, revoked };
    });
    verified.dropOf("user", id);
    return { revoked };
  }

  async #edit(
    ref: string,
    caller: Caller,
    edit: (row: UserRow) => Edit,
    also?: (db: Db, row: UserRow) => Promise<void>,
  ): Promise<User> {
    const user = await this.#parts.database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const row = await requireUser(db, ref);
      const before = await readRecord(db, row);
      const set = { ...edit(row), updated_at: this.#now() };
      const next = { ...row, ...set };
      const enabled = next.disabled_at === null && next.deleted_at === null;
      if (leavesNoAdmin(before, { role: next.role, enabled }, await queries.countAdmins(db, row.id))) {
        throw lastAdmin(row.name);
      }
      await unlessTaken(next.name, () => queries.updateUser(db, row.id, set));
      await also?.(db, row);
      return auditEdit(change, before, await readRecord(db, next), next.deleted_at !== null);
    });
    this.#parts.verified.dropOf("user", user.id);
    return user;
  }

  async #resolve(refs: readonly ServerRef[]): Promise<number[]> {
    const ids = new Set<number>();
    for (const ref of refs) ids.add(await this.#parts.resolveServer(ref));
    return [...ids].sort((a, b) => a - b);
  }

  async #hash(name: string, password: string): Promise<string> {
    const message = passwordProblem(password, this.#parts.settings.min_password_length);
    if (message === undefined) return await this.#parts.passwords.hash(password);
    throw new HoldfastError("invalid", `Cannot set the password of "${name}": it ${message}`, {
      errors: [{ path: "password", message }],
    });
  }
}

function auditEdit(change: Change, before: User, after: User, deleted: boolean): User {
  change.audit({ target: `users/${before.name}`, before, after: deleted ? null : after });
  return after;
}

function recordOf(row: UserRow, servers: number[] = []): User {
  const { password_hash: _, deleted_at: __, ...shown } = row;
  return { ...shown, enabled: row.disabled_at === null, servers };
}

async function readRecord(db: Db, row: UserRow): Promise<User> {
  return recordOf(row, (await queries.serversOfUsers(db, [row.id])).get(row.id));
}

function findUser(db: Db, ref: string): Promise<UserRow | undefined> {
  return queries.findUser(db, /^\d+$/.test(ref) ? { id: Number(ref) } : { name: ref });
}

async function requireUser(db: Db, ref: string): Promise<UserRow> {
  const row = await findUser(db, ref);
  if (row === undefined) throw noUser(ref);
  return row;
}

async function unlessTaken<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new HoldfastError("conflict", `Cannot save user "${name}": the name is taken`, { cause: error });
  }
}

function noUser(ref: string): HoldfastError {
  return new HoldfastError("not_found", `Cannot find user "${ref}"`, { hint: "see: holdfast users list" });
}

function lastAdmin(name: string): HoldfastError {
  return new HoldfastError(
    "conflict",
    `Cannot change user "${name}": the last enabled administrator`,
    {
      code: "last_admin",
      hint: "make another administrator first",
    },
  );
}

/** The refusal to set up twice. */
export function alreadySetUp(): HoldfastError {
  return new HoldfastError("conflict", "Cannot set up: there is an administrator already", {
    code: "already_set_up",
  });
}
