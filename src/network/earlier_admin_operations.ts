/** The administrative routes of the earlier provisioning tool: pools, keys, synchronisation. */
import { z } from "zod";
import { type Operation, operation } from "../lib/operation.ts";
import * as earlier from "./earlier.ts";
import { createKey, type Keys, keyView, replaceKey } from "./earlier_keys.ts";
import type { NetworkApp } from "./shared.ts";

/** Its key routes need the keys too. */
export type EarlierApp = NetworkApp & { auth: { keys: Keys } };

const cli = { command: null } as const;
const Octet = z.int().min(0).max(255);
const Port = z.int().min(1).max(65_535);

const IpPool = z.strictObject({
  name: z.string().min(1).max(63),
  base_ip: z.string().max(20),
  start_octet: Octet,
  end_octet: Octet,
  is_active: z.boolean().default(true),
});
const PortPool = z.strictObject({
  name: z.string().min(1).max(63),
  start_port: Port,
  end_port: Port,
  is_active: z.boolean().default(true),
});
const Times = { id: z.int(), created_at: z.string(), updated_at: z.string() };
const IpPoolView = IpPool.extend(Times);
const PortPoolView = PortPool.extend(Times);
const Named = z.strictObject({ name: z.string().min(1).max(63) });

const listIpPools = operation({
  name: "network.earlier.ip-pools.list",
  route: "GET /v1/admin/ip-pools",
  role: "admin",
  summary: "List pools of addresses (earlier API)",
  input: z.strictObject({}),
  output: z.array(IpPoolView),
  cli,
  run: async (app: EarlierApp) =>
    (await app.network.pools.list(undefined)).filter(({ kind }) => kind === "ip").map(earlier.ipPoolView),
});

const getIpPool = operation({
  name: "network.earlier.ip-pools.get",
  route: "GET /v1/admin/ip-pools/{name}",
  role: "admin",
  summary: "Show a pool of addresses (earlier API)",
  input: Named,
  output: IpPoolView,
  cli,
  run: async (app: EarlierApp, { name }) =>
    earlier.ipPoolView(await app.network.pools.get(name, undefined, "ip")),
});

const createIpPool = operation({
  name: "network.earlier.ip-pools.create",
  route: "POST /v1/admin/ip-pools",
  role: "admin",
  summary: "Create a pool of addresses (earlier API)",
  input: IpPool,
  output: IpPoolView,
  status: 201,
  cli,
  run: async (app: EarlierApp, { name, is_active, ...range }, caller) =>
    earlier.ipPoolView(
      await app.network.pools.createIp(
        {
          name,
          is_active,
          ...earlier.ipPoolFields(range),
          exclusions: [],
          shared_network: null,
          interface: null,
          manage_subnet: false,
          is_default: false,
        },
        undefined,
        caller,
      ),
    ),
});

const updateIpPool = operation({
  name: "network.earlier.ip-pools.update",
  route: "PUT /v1/admin/ip-pools/{name}",
  role: "admin",
  summary: "Change a pool of addresses (earlier API)",
  input: IpPool,
  output: IpPoolView,
  cli,
  run: async (app: EarlierApp, { name, is_active, ...range }, caller) =>
    earlier.ipPoolView(
      await app.network.pools.update(
        name,
        { is_active, ...earlier.ipPoolFields(range) },
        undefined,
        caller,
        "ip",
      ),
    ),
});

const deleteIpPool = operation({
  name: "network.earlier.ip-pools.delete",
  route: "DELETE /v1/admin/ip-pools/{name}",
  role: "admin",
  summary: "Delete a pool of addresses (earlier API)",
  input: Named,
  output: z.null(),
  status: 204,
  cli,
  run: (app: EarlierApp, { name }, caller) => app.network.pools.delete(name, undefined, caller, "ip"),
});

const listPortPools = operation({
  name: "network.earlier.port-pools.list",
  route: "GET /v1/admin/port-pools",
  role: "admin",
  summary: "List pools of ports (earlier API)",
  input: z.strictObject({}),
  output: z.array(PortPoolView),
  cli,
  run: async (app: EarlierApp) =>
    (await app.network.pools.list(undefined)).filter(({ kind }) => kind === "ports").map(
      earlier.portPoolView,
    ),
});

const getPortPool = operation({
  name: "network.earlier.port-pools.get",
  route: "GET /v1/admin/port-pools/{name}",
  role: "admin",
  summary: "Show a pool of ports (earlier API)",
  input: Named,
  output: PortPoolView,
  cli,
  run: async (app: EarlierApp, { name }) =>
    earlier.portPoolView(await app.network.pools.get(name, undefined, "ports")),
});

