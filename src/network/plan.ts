/** The plan: what has to change on a router, as steps that can be shown, sent, verified and taken back. */
import { HoldfastError } from "../lib/errors.ts";
import { markerIn } from "./machine.ts";
import { type ConfigObject, keyOf, SHARED_NETWORKS } from "./objects.ts";
import type { Profile } from "./release.ts";
import {
  type Command,
  diffTrees,
  instancesAt,
  isTree,
  leafAt,
  prune,
  sameTree,
  type Tree,
  treeAt,
} from "./tree.ts";

/** One thing on the router before and after; null is "not there". */
export interface Step {
  path: string[];
  before: Tree | null;
  after: Tree | null;
  /** `forward vm-17/ssh`, for people. */
  what: string;
}

/** Steps that give a router the wanted objects and take the unwanted ones; what is right already is no step. */
export function plan(
  wanted: readonly ConfigObject[],
  live: Tree,
  unwanted: readonly ConfigObject[] = [],
): Step[] {
  const kept = new Set(wanted.map(({ path }) => keyOf(path)));
  const rules = new Lookup(live);
  const gone = unwanted.filter(({ path }) => !kept.has(keyOf(path)));
  return [
    ...gone.map(({ path, what }): Step => ({ path, before: rules.at(path), after: null, what })),
    ...wanted.map(({ path, tree, what }): Step => ({ path, before: rules.at(path), after: tree, what })),
  ].filter(({ before, after }) => !sameTree(before, after));
}

/** Objects of a change that may be written and removed; see {@linkcode ownOnly}. */
export interface OwnObjects {
  wanted: ConfigObject[];
  unwanted: ConfigObject[];
}

/**
 * Leaves out what somebody else put in the place of ours, so that it is never touched. Errors: `conflict` when something new is
 * wanted there.
 */
export function ownOnly(
  wanted: readonly ConfigObject[],
  unwanted: readonly ConfigObject[],
  live: Tree,
): OwnObjects {
  const known = new Map(unwanted.map((object) => [keyOf(object.path), object]));
  const isForeign = (object: ConfigObject) => {
    const tree = treeAt(live, object.path);
    return tree !== undefined && !isOurs(object, tree);
  };
  return {
    wanted: wanted.filter((object) => {
      const before = known.get(keyOf(object.path));
      // A rule that was changed so that it looks like nobody's is still the one we had.
      if (!isForeign(object) || (before !== undefined && !isForeign(before))) return true;
      if (before !== undefined && sameTree(before.tree, object.tree)) return false;
      throw new HoldfastError(
        "conflict",
        `Cannot write the ${object.what}: what stands at "${
          object.path.join(" ")
        }" of the router is not ours`,
        { code: "foreign", hint: "move it there, or decommission the machine and provision it anew" },
      );
    }),
    unwanted: unwanted.filter((object) => !isForeign(object)),
  };
}

/**
 * True for our marker; without any, for a rule that still does what ours did, and for a reservation under our name that
 * has our address or MAC address: the releases up to 1.4 have no place for a marker there.
 */
export function isOurs({ path, tree }: ConfigObject, live: Tree): boolean {
  const [mark, found] = [tree, live].map((one) => markerIn(leafAt(one, ["description"])));
  if (found !== undefined) return found === mark;
  const isSame = (leaf: readonly string[]) => {
    const ours = leafAt(tree, leaf)?.toLowerCase();
    return ours === undefined ? undefined : ours === leafAt(live, leaf)?.toLowerCase();
  };
  if (isReservation(path)) {
    return [["ip-address"], ["mac"], ["mac-address"]].some((leaf) => isSame(leaf) === true);
  }
  return [["translation", "address"], ["destination", "port"], ["destination", "address"]].every((leaf) =>
    isSame(leaf) !== false
  );
}

/** The nodes of a tree by path; remembers the node above, since many paths share it. */
class Lookup {
  readonly #above = new Map<string, Tree | undefined>();

  constructor(readonly live: Tree) {}

