/** The tenant as a whole: its settings, its regions, and which tenants there are. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { Region } from "../schemas/logs.ts";
import { OfTenant, tenant, type VpnApp, type VpnOperation } from "./common.ts";

const Setting = z.object({ name: z.string(), value: z.unknown(), summary: z.string() });
const setting = z.string().min(1).describe("Setting, as in vpn settings list");

const listTenants = operation({
  name: "vpn.tenants.list",
  route: "GET /api/v1/vpn/tenants",
  role: "operator",
  standalone: true,
  summary: "List the configured tenants",
  input: z.strictObject({}),
  output: z.array(z.object({ name: z.string(), address: z.string(), key_expires_at: z.string().nullable() })),
  cli: {
    columns: [{ key: "name" }, { key: "address" }, { key: "key_expires_at", title: "key ends" }],
    examples: ["holdfast vpn tenants list"],
  },
  run: (app: VpnApp) => app.vpn.listTenants(),
});

const createTenant = operation({
  name: "vpn.tenants.create",
  route: "POST /api/v1/vpn/tenants",
  role: "admin",
  standalone: true,
  summary: "Make a further tenant, where the vendor has enabled that",
  description: "The new tenant's key is a secret: it goes into a file with mode 0600, or is printed.",
  input: z.strictObject({
    cloud_id: z.string().min(1).describe("Cloud ID of the new tenant"),
    to: z.string().min(1).optional().describe("File to write its key to, readable by its owner only"),
    tenant,
  }),
  output: z.object({
    id: z.string(),
    name: z.string(),
    path: z.string().nullable(),
    content: z.string().nullable(),
  }),
  status: 201,
  cli: {
    args: ["cloud_id"],
    flags: { to: { flag: "--to <file>", path: true } },
    text: ({ path, content, name }) =>
      path === null ? (content ?? "").trimEnd() : `Wrote the key of "${name}" to ${path}`,
    examples: ["holdfast vpn tenants create acme-lab --to acme-lab.env"],
  },
  run: (app: VpnApp, { cloud_id, tenant, to }, caller) =>
    app.vpn.actions.createTenant(cloud_id, tenant, to, caller),
});

const listRegions = operation({
  name: "vpn.regions.list",
  route: "GET /api/v1/vpn/regions",
  role: "operator",
  standalone: true,
  summary: "List the regions connectors and users can connect to",
  input: OfTenant,
  output: z.array(Region),
  cli: {
    columns: [{ key: "id" }, { key: "continent" }, { key: "country" }, {
      key: "regionName",
      title: "region",
    }],
    examples: ["holdfast vpn regions list --filter continent=Europe"],
  },
  run: async (app: VpnApp, { tenant }, { signal }) =>
    (await app.vpn.client(tenant)).regions.listAll({ signal }),
});

const getRegion = operation({
  name: "vpn.regions.get",
  route: "GET /api/v1/vpn/regions/{region}",
  role: "operator",
  standalone: true,
  summary: "Show one region",
  input: OfTenant.extend({ region: z.string().min(1).describe("Id of the region") }),
  output: Region,
  cli: { args: ["region"], examples: ["holdfast vpn regions get eu-central-1"] },
  run: (app: VpnApp, { tenant, region }, { signal }) => app.vpn.region(tenant, region, signal),
});

const listSettings = operation({
  name: "vpn.settings.list",
  route: "GET /api/v1/vpn/settings",
  role: "operator",
  standalone: true,
  summary: "List the settings of the tenant; each is a call, so this takes a while where limits are strict",
  input: OfTenant,
  output: z.array(Setting),
  cli: {
    columns: [{ key: "name" }, { key: "value" }, { key: "summary" }],
    examples: ["holdfast vpn settings list"],
  },
  run: (app: VpnApp, { tenant }, { signal }) => app.vpn.listSettings(tenant, signal),
});

const getSetting = operation({
  name: "vpn.settings.get",
  route: "GET /api/v1/vpn/settings/{setting}",
  role: "operator",
  standalone: true,
  summary: "Show one setting",
  input: OfTenant.extend({ setting }),
  output: Setting,
  cli: {
    args: ["setting"],
    text: ({ value }) => typeof value === "string" ? value : JSON.stringify(value ?? null),
    examples: ["holdfast vpn settings get wpc/topology"],
  },
  run: (app: VpnApp, { tenant, setting }, { signal }) => app.vpn.getSetting(tenant, setting, signal),
});

const setSetting = operation({
  name: "vpn.settings.set",
  route: "PUT /api/v1/vpn/settings/{setting}",
  role: "admin",
  standalone: true,
  summary: "Set a setting of the tenant",
  input: OfTenant.extend({ setting, value: z.string().describe("The value: a word, or JSON") }),
  output: Setting,
  cli: {
    args: ["setting", "value"],
    text: ({ name }) => `Set ${name}`,
    examples: [
      "holdfast vpn settings set wpc/topology CUSTOM",
      `holdfast vpn settings set dns/custom-servers '{"primaryIpV4": "192.0.2.53"}'`,
    ],
  },
  run: (app: VpnApp, { tenant, setting, value }, { signal }) =>
    app.vpn.setSetting(tenant, setting, value, signal),
});

export const tenantOperations: readonly VpnOperation[] = [
  listTenants,
  createTenant,
  listRegions,
  getRegion,
  listSettings,
  getSetting,
  setSetting,
];
