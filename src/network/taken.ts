/** Who has an address, a port or a rule number: what Holdfast gave away, and what stands on the router anyhow. */
import { contains, type Range, toNumber } from "./ipv4.ts";
import {
  destinationRules,
  type LiveRule,
  mayMeet,
  reservationsOf,
  ruleNumbers,
  takenAddresses,
} from "./live.ts";
import { type Claim, claimsOf, type Machine } from "./machine.ts";
import { DESTINATION_RULES, keyOf, SOURCE_RULES } from "./objects.ts";
import { isTree, type Tree } from "./tree.ts";

/** Ranges of more values than this are looked through instead of spread out. */
const SMALL = 16;

/** What is taken on one router. What is drawn is taken too, until the whole is thrown away. */
export class Taken {
  /** Where drawing from a range goes on, by the range: nothing before it becomes free again. */
  readonly reached = new Map<string, number>();
  readonly #claims: Map<string, string>;
  readonly #addresses = new Set<number>();
  readonly #addressRanges: Range[] = [];
  readonly #ports = new Map<number, LiveRule[]>();
  readonly #portRanges: { range: Range; rule: LiveRule }[] = [];
  readonly #rules: Set<number>;
  readonly #sourceRules: Set<number>;
  readonly #macs = new Map<string, string>();
  readonly #hosts = new Map<string, string>();

  /**
   * `claims` by what is claimed, with the machine that has it. `leased` are addresses of leases. Objects on the router whose
   * paths are in `own` belong to the machine that asks and take nothing from it.
   */
  constructor(
    claims: ReadonlyMap<string, string>,
    live: Tree,
    leased: readonly string[] = [],
    own: ReadonlySet<string> = new Set(),
  ) {
    this.#claims = new Map(claims);
    const foreign = own.size === 0 ? live : without(live, own);
    for (const range of takenAddresses(foreign)) this.#takeAddresses(range);
    for (const address of leased) this.#addresses.add(toNumber(address) ?? -1);
    for (const rule of destinationRules(foreign)) this.#takePorts(rule);
    this.#rules = new Set(ruleNumbers(foreign, DESTINATION_RULES));
    this.#sourceRules = new Set(ruleNumbers(foreign, SOURCE_RULES));
    for (const { network, name, mac } of reservationsOf(foreign)) {
      if (mac !== undefined) this.#macs.set(mac, `reservation "${name}" of "${network}"`);
      this.#hosts.set(name, `a reservation of "${network}"`);
    }
  }

  #takeAddresses(range: Range): void {
    if (range[1] - range[0] > SMALL) return void this.#addressRanges.push(range);
    for (let value = range[0]; value <= range[1]; value++) this.#addresses.add(value);
  }

  #takePorts(rule: LiveRule): void {
    for (const range of rule.ports) {
      if (range[1] - range[0] > SMALL) this.#portRanges.push({ range, rule });
      else {
        for (let port = range[0]; port <= range[1]; port++) {
          this.#ports.set(port, [...this.#ports.get(port) ?? [], rule]);
        }
      }
    }
  }

  /** Who has this, in words; undefined when it is free. */
  machine(name: string): string | undefined {
    return this.#claimed(`machine:${name}`);
  }

  mac(mac: string): string | undefined {
    return this.#claimed(`mac:${mac.toLowerCase()}`) ?? this.#macs.get(mac.toLowerCase());
  }

  host(name: string): string | undefined {
    return this.#claimed(`host:${name}`) ?? this.#hosts.get(name);
  }

  address(address: string): string | undefined {
    const value = toNumber(address) ?? -1;
    const onRouter = this.#addresses.has(value) ||
      this.#addressRanges.some((range) => contains(range, value));
    return this.#claimed(`address:${address}`) ??
      (onRouter ? "the router's configuration or a lease" : undefined);
  }

  port(port: number, onInterface: string | null): string | undefined {
    const claimed = this.#claimed(`port:${port}`);
    if (claimed !== undefined) return claimed;
    const rule = this.#ports.get(port)?.find((rule) => mayMeet(rule.interface, onInterface)) ??
      this.#portRanges.find(({ range, rule }) =>
        contains(range, port) && mayMeet(rule.interface, onInterface)
      )?.rule;
    return rule === undefined ? undefined : `rule ${rule.number} of the router`;
  }

  rule(number: number): boolean {
    return this.#rules.has(number) || this.#claims.has(`rule:${number}`);
  }

  sourceRule(number: number): boolean {
    return this.#sourceRules.has(number) || this.#claims.has(`source_rule:${number}`);
  }

  take(claim: Claim, machine: string): void {
    this.#claims.set(claim, machine);
  }

  takeMachine(machine: Machine): void {
    for (const claim of claimsOf(machine)) this.take(claim, machine.name);
  }

  #claimed(claim: Claim): string | undefined {
    const machine = this.#claims.get(claim);
    return machine === undefined ? undefined : `machine "${machine}"`;
  }
}

/** The tree without the nodes at these paths. */
function without(tree: Tree, keys: ReadonlySet<string>, path: readonly string[] = []): Tree {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, value]): [string, Tree[string]][] => {
      const at = [...path, name];
      if (keys.has(keyOf(at))) return [];
      // Below this depth nothing of ours begins.
      return [[name, isTree(value) && at.length < 8 ? without(value, keys, at) : value]];
    }),
  );
}
