/** The daemon's picture of tenants: what there is, what changed when, what has to be told; and the feeds of their logs. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { pastMoment } from "../lib/moment.ts";
import type { AlertEvent, AlertSink } from "../notify/mod.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { KEY_WARNING_DAYS } from "./doctor.ts";
import { FEEDS, isAbsentFeed, readOn } from "./feeds.ts";
import { pictureOf } from "./files.ts";
import { readFiles, type StepView } from "./keeper.ts";
import { planTenant } from "./plan.ts";
import {
  addChange,
  changeRows,
  countConnections,
  deleteThing,
  feedRow,
  forget,
  saveTenant,
  saveThing,
  tenantRow,
  thingRows,
} from "./queries.ts";
import { type Actual, readTenant } from "./reader.ts";
import { withoutSecrets } from "./secrets.ts";
import type { Db, ThingRow, VpnTables } from "./tables.ts";
import type { Tenant, Tenants } from "./tenants.ts";
import { alertsOf, changesBetween, driftAlert, type FieldChange, keyAlert } from "./watch.ts";

/** What the inventory needs. */
export interface InventoryOptions {
  tenants: Tenants;
  clock: Clock;
  database: Database;
  alerts: AlertSink;
  /** How far back feeds begin at the first look. */
  feedDays: number;
}

/** A change as it is told. */
export interface ChangeView {
  at: string;
  kind: string;
  id: string;
  name: string;
  action: string;
  fields: FieldChange[];
}

/** Which changes are asked for. */
interface HistoryInput {
  tenant?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  kind?: string | undefined;
}

/** How the daemon's picture of a tenant is. */
export interface TenantStatus {
  tenant: string;
  synced_at: string | null;
  failed_at: string | null;
  error: string | null;
  things: number;
  /** Keys of what differs from the desired directory. */
  drift: string[];
  sessions_until: string | null;
  audit_until: string | null;
}

