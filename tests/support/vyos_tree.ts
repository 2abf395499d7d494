/** The configuration of a fake router: a tree that is changed command by command, and the rules of its components at commit. */
import { contains, networkRange, overlap, toNumber } from "../../src/network/ipv4.ts";
import { reservationsOf, subnetsOf } from "../../src/network/live.ts";
import type { Release } from "../../src/network/release.ts";
import { instancesAt, isTree, leafAt, type Tree, treeAt } from "../../src/network/tree.ts";
import { schemaOf } from "./vyos_schema.ts";

export interface FakeCommand {
  op: string;
  path: string[];
  value?: string;
}

type Node = { [name: string]: Node | string | string[] };

/** Sets or deletes in place. Returns why not, in the words of the engine. */
export function change(
  root: Node,
  command: FakeCommand,
  release: Release,
  strict: boolean,
): string | undefined {
  const { op, path } = command;
  const value = command.value === "" ? undefined : command.value;
  if (op !== "set" && op !== "delete" && op !== "comment") return `'${op}' is not a valid operation`;
  const schema = schemaOf(release);
  const refused = schema === undefined ? withoutSchema(path) : schema.refuses({ op, path, value });
  if (refused !== undefined) return refused;
  if (op === "set") set(root, path, value, release);
  else if (op === "delete" && !remove(root, path, value) && strict) {
    return `Cannot delete [${path.join(" ")}]: path/value does not exist`;
  }
  return undefined;
}

const ROOTS = ["firewall", "interfaces", "nat", "policy", "protocols", "service", "system", "vpn", "vrf"];

/** As much as is known of paths where there is no schema. */
function withoutSchema(path: readonly string[]): string | undefined {
  return ROOTS.includes(path[0] ?? "") ? undefined : `Configuration path: [${path.join(" ")}] is not valid`;
}

function set(root: Node, path: readonly string[], value: string | undefined, release: Release): void {
  let node = root;
  for (const name of value === undefined ? path : path.slice(0, -1)) {
    const next = node[name];
    node = typeof next === "object" && !Array.isArray(next) ? next : node[name] = {};
  }
  if (value === undefined) return;
  const leaf = path.at(-1)!;
  const multi = schemaOf(release)?.find(path)?.multi ?? false;
  const had = node[leaf];
  const values = typeof had === "string" ? [had] : Array.isArray(had) ? had : [];
  // A leaf of several values that has one is shown as text.
  if (!multi || values.length === 0) node[leaf] = value;
  else if (!values.includes(value)) node[leaf] = [...values, value];
}

function remove(root: Node, path: readonly string[], value: string | undefined): boolean {
  const above = path.slice(0, -1).reduce<Node | undefined>((node, name) => {
    const next = node?.[name];
    return typeof next === "object" && !Array.isArray(next) ? next : undefined;
  }, root);
  const leaf = path.at(-1)!;
  const had = above?.[leaf];
  if (above === undefined || had === undefined) return false;
  if (value === undefined || had === value) return delete above[leaf];
  if (!Array.isArray(had) || !had.includes(value)) return false;
  const rest = had.filter((one) => one !== value);
  above[leaf] = rest.length === 1 ? rest[0]! : rest;
  return true;
}

/** Why a commit is refused; undefined when it is not. Rules of `nat.py` and `dhcp_server.py` of each release. */
export function judge(tree: Tree, release: Release): string | undefined {
  const nat = natProblem(tree, release);
  if (nat !== undefined) return `\n[nat]\n${nat}\n\n[[nat]] failed\nCommit failed\n`;
  const dhcp = dhcpProblem(tree, release);
  return dhcp && `\n[service dhcp-server]\n${dhcp}\n\n[[service dhcp-server]] failed\nCommit failed\n`;
}

function natProblem(tree: Tree, release: Release): string | undefined {
  for (const side of ["destination", "source"] as const) {
    for (const [number, rule] of instancesAt(tree, ["nat", side, "rule"])) {
      const problem = ruleProblem(rule, side, release);
      if (problem !== undefined) return `NAT rule ${number}: ${problem}`;
    }
  }
}

