/** Drafts of machines: what is asked for, with whatever was left open drawn from the pools. Pure; errors name what is wrong. */
import { HoldfastError } from "../lib/errors.ts";
import { addressRange, contains, hostRange, networkRange, portRange, toAddress, toNumber } from "./ipv4.ts";
import { subnetsOf } from "./live.ts";
import type { Machine, PortRule, Protocol } from "./machine.ts";
import type { Profile } from "./release.ts";
import type { Taken } from "./taken.ts";
import { isSafeText, type Tree } from "./tree.ts";

/** Addresses to draw from. */
export interface IpPool {
  name: string;
  cidr: string;
  /** Addresses, `A-B` or networks; the whole network when empty. */
  ranges: readonly string[];
  exclusions: readonly string[];
  /** Shared network of the DHCP server; null: whichever has the subnet. */
  shared_network: string | null;
  /** Inside interface, for reflection. */
  interface: string | null;
  /** The subnet is made and removed by Holdfast. */
  manage_subnet: boolean;
}

/** Outside ports to draw from. */
export interface PortPool {
  name: string;
  /** Ports or `A-B`. */
  ranges: readonly string[];
  /** Outside interface; null is any. */
  interface: string | null;
}

/** A forward that is asked for. */
export interface PortWish {
  name: string;
  protocol: Protocol;
  internal_port: number;
  /** Null: the next free one. */
  external_port: number | null;
  source: string | null;
  description: string | null;
  enabled: boolean;
}

/** A machine that is asked for. */
export interface MachineWish {
  name: string;
  mac: string | null;
  /** Null: the next free one. */
  address: string | null;
  host_name: string | null;
  hairpin: boolean;
  ports: readonly PortWish[];
}

/** What a draft is made with. */
export interface Drafting {
  router: string;
  profile: Profile;
  live: Tree;
  taken: Taken;
  ipPool: IpPool | null;
  portPool: PortPool | null;
  /** Numbers of rules that may be used. */
  rules: readonly [first: number, last: number];
  /** Address people outside know the router by; needed for reflection. */
  externalAddress: string | null;
  /** Outside interface where the pool names none. */
  wanInterface: string | null;
  now: string;
}

/** A new machine. Errors: `invalid`, `conflict` for what somebody has, `exhausted` for what there is no more of. */
export function draftMachine(wish: MachineWish, drafting: Drafting): Machine {
  const { taken, router, now } = drafting;
  const what = `provision "${wish.name}"`;
  refuse(what, `machine "${wish.name}"`, taken.machine(wish.name) && "it exists already");
  checkHostName(what, wish.host_name ?? wish.name, drafting.profile, wish.mac !== null);
  if (wish.mac !== null) refuse(what, `MAC address ${wish.mac}`, taken.mac(wish.mac));
  const address = wish.address ?? drawAddress(what, drafting);
  if (wish.address !== null) checkAddress(what, address, drafting);
  const reservation = wish.mac === null ? null : placeOf(what, address, drafting);
  if (reservation !== null) {
    const host = wish.host_name ?? wish.name;
    refuse(what, `host name "${host}"`, taken.host(host));
  }
  const bare: Machine = {
    router,
    name: wish.name,
    mac: wish.mac,
    address,
    host_name: wish.host_name,
    reservation,
    hairpin: null,
    ports: [],
    created_at: now,
    updated_at: now,
  };
  taken.takeMachine(bare);
  const reflected = wish.hairpin ? withHairpin(bare, true, drafting) : bare;
  return withPorts(reflected, wish.ports, drafting);
}

/** The machine with further forwards. */
export function withPorts(machine: Machine, wishes: readonly PortWish[], drafting: Drafting): Machine {
  const ports = [...machine.ports];
  for (const wish of wishes) {
    const what = `forward ${machine.name}/${wish.name}`;
    refuse(
      what,
      `forward "${wish.name}"`,
      ports.some(({ name }) => name === wish.name) && "it exists already",
    );
    ports.push(draftPort(what, machine, wish, drafting));
  }
  return { ...machine, ports, updated_at: drafting.now };
}

function draftPort(what: string, machine: Machine, wish: PortWish, drafting: Drafting): PortRule {
  const { taken, portPool, profile } = drafting;
  const on = portPool?.interface ?? drafting.wanInterface;
  if (on === null && profile.interfaceRequired) {
    throw new HoldfastError(
      "invalid",
      `Cannot ${what}: release ${profile.release} needs an outside interface`,
      {
        hint: "create the port pool with --interface, or set network.routers.<name>.wan_interface",
      },
    );
  }
  checkText(what, wish.description);
  checkSource(what, wish.source);
  if (wish.external_port !== null) {
    refuse(what, `port ${wish.external_port}`, taken.port(wish.external_port, on));
  }
  const external = wish.external_port ?? drawPort(what, on, drafting);
  taken.take(`port:${external}`, machine.name);
  return {
    ...wish,
    external_port: external,
    interface: on,
    rule: drawRule(what, machine.name, drafting),
    hairpin_rule: machine.hairpin === null ? null : drawRule(what, machine.name, drafting),
  };
}

