/** Machines: provision, update, decommission, and their forwards; each a change of its router. */
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import type { Changes, Decision, Intent, View } from "./changes.ts";
import {
  changeMachine,
  checkSource,
  checkText,
  type Drafting,
  draftMachine,
  type IpPool,
  type MachineChanges,
  type MachineWish,
  type PortPool,
  type PortWish,
  withPorts,
} from "./draft.ts";
import { contains, networkRange, toNumber } from "./ipv4.ts";
import { claimsOf, type Machine, type PortRule, TEMPLATES } from "./machine.ts";
import type { ChangeKind, MachineRequest, Outcome, PortRequest } from "./model.ts";
import { keyOf, objectsOf } from "./objects.ts";
import type { ManagedSubnets } from "./plan.ts";
import { choosePool, ipPoolOf, portPoolOf } from "./pools.ts";
import * as queries from "./queries.ts";
import type { Db, NetworkTables } from "./queries.ts";
import type { Routers } from "./routers.ts";
import { Taken } from "./taken.ts";

/** How a change is asked for. */
export interface Asked {
  router?: string | undefined;
  dry_run?: boolean | undefined;
  idempotency_key?: string | undefined;
}

/** Ranges that a caller brings along instead of pools. */
export interface OwnRanges {
  addresses?: { cidr: string; range: string } | undefined;
  ports?: string | undefined;
}

/** What becomes of a machine's forwards. */
export type PortAction = "enable" | "disable" | "delete";

/** One of many, with what became of it. */
export interface BulkResult {
  name: string;
  ok: boolean;
  machine: Machine | null;
  error: string | null;
  code: string | null;
}

export class Machines {
  readonly #database: Database;
  readonly #routers: Routers;
  readonly #changes: Changes;

  constructor(options: { database: Database; routers: Routers; changes: Changes }) {
    this.#database = options.database;
    this.#routers = options.routers;
    this.#changes = options.changes;
  }

  /** Machines by router and name. */
  list(router: string | undefined): Promise<Machine[]> {
    return queries.listMachines(this.#db, router === undefined ? null : this.#routers.resolve(router).name);
  }

  /** Errors: `not_found`, naming the nearest. */
  async get(name: string, router: string | undefined): Promise<Machine> {
    return await requireMachine(this.#db, this.#routers.resolve(router).name, name);
  }

  /** A new machine. Errors: `invalid`, `conflict`, `exhausted`, and the router's. */
  provision(request: MachineRequest, asked: Asked, caller: Caller, ranges: OwnRanges = {}): Promise<Outcome> {
    const decide = async (view: View): Promise<Decision> => {
      const machine = draftMachine(wishOf(request), await drafting(view, request, ranges));
      return {
        subject: machine.name,
        before: [],
        after: [machine],
        managed: await managedSubnets(view),
        warnings: warningsOf(machine, view),
      };
    };
    return this.#run("provision", asked, caller, {
      once: onceOf(asked, ["provision", request]),
      leases: true,
      decide,
    });
  }

  /** Many machines in one plan; one that cannot be is told and leaves the others alone. */
  async provisionMany(
    requests: readonly MachineRequest[],
    asked: Asked,
    caller: Caller,
  ): Promise<Outcome & { results: BulkResult[] }> {
    let results: BulkResult[] = [];
    const decide = async (view: View): Promise<Decision> => {
      const after: Machine[] = [];
      results = [];
      const claims = new Map(view.claims);
      for (const request of requests) {
        try {
          const machine = draftMachine(wishOf(request), await drafting({ ...view, claims }, request, {}));
          for (const claim of claimsOf(machine)) claims.set(claim, machine.name);
          after.push(machine);
          results.push({ name: request.name, ok: true, machine, error: null, code: null });
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          const { message, code } = error;
          results.push({ name: request.name, ok: false, machine: null, error: message, code });
        }
      }
      const subject = `${after.length} machines`;
      return { subject, before: [], after, managed: await managedSubnets(view) };
    };
    const once = onceOf(asked, ["provision-many", requests]);
    const outcome = await this.#run("provision", asked, caller, { once, leases: true, decide });
    // Of a call that was done before only what came of it is known.
    const known = results.length > 0 ? results : outcome.machines.map((machine) => ({
      name: machine.name,
      ok: true,
      machine,
      error: null,
      code: null,
    }));
    return { ...outcome, results: known };
  }

