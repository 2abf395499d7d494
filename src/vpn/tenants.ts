/** The configured tenants, and one client for each that is asked for. */
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, messageOf, nearest } from "../lib/errors.ts";
import type { StateFile } from "../lib/state.ts";
import type { Fetch } from "../lib/upstream.ts";
import type { CloudConnexaClient } from "./client.ts";
import type { TenantSettings, VpnConfig } from "./config.ts";
import { type Version, VERSIONS } from "./versions.ts";

/** What is remembered of tenants between commands without a daemon; never tokens or secrets. */
export const Remembered = z.object({
  tenants: z.record(
    z.string(),
    z.object({
      /** The release that was found out, and when (ISO 8601). */
      release: z.enum(VERSIONS).optional(),
      detected_at: z.string().optional(),
      /** Client id, and when it was used first: keys end after two weeks to a year. */
      client_id: z.string().optional(),
      key_first_used_at: z.string().optional(),
    }),
  ).default({}),
});
export type Remembered = z.output<typeof Remembered>;

/** What the tenants need. */
export interface TenantsOptions {
  settings: VpnConfig;
  clock: Clock;
  /** Where commands without a daemon remember; absent in the daemon. */
  memory?: StateFile<typeof Remembered>;
  /** Told before each wait, for a line of progress. */
  onWait?: (ms: number, reason: string) => void;
  fetch?: Fetch;
}

/** A tenant as it is configured. */
export interface Tenant {
  name: string;
  settings: TenantSettings;
  client: CloudConnexaClient;
}

/** What the one tenant without a name is called. */
export const DEFAULT_TENANT = "default";

export class Tenants {
  readonly #options: TenantsOptions;
  readonly #settings: ReadonlyMap<string, TenantSettings>;
  readonly #open = new Map<string, Promise<Tenant>>();

  constructor(options: TenantsOptions) {
    this.#options = options;
    const { settings } = options;
    const alone: [string, TenantSettings][] = settings.url === null && settings.cloud_id === null
      ? []
      : [[DEFAULT_TENANT, settings]];
    this.#settings = new Map([...alone, ...Object.entries(settings.tenants)]);
  }

  /** Names, the one without a name first. */
  get names(): string[] {
    return [...this.#settings.keys()];
  }

  settingsOf(name: string): TenantSettings | undefined {
    return this.#settings.get(name);
  }

  /** Why a tenant cannot be asked, in sentences; nobody is called. */
  problems(ref: string | undefined): string[] {
    try {
      const name = ref ?? this.#only();
      return this.#settings.has(name) ? [] : [`Tenant "${name}" is not in the configuration`];
    } catch (error) {
      return [messageOf(error)];
    }
  }

  /** The tenant of a name; without one, the only one. Errors: `invalid`, `not_found`. */
  async get(ref: string | undefined): Promise<Tenant> {
    const name = ref ?? this.#only();
    const settings = this.#settings.get(name);
    if (settings === undefined) {
      const meant = nearest(name, this.names);
      throw new HoldfastError("not_found", `Cannot find tenant "${name}" in the configuration`, {
        hint: meant === undefined ? `there are: ${this.names.join(", ")}` : `did you mean "${meant}"?`,
      });
    }
    const known = this.#open.get(name);
    if (known !== undefined) return await known;
    const opening = this.#start(name, settings);
    this.#open.set(name, opening);
    // One that could not be opened may be at the next try: a file that is there by then.
    opening.catch(() => this.#open.delete(name));
    return await opening;
  }

  #only(): string {
    const [first, ...more] = this.names;
    if (first === undefined) {
      throw new HoldfastError("invalid", "Cannot ask a CloudConnexa tenant: none is configured", {
        hint:
          "set CLOUDCONNEXA_CLOUD_ID (or CLOUDCONNEXA_URL), CLOUDCONNEXA_CLIENT_ID and CLOUDCONNEXA_CLIENT_SECRET, or vpn in the configuration",
      });
    }
    if (first === DEFAULT_TENANT || more.length === 0) return first;
    throw new HoldfastError("invalid", "Cannot choose a tenant: several are configured", {
      hint: `say which with --tenant: ${this.names.join(", ")}`,
    });
  }

  async #start(name: string, settings: TenantSettings): Promise<Tenant> {
    const { clock, onWait, fetch, memory } = this.#options;
    for (const key of ["client_id", "client_secret"] as const) {
      if (settings[key] !== null) continue;
      throw new HoldfastError("invalid", `Cannot use tenant "${name}": vpn.${key} is not set`, {
        hint: `set CLOUDCONNEXA_${key.toUpperCase()}; keys are made in the portal under API & Logs`,
      });
    }
    const { CloudConnexaClient } = await import("./client.ts");
    const known = memory?.read().tenants[name];
    const client = new CloudConnexaClient({
      ...(settings.url === null ? { cloudId: settings.cloud_id ?? "" } : { url: settings.url }),
      allowLoopbackHttp: true,
      clientId: settings.client_id ?? "",
      clientSecret: settings.client_secret ?? "",
      version: settings.release ?? (known?.client_id === settings.client_id ? known?.release : undefined),
      clock,
      onWait,
      fetch,
      ...(settings.ca_file === null ? {} : { trust: { ca: await readCa(name, settings.ca_file) } }),
    });
    await this.#noteKey(name, settings.client_id ?? "");
    return { name, settings, client };
  }

  /** A key that is used for the first time here. */
  async #noteKey(name: string, client_id: string): Promise<void> {
    const { memory, clock } = this.#options;
    if (memory === undefined || memory.read().tenants[name]?.client_id === client_id) return;
    const key_first_used_at = new Date(clock.now()).toISOString();
    // Without a home directory there is nothing to remember, and the command works all the same.
    await memory.update(({ tenants }) => ({
      tenants: { ...tenants, [name]: { client_id, key_first_used_at } },
    })).catch(() => {});
  }

  /** Finds out which release a tenant runs, and remembers it. */
  async detect(tenant: Tenant, signal: AbortSignal): Promise<Version> {
    if (tenant.settings.release !== null) return tenant.settings.release;
    const release = await tenant.client.detectVersion({ signal });
    const { memory, clock } = this.#options;
    const detected_at = new Date(clock.now()).toISOString();
    await memory?.update(({ tenants }) => ({
      tenants: { ...tenants, [tenant.name]: { ...tenants[tenant.name], release, detected_at } },
    })).catch(() => {});
    return release;
  }

  /** When the key of a tenant was used first here, as far as it is remembered. */
  keyFirstUsed({ name, settings }: Tenant): string | undefined {
    const known = this.#options.memory?.read().tenants[name];
    return known?.client_id === settings.client_id ? known?.key_first_used_at : undefined;
  }

  /** What is left of the limits of tenants that were asked, for metrics. */
  async budgets(): Promise<{ labels: { tenant: string; lane: string }; value: number }[]> {
    const opened = await Promise.allSettled(this.#open.values());
    return opened.flatMap((one) => {
      if (one.status === "rejected") return [];
      const { name, client } = one.value;
      return (["read", "write"] as const).flatMap((lane) => {
        const limits = client.limits[lane];
        return limits === null ? [] : [{ labels: { tenant: name, lane }, value: limits.remaining }];
      });
    });
  }

  /** Closes connections. */
  async close(): Promise<void> {
    for (const opening of this.#open.values()) {
      const tenant = await opening.catch(() => undefined);
      await tenant?.client[Symbol.asyncDispose]();
    }
    this.#open.clear();
  }
}

async function readCa(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError(
      "invalid",
      `Cannot read the authorities of tenant "${name}": ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