/** The machine with or without reflection. Errors: `invalid` when outside address or inside interface are not known. */
export function withHairpin(machine: Machine, on: boolean, drafting: Drafting): Machine {
  const { ipPool, externalAddress, taken, now } = drafting;
  if (on === (machine.hairpin !== null)) return machine;
  if (!on) {
    const ports = machine.ports.map((port) => ({ ...port, hairpin_rule: null }));
    return { ...machine, hairpin: null, ports, updated_at: now };
  }
  const what = `reflect "${machine.name}"`;
  const inside = ipPool?.interface ?? null;
  const network = machine.reservation?.subnet ?? ipPool?.cidr ?? null;
  if (externalAddress === null || inside === null || network === null) {
    throw new HoldfastError("invalid", `Cannot ${what}: outside address and inside interface must be known`, {
      hint: "set network.routers.<name>.wan_address, and create the address pool with --interface",
    });
  }
  const rule = draw(drafting.rules, "source rule", taken, (number) => taken.sourceRule(number));
  if (rule === undefined) throw exhausted(what, "source rule number is free");
  taken.take(`source_rule:${rule}`, machine.name);
  return {
    ...machine,
    hairpin: { interface: inside, external_address: externalAddress, network, rule },
    ports: machine.ports.map((port) => ({ ...port, hairpin_rule: drawRule(what, machine.name, drafting) })),
    updated_at: now,
  };
}

/** What of a machine can be changed later. */
export interface MachineChanges {
  mac?: string | null | undefined;
  host_name?: string | null | undefined;
  address?: string | undefined;
  hairpin?: boolean | undefined;
}

/** The machine with changes. `taken` must not count what the machine itself has. Errors: as {@linkcode draftMachine}. */
export function changeMachine(machine: Machine, changes: MachineChanges, drafting: Drafting): Machine {
  const what = `update "${machine.name}"`;
  const mac = changes.mac === undefined ? machine.mac : changes.mac;
  const host = changes.host_name === undefined ? machine.host_name : changes.host_name;
  const address = changes.address ?? machine.address;
  checkHostName(what, host ?? machine.name, drafting.profile, mac !== null);
  if (mac !== null) refuse(what, `MAC address ${mac}`, drafting.taken.mac(mac));
  if (address !== machine.address) checkAddress(what, address, drafting);
  const reservation = mac === null
    ? null
    : address === machine.address && machine.reservation !== null
    ? machine.reservation
    : placeOf(what, address, drafting);
  if (reservation !== null) {
    refuse(what, `host name "${host ?? machine.name}"`, drafting.taken.host(host ?? machine.name));
  }
  const changed = { ...machine, mac, host_name: host, address, reservation, updated_at: drafting.now };
  return changes.hairpin === undefined ? changed : withHairpin(changed, changes.hairpin, drafting);
}

function drawAddress(what: string, { ipPool, taken }: Drafting): string {
  if (ipPool === null) throw noPool(what, "address", "create-ip");
  const excluded = ipPool.exclusions.map((text) => addressRange(text) ?? [0, -1] as const);
  const isExcluded = (value: number) => excluded.some((range) => contains(range, value));
  for (const range of rangesOf(ipPool)) {
    const found = draw(
      range,
      "address",
      taken,
      (value) => isExcluded(value) || taken.address(toAddress(value)) !== undefined,
    );
    if (found !== undefined) return toAddress(found);
  }
  throw exhausted(what, `address is free in pool "${ipPool.name}"`);
}

/** The ranges of an address pool, kept to addresses a host can have. */
export function rangesOf(pool: Pick<IpPool, "cidr" | "ranges">): (readonly [number, number])[] {
  const hosts = hostRange(pool.cidr);
  if (hosts === undefined) return [];
  const wanted = pool.ranges.length === 0 ? [hosts] : pool.ranges.flatMap((text) => {
    const range = addressRange(text);
    return range === undefined ? [] : [range];
  });
  return wanted.map(([first, last]) => [Math.max(first, hosts[0]), Math.min(last, hosts[1])] as const);
}

function drawPort(what: string, on: string | null, { portPool, taken }: Drafting): number {
  if (portPool === null) throw noPool(what, "port", "create-ports");
  for (const text of portPool.ranges) {
    const range = portRange(text);
    const found = range && draw(range, `port on ${on}`, taken, (port) => taken.port(port, on) !== undefined);
    if (found !== undefined) return found;
  }
  throw exhausted(what, `port is free in pool "${portPool.name}"`);
}

