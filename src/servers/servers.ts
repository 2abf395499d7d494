/** The service of the registry: the verbs on servers. */
import { isDeepStrictEqual } from "node:util";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import { runCheck } from "./checks.ts";
import {
  authorizeCheck,
  type RunningState,
  type Server,
  type ServerChanges,
  type ServerFields,
} from "./model.ts";
import * as queries from "./queries.ts";
import type { ServersTables, ServerValues } from "./queries.ts";

/** Settings of the registry. */
export interface ServersSettings {
  allow_commands: boolean;
  check_timeout_seconds: number;
}

/** What the registry is given. */
export interface ServersOptions {
  database: Database;
  clock: Clock;
  settings: ServersSettings;
  /** Parses and judges engine options for a caller; `backups` knows the engines. */
  validateEngine(engine: string, options: unknown, caller: Caller): Promise<Record<string, unknown>>;
  /** How many schedules of a server are not deleted. Called outside transactions. */
  countSchedules(serverId: number): Promise<number>;
}

/** Other processes may change a server too, one day; nobody sees that later than this, in milliseconds. */
const GLANCE_MS = 1000;
const MAX_SEEN = 1000;

/** The registry of servers. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #seen = new Map<number, { at: number; server: Server | null }>();

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  /** The servers a caller may see, by name. */
  list(caller: Caller): Promise<Server[]> {
    return queries.listServers(this.#tables(), caller.servers);
  }

  /** A server by id, or by name when the reference is not a number. Errors: `not_found`, naming the nearest name. */
  async resolve(ref: number | string): Promise<Server> {
    const id = typeof ref === "number" ? ref : /^\d+$/.test(ref) ? Number(ref) : undefined;
    const found = id === undefined
      ? await queries.serverByName(this.#tables(), String(ref).trim())
      : await queries.serverById(this.#tables(), id);
    if (found !== undefined) return found;
    const names = (await queries.listServers(this.#tables(), null)).map((server) => server.name);
    const near = nearest(String(ref), names);
    throw new HoldfastError("not_found", `Cannot find server "${ref}"`, {
      hint: near === undefined ? "list them with: holdfast servers list" : `did you mean "${near}"?`,
    });
  }

  /** A server as it was at most a second ago, null when it is gone: for what is shown of it beside other records. */
  async glance(id: number): Promise<Server | null> {
    const now = this.#options.clock.now();
    const seen = this.#seen.get(id);
    if (seen !== undefined && Math.abs(now - seen.at) < GLANCE_MS) return seen.server;
    const server = await queries.serverById(this.#tables(), id) ?? null;
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    this.#seen.set(id, { at: now, server });
    return server;
  }

  /** As {@linkcode resolve}, for a caller: a caller limited to servers learns no other names. Errors: `not_found`, `forbidden`. */
  async get(ref: number | string, caller: Caller): Promise<Server> {
    const server = await this.resolve(ref);
    requireServer(caller, server.id);
    return server;
  }

  /** Registers a server. Errors: `conflict` for a name in use, `forbidden` and `invalid` for its check and defaults. */
  async create(fields: ServerFields, caller: Caller): Promise<Server> {
    const values = await this.#judge(fields, undefined, caller);
    return await this.#options.database.change(caller, async (change) => {
      const db = change.tables<ServersTables>();
      await refuseTakenName(db, values.name, undefined);
      const id = await queries.insertServer(db, values, this.#now());
      const server = await queries.serverById(db, id);
      change.audit({ target: `servers/${id}`, before: null, after: server ?? null });
      return server!;
    });
  }

  /** Changes the fields that are given. Errors: as {@linkcode create}, and `not_found`. */
  async update(ref: number | string, changes: ServerChanges, caller: Caller): Promise<Server> {
    const known = await this.resolve(ref);
    const values = await this.#judge(merge(known, changes), known, caller);
    return await this.#options.database.change(caller, async (change) => {
      const db = change.tables<ServersTables>();
      await refuseTakenName(db, values.name, known.id);
      await queries.updateServer(db, known.id, values, this.#now());
      this.#seen.delete(known.id);
      const server = await queries.serverById(db, known.id);
      change.audit({ target: `servers/${known.id}`, before: known, after: server ?? null });
      return server!;
    });
  }

  /** Takes a server out of the registry; its backups stay. Errors: `not_found`, `conflict` while it has schedules. */
  async delete(ref: number | string, caller: Caller): Promise<null> {
    const server = await this.resolve(ref);
    const schedules = await this.#options.countSchedules(server.id);
    if (schedules > 0) {
      const what = schedules === 1 ? "1 schedule" : `${schedules} schedules`;
      throw new HoldfastError("conflict", `Cannot delete server "${server.name}": it has ${what}`, {
        hint: "delete its schedules first; their logs and backups stay",
      });
    }
    await this.#options.database.change(caller, async (change) => {
      await queries.markServerDeleted(change.tables(), server.id, this.#now());
      this.#seen.delete(server.id);
      change.audit({ target: `servers/${server.id}`, before: server, after: null });
    });
    return null;
  }

  /** Runs the running check now, remembers the answer and returns the server with it. Errors: `not_found`. */
  async check(ref: number | string, caller: Caller): Promise<Server> {
    const { id } = await this.resolve(ref);
    await this.isRunning(id, caller.signal);
    return await this.resolve(id);
  }

  /** Whether a server is running, asked now. Rejects when the signal aborts. Errors: `not_found`. */
  async isRunning(id: number, signal: AbortSignal): Promise<RunningState> {
    const server = await this.resolve(id);
    const { allow_commands, check_timeout_seconds } = this.#options.settings;
    const state = await runCheck(server.running_check, {
      host: server.host,
      allow_commands,
      timeout_seconds: check_timeout_seconds,
      signal,
    });
    await queries.storeCheck(this.#tables(), id, state, this.#now());
    return state;
  }

  /** What will be stored: parts that stay as they are were judged when they were set. */
  async #judge(fields: ServerFields, known: Server | undefined, caller: Caller): Promise<ServerValues> {
    const newCheck = !isDeepStrictEqual(fields.running_check, known?.running_check);
    // A check that names the old host must not outlive a change of the host.
    const newHost = fields.host !== known?.host && fields.running_check.kind !== "command";
    if (newCheck || newHost) {
      authorizeCheck(fields.running_check, fields.host, caller, this.#options.settings.allow_commands);
    }
    return { ...fields, ...await this.#judgeDefaults(fields, known, caller) };
  }

  async #judgeDefaults(fields: ServerFields, known: Server | undefined, caller: Caller): Promise<Defaults> {
    const { default_engine, default_engine_options } = fields;
    if (default_engine === null) {
      if (default_engine_options === null) return NO_DEFAULTS;
      throw new HoldfastError("invalid", `Cannot set default_engine_options: default_engine is not set`, {
        errors: [{ path: "default_engine", message: "is needed by default_engine_options" }],
      });
    }
    const same = default_engine === known?.default_engine &&
      isDeepStrictEqual(default_engine_options, known.default_engine_options);
    if (same) {
      return {
        default_engine,
        default_engine_options,
        default_engine_authority: known.default_engine_authority,
      };
    }
    const judged = await this.#options.validateEngine(default_engine, default_engine_options ?? {}, caller);
    return {
      default_engine,
      default_engine_options: judged,
      default_engine_authority: { role: caller.role, on_host: caller.on_host },
    };
  }

  #tables() {
    return this.#options.database.tables<ServersTables>();
  }

  #now(): string {
    return iso(this.#options.clock.now());
  }
}

type Defaults = Pick<Server, "default_engine" | "default_engine_options" | "default_engine_authority">;

const NO_DEFAULTS: Defaults = {
  default_engine: null,
  default_engine_options: null,
  default_engine_authority: null,
};

async function refuseTakenName(
  db: Parameters<typeof queries.serverByName>[0],
  name: string,
  own: number | undefined,
): Promise<void> {
  const other = await queries.serverByName(db, name);
  if (other === undefined || other.id === own) return;
  throw new HoldfastError("conflict", `Cannot use server name "${name}": server ${other.id} has it`);
}

function merge(known: Server, changes: ServerChanges): ServerFields {
  return {
    name: changes.name ?? known.name,
    host: changes.host ?? known.host,
    description: orKnown(changes.description, known.description),
    running_check: changes.running_check ?? known.running_check,
    default_engine: orKnown(changes.default_engine, known.default_engine),
    // Without an engine there is nothing the options could be of.
    default_engine_options: changes.default_engine === null
      ? null
      : orKnown(changes.default_engine_options, known.default_engine_options),
  };
}

/** Null is a value people set: it empties the field. */
function orKnown<T>(changed: T | undefined, known: T): T {
  return changed === undefined ? known : changed;
}
