/** What people can ask about machines and their forwards. */
import { z } from "zod";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import {
  Address,
  BulkOutcome,
  DryRun,
  Idempotency,
  Mac,
  MachineName,
  MachineRequest,
  MachineView,
  Outcome,
  parsePort,
  PortName,
  PortSpec,
  PortView,
  RouterRef,
} from "./model.ts";
import { type NetworkApp, outcomeText, Router } from "./shared.ts";

const Vm = z.strictObject({
  vm: z.string().min(1).max(100).describe("Name of the machine"),
  router: RouterRef,
});
const Asked = { dry_run: DryRun, idempotency_key: Idempotency };

const columns: readonly ColumnSpec[] = [
  { key: "name" },
  { key: "address" },
  { key: "mac" },
  { key: "forwards" },
  { key: "router" },
];

const portColumns: readonly ColumnSpec[] = [
  { key: "name" },
  { key: "protocol" },
  { key: "external_port", title: "OUTSIDE", align: "right" },
  { key: "internal_port", title: "INSIDE", align: "right" },
  { key: "enabled", format: "boolean" },
  { key: "source" },
  { key: "rule", align: "right" },
];

const portFlag = {
  flag: "--port <port>",
  description: "Forward: ssh, http, https, tcp:8080, udp:53:32053 (inside, outside), or JSON",
  parse: parsePort,
};

const listVms = operation({
  name: "network.vms.list",
  route: "GET /api/v1/network/vms",
  role: "operator",
  summary: "List machines behind routers",
  input: Router,
  output: z.array(MachineView),
  cli: {
    columns,
    rows: (machines) =>
      machines.map((machine) => ({
        ...machine,
        forwards: machine.ports.map((port) => `${port.name}:${port.external_port}`).join(" "),
      })),
    examples: ["holdfast network vms list", "holdfast network vms list --output json"],
  },
  run: (app: NetworkApp, input) => app.network.machines.list(input.router),
});

const getVm = operation({
  name: "network.vms.get",
  route: "GET /api/v1/network/vms/{vm}",
  role: "operator",
  summary: "Show a machine with its forwards",
  input: Vm,
  output: MachineView,
  cli: { args: ["vm"], examples: ["holdfast network vms get vm-17"] },
  run: (app: NetworkApp, { vm, router }) => app.network.machines.get(vm, router),
});

const provision = operation({
  name: "network.vms.provision",
  route: "POST /api/v1/network/vms",
  role: "operator",
  summary: "Provision a machine: address, reservation and forwards, as one commit",
  description:
    "What is not given is drawn from the pools; whatever stands on the router by other hands counts as taken. " +
    "The change is verified, confirmed and saved; if anything fails, the router is as it was.",
  input: MachineRequest.extend({ router: RouterRef, ...Asked }),
  output: Outcome,
  cli: {
    flags: {
      ports: portFlag,
      mac: { flag: "--mac <address>" },
      address: { flag: "--address <address>" },
    },
    text: outcomeText,
    examples: [
      "holdfast network vms provision --name vm-17 --mac 52:54:00:aa:bb:17 --port ssh --port tcp:8080",
      "holdfast network vms provision --name vm-17 --mac 52:54:00:aa:bb:17 --port ssh --dry-run",
    ],
  },
  run: (app: NetworkApp, { router, dry_run, idempotency_key, ...request }, caller) =>
    app.network.machines.provision(request, { router, dry_run, idempotency_key }, caller),
});

const provisionMany = operation({
  name: "network.vms.provision-many",
  route: "POST /api/v1/network/vms/bulk",
  role: "operator",
  summary: "Provision many machines in one plan, with a result for each",
  input: z.strictObject({
    vms: z.array(MachineRequest).min(1).max(1000).describe("Machines, as for provision"),
    router: RouterRef,
    ...Asked,
  }),
  output: BulkOutcome,
  cli: {
    flags: { vms: { flag: "--vm <json>", description: "Machine as JSON" } },
    text: (outcome) =>
      [
        ...outcome.results.map(({ name, error }) => `${name}: ${error ?? "ok"}`),
        outcomeText({ ...outcome, machines: [] }),
      ].join("\n"),
    examples: [`holdfast network vms provision-many --vm '{"name":"a","ports":["ssh"]}' --vm '{"name":"b"}'`],
  },
  run: (app: NetworkApp, { vms, ...asked }, caller) => app.network.machines.provisionMany(vms, asked, caller),
});

