/**
 * The API of the earlier provisioning tool: its shapes, put into calls of the same service.
 *
 * Two things differ on purpose. A key's text is shown once, when it is made, and is never part of an address; and what
 * people set up on the router is never deleted by a synchronisation.
 */
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type Protocol, TEMPLATES } from "./machine.ts";
import type { Machine } from "./machine.ts";
import type { PoolView } from "./model.ts";
import type { Network } from "./network.ts";
import type { OwnRanges } from "./machines.ts";
import { portRange, toNumber } from "./ipv4.ts";

/** What the earlier API calls a protocol; `all` with ports is both that have ports. */
export type EarlierProtocol = Protocol | "all";

/** A new machine, as it was asked for. */
export interface EarlierProvision {
  vm_name: string;
  mac_address?: string | null | undefined;
  ip_range?: { base: string; start: number; end: number } | null | undefined;
  port_range?: { start: number; end: number } | null | undefined;
  protocol?: EarlierProtocol | null | undefined;
  source_ip?: string | null | undefined;
  custom_description?: string | null | undefined;
}

/** What is done with forwards. */
export interface EarlierAction {
  action: "create" | "set" | "delete" | "pause" | "enable" | "disable";
  protocol?: EarlierProtocol | null | undefined;
  source_ip?: string | null | undefined;
  custom_description?: string | null | undefined;
}

const KNOWN = ["ssh", "http", "https"] as const;

/** Provisions as before: address, and forwards for ssh, http and https. */
export async function provision(network: Network, input: EarlierProvision, caller: Caller) {
  const { vm_name, mac_address, ip_range, port_range } = input;
  const ranges: OwnRanges = {
    addresses: ip_range ? addressesOf(ip_range) : undefined,
    ports: port_range ? `${port_range.start}-${port_range.end}` : undefined,
  };
  if (ranges.ports !== undefined && portRange(ranges.ports) === undefined) throw badRange("port_range");
  const request = {
    name: vm_name,
    ...(mac_address ? { mac: mac_address } : {}),
    hairpin: false,
    ports: KNOWN.map((name) => portRequest(name, input)),
  };
  const outcome = await network.machines.provision(request, {}, caller, ranges);
  const machine = outcome.machines[0]!;
  return {
    status: "success",
    internal_ip: machine.address,
    external_ports: Object.fromEntries(machine.ports.map((port) => [port.name, port.external_port])),
    nat_rule_base: Math.min(...machine.ports.map((port) => port.rule)),
    reservation: machine.reservation !== null,
    message: machine.reservation === null
      ? "no mac_address was given, so no DHCP reservation was made"
      : "address reserved",
  };
}

function addressesOf({ base, start, end }: { base: string; start: number; end: number }) {
  const prefix = base.endsWith(".") ? base : `${base}.`;
  if (toNumber(`${prefix}0`) === undefined || start > end) throw badRange("ip_range");
  return { cidr: `${prefix}0/24`, range: `${prefix}${start}-${prefix}${end}` };
}