const MAX_CHANGES = 10_000;
/** What is so at the moment, and what is a thing of its own. */
const LEFT_OUT: ReadonlySet<string> = new Set(["connectionStatus", "connectors", "routes", "devices"]);

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** Looks at every tenant; one that fails keeps no other from being looked at. */
  async syncAll(signal: AbortSignal): Promise<TenantStatus[]> {
    await Promise.all(this.#options.tenants.names.map((name) => this.sync(name, signal)));
    return await this.status();
  }

  /** Looks at a tenant, unless that is being done already; a failure is noted and told, not thrown. */
  sync(name: string, signal: AbortSignal): Promise<void> {
    const running = this.#busy.get(name);
    if (running !== undefined) return running;
    const work = this.#sync(name, signal).finally(() => this.#busy.delete(name));
    this.#busy.set(name, work);
    return work;
  }

  /** Resolves when nothing is being looked at. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#busy.values());
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    const { tenants, clock, database, feedDays } = this.#options;
    try {
      const tenant = await tenants.get(name);
      const { client } = tenant;
      const actual = await readTenant(client, { signal });
      // Files that are wrong keep nothing else from being seen and told.
      let wrong: unknown = null;
      const drift = await driftOf(tenant, actual).catch((error: unknown) => {
        wrong = error;
        return undefined;
      });
      await this.#note(tenant, actual, drift);
      for (const feed of FEEDS) {
        const context = { database, clock, tenant: name, client, firstDays: feedDays, signal };
        await readOn(feed, context).catch((error: unknown) => {
          if (!isAbsentFeed(error)) throw error;
        });
      }
      await this.#ended(name, wrong);
    } catch (error) {
      // The program ends: that is no failure of the tenant.
      if (signal.aborted) return;
      await this.#ended(name, error);
    }
  }

  /** Writes what was seen, what changed and what has to be told, in one transaction; the drift is undefined where it is not known. */
  async #note(tenant: Tenant, actual: Actual, drift: readonly string[] | null | undefined): Promise<void> {
    const { clock, database, alerts } = this.#options;
    const now = clock.now();
    const at = iso(now);
    const seen = rowsOf(tenant.name, actual, at);
    await database.transaction(async (tx) => {
      const db = tablesOf<VpnTables>(tx);
      const row = await tenantRow(db, tenant.name);
      const before = await thingRows(db, tenant.name);
      const old = new Map(before.map((one) => [`${one.kind}/${one.id}`, one]));
      const changes = changesBetween(before, seen);
      for (const one of seen) {
        const was = old.get(`${one.kind}/${one.id}`);
        const same = was !== undefined && was.body === one.body;
        if (same && was.connection === one.connection && was.name === one.name) continue;
        await saveThing(db, same ? { ...one, changed_at: was.changed_at } : one);
      }
      const kept = new Set(seen.map((one) => `${one.kind}/${one.id}`));
      for (const one of before) if (!kept.has(`${one.kind}/${one.id}`)) await deleteThing(db, one);
      // The first look finds everything; that is no change.
      const events: AlertEvent[] = [];
      if (row.synced_at !== null) {
        for (const { id, fields, ...change } of changes) {
          await addChange(db, {
            ...change,
            tenant: tenant.name,
            at,
            thing_id: id,
            fields: JSON.stringify(fields),
          });
        }
        events.push(...alertsOf(tenant.name, at, before, seen, changes));
      }
      const told: string[] = JSON.parse(row.drift);
      const news = drift === undefined ? null : driftAlert(tenant.name, at, told, drift);
      if (news !== null) events.push(news);
      events.push(keyAlert(tenant.name, now, tenant.settings.key_expires_at, KEY_WARNING_DAYS));
      for (const event of events) await alerts.enqueue(tx, event);
      await saveTenant(db, {
        ...row,
        synced_at: at,
        drift: JSON.stringify(drift === undefined ? told : drift ?? []),
      });
    });
  }

  async #ended(name: string, error: unknown): Promise<void> {
    const { clock, database, alerts } = this.#options;
    const at = iso(clock.now());
    const reason = error === null ? null : messageOf(error);
    await database.transaction(async (tx) => {
      const db = tablesOf<VpnTables>(tx);
      const row = await tenantRow(db, name);
      await saveTenant(db, { ...row, error: reason, ...(reason === null ? {} : { failed_at: at }) });
      if ((row.error === null) === (reason === null)) return;
      await alerts.enqueue(tx, {
        key: `vpn:${name}:sync:${at}`,
        kind: reason === null ? "recovered" : "finding",
        alert: `vpn:${name}:sync`,
        code: "unreachable",
        severity: "warning",
        subject: { kind: "tenant", id: name, name },
        detail: reason ?? `Tenant "${name}" can be read again`,
        facts: { tenant: name },
      });
    });
  }

  async status(): Promise<TenantStatus[]> {
    const db = this.#db;
    return await Promise.all(this.#options.tenants.names.map(async (name) => {
      const { drift, ...row } = await tenantRow(db, name);
      return {
        ...row,
        drift: JSON.parse(drift),
        things: (await thingRows(db, name)).length,
        sessions_until: (await feedRow(db, name, "sessions"))?.done_until ?? null,
        audit_until: (await feedRow(db, name, "audit"))?.done_until ?? null,
      };
    }));
  }

  async list(tenant: string | undefined, kind: string | undefined) {
    const rows = await thingRows(this.#db, this.#name(tenant), kind);
    return rows.map(({ body, tenant: _, ...row }) => ({ ...row, body: JSON.parse(body) }));
  }

  /** Changes between two instants, the oldest first; of very many the newest. Errors: `invalid`. */
  async history(input: HistoryInput): Promise<ChangeView[]> {
    return await this.#changes(input, MAX_CHANGES);
  }

  async #changes(
    { tenant, since = "7d", until, kind }: HistoryInput,
    limit: number | null,
  ): Promise<ChangeView[]> {
    const now = this.#options.clock.now();
    const rows = await changeRows(this.#db, this.#name(tenant), {
      since: iso(pastMoment(since, now, "since")),
      until: iso(until === undefined ? now : pastMoment(until, now, "until")),
      kind,
      limit,
    });
    return rows.map(({ at, kind, thing_id, name, action, fields }) => ({
      at,
      kind,
      id: thing_id,
      name,
      action,
      fields: JSON.parse(fields),
    }));
  }

  /** What is different between two instants, whatever happened in between. */
  async between(tenant: string | undefined, since: string, until: string | undefined): Promise<StepView[]> {
    const byThing = Map.groupBy(
      await this.#changes({ tenant, since, until }, null),
      ({ kind, id }) => `${kind}/${id}`,
    );
    return [...byThing.values()].flatMap(netChange);
  }

  /** For metrics. */
  async connections() {
    return await countConnections(this.#db);
  }

  async prune(before: { sessions: string | null; audit: string | null }) {
    return { ...await forget(this.#db, before) };
  }

  /** Errors: `invalid`, `not_found`. */
  #name(tenant: string | undefined): string {
    const { names } = this.#options.tenants;
    const name = tenant ?? names[0];
    if (name !== undefined && names.includes(name)) return name;
    throw new HoldfastError(
      name === undefined ? "invalid" : "not_found",
      name === undefined ? "Cannot tell of a tenant: none is configured" : `Cannot find tenant "${name}"`,
    );
  }

  get #db(): Db {
    return this.#options.database.tables<VpnTables>();
  }
}

