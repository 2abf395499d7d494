/** What the daemon knows of tenants: the inventory, its history, and how it is doing. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { OfTenant, type VpnApp, type VpnOperation } from "./common.ts";

const Status = z.object({
  tenant: z.string(),
  synced_at: z.string().nullable(),
  failed_at: z.string().nullable(),
  error: z.string().nullable(),
  things: z.int(),
  drift: z.array(z.string()).describe("What differs from the desired directory"),
  sessions_until: z.string().nullable().describe("The feed of sessions is complete until then"),
  audit_until: z.string().nullable().describe("The feed of the audit log is complete until then"),
});
const columns = [
  { key: "tenant" },
  { key: "synced_at", title: "seen", format: "instant" },
  { key: "things", align: "right" },
  { key: "drift", format: "list" },
  { key: "error" },
] as const;

const status = operation({
  name: "vpn.status",
  route: "GET /api/v1/vpn/status",
  role: "operator",
  summary: "Show when the daemon looked at each tenant, and what it found",
  input: z.strictObject({}),
  output: z.array(Status),
  cli: { columns, examples: ["holdfast vpn status"] },
  run: async (app: VpnApp) => await (await app.vpn.inventory()).status(),
});

const sync = operation({
  name: "vpn.sync",
  route: "POST /api/v1/vpn/sync",
  role: "operator",
  summary: "Let the daemon look at every tenant now",
  input: z.strictObject({}),
  output: z.array(Status),
  cli: { columns, examples: ["holdfast vpn sync"] },
  run: async (app: VpnApp, _input, { signal }) => await (await app.vpn.inventory()).syncAll(signal),
});

const inventory = operation({
  name: "vpn.inventory",
  route: "GET /api/v1/vpn/inventory",
  role: "operator",
  summary: "List what the daemon saw in a tenant last, without asking it",
  input: OfTenant.extend({
    kind: z.string().min(1).optional().describe("Only things of this kind: users, networks"),
  }),
  output: z.array(z.object({
    kind: z.string(),
    id: z.string(),
    name: z.string(),
    connection: z.string().nullable(),
    first_seen_at: z.string(),
    changed_at: z.string(),
    body: z.unknown(),
  })),
  cli: {
    columns: [
      { key: "kind" },
      { key: "name" },
      { key: "connection" },
      { key: "first_seen_at", title: "first seen", format: "instant" },
      { key: "changed_at", title: "changed", format: "instant" },
    ],
    examples: ["holdfast vpn inventory --kind users"],
  },
  run: async (app: VpnApp, { tenant, kind }) => await (await app.vpn.inventory()).list(tenant, kind),
});

const history = operation({
  name: "vpn.history",
  route: "GET /api/v1/vpn/history",
  role: "operator",
  summary: "List what changed in a tenant, and when the daemon saw it",
  input: OfTenant.extend({
    since: z.string().min(1).optional().describe("From then on: 24h, 7d, or an instant; default 7d"),
    until: z.string().min(1).optional().describe("Until then"),
    kind: z.string().min(1).optional().describe("Only changes of things of this kind"),
  }),
  output: z.array(z.object({
    at: z.string(),
    kind: z.string(),
    id: z.string(),
    name: z.string(),
    action: z.string(),
    fields: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
  })),
  cli: {
    columns: [
      { key: "at", format: "instant" },
      { key: "action" },
      { key: "kind" },
      { key: "name" },
      { key: "fields" },
    ],
    examples: ["holdfast vpn history --since 7d"],
  },
  run: async (app: VpnApp, input) => await (await app.vpn.inventory()).history(input),
});

export const inventoryOperations: readonly VpnOperation[] = [status, sync, inventory, history];
