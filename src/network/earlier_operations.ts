/** The routes of the earlier provisioning tool, for its callers; not on the command line. */
import { z } from "zod";
import { type Operation, operation } from "../lib/operation.ts";
import * as earlier from "./earlier.ts";
import { earlierAdminOperations, type EarlierApp } from "./earlier_admin_operations.ts";
import { Mac, MachineName } from "./model.ts";

const cli = { command: null } as const;
const Options = {
  protocol: z.enum(["tcp", "udp", "tcp_udp", "all"]).nullish(),
  source_ip: z.string().max(64).nullish(),
  custom_description: z.string().max(200).nullish(),
};
const Machine = z.strictObject({ machine_id: z.string().min(1).max(100) });
const Octet = z.int().min(0).max(255);
const Port = z.int().min(1).max(65_535);

const provision = operation({
  name: "network.earlier.provision",
  route: "POST /v1/provision",
  aliases: ["POST /v1/vms/provision"],
  role: "operator",
  summary: "Provision a machine with forwards for ssh, http and https (earlier API)",
  description: "Without mac_address no reservation is made, and the answer says so.",
  input: z.strictObject({
    vm_name: MachineName,
    mac_address: Mac.nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish().describe("Accepted, and not used"),
    ip_range: z.strictObject({ base: z.string().max(20), start: Octet, end: Octet }).nullish(),
    port_range: z.strictObject({ start: Port, end: Port }).nullish(),
    ...Options,
  }),
  output: z.object({
    status: z.string(),
    internal_ip: z.string(),
    external_ports: z.record(z.string(), z.int()),
    nat_rule_base: z.int(),
    reservation: z.boolean(),
    message: z.string(),
  }),
  cli,
  run: (app: EarlierApp, input, caller) => earlier.provision(app.network, input, caller),
});

const template = operation({
  name: "network.earlier.template",
  route: "POST /v1/vms/{machine_id}/ports/template",
  role: "operator",
  summary: "Act on the forwards for ssh, http and https of a machine (earlier API)",
  input: Machine.extend({
    action: z.enum(["create", "delete", "pause", "enable", "disable"]),
    ports: z.array(z.enum(["ssh", "http", "https"])).max(3).optional(),
    ...Options,
  }),
  output: z.object({
    status: z.string(),
    machine_id: z.string(),
    action: z.string(),
    ports_affected: z.array(z.string()),
    action_results: z.array(z.object({
      port: z.string(),
      status: z.string(),
      detail: z.string().optional(),
      external_port: z.int().optional(),
      nat_rule: z.int().optional(),
    })),
  }),
  cli,
  run: (app: EarlierApp, { machine_id, ...input }, caller) =>
    earlier.actOnTemplate(app.network, machine_id, input, caller),
});

const port = operation({
  name: "network.earlier.port",
  route: "POST /v1/vms/{machine_id}/ports/{port_name}",
  role: "operator",
  summary: "Act on one forward of a machine (earlier API)",
  input: Machine.extend({
    port_name: z.string().min(1).max(40),
    action: z.enum(["create", "set", "delete", "pause", "enable", "disable"]),
    ...Options,
  }),
  output: z.object({ status: z.string(), machine_id: z.string(), port: z.string(), action: z.string() }),
  cli,
  run: (app: EarlierApp, { machine_id, port_name, ...input }, caller) =>
    earlier.actOnPort(app.network, machine_id, port_name, input, caller),
});

const decommission = operation({
  name: "network.earlier.decommission",
  route: "DELETE /v1/vms/{machine_id}/decommission",
  role: "operator",
  summary: "Remove a machine (earlier API)",
  input: Machine,
  output: z.object({ status: z.string(), message: z.string() }),
  cli,
  run: async (app: EarlierApp, { machine_id }, caller) => {
    await app.network.machines.decommission(machine_id, false, {}, caller);
    return { status: "success", message: `Machine "${machine_id}" was removed` };
  },
});

const Status = z.object({
  machine_id: z.string(),
  internal_ip: z.string(),
  ports: z.record(
    z.string(),
    z.object({
      status: z.enum(["enabled", "disabled", "not_active"]),
      external_port: z.int().nullable(),
      nat_rule_number: z.int().nullable(),
      protocol: z.string().nullable(),
      source_ip: z.string().nullable(),
      custom_description: z.string().nullable(),
    }),
  ),
});

const statusAll = operation({
  name: "network.earlier.status",
  route: "GET /v1/status/all",
  aliases: ["GET /v1/ports/status"],
  role: "operator",
  summary: "Show the forwards of all machines (earlier API)",
  input: z.strictObject({}),
  output: z.array(Status),
  cli,
  run: async (app: EarlierApp) => (await app.network.machines.list(undefined)).map(earlier.statusOf),
});

const statusVm = operation({
  name: "network.earlier.vm",
  route: "GET /v1/status/vm/{machine_id}",
  aliases: ["GET /v1/vms/{machine_id}/ports/status"],
  role: "operator",
  summary: "Show the forwards of a machine (earlier API)",
  input: Machine,
  output: Status,
  cli,
  run: async (app: EarlierApp, { machine_id }) =>
    earlier.statusOf(await app.network.machines.get(machine_id, undefined)),
});

export const earlierOperations: readonly Operation<EarlierApp>[] = [
  provision,
  template,
  port,
  decommission,
  statusAll,
  statusVm,
  ...earlierAdminOperations,
];
