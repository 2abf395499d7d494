/** Looking after routers: drift, repair, adoption, and what people are told of it. */
import { createHash } from "node:crypto";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { AlertEvent, AlertSink } from "../notify/mod.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { type Changes, type Decision, hasVanished, type View } from "./changes.ts";
import type { Configs } from "./configs.ts";
import { compare, type Difference } from "./drift.ts";
import { destinationRules, reservationsOf, subnetsOf } from "./live.ts";
import { contains, toNumber } from "./ipv4.ts";
import { claimsOf, type Machine, type PortRule, PROTOCOLS } from "./machine.ts";
import { type Asked, managedSubnets, requireMachine } from "./machines.ts";
import type { DriftReport, Outcome } from "./model.ts";
import { withSubnets } from "./plan.ts";
import * as queries from "./queries.ts";
import type { NetworkTables, RouterRow } from "./queries.ts";
import { readLive, type Router, type Routers } from "./routers.ts";
import { leafAt, type Tree, treeAt } from "./tree.ts";

/** What was found at one router. */
interface Found {
  vanished: boolean;
  differences: Difference[];
}

/** Failures in a row until people are told that a router cannot be reached. */
const TELL_AFTER = 3;

/** A foreign rule that becomes ours. */
export interface Adoption {
  rule: number;
  vm: string;
  port: string;
}

export class Watch {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #routers: Routers;
  readonly #changes: Changes;
  readonly #configs: Configs;
  readonly #alerts: AlertSink;

