/**
 * Log-in sessions: a short access token, and refresh tokens of which each is good once.
 *
 * A refresh token that comes back after its use was stolen, from the client or by it: the session ends, whoever asks.
 * Refresh tokens are random and stored as SHA-256 hashes.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import type { LoginGuard } from "./guard.ts";
import type { TokenPair } from "./model.ts";
import type { PasswordCheck } from "./password_check.ts";
import type { Passwords } from "./passwords.ts";
import * as queries from "./queries.ts";
import type { AuthTables, SessionRow, UserRow } from "./queries.ts";
import type { SigningKeys } from "./signing.ts";
import type { VerifiedTokens } from "./verified.ts";

/** What the service is made of. */
export interface SessionsParts {
  database: Database;
  clock: Clock;
  settings: { access_token_seconds: number; refresh_token_seconds: number };
  passwords: Passwords;
  check: PasswordCheck;
  guard: LoginGuard;
  signing: SigningKeys;
  verified: VerifiedTokens;
}

/** The form of the token end point (RFC 6749 sections 4.3 and 6). */
export interface TokenRequest {
  grant_type: "password" | "refresh_token";
  username?: string | undefined;
  password?: string | undefined;
  refresh_token?: string | undefined;
}

type Db = Kysely<AuthTables>;

/** The service behind `auth.token`, `auth.refresh`, `auth.logout` and `auth.logout-all`. */
export class Sessions {
  readonly #parts: SessionsParts;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** Tokens for a password or a refresh token. Errors: as `login` and `refresh`, `invalid` for a missing field. */
  async token(input: TokenRequest, caller: Caller): Promise<TokenPair> {
    const required = (field: "username" | "password" | "refresh_token") => {
      const value = input[field];
      if (value !== undefined) return value;
      throw new HoldfastError("invalid", `Cannot log in: ${field} is required`, {
        errors: [{ path: field, message: "is required" }],
      });
    };
    if (input.grant_type === "refresh_token") return await this.refresh(required("refresh_token"), caller);
    return await this.login(required("username"), required("password"), caller);
  }

  /** Opens a session. Errors: `unauthenticated`, `rate_limited`. */
  async login(name: string, password: string, caller: Caller): Promise<TokenPair> {
    const { database, guard, passwords } = this.#parts;
    const user = await this.#parts.check.check(caller, name, password);
    if (user === undefined) throw wrongPassword();
    const rehash = passwords.isOutdated(user.password_hash)
      ? await passwords.hash(password)
      : user.password_hash;
    const now = this.#parts.clock.now();
    const session: SessionRow = {
      id: randomUUID(),
      user_id: user.id,
      address: caller.address,
      created_at: iso(now),
      last_used_at: iso(now),
      expires_at: this.#sessionEnd(now),
      revoked_at: null,
      revoked_reason: null,
    };
    const refresh = await database.change(callerOf(user, session, caller), async (change) => {
      const db = change.tables<AuthTables>();
      // While the hash was computed the password may have changed, or the user may have gone.
      const current = await queries.findUser(db, { id: user.id });
      if (current?.password_hash !== user.password_hash || current.disabled_at !== null) {
        throw wrongPassword();
      }
      await guard.succeeded(db, caller, name);
      await queries.updateUser(db, user.id, { last_login_at: iso(now), password_hash: rehash });
      await queries.insertSession(db, session);
      change.audit({ target: `users/${user.name}`, after: { session: session.id } });
      return await this.#newRefreshToken(db, session.id, now);
    });
    return await this.#pair(user, session.id, refresh);
  }

