/** What people can ask about API keys. */
import { z } from "zod";
import { parseTypedDuration } from "../lib/duration.ts";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import { ApiKey, KeyName, NewApiKey, ServerRef, UserRole } from "./model.ts";
import type { AuthApp } from "./user_operations.ts";

const One = z.strictObject({ key: z.string().min(1).max(200).describe("Name or id of an API key") });

const columns: readonly ColumnSpec[] = [
  { key: "id", align: "right" },
  { key: "name" },
  { key: "role" },
  { key: "all_servers", title: "ALL SERVERS", format: "boolean" },
  { key: "servers", format: "list" },
  { key: "expires_at", title: "EXPIRES", format: "instant" },
  { key: "last_used_at", title: "LAST USED", format: "instant" },
];

const listKeys = operation({
  name: "api-keys.list",
  route: "GET /api/v1/api-keys",
  role: "admin",
  summary: "List API keys",
  input: z.strictObject({
    include_revoked: z.boolean().default(false).describe("Show keys that were revoked too"),
  }),
  output: z.array(ApiKey),
  cli: { columns, examples: ["holdfast api-keys list", "holdfast api-keys list --include-revoked"] },
  run: (app: AuthApp, input) => app.auth.keys.list(input.include_revoked),
});

const getKey = operation({
  name: "api-keys.get",
  route: "GET /api/v1/api-keys/{key}",
  role: "admin",
  summary: "Show an API key, without the key itself",
  input: One,
  output: ApiKey,
  cli: { args: ["key"], columns, examples: ["holdfast api-keys get agent-1"] },
  run: (app: AuthApp, input) => app.auth.keys.get(input.key),
});

const createKey = operation({
  name: "api-keys.create",
  route: "POST /api/v1/api-keys",
  role: "admin",
  summary: "Create an API key for a program",
  description:
    "The key is shown once. Send it as X-API-Key or as Bearer token. A key limited to servers reaches only those; a key for role admin cannot be limited.",
  input: z.strictObject({
    name: KeyName.describe("Name of the key; audit lines show it as key:NAME"),
    role: UserRole.default("user").describe("What the key may do"),
    servers: z.array(ServerRef).min(1).max(10_000).optional().describe(
      "Servers the key is limited to, by name or id; absent: all",
    ),
    expires_in_seconds: z.number().int().min(60).max(315_360_000).optional().describe(
      "Seconds until the key expires; absent: never",
    ),
  }),
  output: NewApiKey,
  status: 201,
  cli: {
    flags: {
      servers: { flag: "--server <server>", description: "Limit to this server, by name or id" },
      expires_in_seconds: {
        flag: "--expires-in <duration>",
        description: "Expire after, such as 90d; default never",
        parse: parseTypedDuration,
      },
    },
    examples: [
      "holdfast api-keys create --name agent-1 --server web-1 --expires-in 365d",
      "holdfast api-keys create --name deploy --role operator --output json",
    ],
    text: (key) => key.key,
    // Beside the key itself, which a script takes from standard output.
    notes: ({ name, expires_at }) => [
      expires_at === null
        ? `API key "${name}" never expires.`
        : `API key "${name}" expires at ${expires_at}.`,
    ],
  },
  run: (app: AuthApp, input, caller) => app.auth.keys.create(input, caller),
});

const revokeKey = operation({
  name: "api-keys.revoke",
  route: "DELETE /api/v1/api-keys/{key}",
  role: "admin",
  summary: "Revoke an API key",
  description: "It is refused from now on, and its name becomes free. The record stays.",
  input: One,
  output: ApiKey,
  cli: {
    args: ["key"],
    columns,
    confirm: "Revoke this API key? Programs that use it are refused from now on.",
    examples: ["holdfast api-keys revoke agent-1", "holdfast api-keys revoke agent-1 --yes"],
    text: (key) => `Revoked API key "${key.name}"`,
  },
  run: (app: AuthApp, input, caller) => app.auth.keys.revoke(input.key, caller),
});

export const keyOperations = [listKeys, getKey, createKey, revokeKey];