const updateVm = operation({
  name: "network.vms.update",
  route: "PATCH /api/v1/network/vms/{vm}",
  role: "operator",
  summary: "Change a machine; fields that are not given stay as they are",
  input: Vm.extend({
    mac: Mac.nullable().optional().describe("MAC address; null removes the reservation"),
    address: Address.optional().describe("Address"),
    host_name: MachineName.nullable().optional().describe("Name of the reservation"),
    hairpin: z.boolean().optional().describe("Reachable from inside by the outside address too"),
    ...Asked,
  }),
  output: Outcome,
  cli: {
    args: ["vm"],
    flags: { mac: { flag: "--mac <address>" }, address: { flag: "--address <address>" } },
    text: outcomeText,
    examples: ["holdfast network vms update vm-17 --mac 52:54:00:aa:bb:18"],
  },
  run: (app: NetworkApp, { vm, router, dry_run, idempotency_key, ...changes }, caller) =>
    app.network.machines.update(vm, changes, { router, dry_run, idempotency_key }, caller),
});

const decommission = operation({
  name: "network.vms.decommission",
  route: "DELETE /api/v1/network/vms/{vm}",
  role: "operator",
  summary: "Remove a machine with its reservation and forwards",
  description: "Removes what is ours even when it was changed on the router; what others put there stays.",
  input: Vm.extend({
    remove_subnet: z.boolean().default(false).describe(
      "Remove the subnet too when its last reservation goes, since a router refuses an empty one",
    ),
    dry_run: DryRun,
  }),
  output: Outcome,
  cli: {
    args: ["vm"],
    text: outcomeText,
    examples: [
      "holdfast network vms decommission vm-17",
      "holdfast network vms decommission vm-17 --dry-run",
    ],
  },
  run: (app: NetworkApp, { vm, remove_subnet, ...asked }, caller) =>
    app.network.machines.decommission(vm, remove_subnet, asked, caller),
});

const listPorts = operation({
  name: "network.ports.list",
  route: "GET /api/v1/network/vms/{vm}/ports",
  role: "operator",
  summary: "List the forwards of a machine",
  input: Vm,
  output: z.array(PortView),
  cli: { args: ["vm"], columns: portColumns, examples: ["holdfast network ports list vm-17"] },
  run: async (app: NetworkApp, { vm, router }) => (await app.network.machines.get(vm, router)).ports,
});

const createPorts = operation({
  name: "network.ports.create",
  route: "POST /api/v1/network/vms/{vm}/ports",
  role: "operator",
  summary: "Give a machine further forwards",
  input: Vm.extend({
    ports: z.array(PortSpec).min(1).max(100).describe("Forwards, as for provision"),
    port_pool: z.string().min(1).max(200).optional().describe("Pool of outside ports"),
    ...Asked,
  }),
  output: Outcome,
  status: 201,
  cli: {
    args: ["vm", "ports..."],
    flags: { ports: { parse: parsePort } },
    text: outcomeText,
    examples: ["holdfast network ports create vm-17 https tcp:8080"],
  },
  run: (app: NetworkApp, { vm, ports, port_pool, ...asked }, caller) =>
    app.network.machines.createPorts(vm, ports, port_pool, asked, caller),
});

const Some = Vm.extend({
  ports: z.array(PortName).max(100).default([]).describe("Names of forwards"),
  all: z.boolean().default(false).describe("All forwards of the machine"),
  dry_run: DryRun,
}).refine(({ ports, all }) => all !== (ports.length > 0), {
  path: ["ports"],
  message: "name forwards, or say all",
});

/** `pause` and `disable` are two words for one thing. */
const actions = ([
  ["enable", "enable", "Enable forwards of a machine"],
  ["disable", "disable", "Disable forwards of a machine; they keep their outside ports"],
  ["pause", "disable", "Pause forwards of a machine, as disable does"],
] as const).map(([verb, action, summary]) =>
  operation({
    name: `network.ports.${verb}`,
    route: `POST /api/v1/network/vms/{vm}/ports/${verb}`,
    role: "operator",
    summary,
    input: Some,
    output: Outcome,
    cli: {
      args: ["vm", "ports..."],
      text: outcomeText,
      examples: [`holdfast network ports ${verb} vm-17 ssh`, `holdfast network ports ${verb} vm-17 --all`],
    },
    run: (app: NetworkApp, { vm, ports, all: _, ...asked }, caller) =>
      app.network.machines.actOnPorts(vm, action, ports, asked, caller),
  })
);

const removePorts = operation({
  name: "network.ports.remove",
  route: "DELETE /api/v1/network/vms/{vm}/ports",
  role: "operator",
  summary: "Remove forwards of a machine; their outside ports become free",
  input: Some,
  output: Outcome,
  cli: {
    command: "network ports delete",
    args: ["vm", "ports..."],
    text: outcomeText,
    examples: ["holdfast network ports delete vm-17 https"],
  },
  run: (app: NetworkApp, { vm, ports, all: _, ...asked }, caller) =>
    app.network.machines.actOnPorts(vm, "delete", ports, asked, caller),
});

export const machineOperations = [
  listVms,
  getVm,
  provision,
  provisionMany,
  updateVm,
  decommission,
  listPorts,
  createPorts,
  ...actions,
  removePorts,
];