  /** Changes what is given. Errors: as {@linkcode provision}, and `not_found`. */
  update(name: string, changes: MachineChanges, asked: Asked, caller: Caller): Promise<Outcome> {
    return this.#changeOne(name, "update", asked, caller, async (machine, view) => {
      const at = await drafting(view, {}, {}, machine);
      return changeMachine(machine, changes, at);
    });
  }

  /** Further forwards of a machine. */
  createPorts(
    name: string,
    ports: readonly PortRequest[],
    portPool: string | undefined,
    asked: Asked,
    caller: Caller,
  ): Promise<Outcome> {
    return this.#changeOne(name, "ports", asked, caller, async (machine, view) => {
      const pools = portPool === undefined ? {} : { port_pool: portPool };
      return withPorts(machine, ports.map(portWishOf), await drafting(view, pools, {}, machine));
    });
  }

  /** Enables, disables or removes forwards; all of them when none is named. Errors: `not_found` for a name the machine has not. */
  actOnPorts(
    name: string,
    action: PortAction,
    ports: readonly string[],
    asked: Asked,
    caller: Caller,
    change: Partial<Pick<PortRule, "protocol" | "source" | "description">> = {},
  ): Promise<Outcome> {
    return this.#changeOne(name, "ports", asked, caller, (machine, view) => {
      const known = machine.ports.map((port) => port.name);
      const missing = ports.find((port) => !known.includes(port));
      if (missing !== undefined) {
        throw new HoldfastError(
          "not_found",
          `Cannot ${action} forward "${missing}": machine "${name}" has none of that name`,
          {
            hint: known.length === 0 ? "it has no forwards" : `it has: ${known.join(", ")}`,
          },
        );
      }
      checkText(`change forwards of "${name}"`, change.description ?? null);
      checkSource(`change forwards of "${name}"`, change.source ?? null);
      const isMeant = (port: PortRule) => ports.length === 0 || ports.includes(port.name);
      const after = action === "delete"
        ? machine.ports.filter((port) => !isMeant(port))
        : machine.ports.map((port) =>
          isMeant(port) ? { ...port, ...change, enabled: action === "enable" } : port
        );
      const same = JSON.stringify(after) === JSON.stringify(machine.ports);
      return same ? machine : { ...machine, ports: after, updated_at: view.now };
    });
  }

  /** Removes a machine with everything of ours on the router, also what was changed there. Errors: `not_found`, `conflict`. */
  decommission(name: string, removeSubnet: boolean, asked: Asked, caller: Caller): Promise<Outcome> {
    const decide = async (view: View): Promise<Decision> => {
      const machine = await requireMachine(view.db, view.router.name, name);
      const managed = removeSubnet ? () => true : await managedSubnets(view);
      return { subject: name, before: [machine], after: [], managed };
    };
    return this.#run("decommission", asked, caller, { evenIfVanished: true, decide });
  }

  #changeOne(
    name: string,
    kind: ChangeKind,
    asked: Asked,
    caller: Caller,
    change: (machine: Machine, view: View) => Machine | Promise<Machine>,
  ): Promise<Outcome> {
    const decide = async (view: View): Promise<Decision> => {
      const machine = await requireMachine(view.db, view.router.name, name);
      const after = await change(machine, view);
      return { subject: name, before: [machine], after: [after], managed: await managedSubnets(view) };
    };
    return this.#run(kind, asked, caller, { decide });
  }

  #run(
    kind: ChangeKind,
    asked: Asked,
    caller: Caller,
    rest: Omit<Intent, "kind" | "dryRun">,
  ): Promise<Outcome> {
    const router = this.#routers.resolve(asked.router);
    return this.#changes.run(router, { ...rest, kind, dryRun: asked.dry_run === true }, caller);
  }

  get #db(): Db {
    return this.#database.tables<NetworkTables>();
  }
}

/** Errors: `not_found`. */
export async function requireMachine(db: Db, router: string, name: string): Promise<Machine> {
  const machine = await queries.machineByName(db, router, name);
  if (machine !== undefined) return machine;
  const near = nearest(name, (await queries.listMachines(db, router)).map((one) => one.name));
  throw new HoldfastError("not_found", `Cannot find machine "${name}"`, {
    hint: near === undefined ? "list them with: holdfast network vms list" : `did you mean "${near}"?`,
  });
}