function badRange(field: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot provision: ${field} is no range`);
}

function portRequest(
  name: string,
  { protocol, source_ip, custom_description }: Omit<EarlierAction, "action">,
) {
  const known = TEMPLATES[name];
  if (known === undefined) {
    throw new HoldfastError("invalid", `Cannot use port "${name}": the names are ${KNOWN.join(", ")}`);
  }
  return {
    name,
    internal_port: known.internal_port,
    protocol: protocolOf(protocol) ?? known.protocol,
    ...(source_ip ? { source: source_ip } : {}),
    ...(custom_description ? { description: custom_description } : {}),
    enabled: true,
  };
}

function protocolOf(protocol: EarlierProtocol | null | undefined): Protocol | undefined {
  return protocol === "all" ? "tcp_udp" : protocol ?? undefined;
}

/** Acts on several of the known forwards as one change. */
export async function actOnTemplate(
  network: Network,
  machineId: string,
  { ports: wanted, ...input }: EarlierAction & { ports?: readonly string[] | undefined },
  caller: Caller,
) {
  const ports = wanted === undefined || wanted.length === 0 ? [...KNOWN] : [...wanted];
  const machine = await network.machines.get(machineId, undefined);
  const has = (name: string) => machine.ports.some((port) => port.name === name);
  const adds = input.action === "create";
  const meant = ports.filter((name) => has(name) !== adds);
  const after = meant.length === 0 ? machine : await act(network, machine, meant, input, caller);
  const results = ports.map((name) => {
    const port = after.ports.find((one) => one.name === name) ??
      machine.ports.find((one) => one.name === name);
    const detail = adds ? "exists already" : "there is no such rule";
    return {
      port: name,
      status: meant.includes(name) ? "success" : "skipped",
      ...(meant.includes(name) ? {} : { detail }),
      ...(port === undefined ? {} : { external_port: port.external_port, nat_rule: port.rule }),
    };
  });
  return {
    status: "completed",
    machine_id: machineId,
    action: input.action,
    ports_affected: meant,
    action_results: results,
  };
}

/** Acts on one forward; `set` makes it or changes it. Errors: `not_found` for a machine or a rule that is not there. */
export async function actOnPort(
  network: Network,
  machineId: string,
  portName: string,
  input: EarlierAction,
  caller: Caller,
) {
  const machine = await network.machines.get(machineId, undefined);
  const known = machine.ports.some((port) => port.name === portName);
  const adds = input.action === "create" || (input.action === "set" && !known);
  if (!adds && !known) {
    throw new HoldfastError(
      "not_found",
      `Cannot ${input.action} port "${portName}": machine "${machineId}" has no such rule`,
    );
  }
  await act(network, machine, [portName], adds ? { ...input, action: "create" } : input, caller);
  return { status: "success", machine_id: machineId, port: portName, action: input.action };
}

async function act(
  network: Network,
  machine: Machine,
  ports: readonly string[],
  input: EarlierAction,
  caller: Caller,
): Promise<Machine> {
  const { action } = input;
  if (action === "create") {
    const requests = ports.map((name) => portRequest(name, input));
    return (await network.machines.createPorts(machine.name, requests, undefined, {}, caller)).machines[0] ??
      machine;
  }
  const protocol = protocolOf(input.protocol);
  const change = {
    ...(protocol === undefined ? {} : { protocol }),
    ...(input.source_ip ? { source: input.source_ip } : {}),
    ...(input.custom_description ? { description: input.custom_description } : {}),
  };
  const what = action === "delete"
    ? "delete"
    : action === "enable" || action === "set"
    ? "enable"
    : "disable";
  const outcome = await network.machines.actOnPorts(machine.name, what, ports, {}, caller, change);
  return outcome.machines[0] ?? machine;
}

/** A machine with its forwards, as the earlier API tells them. */
export function statusOf(machine: Machine) {
  const names = [...new Set([...KNOWN, ...machine.ports.map(({ name }) => name)])];
  const ports = names.map((name) => {
    const port = machine.ports.find((one) => one.name === name);
    return [name, {
      status: port === undefined ? "not_active" : port.enabled ? "enabled" : "disabled",
      external_port: port?.external_port ?? null,
      nat_rule_number: port?.rule ?? null,
      protocol: port?.protocol ?? null,
      source_ip: port?.source ?? null,
      custom_description: port?.description ?? null,
    }];
  });
  return { machine_id: machine.name, internal_ip: machine.address, ports: Object.fromEntries(ports) };
}

/** A pool of addresses of the earlier kind: a base, and the last number from and to. */
export interface EarlierIpPool {
  name: string;
  base_ip: string;
  start_octet: number;
  end_octet: number;
  is_active: boolean;
}

export function ipPoolFields(
  pool: Omit<EarlierIpPool, "name" | "is_active">,
): { cidr: string; ranges: string[] } {
  const { cidr, range } = addressesOf({ base: pool.base_ip, start: pool.start_octet, end: pool.end_octet });
  return { cidr, ranges: [range] };
}

export function ipPoolView(pool: PoolView) {
  const [first = "", last = first] = (pool.ranges[0] ?? pool.cidr ?? "").split("-");
  const octet = (text: string) => Number(text.split("/")[0]?.split(".").at(-1) ?? 0);
  return {
    id: pool.id,
    name: pool.name,
    base_ip: first.split(".").slice(0, 3).join(".") + ".",
    start_octet: octet(first),
    end_octet: octet(last),
    is_active: pool.is_active,
    created_at: pool.created_at,
    updated_at: pool.updated_at,
  };
}

export function portPoolView(pool: PoolView) {
  const [start = 0, end = start] = (pool.ranges[0] ?? "").split("-").map(Number);
  return {
    id: pool.id,
    name: pool.name,
    start_port: start,
    end_port: end,
    is_active: pool.is_active,
    created_at: pool.created_at,
    updated_at: pool.updated_at,
  };
}

/** Brings the router to what it should be. Rules of people stay, unlike before. */
export async function synchronise(network: Network, caller: Caller) {
  const outcome = await network.watch.repair({}, {}, caller);
  const named = (action: string) =>
    outcome.steps.filter((step) => step.action === action).map((step) => step.what);
  const touched = outcome.steps.map((step) => step.what);
  const machines = await network.machines.list(undefined);
  const all = machines.flatMap((machine) =>
    machine.ports.map((port) => `forward ${machine.name}/${port.name}`)
  );
  return {
    status: "success",
    message: outcome.change_id === null ? "nothing to do" : `change ${outcome.change_id}: ${outcome.status}`,
    report: {
      added: named("create"),
      deleted: named("delete"),
      updated: named("change"),
      no_change: all.filter((name) => !touched.includes(name)),
    },
  };
}
