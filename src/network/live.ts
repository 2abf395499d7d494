/** What is taken on a router by whatever is there: numbers of rules, ports, addresses, reservations. */
import { addressRange, networkRange, portRange, type Range } from "./ipv4.ts";
import { markerIn } from "./machine.ts";
import { DESTINATION_RULES, SHARED_NETWORKS } from "./objects.ts";
import { instancesAt, isTree, leafAt, leavesAt, type Tree, treeAt } from "./tree.ts";

/** A destination rule as far as ports and addresses go. */
export interface LiveRule {
  number: number;
  tree: Tree;
  /** Outside ports it takes; empty when it names none. */
  ports: readonly Range[];
  /** Interface it is bound to; null when it may be any. */
  interface: string | null;
  address: Range | undefined;
  marker: string | undefined;
}

/** A reservation. */
export interface LiveReservation {
  network: string;
  subnet: string;
  name: string;
  mac: string | undefined;
  address: string | undefined;
  marker: string | undefined;
}

/** A subnet of the DHCP server. */
export interface LiveSubnet {
  network: string;
  subnet: string;
  range: Range;
  /** Addresses that are handed out to anybody. */
  dynamic: readonly Range[];
  /** Addresses of routers and name servers. */
  servers: readonly number[];
}

export function destinationRules(live: Tree): LiveRule[] {
  return instancesAt(live, DESTINATION_RULES).map(([number, tree]) => ({
    number: Number(number),
    tree,
    ports: portsOf(leafAt(tree, ["destination", "port"])),
    interface: interfaceOf(tree),
    address: addressRange(leafAt(tree, ["translation", "address"]) ?? ""),
    marker: markerIn(leafAt(tree, ["description"])),
  }));
}

export function ruleNumbers(live: Tree, path: readonly string[]): number[] {
  return instancesAt(live, path).map(([number]) => Number(number));
}

/** Names from the list of services that stand in rules; others are looked up by nobody here, and count as unknown. */
const SERVICES: Readonly<Record<string, number>> = { ftp: 21, ssh: 22, smtp: 25, http: 80, https: 443 };

/** Ports of a rule: a list of ports, ranges and names; with `!` all others. */
function portsOf(text: string | undefined): Range[] {
  if (text === undefined) return [];
  const items = text.split(",").map((item) => item.trim());
  const ranges = items.flatMap((item) => {
    const bare = item.replace(/^!/, "");
    const range = portRange(bare) ?? portRange(String(SERVICES[bare] ?? ""));
    return range === undefined ? [] : [range];
  });
  return items.some((item) => item.startsWith("!")) ? complement(ranges) : ranges;
}

function complement(ranges: readonly Range[]): Range[] {
  const rest: Range[] = [];
  let next = 1;
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (first > next) rest.push([next, first - 1]);
    next = Math.max(next, last + 1);
  }
  return next <= 65_535 ? [...rest, [next, 65_535]] : rest;
}

/** A name that stands for one interface only; patterns, groups and "any" may be every one. */
function interfaceOf(tree: Tree): string | null {
  const name = leafAt(tree, ["inbound-interface"]) ?? leafAt(tree, ["inbound-interface", "name"]);
  return name === undefined || name === "any" || /[!*]/.test(name) ? null : name;
}

/** True when a packet that comes in on one may match a rule of the other. */
export function mayMeet(a: string | null, b: string | null): boolean {
  return a === null || b === null || a === b;
}

export function subnetsOf(live: Tree): LiveSubnet[] {
  return instancesAt(live, SHARED_NETWORKS).flatMap(([network, tree]) =>
    instancesAt(tree, ["subnet"]).flatMap(([subnet, inner]): LiveSubnet[] => {
      const range = networkRange(subnet);
      if (range === undefined) return [];
      const servers = [inner, isTree(inner.option) ? inner.option : {}].flatMap((node) =>
        ["default-router", "name-server"].flatMap((leaf) => leavesAt(node, [leaf]))
      );
      return [{
        network,
        subnet,
        range,
        dynamic: instancesAt(inner, ["range"]).flatMap(([, { start, stop }]) => {
          const dynamic = addressRange(`${start}-${stop}`);
          return dynamic === undefined ? [] : [dynamic];
        }),
        servers: servers.flatMap((text) => addressRange(text)?.[0] ?? []),
      }];
    })
  );
}

export function reservationsOf(live: Tree): LiveReservation[] {
  return instancesAt(live, SHARED_NETWORKS).flatMap(([network, tree]) =>
    instancesAt(tree, ["subnet"]).flatMap(([subnet, inner]) =>
      instancesAt(inner, ["static-mapping"]).map(([name, mapping]) => ({
        network,
        subnet,
        name,
        mac: (leafAt(mapping, ["mac"]) ?? leafAt(mapping, ["mac-address"]))?.toLowerCase(),
        address: leafAt(mapping, ["ip-address"]),
        marker: markerIn(leafAt(mapping, ["description"])),
      }))
    )
  );
}

/** Addresses in use on a router, as ranges. */
export function takenAddresses(live: Tree): Range[] {
  return [
    ...destinationRules(live).flatMap(({ address }): Range[] => address === undefined ? [] : [address]),
    ...reservationsOf(live).flatMap(({ address }) => rangesOf(address)),
    ...subnetsOf(live).flatMap(({ dynamic, servers }) => [
      ...dynamic,
      ...servers.map((server): Range => [server, server]),
    ]),
    ...addressesBelow(treeAt(live, ["interfaces"]) ?? {}).flatMap((text) => rangesOf(text.split("/")[0])),
  ];
}

/** Addresses of interfaces of every kind: also of bridges and of networks on a trunk. */
function addressesBelow(node: Tree): string[] {
  return Object.entries(node).flatMap(([name, inner]) =>
    isTree(inner) ? addressesBelow(inner) : name === "address" ? leavesAt(node, [name]) : []
  );
}

function rangesOf(text: string | undefined): Range[] {
  const range = addressRange(text ?? "");
  return range === undefined ? [] : [range];
}
