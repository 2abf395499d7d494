/** What people can ask about pools. */
import { z } from "zod";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import { PoolView, RouterRef } from "./model.ts";
import { type NetworkApp, Router } from "./shared.ts";

const Name = z.string().regex(
  /^[A-Za-z][A-Za-z0-9._-]{0,62}$/,
  "must be letters, digits, dots, hyphens or underscores, and begin with a letter",
);
const Ranges = z.array(z.string().min(1).max(100)).max(100);
const On = z.string().regex(/^[A-Za-z0-9._-]{1,32}$/, "must be the name of an interface");
const Network = z.string().regex(/^[-_a-zA-Z0-9.]{1,100}$/, "must be the name of a shared network");

const columns: readonly ColumnSpec[] = [
  { key: "id", align: "right" },
  { key: "name" },
  { key: "kind" },
  { key: "ranges", format: "list" },
  { key: "used", align: "right" },
  { key: "free", align: "right" },
  { key: "is_default", title: "DEFAULT", format: "boolean" },
  { key: "exhausted_at", title: "EMPTY", format: "instant" },
  { key: "router" },
];

const flags = { ranges: { flag: "--range <range>" }, exclusions: { flag: "--exclude <range>" } };
const Pool = z.strictObject({
  pool: z.string().min(1).max(100).describe("Name or id of the pool"),
  router: RouterRef,
});

const state = {
  is_default: z.boolean().default(false).describe("Drawn from when several pools of its kind are there"),
  is_active: z.boolean().default(true).describe("May be drawn from"),
};

const text = (pool: z.output<typeof PoolView>) =>
  [
    `Pool "${pool.name}" (id ${pool.id}): ${pool.free} of ${pool.size} free`,
    ...pool.warnings.map((one) => `warning: ${one}`),
  ]
    .join("\n");

const listPools = operation({
  name: "network.pools.list",
  route: "GET /api/v1/network/pools",
  role: "operator",
  summary: "List pools of addresses and ports, with how full they are",
  input: Router,
  output: z.array(PoolView),
  cli: { columns, examples: ["holdfast network pools list"] },
  run: (app: NetworkApp, { router }) => app.network.pools.list(router),
});

const getPool = operation({
  name: "network.pools.get",
  route: "GET /api/v1/network/pools/{pool}",
  role: "operator",
  summary: "Show a pool",
  input: Pool,
  output: PoolView,
  cli: { args: ["pool"], examples: ["holdfast network pools get lan"] },
  run: (app: NetworkApp, { pool, router }) => app.network.pools.get(pool, router),
});

const createIp = operation({
  name: "network.pools.create-ip",
  route: "POST /api/v1/network/pools/ip",
  role: "admin",
  summary: "Create a pool of addresses",
  input: z.strictObject({
    name: Name.describe("Unique name"),
    cidr: z.string().min(1).max(40).describe("Network, such as 10.20.0.0/24"),
    ranges: Ranges.default([]).describe(
      "Addresses to draw, such as 10.20.0.100-10.20.0.199; default the whole network",
    ),
    exclusions: Ranges.default([]).describe("Addresses never drawn"),
    shared_network: Network.nullable().default(null).describe(
      "Shared network of the router's DHCP server; default whichever has the subnet",
    ),
    interface: On.nullable().default(null).describe("Inside interface, for reflection"),
    manage_subnet: z.boolean().default(false).describe(
      "Make the subnet on the router with the first reservation, and remove it with the last",
    ),
    ...state,
    router: RouterRef,
  }),
  output: PoolView,
  status: 201,
  cli: {
    flags,
    text,
    examples: [
      "holdfast network pools create-ip --name lan --cidr 10.20.0.0/24 --shared-network LAB",
    ],
  },
  run: (app: NetworkApp, { router, ...fields }, caller) => app.network.pools.createIp(fields, router, caller),
});

const createPorts = operation({
  name: "network.pools.create-ports",
  route: "POST /api/v1/network/pools/ports",
  role: "admin",
  summary: "Create a pool of outside ports",
  input: z.strictObject({
    name: Name.describe("Unique name"),
    ranges: Ranges.min(1).describe("Ports, such as 32000-33000"),
    interface: On.nullable().default(null).describe(
      "Outside interface; default network.routers.<name>.wan_interface; required on release 1.3",
    ),
    ...state,
    router: RouterRef,
  }),
  output: PoolView,
  status: 201,
  cli: {
    flags,
    text,
    examples: ["holdfast network pools create-ports --name wan --range 32000-33000 --interface eth0"],
  },
  run: (app: NetworkApp, { router, ...fields }, caller) =>
    app.network.pools.createPorts(fields, router, caller),
});

const updatePool = operation({
  name: "network.pools.update",
  route: "PATCH /api/v1/network/pools/{pool}",
  role: "admin",
  summary: "Change a pool; fields that are not given stay as they are",
  description: "Refused when what a machine has would not be in it any more.",
  input: Pool.extend({
    name: Name.optional(),
    ranges: Ranges.optional().describe("Ranges, instead of those it has"),
    exclusions: Ranges.optional().describe("Addresses never drawn, instead of those it has"),
    shared_network: Network.nullable().optional(),
    interface: On.nullable().optional(),
    manage_subnet: z.boolean().optional(),
    is_default: z.boolean().optional().describe("Drawn from when several pools of its kind are there"),
    is_active: z.boolean().optional().describe("May be drawn from"),
  }),
  output: PoolView,
  cli: {
    args: ["pool"],
    flags,
    text,
    examples: ["holdfast network pools update lan --range 10.20.0.100-10.20.0.220"],
  },
  run: (app: NetworkApp, { pool, router, ...changes }, caller) =>
    app.network.pools.update(pool, changes, router, caller),
});

const deletePool = operation({
  name: "network.pools.delete",
  route: "DELETE /api/v1/network/pools/{pool}",
  role: "admin",
  summary: "Delete a pool; refused while a machine has something of it",
  input: Pool,
  output: z.null(),
  status: 204,
  cli: {
    args: ["pool"],
    confirm: "Delete this pool?",
    text: () => "Deleted the pool",
    examples: ["holdfast network pools delete lan --yes"],
  },
  run: (app: NetworkApp, { pool, router }, caller) => app.network.pools.delete(pool, router, caller),
});

export const poolOperations = [listPools, getPool, createIp, createPorts, updatePool, deletePool];