  constructor(
    options: {
      database: Database;
      clock: Clock;
      routers: Routers;
      changes: Changes;
      configs: Configs;
      alerts: AlertSink;
    },
  ) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#routers = options.routers;
    this.#changes = options.changes;
    this.#configs = options.configs;
    this.#alerts = options.alerts;
  }

  /** Compares routers with the store. A router that cannot be asked is told with its reason; the only one asked for is an error. */
  async report(name: string | undefined, signal: AbortSignal): Promise<DriftReport> {
    const chosen = name === undefined ? this.#routers.all() : [this.#routers.resolve(name)];
    if (chosen.length === 0) this.#routers.resolve(undefined);
    const routers = await Promise.all(chosen.map(async (router) => {
      const checked_at = iso(this.#clock.now());
      try {
        const { vanished, differences } = await this.#look(router, signal);
        return {
          router: router.name,
          checked_at,
          error: null,
          vanished,
          differences: differences.map(viewOf),
        };
      } catch (error) {
        if (chosen.length === 1 || signal.aborted) throw error;
        return { router: router.name, checked_at, error: messageOf(error), vanished: false, differences: [] };
      }
    }));
    return {
      drift: routers.some(({ differences, error }) => differences.length > 0 || error !== null),
      routers,
    };
  }

  async #look(router: Router, signal: AbortSignal): Promise<Found> {
    const [live, profile] = await router.read(signal, async (client) => {
      const profile = await this.#routers.profile(router, client, signal);
      return [await readLive(client, signal), profile] as const;
    });
    const machines = await queries.listMachines(this.#database.tables<NetworkTables>(), router.name);
    const claims = machines.flatMap((machine) => claimsOf(machine));
    return { vanished: hasVanished(claims, live), differences: compare(machines, live, profile) };
  }

  /** Puts right what differs of one machine or all; what carries our marker and is of no machine only when asked for. */
  repair(
    input: { vm?: string | undefined; remove_unknown?: boolean | undefined },
    asked: Asked,
    caller: Caller,
  ): Promise<Outcome> {
    const decide = async (view: View): Promise<Decision> => {
      const machines = input.vm === undefined
        ? await queries.listMachines(view.db, view.router.name)
        : [await requireMachine(view.db, view.router.name, input.vm)];
      const all = input.vm === undefined ? machines : await queries.listMachines(view.db, view.router.name);
      const found = compare(all, view.live, view.profile).filter((one) =>
        one.kind === "unknown"
          ? input.remove_unknown === true
          : input.vm === undefined || one.machine === input.vm
      );
      const wrong = found.flatMap(({ step }) => step ?? []);
      const steps = withSubnets(wrong, view.live, view.profile, await managedSubnets(view));
      const left = found.filter(({ step }) => step === null);
      const warnings = left.map(({ detail }) => `${detail}; it is left alone`);
      return { subject: input.vm ?? "all machines", before: machines, after: machines, steps, warnings };
    };
    const intent = { kind: "repair" as const, dryRun: asked.dry_run === true, evenIfVanished: true, decide };
    return this.#changes.run(this.#routers.resolve(asked.router), intent, caller);
  }

  /** Makes a foreign rule ours. Errors: `not_found` for the rule, `conflict` for one that is ours, `invalid` for one that is no forward. */
  adopt({ rule, vm, port }: Adoption, asked: Asked, caller: Caller): Promise<Outcome> {
    const decide = async (view: View): Promise<Decision> => {
      const adopted = forwardOf(rule, port, view.live);
      const known = await queries.machineByName(view.db, view.router.name, vm);
      if (known !== undefined && known.address !== adopted.address) {
        throw new HoldfastError(
          "conflict",
          `Cannot adopt rule ${rule}: it leads to ${adopted.address}, machine "${vm}" has ${known.address}`,
        );
      }
      const machine = known ?? adoptedMachine(vm, adopted.address, view);
      if (machine.ports.some(({ name }) => name === port)) {
        throw new HoldfastError(
          "conflict",
          `Cannot adopt rule ${rule}: machine "${vm}" has a forward "${port}" already`,
        );
      }
      const after = { ...machine, ports: [...machine.ports, adopted.port], updated_at: view.now };
      const had = new Set<string>(known === undefined ? [] : claimsOf(known));
      for (const claim of claimsOf(after)) {
        const holder = view.claims.get(claim);
        if (!had.has(claim) && holder !== undefined) {
          throw new HoldfastError(
            "conflict",
            `Cannot adopt rule ${rule}: ${claim.replace(":", " ")} is of machine "${holder}"`,
          );
        }
      }
      return { subject: `${vm}/${port}`, before: known === undefined ? [] : [known], after: [after] };
    };
    const intent = { kind: "adopt" as const, dryRun: asked.dry_run === true, decide };
    return this.#changes.run(this.#routers.resolve(asked.router), intent, caller);
  }

  /** What time asks: compares every router whose turn it is, keeps its configuration, tells people. */
  async tick(everyMinutes: number, caller: Caller): Promise<void> {
    await Promise.all(
      this.#routers.all().map(async (router) => {
        const row = await queries.routerRow(this.#database.tables<NetworkTables>(), router.name);
        const age = this.#clock.now() - (row.checked_at === null ? 0 : Date.parse(row.checked_at));
        // Half a minute early rather than a whole one late.
        if (age >= everyMinutes * 60_000 - 30_000) await this.check(router.name, caller);
      }),
    );
  }

  /** One scheduled check of a router; never throws for the router's failures. */
  async check(name: string, caller: Caller): Promise<void> {
    const router = this.#routers.resolve(name);
    try {
      await this.#changes.settle(router, caller.signal);
      let found = await this.#look(router, caller.signal);
      const repairable = found.differences.some(({ kind }) =>
        ["missing", "changed", "disabled"].includes(kind)
      );
      if (router.settings.repair && repairable && !found.vanished) {
        await this.repair({}, { router: name }, caller);
        found = await this.#look(router, caller.signal);
      }
      await this.#configs.keep(name, "check", caller.signal);
      await this.#note(router, found);
    } catch (error) {
      caller.signal.throwIfAborted();
      await this.#noteFailure(router, messageOf(error));
    }
  }

  async #note(router: Router, { vanished, differences }: Found): Promise<void> {
    const views = differences.map(viewOf);
    const digest = views.length === 0
      ? ""
      : createHash("sha256").update(JSON.stringify(views)).digest("hex").slice(0, 16);
    await this.#update(router, (row) => {
      const events: AlertEvent[] = [];
      if (row.failures >= TELL_AFTER) {
        events.push(this.#event(router, "recovered", "unreachable", "warning", "it answers again"));
      }
      if (digest !== "" && digest !== row.drift_digest) {
        const detail = vanished
          ? "nothing of what it should have is there"
          : `${views.length} ${views.length === 1 ? "difference" : "differences"}: ${
            views.slice(0, 3).map((view) => view.detail).join("; ")
          }`;
        events.push(this.#event(router, "finding", "drift", vanished ? "critical" : "warning", detail));
      }
      if (digest === "" && row.drift_digest !== "") {
        events.push(this.#event(router, "recovered", "drift", "warning", "it is as it should be"));
      }
      const changed = { check_error: null, failures: 0, drift: JSON.stringify(views), drift_digest: digest };
      return { row: { ...row, ...changed }, events };
    });
  }

  async #noteFailure(router: Router, reason: string): Promise<void> {
    await this.#update(router, (row) => ({
      row: { ...row, check_error: reason.slice(0, 1000), failures: row.failures + 1 },
      events: row.failures + 1 === TELL_AFTER
        ? [this.#event(router, "finding", "unreachable", "warning", reason)]
        : [],
    }));
  }

  /** What was found and what has to be said of it, in one transaction. */
  async #update(
    router: Router,
    change: (row: RouterRow) => { row: RouterRow; events: AlertEvent[] },
  ): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const db = tablesOf<NetworkTables>(tx);
      const { row, events } = change(await queries.routerRow(db, router.name));
      await queries.saveRouter(db, { ...row, checked_at: iso(this.#clock.now()) });
      for (const event of events) await this.#alerts.enqueue(tx, event);
    });
  }

  #event(
    { name }: Router,
    kind: "finding" | "recovered",
    code: "drift" | "unreachable",
    severity: "warning" | "critical",
    detail: string,
  ): AlertEvent {
    const alert = `router:${name}:${code}`;
    return {
      key: `${alert}:${kind}:${this.#clock.now()}`,
      kind,
      alert,
      code,
      severity,
      subject: { kind: "router", id: name, name },
      detail,
    };
  }
}

