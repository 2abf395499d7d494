/**
 * Named secrets that engines and clients use: written, never shown.
 *
 * Each value is sealed with AES-256-GCM under the key file `<data-dir>/keys/secrets.key`, with its name as additional
 * data, so that a sealed value moved under another name does not open. The key file is no part of the database and
 * its copies: who holds one of them alone reads nothing.
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import { readPrivate, writePrivate } from "./files.ts";
import type { SecretInfo } from "./model.ts";
import * as queries from "./queries.ts";
import type { AuthTables } from "./queries.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The service behind `secrets`, and what reads them for engines. */
export class Secrets {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #keyPath: string;

  /** `keyPath` of the key file, made when the first secret is set. */
  constructor(database: Database, clock: Clock, keyPath: string) {
    this.#database = database;
    this.#clock = clock;
    this.#keyPath = keyPath;
  }

  get #db(): Kysely<AuthTables> {
    return this.#database.tables<AuthTables>();
  }

  /** Names and times. */
  async list(): Promise<SecretInfo[]> {
    return (await queries.listSecrets(this.#db)).map(infoOf);
  }

  /** Makes a secret or replaces its value. Errors: `unavailable` when the key file is missing or damaged. */
  async set(name: string, value: string, caller: Caller): Promise<SecretInfo> {
    const sealed = seal(await this.#keyForWriting(), name, value);
    const now = iso(this.#clock.now());
    return await this.#database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const known = await queries.findSecret(db, name);
      const before = known && infoOf(known);
      const after = { name, created_at: before?.created_at ?? now, updated_at: now };
      await queries.putSecret(db, { ...after, sealed });
      change.audit({ target: `secrets/${name}`, before: before ?? null, after });
      return after;
    });
  }

  /** Forgets a secret; what refers to it fails with its name from now on. Errors: `not_found`. */
  async delete(name: string, caller: Caller): Promise<null> {
    return await this.#database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const known = await queries.findSecret(db, name);
      if (known === undefined) throw noSecret(name);
      await queries.deleteSecret(db, name);
      change.audit({ target: `secrets/${name}`, before: infoOf(known) });
      return null;
    });
  }

  /** The value, for whoever is about to use it. Errors: `not_found`, `unavailable` for a key file that is missing or wrong. */
  async read(name: string): Promise<string> {
    const row = await queries.findSecret(this.#db, name);
    if (row === undefined) throw noSecret(name);
    const key = this.#readKey();
    if (key === undefined) {
      throw new HoldfastError(
        "unavailable",
        `Cannot read secret "${name}": key file "${this.#keyPath}" is missing`,
        {
          code: "secrets_key_missing",
          hint: `restore the file, or set the secret again after: holdfast secrets delete ${name}`,
        },
      );
    }
    return unseal(key, name, row.sealed);
  }

  async #keyForWriting(): Promise<Buffer> {
    const key = this.#readKey();
    if (key !== undefined) return key;
    // A new key would close the secrets that are there for good.
    const sealed = await queries.listSecrets(this.#db);
    if (sealed.length > 0) {
      throw new HoldfastError("unavailable", `Cannot set a secret: key file "${this.#keyPath}" is missing`, {
        code: "secrets_key_missing",
        hint: `restore it, or delete what it sealed: ${sealed.map(({ name }) => name).join(", ")}`,
      });
    }
    const fresh = randomBytes(KEY_BYTES);
    writePrivate(this.#keyPath, `${fresh.toString("base64url")}\n`);
    return fresh;
  }

  #readKey(): Buffer | undefined {
    const text = readPrivate(this.#keyPath);
    if (text === undefined) return undefined;
    const key = Buffer.from(text.trim(), "base64url");
    if (key.length === KEY_BYTES) return key;
    throw new HoldfastError("unavailable", `Cannot use key file "${this.#keyPath}": it is damaged`, {
      code: "secrets_key_damaged",
      hint: "restore the file",
    });
  }
}

function infoOf({ name, created_at, updated_at }: SecretInfo): SecretInfo {
  return { name, created_at, updated_at };
}

function seal(key: Buffer, name: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(name));
  const body = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

function unseal(key: Buffer, name: string, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw doesNotOpen(name);
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(tag);
    const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([body, decipher.final()]).toString("utf8");
  } catch (error) {
    throw doesNotOpen(name, error);
  }
}

function doesNotOpen(name: string, cause?: unknown): HoldfastError {
  return new HoldfastError("unavailable", `Cannot read secret "${name}": the key file does not fit it`, {
    code: "secrets_key_wrong",
    cause,
    hint: "restore the key file that sealed it, or set the secret again",
  });
}

function noSecret(name: string): HoldfastError {
  return new HoldfastError("not_found", `Cannot find secret "${name}"`, {
    code: "secret_missing",
    hint: `make it with: holdfast secrets set ${name}`,
  });
}
