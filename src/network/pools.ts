/** Pools: what addresses and outside ports are drawn from. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { type Database, isUniqueViolation } from "../store/mod.ts";
import { type IpPool, type PortPool, rangesOf } from "./draft.ts";
import {
  addressRange,
  contains,
  networkRange,
  overlap,
  portRange,
  type Range,
  sizeOf,
  toNumber,
  within,
} from "./ipv4.ts";
import { mayMeet } from "./live.ts";
import type { Machine } from "./machine.ts";
import type { PoolView } from "./model.ts";
import * as queries from "./queries.ts";
import type { Db, NetworkTables, Pool } from "./queries.ts";
import type { Routers } from "./routers.ts";

/** Days that say how fast a pool empties. */
const TREND_DAYS = 30;
const DAY_MS = 86_400_000;

/** What people say of a pool of addresses. */
export interface IpPoolFields extends IpPool {
  is_default: boolean;
  is_active: boolean;
}

/** What people say of a pool of ports. */
export interface PortPoolFields extends PortPool {
  is_default: boolean;
  is_active: boolean;
}

/** Changes of a pool; what is absent stays. */
export type PoolChanges = {
  [field in keyof (IpPoolFields & PortPoolFields)]?: (IpPoolFields & PortPoolFields)[field] | undefined;
};

export class Pools {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #routers: Routers;

  constructor(options: { database: Database; clock: Clock; routers: Routers }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#routers = options.routers;
  }

