/** What people can ask about tokens: log in, stay in, log out, and the keys that sign. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";
import { Me, Password, TokenPair, User, UserName } from "./model.ts";
import type { AuthApp } from "./user_operations.ts";

/** Longer than any name; what is sent to the log-in is bounded, whatever it is. */
const LoginName = z.string().min(1).max(256);
const RefreshToken = z.string().min(1).max(256);
const Revoked = z.object({ revoked: z.int().describe("Sessions that were open") });

const token = operation({
  name: "auth.token",
  route: "POST /api/v1/auth/token",
  aliases: ["POST /v1/auth/token"],
  role: "public",
  summary: "Log in",
  description:
    "The OAuth 2.0 password form (RFC 6749): username and password, or grant_type=refresh_token and refresh_token. Attempts are limited by name and address (429 with Retry-After); too many wrong passwords lock the name for that address.",
  input: z.strictObject({
    grant_type: z.enum(["password", "refresh_token"]).default("password").describe("How to log in"),
    username: LoginName.optional().describe("User name"),
    password: Password.optional().describe("Password"),
    refresh_token: RefreshToken.optional().describe("With grant_type=refresh_token"),
    scope: z.string().max(1000).optional().describe("Accepted and ignored: rights come from the role"),
    client_id: z.string().max(256).optional().describe("Accepted and ignored"),
    client_secret: z.string().max(256).optional().describe("Accepted and ignored"),
  }),
  output: TokenPair,
  body: "form",
  unaudited: true,
  cli: {
    secret: { field: "password", prompt: "Password" },
    flags: {
      grant_type: { hidden: true },
      refresh_token: { hidden: true },
      scope: { hidden: true },
      client_id: { hidden: true },
      client_secret: { hidden: true },
    },
    examples: ["printf 'long secret' | holdfast auth token --username ada --password-stdin --output json"],
    text: (pair) => pair.access_token,
  },
  run: (app: AuthApp, input, caller) => app.auth.sessions.token(input, caller),
});

const refresh = operation({
  name: "auth.refresh",
  route: "POST /api/v1/auth/refresh",
  role: "public",
  summary: "Exchange a refresh token for new tokens",
  description: "Each refresh token is good once. One that comes back after its use ends the session.",
  input: z.strictObject({ refresh_token: RefreshToken.describe("The newest refresh token of the session") }),
  output: TokenPair,
  body: "form",
  unaudited: true,
  cli: { command: null },
  run: (app: AuthApp, input, caller) => app.auth.sessions.refresh(input.refresh_token, caller),
});

const logout = operation({
  name: "auth.logout",
  route: "POST /api/v1/auth/logout",
  role: "user",
  scope: "own",
  summary: "End this session",
  input: z.strictObject({}),
  output: z.null(),
  status: 204,
  cli: { command: null },
  run: (app: AuthApp, _input, caller) => app.auth.sessions.logout(caller),
});

const logoutAll = operation({
  name: "auth.logout-all",
  route: "POST /api/v1/auth/logout-all",
  role: "user",
  scope: "own",
  summary: "End all of one's sessions",
  input: z.strictObject({}),
  output: Revoked,
  cli: { command: null },
  run: (app: AuthApp, _input, caller) => app.auth.sessions.logoutAll(caller),
});

const setup = operation({
  name: "auth.setup",
  route: "POST /api/v1/auth/setup",
  role: "public",
  summary: "Make the first administrator with the set-up code",
  description:
    "While there is no administrator the daemon prints a code at start and keeps it in the file setup-code of the data directory. It ends with the first administrator.",
  input: z.strictObject({
    code: z.string().min(1).max(100).describe("The set-up code; case and dashes do not matter"),
    username: UserName.describe("Name of the first administrator"),
    password: Password.describe("Password; the shortest length is the setting auth.min_password_length"),
  }),
  output: User,
  status: 201,
  unaudited: true,
  cli: {
    secret: { field: "password", prompt: "Password of the first administrator" },
    examples: [
      "holdfast --api-url https://backup.example.org auth setup --code ABCD-EFGH-JKMN-PQRS --username ada",
    ],
    text: (user) => `Created administrator "${user.name}"`,
  },
  run: (app: AuthApp, input, caller) => app.auth.setup.redeem(input, caller),
});

const me = operation({
  name: "auth.me",
  route: "GET /api/v1/auth/me",
  role: "user",
  scope: "own",
  summary: "Show who is calling",
  input: z.strictObject({}),
  output: Me,
  cli: {
    examples: ["holdfast auth me"],
    text: ({ name, role, servers }) =>
      `${name}, role ${role}, ${
        servers === null ? "all servers" : `servers ${servers.join(", ") || "none"}`
      }`,
  },
  run: (_app: AuthApp, _input, { kind, id, name, role, servers }) => ({
    kind,
    id,
    name,
    role,
    servers: servers === null ? null : [...servers],
  }),
});

const rotateKey = operation({
  name: "auth.rotate-key",
  route: "POST /api/v1/auth/rotate-key",
  role: "admin",
  summary: "Sign access tokens with a new key",
  description: "Nobody is logged out: the old key verifies until its last token has expired.",
  input: z.strictObject({}),
  output: z.object({ kid: z.string().describe("Id of the new key, as in the header of tokens") }),
  cli: {
    examples: ["holdfast auth rotate-key"],
    text: ({ kid }) => `New access tokens are signed with key ${kid}`,
  },
  run: (app: AuthApp, _input, caller) => app.auth.signing.rotate(caller),
});

export const loginOperations = [token, refresh, logout, logoutAll, setup, me, rotateKey];
