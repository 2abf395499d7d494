/** The service: routers with everything that can be asked of them. */
import { type Clock, iso } from "../lib/clock.ts";
import { systemCaller } from "../lib/caller.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Fetch } from "../lib/upstream.ts";
import type { AlertSink } from "../notify/mod.ts";
import type { Database } from "../store/mod.ts";
import { Changes } from "./changes.ts";
import type { NetworkConfig } from "./config.ts";
import { Configs } from "./configs.ts";
import { type Asked, Machines } from "./machines.ts";
import type { ChangeDetail, ChangeView, Outcome, RouterStatus } from "./model.ts";
import { inverse, progress, type Step } from "./plan.ts";
import { beforeImage, commandLines, stepViews } from "./outcomes.ts";
import { Pools } from "./pools.ts";
import * as queries from "./queries.ts";
import type { Change, Db, NetworkTables } from "./queries.ts";
import { Routers } from "./routers.ts";
import { sameTree, type Tree, treeAt } from "./tree.ts";
import { lookAt } from "./deliver.ts";
import { claimsOf } from "./machine.ts";
import { Watch } from "./watch.ts";
import { type Lease, leasesOf } from "./leases.ts";

/** What the service needs. */
export interface NetworkOptions {
  database: Database;
  clock: Clock;
  settings: NetworkConfig;
  alerts: AlertSink;
  /** Stands in for the network in tests. */
  fetch?: Fetch;
}

/** How a router is, from what is known already. */
export interface RouterHealth {
  router: string;
  /** Null before it was first asked. */
  error: string | null;
  asked: boolean;
  drift: number;
}

/** A router that did not answer at start is settled later; nobody waits longer than this for it, in milliseconds. */
const SETTLE_MS = 15_000;
/** Keys of calls are remembered so long, in milliseconds. */
const REMEMBERED_MS = 30 * 86_400_000;
/** Health looks again after this, in milliseconds. */
const FRESH_MS = 60_000;

export class Network {
  readonly routers: Routers;
  readonly pools: Pools;
  readonly machines: Machines;
  readonly configs: Configs;
  readonly watch: Watch;
  readonly #changes: Changes;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #settings: NetworkConfig;

  constructor({ database, clock, settings, alerts, fetch }: NetworkOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#settings = settings;
    const base = { database, clock };
    this.routers = new Routers({ ...base, settings, fetch });
    const changes = this.#changes = new Changes({ ...base, routers: this.routers });
    const parts = { ...base, routers: this.routers, changes };
    this.pools = new Pools(parts);
    this.machines = new Machines(parts);
    this.configs = new Configs({ ...parts, keep: settings.keep_versions });
    this.watch = new Watch({ ...parts, configs: this.configs, alerts });
  }

  /** Settles what a crash left; a router that cannot be asked is settled before its next change. */
  async settle(patienceMs: number = SETTLE_MS): Promise<void> {
    await Promise.all(
      this.routers.all().map(async (router) => {
        try {
          await this.#changes.settle(router, AbortSignal.timeout(patienceMs));
        } catch (error) {
          if (!(error instanceof HoldfastError) && !(error instanceof DOMException)) throw error;
        }
      }),
    );
  }

