/** Access as records: users, API keys, secrets and audit entries as people see them, and the rules about them. */
import { z } from "zod";
import { hasRole, type Role } from "../lib/operation.ts";

/** What a user or key may be; `public` is for nobody in particular. */
export const UserRole = z.enum(["user", "operator", "admin"]);
export type UserRole = z.infer<typeof UserRole>;

// ASCII only, because the databases fold the case of ASCII alone; never all digits, so that a name is never taken for an id.
export const UserName = z.string().regex(
  /^[A-Za-z_][A-Za-z0-9._@+-]{0,63}$/,
  "must start with a letter and hold at most 64 letters, digits or . _ @ + -",
);
export const KeyName = z.string().regex(
  /^[A-Za-z][A-Za-z0-9._-]{0,63}$/,
  "must start with a letter and hold at most 64 letters, digits or . _ -",
);
export const SecretName = KeyName;

/** Refers to a named secret where an engine's options want one: `{"secret": "NAME"}`. */
export const SecretRef = z.strictObject({
  secret: SecretName.describe("Name of a secret made with: holdfast secrets set NAME"),
}).meta({ id: "SecretRef" });
export type SecretRef = z.infer<typeof SecretRef>;

/** Longest password, in bytes of UTF-8: more would only make hashing slower. */
const MAX_PASSWORD_BYTES = 1024;

/** A password as it is given; how long it has to be is a setting, see {@linkcode passwordProblem}. */
export const Password = z.string().min(1).max(MAX_PASSWORD_BYTES);

/** A server as a person names it: its id or its name. */
export const ServerRef = z.union([z.int().positive(), z.string().min(1).max(200)], {
  error: "must be the id or the name of a server",
});
export type ServerRef = z.infer<typeof ServerRef>;

export const User = z.object({
  id: z.int(),
  name: z.string(),
  role: UserRole,
  enabled: z.boolean().describe("False when disabled: cannot log in, tokens are refused"),
  servers: z.array(z.int()).describe("Assigned servers; limits the role user only"),
  created_at: z.string(),
  updated_at: z.string(),
  last_login_at: z.string().nullable(),
  disabled_at: z.string().nullable(),
}).meta({ id: "User" });
export type User = z.infer<typeof User>;

export const ApiKey = z.object({
  id: z.int(),
  name: z.string(),
  prefix: z.string().describe("Public part of the key: hf_<prefix>_..."),
  role: UserRole,
  all_servers: z.boolean().describe("True when the key is not limited to servers"),
  servers: z.array(z.int()).describe("Servers the key is limited to, unless all_servers"),
  created_by: z.int().describe("User id; 0 when made on the host or with a key"),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable().describe("Exact to a minute"),
  revoked_at: z.string().nullable(),
}).meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

/** The answer that shows a key, once. */
export const NewApiKey = ApiKey.extend({
  key: z.string().describe("The key itself; not shown again"),
}).meta({ id: "NewApiKey" });
export type NewApiKey = z.infer<typeof NewApiKey>;

/** A secret as people see it: never its value. */
export const SecretInfo = z.object({
  name: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "Secret" });
export type SecretInfo = z.infer<typeof SecretInfo>;

/** What a log-in or a refresh answers (RFC 6749 section 5.1). */
export const TokenPair = z.object({
  access_token: z.string(),
  refresh_token: z.string().describe("Good for one refresh, which answers the next one"),
  token_type: z.literal("bearer"),
  expires_in: z.int().describe("Seconds until the access token expires"),
  refresh_expires_in: z.int().describe("Seconds until the refresh token expires"),
  user_id: z.int(),
  username: z.string(),
  role: UserRole,
}).meta({ id: "TokenPair" });
export type TokenPair = z.infer<typeof TokenPair>;

