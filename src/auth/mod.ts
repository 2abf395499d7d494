/**
 * Access: who may come in, what they may do, and what they did.
 *
 * **Users** log in with a name and a password (`users`, hashes by scrypt). A log-in opens a **session** and answers a
 * short access token (a signed JWT) and a refresh token that is good once (`sessions`, `refresh_tokens`). The access
 * token only says who and which session: role, servers and whether the user may still come in are looked up, and
 * kept in memory until something changes them. A session is open until it expires unused, is logged out, or is revoked:
 * by an administrator, a new password, a disabled or deleted user, or a refresh token that came back after its use.
 *
 * **API keys** are for programs (`api_keys`): a role, all servers or some, an expiry. They belong to the
 * installation, not to who made them, so a key outlives its maker until it is revoked.
 *
 * **Roles** rise from user over operator to admin. Servers (`user_servers`, `api_key_servers`) limit the role user and
 * the keys that have a list. There is always an enabled administrator once there was one: the last cannot be disabled,
 * deleted or demoted. Before the first, a **set-up code** for whoever can read the data directory makes it.
 *
 * **Guessing** is slowed by rates and locks (`login_failures`); `guard.ts` says how an attacker is kept out without
 * giving them a way to keep others out.
 *
 * **Secrets** are named values that engines need (`secrets`), sealed under a key file of the data directory.
 *
 * **Audit lines** (`audit_lines`) are written by the store with each change, and are read here. Failed log-ins leave a
 * line too, as many as the rate lets through; they name the user only if there is one.
 *
 * Files in the data directory, all 0600: `keys/signing.json`, `keys/secrets.key`, `setup-code`.
 */
export { auditReaders } from "./audit.ts";
export { Auth, type AuthParts, type AuthSettings } from "./auth.ts";
export type { Credentials } from "./authenticate.ts";
export { SecretName, SecretRef } from "./model.ts";
export { type ScryptCost } from "./passwords.ts";
export { type AuthApp } from "./user_operations.ts";
export { type ResolveServer } from "./users.ts";
