/**
 * Access tokens: JSON Web Tokens (RFC 7519, RFC 9068) signed with HS256.
 *
 * Only this program reads them, so one secret both signs and verifies; a public key would be of no use to anybody.
 * The secrets stand in `<data-dir>/keys/signing.json`. After a rotation the old one verifies until its last token has
 * expired. A token says who and which session, never what they may do: that is looked up.
 */
import { Buffer } from "node:buffer";
import { randomBytes, randomUUID } from "node:crypto";
import type { ProtectedHeaderParameters } from "jose";
import { z } from "zod";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import { readPrivate, writePrivate } from "./files.ts";

const ISSUER = "holdfast";
const AUDIENCE = "holdfast-api";
const ALGORITHM = "HS256";
/** Type of the token (RFC 9068), so that no other token signed with the same key passes for one. */
const TYPE = "at+jwt";

const KeyFile = z.strictObject({
  keys: z.array(z.strictObject({
    kid: z.string().min(1),
    /** 256 bits, base64url. */
    secret: z.base64url().length(43),
    created_at: z.iso.datetime(),
    /** Instant until which a rotated key still verifies; null for the one that signs. */
    verify_until: z.iso.datetime().nullable(),
  })).min(1),
});
type Key = z.infer<typeof KeyFile>["keys"][number];

/** What a verified access token says. */
export interface AccessClaims {
  user_id: number;
  session_id: string;
  /** Milliseconds since the epoch. */
  expires_at: number;
}

/** The signing keys of a data directory. */
export class SigningKeys {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #seconds: number;
  #keys: Key[] | undefined;

  /** `path` of the key file; `seconds` an access token is good for. */
  constructor(path: string, clock: Clock, seconds: number) {
    this.#path = path;
    this.#clock = clock;
    this.#seconds = seconds;
  }

  /** Makes the first key when there is none. Errors: `unavailable`. */
  ensure(): void {
    if (this.#load().length === 0) this.#store([this.#newKey()]);
  }

  /** A token for a session of a user. */
  async sign(user_id: number, session_id: string): Promise<string> {
    this.ensure();
    const key = this.#load()[0]!;
    const now = Math.floor(this.#clock.now() / 1000);
    const { SignJWT } = await import("./jose.ts");
    return await new SignJWT({ sid: session_id }).setProtectedHeader({
      alg: ALGORITHM,
      kid: key.kid,
      typ: TYPE,
    })
      .setIssuer(ISSUER).setAudience(AUDIENCE).setSubject(String(user_id)).setJti(randomUUID())
      .setIssuedAt(now).setExpirationTime(now + this.#seconds).sign(secretOf(key));
  }

  /** What a token says, if this data directory signed it and it has not expired. Errors: `unauthenticated`. */
  async verify(token: string): Promise<AccessClaims> {
    const { errors, jwtVerify } = await import("./jose.ts");
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyFor(header), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ["sub", "exp", "jti", "sid"],
        currentDate: new Date(this.#clock.now()),
      });
      return Claims.parse(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new HoldfastError("unauthenticated", "Cannot log in: the access token has expired", {
          code: "token_expired",
          hint: "use the refresh token, or log in again",
        });
      }
      if (error instanceof errors.JOSEError || error instanceof z.ZodError) throw invalidToken(error);
      throw error;
    }
  }

  /** Makes a new key; tokens of the old one stay good until they expire. Returns the new key's id. */
  rotate(): string {
    const now = this.#clock.now();
    const verify_until = iso(now + this.#seconds * 1000);
    const old = this.#load().filter((key) => this.#verifies(key))
      .map((key) => ({ ...key, verify_until: key.verify_until ?? verify_until }));
    const key = this.#newKey();
    this.#store([key, ...old]);
    return key.kid;
  }

  #keyFor(header: ProtectedHeaderParameters): Uint8Array {
    const key = this.#load().find(({ kid }) => kid === header.kid);
    if (key === undefined || !this.#verifies(key)) throw invalidToken();
    return secretOf(key);
  }

  #verifies(key: Key): boolean {
    return key.verify_until === null || Date.parse(key.verify_until) > this.#clock.now();
  }

  #newKey(): Key {
    return {
      kid: randomBytes(6).toString("hex"),
      secret: randomBytes(32).toString("base64url"),
      created_at: iso(this.#clock.now()),
      verify_until: null,
    };
  }

  #store(keys: Key[]): void {
    writePrivate(this.#path, `${JSON.stringify({ keys }, null, 2)}\n`);
    this.#keys = keys;
  }

  #load(): Key[] {
    return this.#keys ??= readKeys(this.#path);
  }
}

/** The service behind `auth.rotate-key`. */
export class Signing {
  readonly #database: Database;
  readonly #keys: SigningKeys;

  constructor(database: Database, keys: SigningKeys) {
    this.#database = database;
    this.#keys = keys;
  }

  /** Makes the first key when there is none; for the daemon's start. */
  ensureKey(): void {
    if (!this.#database.readonly) this.#keys.ensure();
  }

  /** Makes a new key; tokens of the old one stay good until they expire. */
  async rotate(caller: Caller): Promise<{ kid: string }> {
    const kid = this.#keys.rotate();
    await this.#database.change(caller, (change) => {
      change.audit({ target: "auth/signing-key", after: { kid } });
      return Promise.resolve();
    });
    return { kid };
  }
}

const Claims = z.object({
  sub: z.string().regex(/^\d+$/).transform(Number),
  sid: z.string().min(1),
  exp: z.number(),
}).transform(({ sub, sid, exp }): AccessClaims => ({
  user_id: sub,
  session_id: sid,
  expires_at: exp * 1000,
}));

function secretOf(key: Key): Uint8Array {
  return Buffer.from(key.secret, "base64url");
}

function readKeys(path: string): Key[] {
  const text = readPrivate(path);
  if (text === undefined) return [];
  try {
    return KeyFile.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw new HoldfastError("unavailable", `Cannot use signing keys "${path}": the file is damaged`, {
      cause: error,
      hint: "restore it, or remove it: then everybody has to log in again",
    });
  }
}

/** The refusal of a token or key; says nothing about why. */
export function invalidToken(cause?: unknown): HoldfastError {
  return new HoldfastError("unauthenticated", "Cannot log in: the token or key is not valid", {
    code: "token_invalid",
    ...(cause === undefined ? {} : { cause }),
  });
}