  /** Pools with how full they are. */
  async list(router: string | undefined): Promise<PoolView[]> {
    const name = router === undefined ? null : this.#routers.resolve(router).name;
    const pools = await queries.listPools(this.#db, name);
    const machines = await queries.listMachines(this.#db, name);
    return pools.map((pool) => this.#view(pool, machines));
  }

  /** Errors: `not_found`. */
  async get(ref: string, router: string | undefined, kind?: Pool["kind"]): Promise<PoolView> {
    const pool = await this.find(ref, router, kind);
    return this.#view(pool, await queries.listMachines(this.#db, pool.router));
  }

  /** A pool by name or id. Errors: `not_found`, `invalid` for a name that both kinds have. */
  async find(ref: string, router: string | undefined, kind?: Pool["kind"]): Promise<Pool> {
    const name = this.#routers.resolve(router).name;
    const pools = await queries.listPools(this.#db, name, kind);
    const found = pools.filter((pool) => pool.name === ref || String(pool.id) === ref);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      throw new HoldfastError("invalid", `Cannot choose pool "${ref}": there is one of each kind`, {
        hint: `give its id: ${found.map(({ id, kind }) => `${id} (${kind})`).join(", ")}`,
      });
    }
    const near = nearest(ref, pools.map((pool) => pool.name));
    throw new HoldfastError("not_found", `Cannot find pool "${ref}"`, {
      hint: near === undefined ? "list them with: holdfast network pools list" : `did you mean "${near}"?`,
    });
  }

  /** Errors: `invalid` for ranges that are none, `conflict` for a name in use or what another pool has. */
  async createIp(fields: IpPoolFields, router: string | undefined, caller: Caller): Promise<PoolView> {
    checkIpPool(fields);
    const { name, is_default, is_active, ...settings } = fields;
    return await this.#create({ kind: "ip", name, is_default, is_active, settings }, router, caller);
  }

  /** Errors: as {@linkcode createIp}; `invalid` without interface on a release that needs one. */
  async createPorts(fields: PortPoolFields, router: string | undefined, caller: Caller): Promise<PoolView> {
    checkPortPool(fields);
    const { name, is_default, is_active, ...settings } = fields;
    const at = this.#routers.resolve(router);
    const on = settings.interface ?? at.settings.wan_interface;
    const release = at.settings.release === "auto"
      ? (await queries.routerRow(this.#db, at.name)).release
      : at.settings.release;
    if (on === null && release === "1.3") {
      throw new HoldfastError(
        "invalid",
        `Cannot create pool "${name}": release 1.3 needs an outside interface`,
        {
          hint: "give one with --interface",
        },
      );
    }
    return await this.#create(
      { kind: "ports", name, is_default, is_active, settings: { ...settings, interface: on } },
      router,
      caller,
    );
  }

  async #create(
    fields: Pick<Pool, "kind" | "name" | "is_default" | "is_active" | "settings">,
    router: string | undefined,
    caller: Caller,
  ): Promise<PoolView> {
    const now = iso(this.#clock.now());
    const pool = { ...fields, router: this.#routers.resolve(router).name, created_at: now, updated_at: now };
    const id = await this.#database.change(caller, async (change) => {
      const db = change.tables<NetworkTables>();
      await refuseOverlap(db, { ...pool, id: -1 });
      if (pool.is_default) await queries.clearDefault(db, pool.router, pool.kind);
      const id = await queries.insertPool(db, pool).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new HoldfastError("conflict", `Cannot create pool "${pool.name}": there is one of that name`);
      });
      change.audit({ target: `network/pools/${id}`, before: null, after: pool });
      return id;
    });
    return await this.get(String(id), pool.router, pool.kind);
  }

  /** Errors: `not_found`; `conflict` when what a machine has would not be in it any more. */
  async update(
    ref: string,
    changes: PoolChanges,
    router: string | undefined,
    caller: Caller,
    kind?: Pool["kind"],
  ): Promise<PoolView> {
    const before = await this.find(ref, router, kind);
    const { name = before.name, is_default = before.is_default, is_active = before.is_active, ...rest } =
      changes;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const unknown = Object.keys(given).find((field) => !(field in before.settings));
    if (unknown !== undefined) {
      throw new HoldfastError(
        "invalid",
        `Cannot update pool "${before.name}": a pool of ${before.kind} has no ${unknown}`,
      );
    }
    const settings = { ...before.settings, ...given };
    const after: Pool = {
      ...before,
      name,
      is_default,
      is_active,
      settings,
      updated_at: iso(this.#clock.now()),
    };
    if (isIp(after)) checkIpPool({ ...after.settings, name, is_default, is_active });
    else checkPortPool({ ...after.settings, name, is_default, is_active });
    await this.#database.change(caller, async (change) => {
      const db = change.tables<NetworkTables>();
      const machines = await holdersOn(db, before.router);
      const lost = usersOf(before, machines).filter((user) => !usersOf(after, machines).includes(user));
      if (lost.length > 0) throw inUse("update", before, lost);
      await refuseOverlap(db, after);
      if (is_default) await queries.clearDefault(db, before.router, before.kind);
      await queries.updatePool(db, after).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new HoldfastError("conflict", `Cannot rename pool "${before.name}": there is a pool "${name}"`);
      });
      change.audit({ target: `network/pools/${before.id}`, before, after });
    });
    return await this.get(String(before.id), before.router, before.kind);
  }

  /** Errors: `not_found`, `conflict` while a machine has something of it. */
  async delete(ref: string, router: string | undefined, caller: Caller, kind?: Pool["kind"]): Promise<null> {
    const pool = await this.find(ref, router, kind);
    await this.#database.change(caller, async (change) => {
      const db = change.tables<NetworkTables>();
      const users = usersOf(pool, await holdersOn(db, pool.router));
      if (users.length > 0) throw inUse("delete", pool, users);
      await queries.deletePool(db, pool.id);
      change.audit({ target: `network/pools/${pool.id}`, before: pool, after: null });
    });
    return null;
  }

  #view(pool: Pool, machines: readonly Machine[]): PoolView {
    const { settings, ...rest } = pool;
    const ip = isIp(pool) ? pool.settings : null;
    const size = ip === null ? sizeOf(portsOf(pool)) : sizeOf(freeRanges(ip));
    const users = usersOf(pool, machines);
    const used = Math.min(size, users.length);
    const now = this.#clock.now();
    const since = iso(now - TREND_DAYS * DAY_MS);
    const recent = machines.filter((machine) => machine.created_at >= since);
    const rate = usersOf(pool, recent).length / TREND_DAYS;
    const free = size - used;
    return {
      ...rest,
      cidr: ip?.cidr ?? null,
      ranges: [...settings.ranges],
      exclusions: [...ip?.exclusions ?? []],
      shared_network: ip?.shared_network ?? null,
      interface: settings.interface,
      manage_subnet: ip?.manage_subnet ?? false,
      size,
      used,
      free,
      used_percent: size === 0 ? 100 : Math.round(used / size * 1000) / 10,
      exhausted_at: rate === 0 ? null : iso(now + free / rate * DAY_MS),
      warnings: pool.kind === "ports" && settings.interface === null
        ? ["no outside interface: its forwards match on every interface"]
        : [],
    };
  }

  get #db(): Db {
    return this.#database.tables<NetworkTables>();
  }
}

function isIp(pool: Pool): pool is Pool & { settings: Omit<IpPool, "name"> } {
  return pool.kind === "ip";
}

/** The pool to draw from: the one named, the default, or the only one; null where there is none. Errors: `not_found`, `conflict`. */
export async function choosePool(
  db: Db,
  router: string,
  kind: Pool["kind"],
  name: string | undefined,
): Promise<Pool | null> {
  const pools = (await queries.listPools(db, router, kind)).filter((pool) => pool.is_active);
  if (name !== undefined) {
    const named = pools.find((pool) => pool.name === name);
    if (named !== undefined) return named;
    throw new HoldfastError("not_found", `Cannot find an active pool "${name}"`, {
      hint: "list them with: holdfast network pools list",
    });
  }
  const chosen = pools.find((pool) => pool.is_default) ?? (pools.length === 1 ? pools[0] : undefined);
  if (chosen === undefined && pools.length > 1) {
    throw new HoldfastError(
      "conflict",
      `Cannot choose a pool: there are ${pools.length} and none is the default`,
      {
        hint: `name one, or mark one with: holdfast network pools update ${pools[0]!.name} --is-default`,
      },
    );
  }
  return chosen ?? null;
}

