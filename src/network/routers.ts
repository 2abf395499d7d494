/** The routers of the configuration: their clients, whose turn it is, and what release each runs. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf, nearest } from "../lib/errors.ts";
import type { Fetch } from "../lib/upstream.ts";
import type { Database } from "../store/mod.ts";
import { VyosClient } from "./client.ts";
import type { NetworkConfig, RouterSettings } from "./config.ts";
import { isVyos } from "./envelope.ts";
import * as queries from "./queries.ts";
import type { NetworkTables } from "./queries.ts";
import { type Profile, profileOf, type Release, releaseOf, RELEASES } from "./release.ts";
import type { Tree } from "./tree.ts";
import { Turns } from "./turns.ts";

/** How a router was when it was last asked. */
export interface RouterState {
  /** Milliseconds; null before the first call. */
  at: number | null;
  error: string | null;
}

/** How long what a router said of its release is believed: upgrades happen, and asking takes a second. */
const BELIEVED_MS = 3_600_000;

/** One router. */
export class Router {
  readonly turns = new Turns();
  readonly state: RouterState = { at: null, error: null };
  /** Set once it is known. */
  profile: { value: Profile; version: string; at: number } | undefined;
  #client: Promise<VyosClient> | undefined;

  constructor(
    readonly name: string,
    readonly settings: RouterSettings,
    readonly clock: Clock,
    readonly fetch: Fetch | undefined,
  ) {}

  /** Asks the router, beside others who do. */
  read<T>(signal: AbortSignal, work: (client: VyosClient) => Promise<T>): Promise<T> {
    return this.turns.read(signal, () => this.#watched(work));
  }

  /** Changes the router, alone. */
  write<T>(signal: AbortSignal, work: (client: VyosClient) => Promise<T>): Promise<T> {
    return this.turns.write(signal, () => this.#watched(work));
  }

  /** Remembers for health whether the router answers. */
  async #watched<T>(work: (client: VyosClient) => Promise<T>): Promise<T> {
    try {
      const result = await work(await (this.#client ??= this.#open()));
      Object.assign(this.state, { at: this.clock.now(), error: null });
      return result;
    } catch (error) {
      const gone = isVyos(error, "proxy", "wrong_key", "connect", "certificate_changed", "lost");
      Object.assign(this.state, { at: this.clock.now(), error: gone ? messageOf(error) : null });
      throw error;
    }
  }

  async #open(): Promise<VyosClient> {
    const { url, api_key, ca_file, pin, timeout_seconds } = this.settings;
    if (api_key === null) {
      throw new HoldfastError("invalid", `Cannot reach router "${this.name}": it has no API key`, {
        hint: `set network.routers.${this.name}.api_key, or VYOS_API_KEY`,
      });
    }
    const ca = ca_file === null ? undefined : await Deno.readTextFile(ca_file);
    return new VyosClient({
      name: this.name,
      url,
      key: api_key,
      trust: { ...(ca === undefined ? {} : { ca }), ...(pin === null ? {} : { pin }) },
      clock: this.clock,
      timeoutMs: timeout_seconds * 1000,
      ...(this.fetch === undefined ? {} : { fetch: this.fetch }),
    });
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.[Symbol.asyncDispose]();
  }
}

/** All routers by name. */
export class Routers {
  readonly #byName: ReadonlyMap<string, Router>;
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(
    options: { database: Database; clock: Clock; settings: NetworkConfig; fetch: Fetch | undefined },
  ) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#byName = new Map(
      Object.entries(options.settings.routers).map(([name, settings]) =>
        [name, new Router(name, settings, options.clock, options.fetch)] as const
      ),
    );
  }

