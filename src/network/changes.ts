/**
 * Changes: each a row from before the router is called until it is saved there; one at a time per router.
 *
 * A change is decided inside a transaction, on the router's live configuration, which was read a moment before in the same
 * turn. Nothing else of ours can change the router in between; what a person changes there in that moment the verification
 * after the commit finds.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { systemCaller } from "../lib/caller.ts";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import type { VyosClient } from "./client.ts";
import { deliver, judgeLeft, type Link, lookAt, UnclearError } from "./deliver.ts";
import { destinationRules, reservationsOf } from "./live.ts";
import { claimsOf, type Machine } from "./machine.ts";
import type { ChangeKind, ChangeStatus, Outcome } from "./model.ts";
import { objectsOf } from "./objects.ts";
import { type ManagedSubnets, ownOnly, plan, render, type Step, tidy, withSubnets } from "./plan.ts";
import { commandLines, outcomeOf } from "./outcomes.ts";
import * as queries from "./queries.ts";
import type { Change, Db, NetworkTables } from "./queries.ts";
import type { Profile } from "./release.ts";
import { readLeases, readLive, type Router, type Routers } from "./routers.ts";
import { withoutSecrets } from "./secrets.ts";
import type { Tree } from "./tree.ts";

/** What a decision is made on. */
export interface View {
  db: Db;
  router: Router;
  profile: Profile;
  live: Tree;
  leased: readonly string[];
  claims: ReadonlyMap<string, string>;
  now: string;
}

/** What shall be: machines before and after. */
export interface Decision {
  subject: string;
  before: readonly Machine[];
  after: readonly Machine[];
  /** The steps, where they do not follow from the machines. */
  steps?: readonly Step[];
  managed?: ManagedSubnets;
  rollbackOf?: number;
  warnings?: readonly string[];
}

/** A change that somebody asks for. */
export interface Intent {
  kind: ChangeKind;
  dryRun: boolean;
  /** Key under which it is done once, and what is asked under it. */
  once?: { key: string; request: unknown } | undefined;
  /** Goes on where nothing of ours is on the router any more. */
  evenIfVanished?: boolean;
  /** Leases count as taken. */
  leases?: boolean;
  /** Reads more of the router than rules and reservations. */
  look?: (client: VyosClient, signal: AbortSignal) => Promise<Tree>;
  /** Inside a transaction: only the database may be awaited. */
  decide(view: View): Promise<Decision>;
}

/** A change with what it is decided to be. */
interface Prepared {
  decision: Decision;
  steps: Step[];
  /** Null for a dry run, and where nothing has to be done. */
  change: Change | null;
  /** The change was done before, under the same key. */
  replayed?: boolean;
}

/** A person goes away, a commit does not: what was sent is brought to its end. */
const NEVER = new AbortController().signal;

export class Changes {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #routers: Routers;

  constructor(options: { database: Database; clock: Clock; routers: Routers }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#routers = options.routers;
  }