function drawRule(what: string, machine: string, { rules, taken }: Drafting): number {
  const number = draw(rules, "rule", taken, (candidate) => taken.rule(candidate));
  if (number === undefined) throw exhausted(what, `rule number is free from ${rules[0]} to ${rules[1]}`);
  taken.take(`rule:${number}`, machine);
  return number;
}

/** The first free value of a range that was not drawn before. */
function draw(
  [first, last]: readonly [number, number],
  kind: string,
  { reached }: Taken,
  isTaken: (value: number) => boolean,
): number | undefined {
  const key = `${kind}:${first}`;
  for (let value = reached.get(key) ?? first; value <= last; value++) {
    if (isTaken(value)) continue;
    reached.set(key, value + 1);
    return value;
  }
  return undefined;
}

function checkAddress(what: string, address: string, { ipPool, live, taken }: Drafting): void {
  const value = toNumber(address) ?? -1;
  const networks = [
    ...(ipPool === null ? [] : [ipPool.cidr]),
    ...subnetsOf(live).map(({ subnet }) => subnet),
  ];
  const inside = networks.some((network) => {
    const hosts = hostRange(network);
    return hosts !== undefined && contains(hosts, value);
  });
  if (!inside) {
    throw new HoldfastError(
      "invalid",
      `Cannot ${what}: address ${address} is outside of ${
        ipPool === null ? "every subnet of the router" : `the subnet ${ipPool.cidr}`
      }`,
      { code: "outside_subnet" },
    );
  }
  refuse(what, `address ${address}`, taken.address(address));
}

/** Where the reservation for an address goes. */
function placeOf(
  what: string,
  address: string,
  { ipPool, live }: Drafting,
): NonNullable<Machine["reservation"]> {
  const value = toNumber(address) ?? -1;
  const subnet = subnetsOf(live).find(({ network, range }) =>
    contains(range, value) && (ipPool?.shared_network ?? network) === network
  );
  if (subnet !== undefined) return { shared_network: subnet.network, subnet: subnet.subnet };
  if (
    ipPool !== null && ipPool.shared_network !== null && contains(networkRange(ipPool.cidr) ?? [0, -1], value)
  ) {
    return { shared_network: ipPool.shared_network, subnet: ipPool.cidr };
  }
  throw new HoldfastError(
    "conflict",
    `Cannot ${what}: no subnet of the router's DHCP server has address ${address}`,
    { hint: "make the subnet on the router, or leave the MAC address away to go without reservation" },
  );
}

function checkHostName(what: string, name: string, profile: Profile, reserved: boolean): void {
  if (!reserved) return;
  const fits = profile.kea ? /^[A-Za-z0-9][-.A-Za-z0-9]*$/ : /^[-_a-zA-Z0-9.]+$/;
  if (fits.test(name)) return;
  const allowed = profile.kea
    ? "letters, digits, dots and hyphens"
    : "letters, digits, dots, hyphens and underscores";
  throw new HoldfastError(
    "invalid",
    `Cannot ${what}: host name "${name}" may have ${allowed} only in release ${profile.release}`,
    { hint: "give another one with --host-name" },
  );
}

/** Errors: `invalid` for what a router's shell would take apart. */
export function checkText(what: string, text: string | null): void {
  if (text === null || isSafeText(text)) return;
  throw new HoldfastError(
    "invalid",
    `Cannot ${what}: a description may have no quotes, backslashes, dollar signs or line ends`,
  );
}

/** Errors: `invalid` for what is no IPv4 address or network. */
export function checkSource(what: string, source: string | null): void {
  if (source === null || toNumber(source) !== undefined || networkRange(source) !== undefined) return;
  throw new HoldfastError("invalid", `Cannot ${what}: source "${source}" is no IPv4 address or network`, {
    hint: "write 203.0.113.7 or 203.0.113.0/24; a network has no bits behind its length",
  });
}

function refuse(what: string, thing: string, by: string | false | undefined): void {
  if (by === undefined || by === false || by === "") return;
  throw new HoldfastError(
    "conflict",
    by.startsWith("it ") ? `Cannot ${what}: ${by}` : `Cannot ${what}: ${thing} is in use by ${by}`,
  );
}

function exhausted(what: string, nothing: string): HoldfastError {
  return new HoldfastError("exhausted", `Cannot ${what}: no ${nothing}`, {
    code: "pool_exhausted",
    hint: "see holdfast network pools list",
  });
}

function noPool(what: string, kind: string, command: string): HoldfastError {
  return new HoldfastError("conflict", `Cannot ${what}: there is no active ${kind} pool`, {
    code: "no_pool",
    hint: `create one with: holdfast network pools ${command}`,
  });
}