/** What a draft is made with; a machine that exists does not stand in its own way. */
export async function drafting(
  view: View,
  pools: { pool?: string | undefined; port_pool?: string | undefined; address?: string | undefined },
  ranges: OwnRanges,
  machine?: Machine,
): Promise<Drafting> {
  const { db, router, profile, live, leased, claims, now } = view;
  const ipPool = ranges.addresses === undefined
    ? await ipPoolFor(db, router.name, pools.pool, machine?.address ?? pools.address)
    : adHoc(ranges.addresses);
  const portPool: PortPool | null = ranges.ports === undefined
    ? portPoolOf(await choosePool(db, router.name, "ports", pools.port_pool))
    : { name: ranges.ports, ranges: [ranges.ports], interface: null };
  const own = new Set(
    machine === undefined ? [] : objectsOf(machine, profile).map(({ path }) => keyOf(path)),
  );
  const others = machine === undefined
    ? claims
    : new Map([...claims].filter(([claim, holder]) =>
      holder !== machine.name || /^(rule|port|source_rule):/.test(claim)
    ));
  return {
    router: router.name,
    profile,
    live,
    taken: new Taken(others, live, leased, own),
    ipPool,
    portPool,
    rules: portRangeOf(router.settings.nat_rules),
    externalAddress: router.settings.wan_address,
    wanInterface: router.settings.wan_interface,
    now,
  };
}

/** The pool that is named, the one an address lies in, or the usual one. */
async function ipPoolFor(
  db: Db,
  router: string,
  name: string | undefined,
  address: string | undefined,
): Promise<IpPool | null> {
  if (name !== undefined || address === undefined) return ipPoolOf(await choosePool(db, router, "ip", name));
  const pools = (await queries.listPools(db, router, "ip")).flatMap((pool) => ipPoolOf(pool) ?? []);
  const around = pools.find(({ cidr }) => contains(networkRange(cidr) ?? [0, -1], toNumber(address) ?? -1));
  return around ?? (pools.length === 1 ? pools[0]! : null);
}

function adHoc({ cidr, range }: { cidr: string; range: string }): IpPool {
  return {
    name: range,
    cidr,
    ranges: [range],
    exclusions: [],
    shared_network: null,
    interface: null,
    manage_subnet: false,
  };
}

function portRangeOf(text: string): readonly [number, number] {
  const [first = 0, last = 0] = text.split("-").map(Number);
  return [Math.max(1, first), Math.min(999_999, last)];
}

/** Subnets of pools that Holdfast makes and removes. */
export async function managedSubnets({ db, router }: View): Promise<ManagedSubnets> {
  const pools = (await queries.listPools(db, router.name, "ip")).flatMap((pool) => ipPoolOf(pool) ?? []);
  return (network, subnet) =>
    pools.some((pool) => pool.manage_subnet && pool.shared_network === network && pool.cidr === subnet);
}

function onceOf(
  { idempotency_key: key }: Asked,
  request: unknown,
): { key: string; request: unknown } | undefined {
  return key === undefined ? undefined : { key, request };
}

function wishOf(request: MachineRequest): MachineWish {
  return {
    name: request.name,
    mac: request.mac ?? null,
    address: request.address ?? null,
    host_name: request.host_name ?? null,
    hairpin: request.hairpin,
    ports: request.ports.map(portWishOf),
  };
}

/** Errors: `invalid` without inside port, where the name tells none. */
function portWishOf(request: PortRequest): PortWish {
  const internal = request.internal_port ?? TEMPLATES[request.name ?? ""]?.internal_port;
  if (internal === undefined) {
    throw new HoldfastError(
      "invalid",
      `Cannot create forward "${request.name ?? ""}": internal_port is required`,
    );
  }
  return {
    name: request.name ?? `${request.protocol.replace("_", "-")}-${internal}`,
    protocol: request.protocol,
    internal_port: internal,
    external_port: request.external_port ?? null,
    source: request.source ?? null,
    description: request.description ?? null,
    enabled: request.enabled,
  };
}

function warningsOf(machine: Machine, { profile }: View): string[] {
  return [
    ...(machine.reservation === null ? ["no MAC address was given, so no reservation was made"] : []),
    ...(!profile.interfaceRequired && machine.ports.some((port) => port.interface === null)
      ? ["no outside interface is known, so the forwards match on every interface"]
      : []),
  ];
}