  at(path: readonly string[]): Tree | null {
    const [parent, name] = [path.slice(0, -1), path.at(-1)!];
    const key = keyOf(parent);
    if (!this.#above.has(key)) this.#above.set(key, treeAt(this.live, parent));
    const above = this.#above.get(key);
    const node = above !== undefined && Object.hasOwn(above, name) ? above[name] : undefined;
    return isTree(node) ? node : null;
  }
}

/** The commands of a plan, for one request: deletes first, so that names and numbers are free for the sets. */
export function render(steps: readonly Step[]): Command[] {
  const all = steps.flatMap(({ path, before, after }) => diffTrees(path, before, after));
  return [...all.filter(({ op }) => op === "delete"), ...all.filter(({ op }) => op === "set")];
}

/** The way back. */
export function inverse(steps: readonly Step[]): Step[] {
  return steps.map(({ path, before, after, what }) => ({ path, before: after, after: before, what }))
    .toReversed();
}

/** How far the router is with a plan, from what it shows. */
export type Progress = "done" | "untouched" | "mixed";

/** Compares what the router shows with both ends of a plan; an empty plan is done. */
export function progress(steps: readonly Step[], live: Tree): Progress {
  const now = steps.map(({ path, before, after }) => {
    const tree = treeAt(live, path) ?? null;
    return { done: sameTree(tree, after), untouched: sameTree(tree, before) };
  });
  if (now.every(({ done }) => done)) return "done";
  return now.every(({ untouched }) => untouched) ? "untouched" : "mixed";
}

/**
 * True when a router has had the commit of these steps, whatever people did to it since. A commit does all or nothing, so one
 * sign that no person leaves is enough: something new that carries its marker, or something removed that still carries it.
 * Else the signs that a person may leave too are counted; what is merely gone counts where there is nothing else.
 */
export function isThere(steps: readonly Step[], live: Tree): boolean {
  const signs = steps.filter(({ before, after }) => !sameTree(before, after)).map((step) =>
    signOf(step, live)
  );
  const count = (sign: Sign) => signs.filter((one) => one === sign).length;
  if (signs.length === 0 || count("made") > 0) return true;
  if (count("kept") > 0) return false;
  const [like, unlike] = [count("like after"), count("like before")];
  return like + unlike === 0 ? count("gone") > 0 : like > unlike;
}

type Sign = "made" | "kept" | "like after" | "like before" | "gone" | "none";

function signOf({ path, before, after }: Step, live: Tree): Sign {
  const tree = treeAt(live, path) ?? null;
  const isMarked = (as: Tree) => {
    const mark = markerIn(leafAt(as, ["description"]));
    return mark !== undefined && mark === markerIn(leafAt(tree ?? {}, ["description"]));
  };
  if (after === null) return tree === null ? "gone" : before !== null && isMarked(before) ? "kept" : "none";
  if (before === null && isMarked(after)) return "made";
  if (sameTree(tree, after)) return "like after";
  return sameTree(tree, before) ? "like before" : "none";
}

/** Subnets that Holdfast may make and remove, by network and subnet. */
export type ManagedSubnets = (network: string, subnet: string) => boolean;

/**
 * Fits reservations into their subnets: a managed subnet comes with its first reservation and goes with its last, since a
 * router refuses one without range and reservation. Errors: `conflict` for a subnet that is not there and not managed, and for
 * the last reservation of one that is not managed.
 */
export function withSubnets(
  steps: readonly Step[],
  live: Tree,
  profile: Profile,
  managed: ManagedSubnets,
): Step[] {
  const bySubnet = Map.groupBy(
    steps,
    ({ path }) => isReservation(path) ? keyOf(path.slice(0, SUBNET_LENGTH)) : "",
  );
  let nextId = freeSubnetId(live);
  return [...bySubnet].flatMap(([key, group]) => {
    if (key === "") return group;
    const path = group[0]!.path.slice(0, SUBNET_LENGTH);
    const [network, subnet] = [path[SHARED_NETWORKS.length]!, path.at(-1)!];
    const before = treeAt(live, path) ?? null;
    const after = applied(before, group, SUBNET_LENGTH);
    if (before === null) {
      if (Object.keys(treeAt(after, ["static-mapping"]) ?? {}).length === 0) return group;
      if (!managed(network, subnet)) throw noSubnet(network, subnet);
      const id = profile.kea ? { "subnet-id": String(nextId++) } : {};
      return [withNetwork({ path, before, after: { ...id, ...after }, what: `subnet ${subnet}` }, live)];
    }
    if (stands(after)) return group;
    if (!managed(network, subnet)) throw lastReservation(network, subnet, group);
    return [withNetwork({ path, before, after: null, what: `subnet ${subnet}` }, live)];
  });
}

/** A network comes with its first subnet and goes with its last, and so does the DHCP server with its networks. */
function withNetwork(step: Step, live: Tree): Step {
  for (const depth of [SHARED_NETWORKS.length + 1, SHARED_NETWORKS.length - 1]) {
    const [path, inner] = [step.path.slice(0, depth), step.path.slice(depth)];
    const around = treeAt(live, path) ?? null;
    if (step.before === null && around === null) {
      const after = inner.reduceRight<Tree | null>((tree, name) => ({ [name]: tree ?? {} }), step.after);
      step = { ...step, path, after };
    } else if (step.after === null && around !== null && isAlone(around, inner)) {
      step = { ...step, path, before: around };
    } else return step;
  }
  return step;
}

/** True when a node holds nothing besides what lies at the path. */
function isAlone(node: Tree, path: readonly string[]): boolean {
  return path.every((name, depth) => {
    const here = treeAt(node, path.slice(0, depth)) ?? {};
    return Object.keys(here).every((other) => other === name);
  });
}

const SUBNET_LENGTH = SHARED_NETWORKS.length + 3;

function isReservation(path: readonly string[]): boolean {
  return path[SUBNET_LENGTH] === "static-mapping";
}

/** A subnet's tree after the steps inside it. */
function applied(before: Tree | null, steps: readonly Step[], depth: number): Tree {
  const mappings: Record<string, Tree> = {
    ...Object.fromEntries(instancesAt(before ?? {}, ["static-mapping"])),
  };
  for (const { path, after } of steps) {
    const name = path[depth + 1]!;
    if (after === null) delete mappings[name];
    else mappings[name] = after;
  }
  const { "static-mapping": _, ...rest } = before ?? {};
  return Object.keys(mappings).length === 0 ? rest : { ...rest, "static-mapping": mappings };
}

/** A subnet needs a range or a reservation. */
function stands(subnet: Tree): boolean {
  return ["range", "static-mapping"].some((name) => Object.keys(treeAt(subnet, [name]) ?? {}).length > 0);
}

function freeSubnetId(live: Tree): number {
  const ids = instancesAt(live, SHARED_NETWORKS).flatMap(([, network]) =>
    instancesAt(network, ["subnet"]).map(([, subnet]) => Number(leafAt(subnet, ["subnet-id"]) ?? 0))
  );
  return Math.max(0, ...ids) + 1;
}

function noSubnet(network: string, subnet: string): HoldfastError {
  return new HoldfastError(
    "conflict",
    `Cannot make a reservation in subnet "${subnet}": shared network "${network}" of the router has no such subnet`,
    { hint: "make it on the router, or create the pool with --manage-subnet" },
  );
}

function lastReservation(network: string, subnet: string, steps: readonly Step[]): HoldfastError {
  return new HoldfastError(
    "conflict",
    `Cannot remove the ${
      steps[0]!.what
    }: it is the last one of subnet "${subnet}" of "${network}", and a router refuses a subnet without range and reservation`,
    { hint: "give the subnet a range on the router, or use --remove-subnet", code: "last_reservation" },
  );
}

/** A plan with only what counts, for storing. */
export function tidy(steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...step, before: step.before && prune(step.before) }));
}
