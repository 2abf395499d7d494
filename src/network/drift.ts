/** Drift: where store and router differ, both ways. A plan nobody asked for, with a word for each step. */
import { destinationRules, mayMeet, reservationsOf } from "./live.ts";
import { type Machine, markerIn } from "./machine.ts";
import {
  type ConfigObject,
  DESTINATION_RULES,
  keyOf,
  objectsOf,
  SOURCE_RULES,
  subnetPath,
} from "./objects.ts";
import { isOurs, plan, type Step } from "./plan.ts";
import type { Profile } from "./release.ts";
import { instancesAt, leafAt, sameTree, type Tree } from "./tree.ts";

export const DRIFT_KINDS = ["missing", "changed", "disabled", "unknown", "collision"] as const;
/** `unknown` carries our marker and is of no machine; `collision` is foreign and in the way. */
export type DriftKind = typeof DRIFT_KINDS[number];

/** One difference. */
export interface Difference {
  kind: DriftKind;
  /** `forward vm-17/ssh`. */
  what: string;
  machine: string | null;
  path: string[];
  /** What to do about it by request, null where Holdfast will not touch it. */
  step: Step | null;
  detail: string;
}

/** Compares all machines with the router. */
export function compare(machines: readonly Machine[], live: Tree, profile: Profile): Difference[] {
  const objects = machines.flatMap((machine) => objectsOf(machine, profile));
  const byPath = new Map(objects.map((object) => [keyOf(object.path), object]));
  return [
    ...plan(objects, live).map((step) => differenceOf(step, byPath.get(keyOf(step.path)))),
    ...unknownOnes(byPath, live),
    ...collisions(machines, byPath, live),
  ];
}

function differenceOf(step: Step, object: ConfigObject | undefined): Difference {
  const known = { what: step.what, machine: object?.machine ?? null, path: step.path, step };
  if (object !== undefined && step.before !== null && !isOurs(object, step.before)) {
    const detail = `${
      step.path.slice(-2).join(" ")
    } of the router is not ours any more; it stands where ${step.what} was`;
    return { ...known, kind: "collision", step: null, detail };
  }
  if (step.before === null) return { ...known, kind: "missing", detail: `${step.what} is not on the router` };
  const { disable: _, ...enabled } = step.before;
  if (step.before.disable !== undefined && sameTree(enabled, step.after)) {
    return { ...known, kind: "disabled", detail: `${step.what} was disabled on the router` };
  }
  return { ...known, kind: "changed", detail: `${step.what} was changed on the router` };
}

/** What carries our marker and belongs to nothing we know. */
function unknownOnes(byPath: ReadonlyMap<string, ConfigObject>, live: Tree): Difference[] {
  const rules = [DESTINATION_RULES, SOURCE_RULES].flatMap((base) =>
    instancesAt(live, base).map(([number, tree]) => ({ path: [...base, number], tree }))
  );
  const reservations = reservationsOf(live).filter(({ marker }) => marker !== undefined).flatMap(
    ({ network, subnet, name }) => {
      const path = [...subnetPath(network, subnet), "static-mapping"];
      return instancesAt(live, path).filter(([found]) => found === name).map(([, tree]) => ({
        path: [...path, name],
        tree,
      }));
    },
  );
  return [...rules, ...reservations].flatMap(({ path, tree }): Difference[] => {
    const marker = markerIn(leafAt(tree, ["description"]));
    if (marker === undefined || byPath.has(keyOf(path))) return [];
    const what = `${path.slice(-2).join(" ")} (${marker})`;
    const step = { path, before: tree, after: null, what };
    return [{
      kind: "unknown",
      what,
      machine: null,
      path,
      step,
      detail: `${what} is ours and of no machine`,
    }];
  });
}

/** Foreign rules that take one of our ports, foreign reservations that have an address or MAC of ours. */
function collisions(
  machines: readonly Machine[],
  byPath: ReadonlyMap<string, ConfigObject>,
  live: Tree,
): Difference[] {
  const isOurs = (path: readonly string[]) => byPath.has(keyOf(path));
  const ports = machines.flatMap((machine) => machine.ports.map((port) => ({ machine, port })));
  const byPort = Map.groupBy(ports, ({ port }) => port.external_port);
  const rules = destinationRules(live).flatMap((rule): Difference[] => {
    const path = [...DESTINATION_RULES, String(rule.number)];
    if (rule.marker !== undefined || isOurs(path)) return [];
    const met = rule.ports.flatMap(([first, last]) =>
      last - first < ports.length
        ? Array.from({ length: last - first + 1 }, (_, i) => byPort.get(first + i) ?? []).flat()
        : ports.filter(({ port }) => port.external_port >= first && port.external_port <= last)
    ).filter(({ port }) => mayMeet(port.interface, rule.interface));
    return met.map(({ machine, port }) => ({
      kind: "collision",
      what: `rule ${rule.number}`,
      machine: machine.name,
      path,
      step: null,
      detail:
        `foreign rule ${rule.number} takes port ${port.external_port} of forward ${machine.name}/${port.name}`,
    }));
  });
  const byAddress = new Map(machines.map((machine) => [machine.address, machine]));
  const byMac = new Map(machines.map((machine) => [machine.mac?.toLowerCase(), machine]));
  const reservations = reservationsOf(live).flatMap((one): Difference[] => {
    const path = [...subnetPath(one.network, one.subnet), "static-mapping", one.name];
    if (one.marker !== undefined || isOurs(path)) return [];
    const machine = byAddress.get(one.address ?? "") ??
      (one.mac === undefined ? undefined : byMac.get(one.mac));
    if (machine === undefined) return [];
    const what = `reservation "${one.name}"`;
    return [{
      kind: "collision",
      what,
      machine: machine.name,
      path,
      step: null,
      detail: `foreign ${what} has address or MAC address of machine ${machine.name}`,
    }];
  });
  return [...rules, ...reservations];
}