  /** What time asks, each minute. */
  async tick(): Promise<void> {
    await queries.forgetRequests(this.#db, iso(this.#clock.now() - REMEMBERED_MS));
    await this.watch.tick(this.#settings.check_minutes, systemCaller("network-drift"));
  }

  /** How each router is; asks it. Errors: `not_found`. */
  async status(name: string | undefined, signal: AbortSignal): Promise<RouterStatus[]> {
    const chosen = name === undefined ? this.routers.all() : [this.routers.resolve(name)];
    const machines = await queries.listMachines(this.#db, null);
    return await Promise.all(chosen.map(async (router): Promise<RouterStatus> => {
      let error: string | null = null;
      try {
        await router.read(signal, (client) => this.routers.detect(router, client, signal));
      } catch (cause) {
        signal.throwIfAborted();
        error = messageOf(cause);
      }
      const row = await queries.routerRow(this.#db, router.name);
      const own = machines.filter((machine) => machine.router === router.name);
      const drift: unknown = JSON.parse(row.drift);
      const known = router.profile;
      return {
        router: router.name,
        url: router.settings.url,
        reachable: error === null,
        error,
        release: known?.value.release ?? row.release,
        version: known?.version ?? row.version,
        commit_confirm: known?.value.confirm ?? row.confirm === 1,
        machines: own.length,
        forwards: own.reduce((sum, machine) => sum + machine.ports.length, 0),
        unsaved_changes: (await queries.changesIn(this.#db, router.name, "applied")).length,
        unsettled_changes: (await queries.changesIn(this.#db, router.name, "applying")).length,
        waiting: router.turns.waiting,
        drift: Array.isArray(drift) ? drift.length : 0,
        checked_at: row.checked_at,
      };
    }));
  }

  /** Leases of a router's DHCP server, as far as its table can be read. */
  async leases(name: string | undefined, signal: AbortSignal): Promise<Lease[]> {
    const router = this.routers.resolve(name);
    return await router.read(
      signal,
      async (client) => leasesOf(await client.show(["dhcp", "server", "leases"], signal)),
    );
  }

  /** Counters of the forwards, as the router prints them. */
  async statistics(name: string | undefined, signal: AbortSignal): Promise<{ router: string; text: string }> {
    const router = this.routers.resolve(name);
    const path = ["nat", "destination", "statistics"];
    return { router: router.name, text: await router.read(signal, (client) => client.show(path, signal)) };
  }

  /** Saves a router's configuration to its disk now. */
  async save(name: string | undefined, signal: AbortSignal): Promise<{ router: string; text: string }> {
    const router = this.routers.resolve(name);
    return { router: router.name, text: (await this.#changes.saveNow(router, signal)).trim() };
  }

  /** The newest first. */
  async changes(
    name: string | undefined,
    page: { limit: number; offset: number },
  ): Promise<ChangeView[]> {
    const router = name === undefined ? null : this.routers.resolve(name).name;
    return (await queries.listChanges(this.#db, router, page)).map(viewOf);
  }

  /** Errors: `not_found`. */
  async change(id: number): Promise<ChangeDetail> {
    const change = await this.#change(id);
    return {
      ...viewOf(change),
      steps: stepViews(change.steps),
      commands: commandLines(change.steps),
      before: beforeImage(change.steps),
    };
  }

  async #change(id: number): Promise<Change> {
    const change = await queries.changeById(this.#db, id);
    if (change !== undefined) return change;
    throw new HoldfastError("not_found", `Cannot find change ${id}`, {
      hint: "list them with: holdfast network changes list",
    });
  }

  /**
   * Plans the way back from a change and goes it. Errors: `not_found`; `forbidden` for a restored configuration unless by an
   * admin, who alone may restore one; `conflict` for a change that failed, when a machine or the router changed since, or
   * when somebody else has what would be needed.
   */
  async rollback(id: number, asked: Asked, caller: Caller): Promise<Outcome> {
    const change = await this.#change(id);
    const what = `roll back change ${id}`;
    if (change.status === "failed" || change.status === "applying") {
      throw new HoldfastError("conflict", `Cannot ${what}: it is ${change.status}`);
    }
    if (caller.role !== "admin" && await this.#isRestore(change)) {
      throw new HoldfastError("forbidden", `Cannot ${what}: it restored the router's whole configuration`, {
        hint: "ask an admin; an operator takes back changes of machines only",
      });
    }
    return await this.#changes.run(this.routers.resolve(change.router), {
      kind: "rollback",
      dryRun: asked.dry_run === true,
      evenIfVanished: true,
      look: (client, signal) => lookAt(client, change.steps, signal),
      decide: async ({ db, router, live, claims, now }) => {
        for (const name of new Set([...change.before, ...change.after].map((machine) => machine.name))) {
          const known = await queries.machineByName(db, router.name, name);
          const then = change.after.find((machine) => machine.name === name);
          if (JSON.stringify(known) === JSON.stringify(then)) continue;
          throw new HoldfastError("conflict", `Cannot ${what}: machine "${name}" was changed since`, {
            hint: "roll back the later changes first; see holdfast network changes list",
          });
        }
        const own = new Set(change.after.map((machine) => machine.name));
        for (const machine of change.before) {
          const lost = claimsOf(machine).find((claim) =>
            claims.has(claim) && !own.has(claims.get(claim) ?? "")
          );
          if (lost === undefined) continue;
          throw new HoldfastError(
            "conflict",
            `Cannot ${what}: ${lost.replace(":", " ")} is of machine "${claims.get(lost)}" now`,
          );
        }
        const steps = backSteps(change.steps, live, what);
        const before = change.before.map((machine) => ({ ...machine, updated_at: now }));
        return { subject: `change ${id}`, before: change.after, after: before, steps, rollbackOf: id };
      },
    }, caller);
  }

  /** True for a restored configuration, and for the way back from one. */
  async #isRestore(change: Change): Promise<boolean> {
    const of = change.rollback_of === null
      ? undefined
      : await queries.changeById(this.#db, change.rollback_of);
    return change.kind === "restore" || (of !== undefined && await this.#isRestore(of));
  }

  /** What is known of each router, without asking; asks in the background when that is old. */
  async health(): Promise<RouterHealth[]> {
    return await Promise.all(
      this.routers.all().map(async (router) => {
        const { at, error } = router.state;
        const row = await queries.routerRow(this.#db, router.name);
        if (at === null || this.#clock.now() - at > FRESH_MS) this.#refresh(router.name);
        const drift: unknown = JSON.parse(row.drift);
        return {
          router: router.name,
          asked: at !== null || row.checked_at !== null,
          error: at === null ? row.check_error : error,
          drift: Array.isArray(drift) ? drift.length : 0,
        };
      }),
    );
  }

  readonly #refreshing = new Map<string, AbortController>();

  #refresh(name: string): void {
    if (this.#refreshing.has(name)) return;
    const ends = new AbortController();
    this.#refreshing.set(name, ends);
    const router = this.routers.resolve(name);
    router.read(ends.signal, (client) => client.exists(["service", "https"], ends.signal))
      .catch(() => {}) // The state of the router has it.
      .finally(() => this.#refreshing.delete(name));
  }

  /** For metrics. */
  countChanges(): Promise<{ router: string; status: string; count: number }[]> {
    return queries.countChanges(this.#db);
  }

  async stop(): Promise<void> {
    for (const ends of this.#refreshing.values()) ends.abort();
    await this.routers.close();
  }

  get #db(): Db {
    return this.#database.tables<NetworkTables>();
  }
}

/** The way back from where the router is. Errors: `conflict` when it is elsewhere. */
function backSteps(steps: readonly Step[], live: Tree, what: string): Step[] {
  const back = inverse(steps);
  if (progress(steps, live) === "done") return back;
  const elsewhere = steps.find(({ path, before, after }) => {
    const tree = treeAt(live, path) ?? null;
    return !sameTree(tree, after) && !sameTree(tree, before);
  });
  if (elsewhere !== undefined) {
    throw new HoldfastError("conflict", `Cannot ${what}: ${elsewhere.what} was changed on the router since`, {
      hint: "see holdfast network drift",
    });
  }
  return back.filter(({ path, after }) => !sameTree(treeAt(live, path) ?? null, after));
}

function viewOf({ steps: _, before: __, after: ___, ...change }: Change): ChangeView {
  return change;
}