  /** The next tokens of a session. Errors: `unauthenticated`, also for a token that was used before. */
  async refresh(token: string, caller: Caller): Promise<TokenPair> {
    const { database, verified } = this.#parts;
    const now = this.#parts.clock.now();
    const result = await database.change(caller, async (change) => {
      const db = change.tables<AuthTables>();
      const hash = hashOf(token);
      const known = await queries.findRefreshToken(db, hash);
      const session = known && await queries.findSession(db, known.session_id);
      const user = session && await queries.findUser(db, { id: session.user_id });
      if (known === undefined || session === undefined || user === undefined) return null;
      if (!isOpen(session, now) || user.disabled_at !== null || known.expires_at <= iso(now)) return null;
      if (!await queries.useRefreshToken(db, hash, iso(now))) {
        await queries.revokeSessions(db, { id: session.id }, iso(now), "refresh token used twice");
        change.audit({
          target: `users/${user.name}`,
          after: { session: session.id },
          outcome: "token_reused",
        });
        return { reused: session.id };
      }
      await queries.extendSession(db, session.id, iso(now), this.#sessionEnd(now));
      await queries.forgetRefreshTokens(db, session.id, iso(now));
      return { user, session, refresh: await this.#newRefreshToken(db, session.id, now) };
    });
    if (result === null) throw wrongRefreshToken();
    if ("reused" in result) {
      verified.dropSession(result.reused);
      throw wrongRefreshToken();
    }
    return await this.#pair(result.user, result.session.id, result.refresh);
  }

  /** Ends the caller's session. Errors: `invalid` for a caller without one. */
  async logout(caller: Caller): Promise<null> {
    const { database, verified, clock } = this.#parts;
    const id = caller.session_id;
    if (id === null) throw noSession(caller);
    await database.change(caller, async (change) => {
      await queries.revokeSessions(change.tables<AuthTables>(), { id }, iso(clock.now()), "log-out");
      change.audit({ target: `users/${caller.name}`, after: { session: id } });
    });
    verified.dropSession(id);
    return null;
  }

  /** Ends every session of the caller; returns how many were open. Errors: `invalid` for a caller who is no user. */
  async logoutAll(caller: Caller): Promise<{ revoked: number }> {
    const { database, verified, clock } = this.#parts;
    if (caller.kind !== "user") throw noSession(caller);
    const revoked = await database.change(caller, async (change) => {
      const [db, at] = [change.tables<AuthTables>(), iso(clock.now())];
      const revoked = await queries.revokeSessions(db, { user_id: caller.id }, at, "log-out everywhere");
      change.audit({ target: `users/${caller.name}`, after: { revoked_sessions: revoked } });
      return revoked;
    });
    verified.dropOf("user", caller.id);
    return { revoked };
  }

  #sessionEnd(now: number): string {
    return iso(now + this.#parts.settings.refresh_token_seconds * 1000);
  }

  async #newRefreshToken(db: Db, session_id: string, now: number): Promise<string> {
    const token = `hfr_${randomBytes(32).toString("base64url")}`;
    await queries.insertRefreshToken(db, {
      token_hash: hashOf(token),
      session_id,
      created_at: iso(now),
      expires_at: this.#sessionEnd(now),
      used_at: null,
    });
    return token;
  }

  async #pair(user: UserRow, session_id: string, refresh_token: string): Promise<TokenPair> {
    const { signing, settings } = this.#parts;
    return {
      access_token: await signing.sign(user.id, session_id),
      refresh_token,
      token_type: "bearer",
      expires_in: settings.access_token_seconds,
      refresh_expires_in: settings.refresh_token_seconds,
      user_id: user.id,
      username: user.name,
      role: user.role,
    };
  }
}

/** True while a session may be used. `now` in milliseconds. */
export function isOpen(session: SessionRow, now: number): boolean {
  return session.revoked_at === null && Date.parse(session.expires_at) > now;
}

/** Whoever just proved to be a user is who the audit log names. */
function callerOf(user: UserRow, session: SessionRow, from: Caller): Caller {
  return { ...from, kind: "user", id: user.id, name: user.name, role: user.role, session_id: session.id };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function wrongPassword(): HoldfastError {
  return new HoldfastError("unauthenticated", "Cannot log in: wrong user name or password", {
    code: "invalid_grant",
  });
}

function wrongRefreshToken(): HoldfastError {
  return new HoldfastError("unauthenticated", "Cannot refresh: the refresh token is not valid", {
    code: "invalid_grant",
    hint: "log in again",
  });
}

function noSession(caller: Caller): HoldfastError {
  return new HoldfastError("invalid", `Cannot log out: "${caller.name}" has no session`, {
    hint: "a key is ended with: holdfast api-keys revoke NAME",
  });
}