/** What differs from the desired directory; null where there is none. Errors: `invalid` for files that are wrong. */
async function driftOf({ settings }: Tenant, actual: Actual): Promise<string[] | null> {
  if (settings.desired_dir === null) return null;
  const desired = pictureOf(await readFiles(settings.desired_dir, undefined));
  const { steps, extra } = planTenant(desired, actual, { remove: false });
  return [...new Set([...steps.map(({ key }) => key), ...extra])].sort();
}

function rowsOf(tenant: string, actual: Actual, at: string): ThingRow[] {
  const times = { first_seen_at: at, changed_at: at };
  const things = [...actual.entries.values()].map(({ key, word, name }): ThingRow => {
    const thing = actual.things.get(key);
    const connection = thing?.connectionStatus;
    return {
      tenant,
      kind: word,
      id: thing?.id ?? key,
      name,
      body: canonical(thing, true),
      connection: typeof connection === "string" ? connection.toUpperCase() : null,
      ...times,
    };
  });
  const settings = [...actual.settings].map(([name, value]): ThingRow => ({
    tenant,
    kind: "settings",
    id: name,
    name,
    body: canonical({ value }, false),
    connection: null,
    ...times,
  }));
  return [...things, ...settings];
}

/** JSON that is the same for the same content, without secrets. */
function canonical(value: unknown, isThing: boolean): string {
  const plain = (item: unknown): unknown =>
    Array.isArray(item)
      ? item.map(plain)
      : typeof item === "object" && item !== null
      ? Object.fromEntries(Object.entries(item).sort().map(([key, inner]) => [key, plain(inner)]))
      : item;
  const shown = withoutSecrets(value);
  if (!isThing || typeof shown !== "object" || shown === null) return JSON.stringify(plain(shown));
  return JSON.stringify(
    plain(Object.fromEntries(Object.entries(shown).filter(([key]) => !LEFT_OUT.has(key)))),
  );
}

function netChange(changes: readonly ChangeView[]): StepView[] {
  const [first, last] = [changes[0], changes.at(-1)];
  if (first === undefined || last === undefined) return [];
  const [came, went] = [first.action === "created", last.action === "deleted"];
  if (came && went) return [];
  const fields = new Map<string, FieldChange>();
  for (const { field, from, to } of changes.flatMap((change) => change.fields)) {
    const earlier = fields.get(field);
    fields.set(field, { field, from: earlier === undefined ? from : earlier.from, to });
  }
  const changed = [...fields.values()].filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
  if (!came && !went && changed.length === 0) return [];
  const { kind, name } = last;
  return [{
    action: came ? "create" : went ? "delete" : kind === "settings" ? "set" : "update",
    kind,
    name,
    key: `${kind}/${name}`,
    changes: came || went ? [] : changed,
    result: "done",
    reason: null,
  }];
}
