/** The first administrator: made with the set-up code, over the network too, while there is none. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import type { LoginGuard } from "./guard.ts";
import type { User } from "./model.ts";
import * as queries from "./queries.ts";
import type { AuthTables } from "./queries.ts";
import type { SetupCode } from "./setup_code.ts";
import { alreadySetUp, type Users } from "./users.ts";

/** What the service is made of. */
export interface SetupParts {
  database: Database;
  users: Users;
  code: SetupCode;
  guard: LoginGuard;
}

/** The service behind `auth.setup`. */
export class Setup {
  readonly #parts: SetupParts;

  constructor(parts: SetupParts) {
    this.#parts = parts;
  }

  async #isDone(): Promise<boolean> {
    return await queries.countAdmins(this.#parts.database.tables<AuthTables>()) > 0;
  }

  /** The code while there is no administrator, else null. The daemon prints it at start; it never goes to the log. */
  async ensureCode(): Promise<string | null> {
    if (this.#parts.database.readonly) return null;
    if (!await this.#isDone()) return this.#parts.code.ensure();
    this.#parts.code.forget();
    return null;
  }

  /** When the code ends; null when there is none. */
  codeEndsAt(): string | null {
    const at = this.#parts.code.endsAt();
    return at === undefined ? null : iso(at);
  }

  /** Makes the first administrator. Errors: `conflict` when there is one, `unauthenticated`, `rate_limited`, `invalid`. */
  async redeem(input: { code: string; username: string; password: string }, caller: Caller): Promise<User> {
    this.#parts.guard.requireRate(caller, "set-up code");
    if (await this.#isDone()) throw alreadySetUp();
    if (!this.#parts.code.matches(input.code)) {
      await this.#parts.database.change(caller, (change) => {
        change.audit({ target: "setup", outcome: "unauthenticated" });
        return Promise.resolve();
      });
      throw new HoldfastError("unauthenticated", "Cannot set up: the code is wrong or has expired", {
        code: "setup_code",
        hint: "restart the daemon for a new code, or on its host run: holdfast users create",
      });
    }
    return await this.#parts.users.createFirstAdmin(
      { name: input.username, password: input.password },
      caller,
    );
  }
}
