/** From what a request carries to who is calling: a token, an API key, or nobody. */
import type { Kysely } from "kysely";
import type { Identity } from "../lib/caller.ts";
import type { Clock } from "../lib/clock.ts";
import type { Database } from "../store/mod.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { ApiKeys } from "./keys.ts";
import * as queries from "./queries.ts";
import type { AuthTables } from "./queries.ts";
import { isOpen } from "./sessions.ts";
import { invalidToken, type SigningKeys } from "./signing.ts";
import type { Verified, VerifiedTokens } from "./verified.ts";

/** What a request carries. */
export interface Credentials {
  /** The header `Authorization`. */
  authorization?: string | undefined;
  /** The header `X-API-Key`. */
  apiKey?: string | undefined;
  address: string | null;
}

/** What checking is made of. */
export interface AuthenticatorParts {
  database: Database;
  clock: Clock;
  signing: SigningKeys;
  keys: ApiKeys;
  verified: VerifiedTokens;
}

/** Longer is no token of ours; it is not even looked at. */
const MAX_LENGTH = 2048;
/** A key's last use is written down this often, in milliseconds. */
const NOTE_EVERY = 60_000;

/** Tells who is calling. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** Nobody in particular without credentials. Errors: `unauthenticated` for credentials that are not good. */
  async authenticate(credentials: Credentials): Promise<Identity> {
    const token = tokenOf(credentials);
    if (token === undefined) return anonymous(credentials.address);
    const { verified, clock } = this.#parts;
    const now = clock.now();
    const known = verified.get(token, now);
    const entry = known ?? await this.#verify(token);
    if (entry.identity.kind === "key" && now - entry.noted_at >= NOTE_EVERY) await this.#note(entry, now);
    return { ...entry.identity, address: credentials.address };
  }

  async #verify(token: string): Promise<Verified> {
    if (token.length > MAX_LENGTH) throw invalidToken();
    const { verified } = this.#parts;
    const version = verified.version;
    const entry = token.startsWith("hf_") ? await this.#verifyKey(token) : await this.#verifyAccess(token);
    verified.put(token, entry, version);
    return entry;
  }

  async #verifyKey(token: string): Promise<Verified> {
    const key = await this.#parts.keys.find(token);
    if (key === undefined) throw invalidToken();
    const expires_at = key.expires_at === null ? Infinity : Date.parse(key.expires_at);
    const noted_at = key.last_used_at === null ? 0 : Date.parse(key.last_used_at);
    const servers = key.all_servers ? null : key.servers;
    return {
      identity: { ...BARE, kind: "key", id: key.id, name: `key:${key.name}`, role: key.role, servers },
      expires_at,
      noted_at,
    };
  }

  async #verifyAccess(token: string): Promise<Verified> {
    const { signing, database, clock } = this.#parts;
    const { user_id, session_id, expires_at } = await signing.verify(token);
    const db: Kysely<AuthTables> = database.tables<AuthTables>();
    const session = await queries.findSession(db, session_id);
    const user = await queries.findUser(db, { id: user_id });
    if (session?.user_id !== user_id || !isOpen(session, clock.now())) throw invalidToken();
    if (user === undefined || user.disabled_at !== null) throw invalidToken();
    const servers = user.role === "user"
      ? (await queries.serversOfUsers(db, [user.id])).get(user.id) ?? []
      : null;
    return {
      identity: { ...BARE, kind: "user", id: user.id, name: user.name, role: user.role, servers, session_id },
      expires_at: Math.min(expires_at, Date.parse(session.expires_at)),
      noted_at: 0,
    };
  }

  async #note(entry: Verified, now: number): Promise<void> {
    const before = entry.noted_at;
    // Set first: requests that come meanwhile need not write it too.
    entry.noted_at = now;
    try {
      await this.#parts.keys.note(entry.identity.id);
    } catch {
      // A full disk must not keep a key from reading; the next request tries again.
      entry.noted_at = before;
    }
  }
}

const BARE = { on_host: false, address: null, session_id: null };

function anonymous(address: string | null): Identity {
  return { ...BARE, kind: "anonymous", id: 0, name: "anonymous", role: "public", servers: null, address };
}

/**
 * The token or key of a request. Basic credentials are passed over: password-grant clients send those of the client
 * application this way (RFC 6749 section 2.3.1), and Holdfast knows no client applications.
 */
function tokenOf({ authorization, apiKey }: Credentials): string | undefined {
  if (authorization !== undefined && !/^(basic\b|$)/i.test(authorization)) {
    const token = /^bearer +(\S+)$/i.exec(authorization.trim())?.[1];
    if (token !== undefined) return token;
    throw new HoldfastError("unauthenticated", "Cannot log in: the Authorization header is not understood", {
      code: "token_invalid",
      hint: 'send "Authorization: Bearer TOKEN" or "X-API-Key: KEY"',
    });
  }
  return apiKey === undefined || apiKey === "" ? undefined : apiKey;
}
