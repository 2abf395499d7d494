/**
 * API keys, for programs: `hf_<prefix>_<secret>`, shown once and stored as a SHA-256 hash.
 *
 * The secret has 256 random bits, so a fast hash is enough: there is nothing to guess. The prefix finds the row.
 */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Kysely } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type Database, isUniqueViolation } from "../store/mod.ts";
import { type ApiKey, grantProblem, type NewApiKey, type ServerRef, type UserRole } from "./model.ts";
import * as queries from "./queries.ts";
import type { AuthTables, KeyRow } from "./queries.ts";
import type { ResolveServer } from "./users.ts";
import type { VerifiedTokens } from "./verified.ts";

const KEY = /^hf_([0-9a-f]{8})_[A-Za-z0-9_-]{43}$/;

/** What the service is made of. */
export interface ApiKeysParts {
  database: Database;
  clock: Clock;
  verified: VerifiedTokens;
  resolveServer: ResolveServer;
}

/** A key to make. */
export interface KeyRequest {
  name: string;
  role: UserRole;
  /** Absent: all servers. */
  servers?: ServerRef[] | undefined;
  expires_in_seconds?: number | undefined;
}

type Db = Kysely<AuthTables>;

/** The service behind `api-keys`. */
export class ApiKeys {
  readonly #parts: ApiKeysParts;

  constructor(parts: ApiKeysParts) {
    this.#parts = parts;
  }

  get #db(): Db {
    return this.#parts.database.tables<AuthTables>();
  }

  /** By name; revoked ones too when asked for. */
  async list(revoked: boolean): Promise<ApiKey[]> {
    const rows = await queries.listKeys(this.#db, revoked);
    const servers = await queries.serversOfKeys(this.#db, rows.map((row) => row.id));
    return rows.map((row) => recordOf(row, servers.get(row.id)));
  }

  /** By name or id. Errors: `not_found`. */
  async get(ref: string): Promise<ApiKey> {
    return await readRecord(this.#db, await requireKey(this.#db, ref));
  }

  /** The answer holds the key, which is not shown again. Errors: `forbidden`, `invalid`, `conflict`, `not_found` for a server. */
  async create(input: KeyRequest, caller: Caller): Promise<NewApiKey> {
    const { database, clock } = this.#parts;
    const servers = input.servers === undefined ? null : await this.#resolve(input.servers);
    const problem = grantProblem(caller, { role: input.role, servers });
    if (problem !== undefined) {
      throw new HoldfastError("forbidden", `Cannot create API key "${input.name}": ${problem}`);
    }
    const now = clock.now();
    const prefix = randomBytes(4).toString("hex");
    const key = `hf_${prefix}_${randomBytes(32).toString("base64url")}`;
    const row = {
      name: input.name,
      prefix,
      key_hash: hashOf(key).toString("hex"),
      role: input.role,
      all_servers: servers === null ? 1 : 0,
      created_by: caller.kind === "user" ? caller.id : 0,
      created_at: iso(now),
      expires_at: input.expires_in_seconds === undefined ? null : iso(now + input.expires_in_seconds * 1000),
      last_used_at: null,
      revoked_at: null,
    };
    const record = await database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const id = await unlessTaken(input.name, () => queries.insertKey(db, row, servers ?? []));
      const record = await readRecord(db, { ...row, id });
      change.audit({ target: `api-keys/${record.name}`, after: record });
      return record;
    });
    return { ...record, key };
  }

  /** Ends a key at once; its name becomes free. Errors: `not_found`, `conflict` when it has ended before. */
  async revoke(ref: string, caller: Caller): Promise<ApiKey> {
    const { database, clock, verified } = this.#parts;
    const key = await database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const row = await requireKey(db, ref);
      if (row.revoked_at !== null) {
        throw new HoldfastError("conflict", `Cannot revoke API key "${row.name}": it was revoked before`);
      }
      const revoked_at = iso(clock.now());
      await queries.updateKey(db, row.id, { revoked_at });
      const before = await readRecord(db, row);
      const after = { ...before, revoked_at };
      change.audit({ target: `api-keys/${row.name}`, before, after });
      return after;
    });
    verified.dropOf("key", key.id);
    return key;
  }

  /** The key a text is, if it is one and may be used. */
  async find(text: string): Promise<ApiKey | undefined> {
    const prefix = KEY.exec(text)?.[1];
    const row = prefix === undefined ? undefined : await queries.findKey(this.#db, { prefix });
    if (row === undefined || row.revoked_at !== null) return undefined;
    if (!timingSafeEqual(hashOf(text), Buffer.from(row.key_hash, "hex"))) return undefined;
    if (row.expires_at !== null && Date.parse(row.expires_at) <= this.#parts.clock.now()) return undefined;
    return await readRecord(this.#db, row);
  }

  /** Notes that a key is used. The caller sees to it that this is not done on each request. */
  async note(id: number): Promise<void> {
    await queries.updateKey(this.#db, id, { last_used_at: iso(this.#parts.clock.now()) });
  }

  async #resolve(refs: readonly ServerRef[]): Promise<number[]> {
    const ids = new Set<number>();
    for (const ref of refs) ids.add(await this.#parts.resolveServer(ref));
    return [...ids].sort((a, b) => a - b);
  }
}

function recordOf(row: KeyRow, servers: number[] = []): ApiKey {
  const { key_hash: _, ...shown } = row;
  return { ...shown, all_servers: row.all_servers === 1, servers };
}

async function readRecord(db: Db, row: KeyRow): Promise<ApiKey> {
  return recordOf(row, (await queries.serversOfKeys(db, [row.id])).get(row.id));
}

async function requireKey(db: Db, ref: string): Promise<KeyRow> {
  const row = await queries.findKey(db, /^\d+$/.test(ref) ? { id: Number(ref) } : { name: ref });
  if (row !== undefined) return row;
  throw new HoldfastError("not_found", `Cannot find API key "${ref}"`, {
    hint: "see: holdfast api-keys list",
  });
}

async function unlessTaken<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new HoldfastError("conflict", `Cannot create API key "${name}": the name is taken`, {
      cause: error,
    });
  }
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