const createPortPool = operation({
  name: "network.earlier.port-pools.create",
  route: "POST /v1/admin/port-pools",
  role: "admin",
  summary: "Create a pool of ports (earlier API)",
  input: PortPool,
  output: PortPoolView,
  status: 201,
  cli,
  run: async (app: EarlierApp, { name, is_active, start_port, end_port }, caller) =>
    earlier.portPoolView(
      await app.network.pools.createPorts(
        {
          name,
          is_active,
          is_default: false,
          ranges: [`${start_port}-${end_port}`],
          interface: null,
        },
        undefined,
        caller,
      ),
    ),
});

const updatePortPool = operation({
  name: "network.earlier.port-pools.update",
  route: "PUT /v1/admin/port-pools/{name}",
  role: "admin",
  summary: "Change a pool of ports (earlier API)",
  input: PortPool,
  output: PortPoolView,
  cli,
  run: async (app: EarlierApp, { name, is_active, start_port, end_port }, caller) =>
    earlier.portPoolView(
      await app.network.pools.update(
        name,
        { is_active, ranges: [`${start_port}-${end_port}`] },
        undefined,
        caller,
        "ports",
      ),
    ),
});

const deletePortPool = operation({
  name: "network.earlier.port-pools.delete",
  route: "DELETE /v1/admin/port-pools/{name}",
  role: "admin",
  summary: "Delete a pool of ports (earlier API)",
  input: Named,
  output: z.null(),
  status: 204,
  cli,
  run: (app: EarlierApp, { name }, caller) => app.network.pools.delete(name, undefined, caller, "ports"),
});

const KeyView = z.object({
  id: z.int(),
  api_key: z.string().nullable().describe("Only when it was just made"),
  description: z.string(),
  is_admin: z.boolean(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
});
const KeyFields = z.strictObject({
  description: z.string().max(200).nullish(),
  is_admin: z.boolean().optional(),
  expires_in_days: z.int().min(0).max(3650).optional().describe("0 is never"),
});
const OneKey = z.strictObject({
  key: z.string().min(1).max(200).describe("Name or id, never the key itself"),
});

const listKeys = operation({
  name: "network.earlier.api-keys.list",
  route: "GET /v1/admin/api-keys",
  role: "admin",
  summary: "List API keys (earlier API)",
  input: z.strictObject({}),
  output: z.array(KeyView),
  cli,
  run: async (app: EarlierApp) => (await app.auth.keys.list(false)).map((one) => keyView(one)),
});

const getKey = operation({
  name: "network.earlier.api-keys.get",
  route: "GET /v1/admin/api-keys/{key}",
  role: "admin",
  summary: "Show an API key, without the key itself (earlier API)",
  input: OneKey,
  output: KeyView,
  cli,
  run: async (app: EarlierApp, { key }) => keyView(await app.auth.keys.get(key)),
});

const makeKey = operation({
  name: "network.earlier.api-keys.create",
  route: "POST /v1/admin/api-keys",
  role: "admin",
  summary: "Create an API key (earlier API)",
  input: KeyFields,
  output: KeyView,
  status: 201,
  cli,
  run: (app: EarlierApp, fields, caller) => createKey(app.auth.keys, fields, caller),
});

const updateKey = operation({
  name: "network.earlier.api-keys.update",
  route: "PUT /v1/admin/api-keys/{key}",
  role: "admin",
  summary: "Put a new API key in the place of one (earlier API)",
  description: "Rights and end of a key cannot change: the old one is revoked, the answer holds the new one.",
  input: OneKey.extend(KeyFields.shape),
  output: KeyView,
  cli,
  run: (app: EarlierApp, { key, ...fields }, caller) => replaceKey(app.auth.keys, key, fields, caller),
});

const deleteKey = operation({
  name: "network.earlier.api-keys.delete",
  route: "DELETE /v1/admin/api-keys/{key}",
  role: "admin",
  summary: "Revoke an API key (earlier API)",
  input: OneKey,
  output: z.null(),
  status: 204,
  cli,
  run: (app: EarlierApp, { key }, caller) => app.auth.keys.revoke(key, caller).then(() => null),
});

const sync = operation({
  name: "network.earlier.sync",
  route: "POST /v1/admin/sync-vyos-config",
  role: "admin",
  summary: "Bring the router to what it should be (earlier API)",
  description: "Rules that people made are left alone.",
  input: z.strictObject({}),
  output: z.object({
    status: z.string(),
    message: z.string(),
    report: z.object({
      added: z.array(z.string()),
      deleted: z.array(z.string()),
      updated: z.array(z.string()),
      no_change: z.array(z.string()),
    }),
  }),
  cli,
  run: (app: EarlierApp, _input, caller) => earlier.synchronise(app.network, caller),
});

export const earlierAdminOperations: readonly Operation<EarlierApp>[] = [
  listIpPools,
  getIpPool,
  createIpPool,
  updateIpPool,
  deleteIpPool,
  listPortPools,
  getPortPool,
  createPortPool,
  updatePortPool,
  deletePortPool,
  listKeys,
  getKey,
  makeKey,
  updateKey,
  deleteKey,
  sync,
];