  /** Does a change, in its turn. Errors: those of the decision, and of the router. */
  run(router: Router, intent: Intent, caller: Caller): Promise<Outcome> {
    return router.write(caller.signal, async (client) => {
      const { signal } = caller;
      if (!intent.dryRun) await this.#settleOn(router, client, signal);
      const profile = await this.#routers.profile(router, client, signal);
      const live = await (intent.look ?? readLive)(client, signal);
      const leased = intent.leases === true ? await readLeases(client, signal) : [];
      const prepared = await this.#database.transaction((tx) =>
        this.#prepare(tablesOf<NetworkTables>(tx), intent, { router, profile, live, leased }, caller)
      );
      const { change, decision, steps } = prepared;
      if (prepared.replayed === true && change !== null) {
        return outcomeOf(router.name, change, { status: change.status });
      }
      const warnings = [...decision.warnings ?? []];
      if (change === null) {
        const planned = { ...decision, steps, router: router.name, id: null };
        return outcomeOf(router.name, planned, {
          status: steps.length > 0 ? "planned" : "unchanged",
          warnings,
          dryRun: intent.dryRun,
        });
      }
      const status = await this.#perform(
        this.#link(router, client, profile, steps),
        change,
        caller,
        warnings,
      );
      return outcomeOf(router.name, change, { status, warnings });
    });
  }

  async #prepare(
    db: Db,
    intent: Intent,
    seen: Pick<View, "router" | "profile" | "live" | "leased">,
    caller: Caller,
  ): Promise<Prepared> {
    const { router, live, profile } = seen;
    const replayed = await this.#replay(db, router.name, intent);
    if (replayed !== undefined) return replayed;
    const now = iso(this.#clock.now());
    const claims = await queries.claimsOn(db, router.name);
    if (!intent.evenIfVanished && hasVanished(claims.keys(), live)) throw vanished(router.name);
    const decision = await intent.decide({ ...seen, db, claims, now });
    const steps = tidy(decision.steps ?? stepsOf(decision, live, profile));
    const { before, after, subject } = decision;
    const nothing = steps.length === 0 && isDeepStrictEqual(before, after);
    if (intent.dryRun || nothing) return { decision, steps, change: null };
    const row: Omit<Change, "id"> = {
      router: router.name,
      kind: intent.kind,
      subject,
      status: "applying",
      requested_by: caller.name,
      created_at: now,
      ended_at: null,
      steps,
      before: [...before],
      after: [...after],
      result: null,
      error: null,
      rollback_of: decision.rollbackOf ?? null,
    };
    const id = await queries.insertChange(db, row);
    await takeClaims(db, router.name, before, after);
    if (intent.once !== undefined) {
      const { key, request } = intent.once;
      await queries.saveRequest(db, {
        router: router.name,
        key,
        digest: digestOf(request),
        change_id: id,
        created_at: now,
      });
    }
    return { decision, steps, change: { ...row, id } };
  }

  /** The same call under the same key gets the same answer; one that failed is tried again. Errors: `conflict` for another call. */
  async #replay(db: Db, router: string, { once, dryRun }: Intent): Promise<Prepared | undefined> {
    if (once === undefined || dryRun) return undefined;
    const known = await queries.requestByKey(db, router, once.key);
    if (known === undefined) return undefined;
    const change = await queries.changeById(db, known.change_id);
    if (change === undefined || change.status === "failed") return undefined;
    if (known.digest !== digestOf(once.request)) {
      throw new HoldfastError("conflict", `Cannot use key "${once.key}": another call was made with it`, {
        code: "idempotency_key",
      });
    }
    return { decision: change, steps: change.steps, change, replayed: true };
  }

  /** From `applying` to its end. */
  async #perform(link: Link, change: Change, caller: Caller, warnings: string[]): Promise<ChangeStatus> {
    let said = "";
    try {
      if (change.steps.length > 0) said = await deliver(link, change.steps);
    } catch (error) {
      if (error instanceof UnclearError) throw error;
      const reason = withoutSecrets(messageOf(error), render(change.steps));
      await this.#fail(change, reason, caller);
      if (!(error instanceof HoldfastError) || reason === error.message) throw error;
      const { kind, code, hint } = error;
      throw new HoldfastError(kind, reason, hint === undefined ? { code } : { code, hint });
    }
    await this.#finish(change, withoutSecrets(said, render(change.steps)), caller);
    if (change.steps.length === 0) {
      await this.#setStatus(change.id, "saved");
      return "saved";
    }
    return await this.#save(link.client, change.router, warnings, NEVER) ? "saved" : "applied";
  }

  /** The machines are what the change made them. */
  async #finish(change: Change, said: string, caller: Caller): Promise<void> {
    await this.#database.change(caller, async (tx) => {
      const db = tx.tables<NetworkTables>();
      await queries.replaceMachines(db, change.router, change.before, change.after);
      await queries.setChange(db, change.id, {
        status: "applied",
        ended_at: iso(this.#clock.now()),
        result: said === "" ? null : said.slice(0, 2000),
      });
      tx.audit({ target: `network/changes/${change.id}`, before: null, after: auditOf(change) });
    });
  }

  /** The machines are what they were. */
  async #fail(change: Change, reason: string, caller: Caller): Promise<void> {
    await this.#database.change(caller, async (tx) => {
      const db = tx.tables<NetworkTables>();
      await queries.restoreClaims(db, change.router, change.before, change.after);
      await queries.setChange(db, change.id, {
        status: "failed",
        ended_at: iso(this.#clock.now()),
        error: reason.slice(0, 2000),
      });
      tx.audit({ target: `network/changes/${change.id}`, after: auditOf(change), outcome: "failed" });
    });
  }

  /** Writes the configuration to the router's disk; what cannot be saved now is, with the next change or check. */
  async #save(client: VyosClient, router: string, warnings: string[], signal: AbortSignal): Promise<boolean> {
    try {
      await client.save(signal);
    } catch (error) {
      warnings.push(`the router did not save its configuration: ${messageOf(error)}`);
      return false;
    }
    await this.#noteSaved(router);
    return true;
  }

  /** What is saved is all there is. */
  async #noteSaved(router: string): Promise<void> {
    const unsaved = await queries.changesIn(this.#database.tables<NetworkTables>(), router, "applied");
    for (const { id } of unsaved) await this.#setStatus(id, "saved");
  }

  async #setStatus(id: number, status: ChangeStatus): Promise<void> {
    await queries.setChange(this.#database.tables<NetworkTables>(), id, { status });
  }

  #link(
    router: Router,
    client: VyosClient,
    profile: Profile,
    steps: readonly Step[],
    signal: AbortSignal = NEVER,
  ): Link {
    const { name, settings } = router;
    return { name, client, profile, settings, clock: this.#clock, look: () => lookAt(client, steps, signal) };
  }

  /**
   * Settles what a crash or a lost answer left on a router. Errors: those of a router that does not answer, and the signal's
   * reason: what is not settled then is settled the next time.
   */
  async settle(router: Router, signal: AbortSignal): Promise<void> {
    const db = this.#database.tables<NetworkTables>();
    const left = [
      ...await queries.changesIn(db, router.name, "applying"),
      ...await queries.changesIn(db, router.name, "applied"),
    ];
    if (left.length > 0) await router.write(signal, (client) => this.#settleOn(router, client, signal));
  }

  async #settleOn(router: Router, client: VyosClient, signal: AbortSignal): Promise<void> {
    const db = this.#database.tables<NetworkTables>();
    const caller = systemCaller("network-settle");
    for (const change of await queries.changesIn(db, router.name, "applying")) {
      const profile = await this.#routers.profile(router, client, signal);
      const link = this.#link(router, client, profile, change.steps, signal);
      const found = await judgeLeft(link, change.steps, signal);
      if (found === "done") await this.#finish(change, "", caller);
      else await this.#fail(change, "it was interrupted, and the router does not have it", caller);
    }
    const unsaved = await queries.changesIn(db, router.name, "applied");
    if (unsaved.length > 0) await this.#save(client, router.name, [], signal);
  }

  /** Saves now, whatever there is to save. */
  async saveNow(router: Router, signal: AbortSignal): Promise<string> {
    return await router.write(signal, async (client) => {
      const said = await client.save(signal);
      await this.#noteSaved(router.name);
      return said;
    });
  }
}