function viewOf({ kind, what, machine, path, detail }: Difference) {
  return { kind, what, machine, path: path.join(" "), detail };
}

/** A rule of the router as a forward of ours. */
function forwardOf(number: number, name: string, live: Tree): { address: string; port: PortRule } {
  const refuse = (kind: "not_found" | "conflict" | "invalid", reason: string) => {
    throw new HoldfastError(kind, `Cannot adopt rule ${number}: ${reason}`);
  };
  const found = destinationRules(live).find((rule) => rule.number === number);
  if (found === undefined) return refuse("not_found", "the router has no such destination rule");
  if (found.marker !== undefined) return refuse("conflict", `it is ours already (${found.marker})`);
  const { tree } = found;
  const outside = leafAt(tree, ["destination", "port"]) ?? "";
  const inside = leafAt(tree, ["translation", "port"]) ?? outside;
  const address = leafAt(tree, ["translation", "address"]) ?? "";
  const protocol = PROTOCOLS.find((one) => one === leafAt(tree, ["protocol"]));
  const isPort = (text: string) => /^\d{1,5}$/.test(text);
  if (!isPort(outside) || !isPort(inside) || toNumber(address) === undefined || protocol === undefined) {
    return refuse("invalid", "it is no forward of one port to one port of one address");
  }
  const extra = ["destination", "source"].some((side) =>
    Object.keys(treeAt(tree, [side]) ?? {}).some((leaf) => leaf !== (side === "source" ? "address" : "port"))
  );
  if (extra) return refuse("invalid", "it matches by more than a port and a source address");
  return {
    address,
    port: {
      name,
      protocol,
      external_port: Number(outside),
      internal_port: Number(inside),
      interface: leafAt(tree, ["inbound-interface"]) ?? leafAt(tree, ["inbound-interface", "name"]) ?? null,
      source: leafAt(tree, ["source", "address"]) ?? null,
      description: leafAt(tree, ["description"])?.replaceAll(/['"`$\\]/g, "").slice(0, 200) ?? null,
      enabled: tree.disable === undefined,
      rule: number,
      hairpin_rule: null,
    },
  };
}

/** A machine known by its address only; a reservation that it has is adopted with it. */
function adoptedMachine(name: string, address: string, { live, router, now }: View): Machine {
  const reserved = reservationsOf(live).find((one) => one.address === address);
  const subnet = subnetsOf(live).find(({ range }) => contains(range, toNumber(address) ?? -1));
  const known = reserved?.mac !== undefined && subnet !== undefined;
  return {
    router: router.name,
    name,
    mac: known ? reserved.mac ?? null : null,
    address,
    host_name: known && reserved.name !== name ? reserved.name : null,
    reservation: known ? { shared_network: reserved.network, subnet: reserved.subnet } : null,
    hairpin: null,
    ports: [],
    created_at: now,
    updated_at: now,
  };
}
