/** What machines are on a router: rules and reservations in the words of its release. */
import { type Machine, marker, type PortRule } from "./machine.ts";
import type { Profile } from "./release.ts";
import type { Tree } from "./tree.ts";

/** One thing of ours on a router. */
export interface ConfigObject {
  path: string[];
  tree: Tree;
  /** `forward vm-17/ssh`, for people. */
  what: string;
  machine: string;
  /** The forward it belongs to; null for what is about the whole machine. */
  port: string | null;
}

export const DESTINATION_RULES = ["nat", "destination", "rule"] as const;
export const SOURCE_RULES = ["nat", "source", "rule"] as const;
export const SHARED_NETWORKS = ["service", "dhcp-server", "shared-network-name"] as const;

/** Paths as keys of maps; no name on a router holds a line end. */
export function keyOf(path: readonly string[]): string {
  return path.join("\n");
}

/** Path of a subnet's configuration. */
export function subnetPath(network: string, subnet: string): string[] {
  return [...SHARED_NETWORKS, network, "subnet", subnet];
}

/** Everything a machine is on its router. */
export function objectsOf(machine: Machine, profile: Profile): ConfigObject[] {
  const { name, hairpin, ports } = machine;
  return [
    ...reservation(machine, profile),
    ...ports.flatMap((port) => [
      forward(machine, port, profile),
      ...(hairpin === null || port.hairpin_rule === null
        ? []
        : [reflection(machine, port, port.hairpin_rule, profile)]),
    ]),
    ...(hairpin === null ? [] : [{
      path: [...SOURCE_RULES, String(hairpin.rule)],
      tree: {
        description: marker(name, "+inside"),
        "outbound-interface": interfaceOf(hairpin.interface, profile),
        source: { address: hairpin.network },
        destination: { address: machine.address },
        translation: { address: "masquerade" },
      },
      what: `reflection of ${name}`,
      machine: name,
      port: null,
    }]),
  ];
}

function reservation(
  { name, mac, address, host_name, reservation }: Machine,
  profile: Profile,
): ConfigObject[] {
  if (reservation === null || mac === null) return [];
  return [{
    path: [
      ...subnetPath(reservation.shared_network, reservation.subnet),
      "static-mapping",
      host_name ?? name,
    ],
    tree: {
      ...(profile.kea ? { description: marker(name) } : {}),
      [profile.macLeaf]: mac,
      "ip-address": address,
    },
    what: `reservation of ${name}`,
    machine: name,
    port: null,
  }];
}

function forward(machine: Machine, port: PortRule, profile: Profile): ConfigObject {
  return {
    path: [...DESTINATION_RULES, String(port.rule)],
    tree: {
      description: descriptionOf(machine.name, port, marker(machine.name, port.name)),
      ...(port.interface === null ? {} : { "inbound-interface": interfaceOf(port.interface, profile) }),
      ...rest(machine, port),
      destination: { port: String(port.external_port) },
    },
    what: `forward ${machine.name}/${port.name}`,
    machine: machine.name,
    port: port.name,
  };
}

/** The same forward for those inside, who ask for the outside address. */
function reflection(machine: Machine, port: PortRule, rule: number, profile: Profile): ConfigObject {
  const { interface: inside = "", external_address = "" } = machine.hairpin ?? {};
  return {
    path: [...DESTINATION_RULES, String(rule)],
    tree: {
      description: marker(machine.name, port.name, "+inside"),
      "inbound-interface": interfaceOf(inside, profile),
      ...rest(machine, { ...port, source: null }),
      destination: { address: external_address, port: String(port.external_port) },
    },
    what: `reflection of ${machine.name}/${port.name}`,
    machine: machine.name,
    port: port.name,
  };
}

function rest({ address }: Machine, port: PortRule): Tree {
  return {
    protocol: port.protocol,
    ...(port.source === null ? {} : { source: { address: port.source } }),
    translation: { address, port: String(port.internal_port) },
    ...(port.enabled ? {} : { disable: {} }),
  };
}

function interfaceOf(name: string, profile: Profile): Tree | string {
  return profile.interfaceNode ? { name } : name;
}

/** Longest description a router takes, in characters. */
const MOST = 255;

function descriptionOf(machine: string, port: PortRule, mark: string): string {
  const text = port.description ?? `${machine} ${port.name}`;
  return `${text.slice(0, MOST - mark.length - 1).trimEnd()} ${mark}`;
}