/** Steps from machines as they were to what they shall be. */
function stepsOf(decision: Decision, live: Tree, profile: Profile): Step[] {
  const objects = (machines: readonly Machine[]) =>
    machines.flatMap((machine) => objectsOf(machine, profile));
  const { wanted, unwanted } = ownOnly(objects(decision.after), objects(decision.before), live);
  return withSubnets(plan(wanted, live, unwanted), live, profile, decision.managed ?? (() => false));
}

/** What the machines will have more; the database refuses what somebody has. */
async function takeClaims(
  db: Db,
  router: string,
  before: readonly Machine[],
  after: readonly Machine[],
): Promise<void> {
  for (const machine of after) {
    const known = before.find(({ name }) => name === machine.name);
    const had = new Set<string>(known === undefined ? [] : claimsOf(known));
    await queries.insertClaims(
      db,
      router,
      machine.name,
      claimsOf(machine).filter((claim) => !had.has(claim)),
    );
  }
}

/** Fewer things than this may well be gone because somebody removed them one by one. */
const FEW = 3;

/** True when there should be something of ours on the router and there is nothing: all of much, or of everybody's. */
export function hasVanished(claims: Iterable<string>, live: Tree): boolean {
  const [rules, hosts] = [new Set<string>(), new Set<string>()];
  for (const claim of claims) {
    if (claim.startsWith("rule:")) rules.add(claim.slice(5));
    if (claim.startsWith("host:")) hosts.add(claim.slice(5));
  }
  const ours = rules.size + hosts.size;
  const [liveRules, reservations] = [destinationRules(live), reservationsOf(live)];
  if (ours === 0 || (ours < FEW && liveRules.length + reservations.length > 0)) return false;
  return !liveRules.some(({ number }) => rules.has(String(number))) &&
    !reservations.some(({ name }) => hosts.has(name));
}

function vanished(router: string): HoldfastError {
  return new HoldfastError(
    "conflict",
    `Cannot change router "${router}": nothing of what it should have is there; its configuration vanished, or it is another router`,
    {
      code: "vanished",
      hint:
        "look with holdfast network drift; bring it back with holdfast network config restore, or network repair",
    },
  );
}

function digestOf(request: unknown): string {
  return createHash("sha256").update(JSON.stringify(request)).digest("hex");
}

function auditOf({ router, kind, subject, steps, rollback_of }: Change): object {
  return { router, kind, subject, rollback_of, commands: commandLines(steps) };
}
