/** Access as one object: the services, wired. */
import { join } from "node:path";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Database } from "../store/mod.ts";
import { AuditLog } from "./audit.ts";
import { Authenticator } from "./authenticate.ts";
import { type GuardSettings, LoginGuard } from "./guard.ts";
import { ApiKeys } from "./keys.ts";
import { PasswordCheck } from "./password_check.ts";
import { Passwords, type ScryptCost } from "./passwords.ts";
import * as queries from "./queries.ts";
import type { AuthTables } from "./queries.ts";
import { Secrets } from "./secrets.ts";
import { Sessions } from "./sessions.ts";
import { Setup } from "./setup.ts";
import { SetupCode } from "./setup_code.ts";
import { Signing, SigningKeys } from "./signing.ts";
import { type ResolveServer, Users } from "./users.ts";
import { VerifiedTokens } from "./verified.ts";

/** Settings of access: the section `auth` of the configuration. */
export interface AuthSettings extends GuardSettings {
  access_token_seconds: number;
  refresh_token_seconds: number;
  min_password_length: number;
  setup_code_seconds: number;
}

/** What access is made of. */
export interface AuthParts {
  database: Database;
  clock: Clock;
  dataDir: string;
  settings: AuthSettings;
  /** Finds a server; without it no server can be assigned. */
  resolveServer?: ResolveServer;
  /** Cost of password hashes; tests make it cheap. */
  passwordCost?: ScryptCost;
}

/** Sessions stay known this long after they ended, in milliseconds: their addresses pass a lock from elsewhere. */
const KEEP_SESSIONS = 90 * 86_400_000;

/** Access: who may come in and do what. Building it reads and writes nothing. */
export class Auth {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly keys: ApiKeys;
  readonly secrets: Secrets;
  readonly audit: AuditLog;
  readonly setup: Setup;
  readonly signing: Signing;
  readonly #authenticator: Authenticator;
  readonly #guard: LoginGuard;
  readonly #parts: AuthParts;

  constructor(parts: AuthParts) {
    const { database, clock, dataDir, settings } = parts;
    const resolveServer = parts.resolveServer ?? noServers;
    const passwords = new Passwords(parts.passwordCost);
    const guard = new LoginGuard(clock, settings);
    const check = new PasswordCheck({ database, passwords, guard });
    const verified = new VerifiedTokens();
    const setupCode = new SetupCode(join(dataDir, "setup-code"), clock, settings.setup_code_seconds);
    const keyFile = join(dataDir, "keys", "signing.json");
    const signing = new SigningKeys(keyFile, clock, settings.access_token_seconds);
    this.#parts = parts;
    this.#guard = guard;
    this.users = new Users({
      database,
      clock,
      settings,
      passwords,
      check,
      guard,
      verified,
      setupCode,
      resolveServer,
    });
    this.sessions = new Sessions({ database, clock, settings, passwords, check, guard, signing, verified });
    this.keys = new ApiKeys({ database, clock, verified, resolveServer });
    this.secrets = new Secrets(database, clock, join(dataDir, "keys", "secrets.key"));
    this.audit = new AuditLog(database);
    this.setup = new Setup({ database, users: this.users, code: setupCode, guard });
    this.signing = new Signing(database, signing);
    this.#authenticator = new Authenticator({ database, clock, signing, keys: this.keys, verified });
  }

  /** Who is calling; see {@linkcode Authenticator}. */
  readonly authenticate: Authenticator["authenticate"] = (credentials) =>
    this.#authenticator.authenticate(credentials);

  /** Forgets what is of no more use: sessions that ended long ago, old counts of wrong passwords. `now` in milliseconds. */
  readonly prune = async (now: number): Promise<Record<string, number>> => {
    const db = this.#parts.database.tables<AuthTables>();
    return {
      sessions: await queries.forgetSessions(db, iso(now - KEEP_SESSIONS)),
      login_failures: await this.#guard.prune(db),
    };
  };
}

function noServers(ref: string | number): Promise<number> {
  return Promise.reject(new HoldfastError("not_found", `Cannot find server "${ref}"`));
}
