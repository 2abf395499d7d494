/** Users: their accounts, and what is done with them. The username of a user never changes. */
import type { CallOptions, Connection } from "../connection.ts";
import { checkUserCreate, checkUserUpdate } from "../rules.ts";
import { User, type UserCreate, type UserUpdate } from "../schemas/people.ts";
import { Collection } from "./collection.ts";

/** The owner of a tenant cannot be changed through the API. */
export class Users extends Collection<User, UserCreate, UserUpdate> {
  constructor(connection: Connection) {
    super(connection, {
      path: "/users",
      one: "user",
      many: "users",
      item: User,
      checkCreate: checkUserCreate,
      checkUpdate: checkUserUpdate,
    });
  }

  /** Release 1.1.1. */
  activate(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "activate", id, options, "1.1.1");
  }

  /** Release 1.1.1. */
  suspend(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "suspend", id, options, "1.1.1");
  }

  /** The user sets up the second factor anew. Release 1.2.0 at the latest. */
  resetMfa(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("POST", "reset-mfa", id, options, "1.2.0");
  }

  /** Release 1.2.0 at the latest. */
  resendInvitation(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("POST", "resend-invitation", id, options, "1.2.0");
  }

  /** The user chooses a new password; sessions end. Release 1.2.3. */
  forcePasswordChange(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("POST", "force-password-change", id, options, "1.2.3");
  }
}