/** Who the caller is. */
export const Me = z.object({
  kind: z.enum(["anonymous", "user", "key", "local", "system"]),
  id: z.int().describe("User or key id; 0 for a caller on the host"),
  name: z.string(),
  role: z.enum(["public", "user", "operator", "admin"]),
  servers: z.array(z.int()).nullable().describe("Servers the caller is limited to; null when not limited"),
}).meta({ id: "Me" });
export type Me = z.infer<typeof Me>;

export const AuditEntry = z.object({
  id: z.int(),
  at: z.string(),
  caller_kind: z.string(),
  caller_id: z.int(),
  caller_name: z.string(),
  role: z.string(),
  address: z.string().nullable(),
  request_id: z.string(),
  operation: z.string(),
  target: z.string(),
  before: z.unknown().describe("The record before the change, without secrets; null when there was none"),
  after: z.unknown().describe("The record after the change, without secrets; null when there is none"),
  outcome: z.string().describe(
    "ok, or why not: forbidden, failed, unauthenticated, locked_out, token_reused",
  ),
}).meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = z.object({
  lines: z.array(AuditEntry).describe("Newest first"),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
}).meta({ id: "AuditPage" });
export type AuditPage = z.infer<typeof AuditPage>;

/** True when the change would leave nobody who can administer: the last enabled admin stops being one. */
export function leavesNoAdmin(
  before: { role: string; enabled: boolean },
  after: { role: string; enabled: boolean },
  otherEnabledAdmins: number,
): boolean {
  const isAdmin = (user: { role: string; enabled: boolean }) => user.enabled && user.role === "admin";
  return isAdmin(before) && !isAdmin(after) && otherEnabledAdmins === 0;
}

/** What is wrong with a new password, or undefined. `minimum` in characters. */
export function passwordProblem(password: string, minimum: number): string | undefined {
  if ([...password].length < minimum) return `must have at least ${minimum} characters`;
  if (new TextEncoder().encode(password).length > MAX_PASSWORD_BYTES) {
    return `must have at most ${MAX_PASSWORD_BYTES} bytes`;
  }
}

/** What a key is allowed: a role, and servers unless it is for all of them (null). */
export interface Grant {
  role: Role;
  servers: readonly number[] | null;
}

/** Why `from` may not hand out `to`, or undefined: nobody gives more than they have. */
export function grantProblem(from: Grant, to: Grant): string | undefined {
  if (!hasRole(from.role, to.role)) return `a key for role ${to.role} needs a creator with that role`;
  // An admin could lift the limit again, so it would only look like one.
  if (to.role === "admin" && to.servers !== null) return "a key for role admin cannot be limited to servers";
  if (from.servers === null) return;
  const foreign = to.servers?.find((id) => !from.servers!.includes(id));
  if (to.servers === null || foreign !== undefined) return "its creator is limited to fewer servers";
}

/** Wrong passwords counted for a name, at one address or at all of them. */
export interface FailureCount {
  failures: number;
  /** ISO instants. */
  last_at: string;
  locked_until: string | null;
}

/**
 * The count after one more wrong password. A count that rested for the length of a lock starts again, which
 * gives a patient guesser no more tries than the lock does. `after` 0 never locks; times in milliseconds.
 */
export function countFailure(
  before: FailureCount | undefined,
  now: number,
  rule: { after: number; lock_ms: number },
): { failures: number; locked_until: number | null } {
  const rested = before === undefined || now - Date.parse(before.last_at) > rule.lock_ms;
  const failures = rested ? 1 : before.failures + 1;
  const locks = rule.after > 0 && failures >= rule.after;
  return locks ? { failures: 0, locked_until: now + rule.lock_ms } : { failures, locked_until: null };
}

/** Seconds a lock still lasts, rounded up; 0 when there is none. `now` in milliseconds. */
export function lockSeconds(count: FailureCount | undefined, now: number): number {
  if (count === undefined || count.locked_until === null) return 0;
  return Math.max(0, Math.ceil((Date.parse(count.locked_until) - now) / 1000));
}
