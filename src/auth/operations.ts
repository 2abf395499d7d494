/** What people can ask of access. Users, log-in and keys have files of their own; secrets and the audit log stand here. */
import { z } from "zod";
import { Moment } from "../lib/moment.ts";
import { operation } from "../lib/operation.ts";
import { keyOperations } from "./key_operations.ts";
import { loginOperations } from "./login_operations.ts";
import { AuditPage, SecretInfo, SecretName } from "./model.ts";
import { type AuthApp, userOperations } from "./user_operations.ts";

const listSecrets = operation({
  name: "secrets.list",
  route: "GET /api/v1/secrets",
  role: "operator",
  summary: "List the names of secrets",
  input: z.strictObject({}),
  output: z.array(SecretInfo),
  cli: {
    columns: [
      { key: "name" },
      { key: "created_at", title: "CREATED", format: "instant" },
      { key: "updated_at", title: "UPDATED", format: "instant" },
    ],
    examples: ["holdfast secrets list"],
  },
  run: (app: AuthApp) => app.auth.secrets.list(),
});

const setSecret = operation({
  name: "secrets.set",
  route: "PUT /api/v1/secrets/{name}",
  role: "admin",
  summary: "Set a secret",
  description:
    'The value is stored encrypted and never shown again. Use it where options want one as {"secret": "NAME"}.',
  input: z.strictObject({
    name: SecretName.describe("Name of the secret"),
    value: z.string().min(1).max(65_536).describe("The value; a file's content may have several lines"),
  }),
  output: SecretInfo,
  cli: {
    args: ["name"],
    secret: { field: "value", prompt: "Value of the secret" },
    examples: ["holdfast secrets set db-password", "holdfast secrets set deploy-key < id_ed25519"],
    text: (secret) => `Set secret "${secret.name}"`,
  },
  run: (app: AuthApp, input, caller) => app.auth.secrets.set(input.name, input.value, caller),
});

const deleteSecret = operation({
  name: "secrets.delete",
  route: "DELETE /api/v1/secrets/{name}",
  role: "admin",
  summary: "Delete a secret",
  description: "What refers to it fails from now on, naming the secret.",
  input: z.strictObject({ name: SecretName.describe("Name of the secret") }),
  output: z.null(),
  status: 204,
  cli: {
    args: ["name"],
    confirm: "Delete this secret? What refers to it fails from now on.",
    examples: ["holdfast secrets delete db-password", "holdfast secrets delete db-password --yes"],
    text: () => "Deleted the secret",
  },
  run: (app: AuthApp, input, caller) => app.auth.secrets.delete(input.name, caller),
});

const listAudit = operation({
  name: "audit.list",
  route: "GET /api/v1/audit",
  role: "admin",
  summary: "List audit lines, newest first",
  description: "Each write leaves a line: who, when, from where, what, before and after, without secrets.",
  input: z.strictObject({
    since: Moment.optional().describe("From this day or instant (UTC) on"),
    until: Moment.optional().describe("Before this day or instant (UTC)"),
    caller: z.string().max(200).optional().describe("Name of the caller: ada, key:agent-1, local:root"),
    operation: z.string().max(200).optional().describe("users.create, or users for all of them"),
    target: z.string().max(200).optional().describe("users/ada, or users for all of them"),
    limit: z.int().min(1).max(1000).default(50).describe("Lines to show"),
    offset: z.int().min(0).default(0).describe("Lines to skip"),
  }),
  output: AuditPage,
  cli: {
    rows: (page) => page.lines,
    flags: {
      since: { flag: "--since <when>" },
      until: { flag: "--until <when>" },
      caller: { flag: "--caller <name>" },
      operation: { description: "Operation, such as users.create; users for all of them" },
      target: { description: "What was changed, such as users/ada; users for all of them" },
    },
    columns: [
      { key: "at", format: "instant" },
      { key: "caller_name", title: "CALLER" },
      { key: "operation" },
      { key: "target" },
      { key: "outcome" },
    ],
    examples: [
      "holdfast audit list --since 2030-01-01 --operation users",
      "holdfast audit list --caller ada --limit 10 --output json",
    ],
  },
  run: (app: AuthApp, input) => app.auth.audit.list(input),
});

export const operations = [
  ...userOperations,
  ...loginOperations,
  ...keyOperations,
  listSecrets,
  setSecret,
  deleteSecret,
  listAudit,
];
