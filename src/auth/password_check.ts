/** Whether a password is somebody's: guarded, counted, audited, and as slow for a name that nobody has. */
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import type { LoginGuard } from "./guard.ts";
import type { Passwords } from "./passwords.ts";
import * as queries from "./queries.ts";
import type { AuthTables, UserRow } from "./queries.ts";

/** What the check is made of. */
export interface PasswordCheckParts {
  database: Database;
  passwords: Passwords;
  guard: LoginGuard;
}

/** Checks passwords for log-in and for changing one's own. */
export class PasswordCheck {
  readonly #parts: PasswordCheckParts;

  constructor(parts: PasswordCheckParts) {
    this.#parts = parts;
  }

  /** The user when name and password fit and the user is enabled. Errors: `rate_limited`. */
  async check(caller: Caller, name: string, password: string): Promise<UserRow | undefined> {
    const { database, passwords, guard } = this.#parts;
    guard.requireRate(caller, name);
    const db = database.tables<AuthTables>();
    const user = await queries.findUser(db, { name });
    await guard.requireUnlocked(db, caller, name, user);
    const fits = await passwords.verify(password, user?.password_hash);
    if (fits && user !== undefined && user.disabled_at === null) return user;
    await this.#fail(caller, name, user);
  }

  async #fail(caller: Caller, name: string, user: UserRow | undefined): Promise<void> {
    await this.#parts.database.change(caller, async (change) => {
      const locked = await this.#parts.guard.failed(change.tables<AuthTables>(), caller, name);
      // A name that nobody has stays out of the log: it may be a password typed into the wrong field.
      const target = user === undefined ? "users" : `users/${user.name}`;
      change.audit({ target, outcome: locked ? "locked_out" : "unauthenticated" });
    });
  }
}