  all(): Router[] {
    return [...this.#byName.values()];
  }

  /** The router of this name; without one the only one there is. Errors: `not_found`, `invalid` when one of several must be named. */
  resolve(name: string | undefined): Router {
    const names = [...this.#byName.keys()];
    const [only] = this.#byName.values();
    if (name === undefined && names.length === 1 && only !== undefined) return only;
    if (names.length === 0) {
      throw new HoldfastError("not_found", "Cannot find a router: none is configured", {
        code: "no_router",
        hint: "set VYOS_URL and VYOS_API_KEY, or network.routers.<name> in the configuration",
      });
    }
    if (name === undefined) {
      throw new HoldfastError("invalid", "Cannot choose a router: there are several", {
        hint: `name one with --router: ${names.join(", ")}`,
      });
    }
    const router = this.#byName.get(name);
    if (router !== undefined) return router;
    const near = nearest(name, names);
    throw new HoldfastError("not_found", `Cannot find router "${name}"`, {
      hint: near === undefined ? `there are: ${names.join(", ")}` : `did you mean "${near}"?`,
    });
  }

  /** How to write to a router: remembered, or asked. Errors: `conflict` for a release that is not known, and the router's. */
  async profile(router: Router, client: VyosClient, signal: AbortSignal): Promise<Profile> {
    const now = this.#clock.now();
    const known = router.profile;
    if (known !== undefined && now - known.at < BELIEVED_MS) return known.value;
    const row = await queries.routerRow(this.#database.tables<NetworkTables>(), router.name);
    const stored = RELEASES.find((release) => release === row.release);
    const at = row.detected_at === null ? 0 : Date.parse(row.detected_at);
    const { release: given } = router.settings;
    if (stored !== undefined && now - at < BELIEVED_MS && (given === "auto" || given === stored)) {
      const value = profileOf(stored, { confirm: row.confirm === 1, background: row.background === 1 });
      router.profile = { value, version: row.version ?? "", at };
      return value;
    }
    return await this.detect(router, client, signal);
  }

  /** Asks a router what it is. */
  async detect(router: Router, client: VyosClient, signal: AbortSignal): Promise<Profile> {
    const info = await client.info(signal);
    const version = info?.version ?? versionIn(await client.show(["version"], signal));
    const api = info === undefined ? "" : JSON.stringify(await client.openApi(signal) ?? "");
    const can = { confirm: api.includes("confirm_time"), background: api.includes("background-operations") };
    const { release: given } = router.settings;
    const release: Release | undefined = given === "auto" ? releaseOf(version) : given;
    if (release === undefined) {
      throw new HoldfastError(
        "conflict",
        `Cannot use router "${router.name}": unknown release "${version}"`,
        {
          code: "unknown_release",
          hint: `if it writes like a known one, set network.routers.${router.name}.release`,
        },
      );
    }
    const value = profileOf(release, can);
    const now = this.#clock.now();
    router.profile = { value, version, at: now };
    if (!this.#database.readonly) {
      const db = this.#database.tables<NetworkTables>();
      await queries.saveRouter(db, {
        ...await queries.routerRow(db, router.name),
        release,
        version,
        confirm: can.confirm ? 1 : 0,
        background: can.background ? 1 : 0,
        detected_at: iso(now),
      });
    }
    return value;
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((router) => router.close()));
  }
}

function versionIn(text: string): string {
  return /^Version:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? text.trim().split("\n")[0] ?? "";
}

/** The parts of a router's configuration that plans look at. */
export async function readLive(client: VyosClient, signal: AbortSignal): Promise<Tree> {
  const nat = await client.showConfig(["nat"], signal);
  const dhcp = await client.showConfig(["service", "dhcp-server"], signal);
  const interfaces = await client.showConfig(["interfaces"], signal);
  return { nat, service: { "dhcp-server": dhcp }, interfaces };
}

/** Addresses in a table of leases: the first column, or wherever the release puts them. */
export async function readLeases(client: VyosClient, signal: AbortSignal): Promise<string[]> {
  try {
    const text = await client.show(["dhcp", "server", "leases"], signal);
    return [...text.matchAll(/(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g)].map((match) => match[0]);
  } catch (error) {
    // Without a DHCP server the command fails, and nothing is leased.
    if (isVyos(error, "refused")) return [];
    throw error;
  }
}