function ruleProblem(rule: Tree, side: "destination" | "source", release: Release): string | undefined {
  const on = side === "destination" ? "inbound-interface" : "outbound-interface";
  const ports = [["destination", "port"], ["source", "port"], ["translation", "port"]].some((path) =>
    leafAt(rule, path) !== undefined
  );
  const protocol = leafAt(rule, ["protocol"]) ?? "all";
  if (ports && !["tcp", "udp", "tcp_udp"].includes(protocol)) {
    return "ports can only be specified when protocol is either tcp, udp or tcp_udp!";
  }
  if (release === "1.3") {
    if (leafAt(rule, [on]) === undefined) return `${on} not specified`;
    if (rule.exclude === undefined && leafAt(rule, ["translation", "address"]) === undefined) {
      return "translation requires address";
    }
    return undefined;
  }
  const translated = ["address", "port"].some((leaf) => leafAt(rule, ["translation", leaf]) !== undefined);
  return rule.exclude === undefined && !translated ? "translation requires address and/or port" : undefined;
}

function dhcpProblem(tree: Tree, release: Release): string | undefined {
  const kea = release === "1.5" || release === "rolling";
  const ids = new Set<string>();
  const subnets = subnetsOf(tree);
  for (const { network, subnet, range, dynamic } of subnets) {
    const node = treeAt(tree, ["service", "dhcp-server", "shared-network-name", network, "subnet", subnet])!;
    const mappings = reservationsOf(tree).filter((one) => one.network === network && one.subnet === subnet);
    if (dynamic.length === 0 && mappings.length === 0) {
      return `No DHCP address range or active static-mapping configured within shared-network "${network}, ${subnet}"!`;
    }
    if (kea) {
      const id = leafAt(node, ["subnet-id"]);
      if (id === undefined) return `Unique subnet ID not specified for subnet "${subnet}"`;
      if (ids.has(id)) return `Subnet ID for subnet "${subnet}" is not unique`;
      ids.add(id);
    }
    const problem = mappingProblem(node, mappings, networkRange(subnet) ?? range, kea, release);
    if (problem !== undefined) return problem;
    if (dynamic.some((a, i) => dynamic.some((b, j) => i < j && overlap(a, b)))) return "Conflicting ranges";
  }
  if (subnets.some((a, i) => subnets.some((b, j) => i < j && overlap(a.range, b.range)))) {
    return "Subnets overlap";
  }
  const networks = instancesAt(tree, ["service", "dhcp-server", "shared-network-name"]);
  const empty = networks.find(([, node]) => instancesAt(node, ["subnet"]).length === 0);
  return empty && `No subnets defined for shared-network "${empty[0]}"`;
}

function mappingProblem(
  subnet: Tree,
  mappings: readonly { name: string; mac: string | undefined; address: string | undefined }[],
  range: readonly [number, number],
  kea: boolean,
  release: Release,
): string | undefined {
  const [addresses, macs] = [new Set<string>(), new Set<string>()];
  for (const { name, mac, address } of mappings) {
    if (treeAt(subnet, ["static-mapping", name])?.disable !== undefined) continue;
    if (address === undefined) continue;
    if (!contains(range, toNumber(address) ?? -1)) {
      return `Configured static lease address for mapping "${name}" is not within subnet!`;
    }
    if (mac === undefined) return `Either MAC address or Client identifier (DUID) is required for "${name}"`;
    const wrong = kea ? "mac-address" : "mac";
    if (leafAt(treeAt(subnet, ["static-mapping", name]), [wrong]) !== undefined) return "wrong leaf";
    if (release === "1.3") continue;
    if (addresses.has(address)) return `Configured IP address for static mapping "${name}" already exists`;
    if (macs.has(mac)) return `Configured MAC address for static mapping "${name}" already exists`;
    addresses.add(address);
    macs.add(mac);
  }
}

/** A copy that can be changed. */
export function copyOf(tree: Tree): Node {
  const copy: Node = {};
  for (const [name, value] of Object.entries(tree)) {
    copy[name] = typeof value === "string" ? value : isTree(value) ? copyOf(value) : value.map(String);
  }
  return copy;
}

export type { Node };
