/** What people can ask about users. */
import { z } from "zod";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import type { Auth } from "./auth.ts";
import { Password, ServerRef, User, UserName, UserRole } from "./model.ts";

/** What the operations of this slice need. */
export interface AuthApp {
  auth: Auth;
}

const UserRef = z.string().min(1).max(200).describe("Name or id of a user");
const One = z.strictObject({ user: UserRef });
const Servers = z.array(ServerRef).max(10_000);

const columns: readonly ColumnSpec[] = [
  { key: "id", align: "right" },
  { key: "name" },
  { key: "role" },
  { key: "enabled", format: "boolean" },
  { key: "servers", format: "list" },
  { key: "last_login_at", title: "LAST LOGIN", format: "instant" },
];

const listUsers = operation({
  name: "users.list",
  route: "GET /api/v1/users",
  role: "admin",
  summary: "List users",
  input: z.strictObject({}),
  output: z.array(User),
  cli: {
    columns,
    examples: ["holdfast users list", "holdfast users list --filter role=admin --output json"],
  },
  run: (app: AuthApp) => app.auth.users.list(),
});

const getUser = operation({
  name: "users.get",
  route: "GET /api/v1/users/{user}",
  role: "admin",
  summary: "Show a user",
  input: One,
  output: User,
  cli: { args: ["user"], columns, examples: ["holdfast users get ada"] },
  run: (app: AuthApp, input) => app.auth.users.get(input.user),
});

const createUser = operation({
  name: "users.create",
  route: "POST /api/v1/users",
  role: "admin",
  summary: "Create a user",
  description:
    "Roles: user sees the servers assigned to it, operator manages backups on all servers, admin manages everything. Names are unique without regard to case.",
  input: z.strictObject({
    name: UserName.describe("Name to log in with"),
    role: UserRole.default("user").describe("What the user may do"),
    password: Password.describe("Password; the shortest length is the setting auth.min_password_length"),
    servers: Servers.optional().describe("Servers to assign, by name or id"),
  }),
  output: User,
  status: 201,
  cli: {
    columns,
    secret: { field: "password", prompt: "Password of the new user" },
    flags: {
      servers: { flag: "--server <server>", description: "Server to assign, by name or id" },
    },
    examples: [
      "holdfast users create --name ada --role admin",
      "printf 'long secret' | holdfast users create --name ada --role admin --password-stdin",
      "holdfast users create --name bo --server web-1",
    ],
    text: (user) => `Created user "${user.name}" with role ${user.role} (id ${user.id})`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.create(input, caller),
});

const updateUser = operation({
  name: "users.update",
  route: "PATCH /api/v1/users/{user}",
  role: "admin",
  summary: "Change the name or role of a user",
  description: "The last enabled administrator stays one. A new role counts at once, for open sessions too.",
  input: z.strictObject({
    user: UserRef,
    name: UserName.optional().describe("New name"),
    role: UserRole.optional().describe("New role"),
  }).refine((input) => input.name !== undefined || input.role !== undefined, "give a name, a role or both"),
  output: User,
  cli: {
    args: ["user"],
    columns,
    examples: ["holdfast users update bo --role operator"],
    text: (user) => `Changed user "${user.name}": role ${user.role}`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.update(input.user, input, caller),
});

const passwd = operation({
  name: "users.passwd",
  route: "PUT /api/v1/users/{user}/password",
  role: "user",
  scope: "own",
  summary: "Set the password of a user",
  description:
    "Ends the user's sessions. Administrators set anybody's password; users set their own and give the current one.",
  input: z.strictObject({
    user: UserRef,
    password: Password.describe("New password"),
    current_password: Password.optional().describe("Current password; needed to change one's own"),
  }),
  output: User,
  cli: {
    args: ["user"],
    columns,
    secret: { field: "password", prompt: "New password" },
    flags: { current_password: { hidden: true } },
    examples: [
      "holdfast users passwd ada",
      "printf 'long secret' | holdfast users passwd ada --password-stdin",
    ],
    text: (user) => `Set the password of "${user.name}"; open sessions have ended`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.passwd(input.user, input, caller),
});

const disableUser = operation({
  name: "users.disable",
  route: "POST /api/v1/users/{user}/disable",
  role: "admin",
  summary: "Keep a user out",
  description: "Ends the user's sessions. The last enabled administrator cannot be disabled.",
  input: One,
  output: User,
  cli: {
    args: ["user"],
    columns,
    examples: ["holdfast users disable bo"],
    text: (user) => `Disabled user "${user.name}"; open sessions have ended`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.disable(input.user, caller),
});

const enableUser = operation({
  name: "users.enable",
  route: "POST /api/v1/users/{user}/enable",
  role: "admin",
  summary: "Let a user in again",
  description: "Also opens a lock after wrong passwords.",
  input: One,
  output: User,
  cli: {
    args: ["user"],
    columns,
    examples: ["holdfast users enable bo"],
    text: (user) => `Enabled user "${user.name}"`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.enable(input.user, caller),
});

const deleteUser = operation({
  name: "users.delete",
  route: "DELETE /api/v1/users/{user}",
  role: "admin",
  summary: "Delete a user",
  description:
    "Ends the user's sessions and frees the name; the audit log keeps it. API keys the user made stay good: see api-keys list. The last enabled administrator cannot be deleted.",
  input: One,
  output: z.null(),
  status: 204,
  cli: {
    args: ["user"],
    confirm: "Delete this user?",
    examples: ["holdfast users delete bo", "holdfast users delete bo --yes"],
    text: () => "Deleted the user",
  },
  run: (app: AuthApp, input, caller) => app.auth.users.delete(input.user, caller),
});

const assignServers = operation({
  name: "users.assign",
  route: "PUT /api/v1/users/{user}/servers",
  role: "admin",
  summary: "Assign servers to a user",
  description:
    "The user is assigned exactly these servers afterwards; none takes all away. Assignment limits the role user; operators and administrators see every server.",
  input: z.strictObject({
    user: UserRef,
    servers: Servers.default([]).describe("Servers by name or id"),
  }),
  output: User,
  cli: {
    args: ["user", "servers..."],
    columns,
    examples: ["holdfast users assign bo web-1 web-2", "holdfast users assign bo"],
    text: (user) => `User "${user.name}" is assigned ${user.servers.length} server(s)`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.assign(input.user, input.servers, caller),
});

const revokeSessions = operation({
  name: "users.revoke-sessions",
  route: "DELETE /api/v1/users/{user}/sessions",
  role: "admin",
  summary: "End every session of a user",
  input: One,
  output: z.object({ revoked: z.int().describe("Sessions that were open") }),
  cli: {
    args: ["user"],
    examples: ["holdfast users revoke-sessions bo"],
    text: ({ revoked }) => `Ended ${revoked} session(s)`,
  },
  run: (app: AuthApp, input, caller) => app.auth.users.revokeSessions(input.user, caller),
});

export const userOperations = [
  listUsers,
  getUser,
  createUser,
  updateUser,
  passwd,
  disableUser,
  enableUser,
  deleteUser,
  assignServers,
  revokeSessions,
];