export function ipPoolOf(pool: Pool | null): IpPool | null {
  return pool === null || !isIp(pool) ? null : { ...pool.settings, name: pool.name };
}

export function portPoolOf(pool: Pool | null): PortPool | null {
  if (pool === null || isIp(pool)) return null;
  const { ranges, interface: on } = pool.settings;
  return { name: pool.name, ranges, interface: on };
}

function portsOf(pool: Pool): Range[] {
  return pool.settings.ranges.flatMap((text) => {
    const range = portRange(text);
    return range === undefined ? [] : [range];
  });
}

/** Ranges of a pool without what is excluded. */
function freeRanges(pool: Omit<IpPool, "name">): Range[] {
  const excluded = pool.exclusions.flatMap((text) => {
    const range = addressRange(text);
    return range === undefined ? [] : [range];
  });
  return excluded.reduce<Range[]>(
    (ranges, [first, last]) =>
      ranges.flatMap((range): Range[] => {
        if (!overlap(range, [first, last])) return [range];
        const rest: Range[] = [[range[0], first - 1], [last + 1, range[1]]];
        return rest.filter(([from, to]) => from <= to);
      }),
    [...rangesOf(pool)],
  );
}

/** Machines of a router, and those that a change under way is making: what it drew is taken before the machine is there. */
async function holdersOn(db: Db, router: string): Promise<Machine[]> {
  const under = (await queries.changesIn(db, router, "applying")).flatMap(({ after }) => after);
  return [...await queries.listMachines(db, router), ...under];
}

/** What machines have of a pool: an entry per address or port, with the machine's name. */
function usersOf(pool: Pool, machines: readonly Machine[]): string[] {
  if (isIp(pool)) {
    const ranges = rangesOf(pool.settings);
    return machines.filter(({ address }) => ranges.some((range) => contains(range, toNumber(address) ?? -1)))
      .map(({ name, address }) => `${name} (${address})`);
  }
  const ranges = portsOf(pool);
  return machines.flatMap(({ name, ports }) =>
    ports.filter((port) =>
      ranges.some((range) => contains(range, port.external_port)) &&
      mayMeet(port.interface, pool.settings.interface)
    ).map((port) => `${name}/${port.name} (${port.external_port})`)
  );
}

async function refuseOverlap(db: Db, pool: Pool): Promise<void> {
  const mine = isIp(pool) ? rangesOf(pool.settings) : portsOf(pool);
  const others = await queries.listPools(db, pool.router, pool.kind);
  const other = others.find((one) => {
    if (one.id === pool.id) return false;
    const theirs = isIp(one) ? rangesOf(one.settings) : portsOf(one);
    const meet = isIp(pool) || mayMeet(one.settings.interface, pool.settings.interface);
    return meet && theirs.some((a) => mine.some((b) => overlap(a, b)));
  });
  if (other === undefined) return;
  throw new HoldfastError(
    "conflict",
    `Cannot save pool "${pool.name}": it overlaps with pool "${other.name}"`,
  );
}

function inUse(verb: string, pool: Pool, users: readonly string[]): HoldfastError {
  const more = users.length > 3 ? ` and ${users.length - 3} more` : "";
  return new HoldfastError(
    "conflict",
    `Cannot ${verb} pool "${pool.name}": in use by ${users.slice(0, 3).join(", ")}${more}`,
    { code: "pool_in_use", hint: "decommission those machines first" },
  );
}

function checkIpPool({ name, cidr, ranges, exclusions }: IpPoolFields): void {
  const network = networkRange(cidr);
  if (network === undefined) {
    throw badPool(name, `"${cidr}" is no IPv4 network`, "write 10.20.0.0/24, without bits behind its length");
  }
  for (const text of [...ranges, ...exclusions]) {
    const range = addressRange(text);
    if (range === undefined) {
      throw badPool(name, `"${text}" is no range of addresses`, "write 10.20.0.100-10.20.0.199");
    }
    if (!within(range, network)) throw badPool(name, `"${text}" is not inside ${cidr}`);
  }
}

function checkPortPool({ name, ranges }: PortPoolFields): void {
  if (ranges.length === 0) throw badPool(name, "it has no range", "give one with --range 32000-33000");
  const bad = ranges.find((text) => portRange(text) === undefined);
  if (bad !== undefined) throw badPool(name, `"${bad}" is no range of ports`, "write 32000-33000");
}

function badPool(name: string, reason: string, hint?: string): HoldfastError {
  return new HoldfastError(
    "invalid",
    `Cannot save pool "${name}": ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
