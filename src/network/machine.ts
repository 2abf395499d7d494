/** What Holdfast wants a router to have: machines, their addresses and forwards; and the names all of it has. */

/** Protocols a forward can be for. */
export const PROTOCOLS = ["tcp", "udp", "tcp_udp"] as const;
export type Protocol = typeof PROTOCOLS[number];

/** One forward: a port outside that leads to a port of a machine. */
export interface PortRule {
  /** `ssh`, `tcp-8080`; unique within the machine. */
  name: string;
  protocol: Protocol;
  external_port: number;
  internal_port: number;
  /** Outside interface; null is any, where the release allows it. */
  interface: string | null;
  /** Address or network that may use it; null is everybody. */
  source: string | null;
  /** Text in front of the marker; null is machine and name. */
  description: string | null;
  enabled: boolean;
  /** Number of its destination rule. */
  rule: number;
  /** Number of the destination rule on the inside interface; null without reflection. */
  hairpin_rule: number | null;
}

/** How a machine is reached from inside by its outside address (NAT reflection). */
export interface Hairpin {
  /** Inside interface. */
  interface: string;
  external_address: string;
  /** Inside network, whose traffic is translated so that answers come back through the router. */
  network: string;
  /** Number of the source rule. */
  rule: number;
}

/** A machine as it should be on its router. */
export interface Machine {
  router: string;
  name: string;
  /** Null: no reservation can be made. */
  mac: string | null;
  address: string;
  /** Name of the reservation, which is the host name the router hands out; null is the machine's name. */
  host_name: string | null;
  /** Where the reservation stands; null when there is none. */
  reservation: { shared_network: string; subnet: string } | null;
  hairpin: Hairpin | null;
  ports: PortRule[];
  created_at: string;
  updated_at: string;
}

/** What only one machine of a router can have, as `kind:value`. */
export type Claim = `${"machine" | "mac" | "host" | "address" | "port" | "rule" | "source_rule"}:${string}`;

/** Everything a machine holds on its router. */
export function claimsOf(machine: Machine): Claim[] {
  const { name, mac, address, host_name, reservation, hairpin, ports } = machine;
  return [
    `machine:${name}`,
    `address:${address}`,
    ...(mac === null ? [] : [`mac:${mac.toLowerCase()}` as const]),
    ...(reservation === null ? [] : [`host:${host_name ?? name}` as const]),
    ...(hairpin === null ? [] : [`source_rule:${hairpin.rule}` as const]),
    ...ports.flatMap((port): Claim[] => [
      `port:${port.external_port}`,
      `rule:${port.rule}`,
      ...(port.hairpin_rule === null ? [] : [`rule:${port.hairpin_rule}` as const]),
    ]),
  ];
}

/** What stands in front of every marker. */
const MARK = "holdfast:";

/** The marker that says a rule is ours and whose it is; `part` is a port, or a rule behind it. */
export function marker(machine: string, ...parts: string[]): string {
  return MARK + [machine, ...parts].join("/");
}

/** The marker at the end of a description, undefined when there is none. */
export function markerIn(description: string | undefined): string | undefined {
  return description === undefined ? undefined : /(?:^|\s)(holdfast:\S+)$/.exec(description)?.[1];
}

/** Ports that are known by their names, with what they are inside. */
export const TEMPLATES: Readonly<Record<string, { protocol: Protocol; internal_port: number }>> = {
  ssh: { protocol: "tcp", internal_port: 22 },
  http: { protocol: "tcp", internal_port: 80 },
  https: { protocol: "tcp", internal_port: 443 },
};
