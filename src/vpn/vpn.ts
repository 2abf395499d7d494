/** The service: tenants, their things, and what is done with them. */
import { iso } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { AlertSink } from "../notify/mod.ts";
import type { Database } from "../store/mod.ts";
import { Actions } from "./actions.ts";
import { withoutUser } from "./address.ts";
import type { CloudConnexaClient } from "./client.ts";
import { Doctor } from "./doctor.ts";
import type { Inventory } from "./inventory.ts";
import { Keeper, type PlanView, type Source } from "./keeper.ts";
import { Logs } from "./logs.ts";
import type { Region } from "./schemas/logs.ts";
import { SETTING_NAMES, type SettingName, SETTINGS, type SettingSpec } from "./schemas/settings.ts";
import { Tenants, type TenantsOptions } from "./tenants.ts";
import { Things } from "./things.ts";

/** What the service needs. */
export interface VpnOptions extends TenantsOptions {
  /** Where the daemon keeps its inventory, and who is told of what it sees; absent in commands without a daemon. */
  daemon?: { database: Database; alerts: AlertSink };
}

/** A setting and what stands behind it. */
export interface SettingView {
  name: string;
  value: unknown;
  summary: string;
}

export class Vpn {
  readonly tenants: Tenants;
  readonly actions: Actions;
  readonly logs: Logs;
  readonly keeper: Keeper;
  readonly doctor: Doctor;

  readonly #options: VpnOptions;
  #inventory: Promise<Inventory> | undefined;
  readonly #stop = new AbortController();

  constructor(options: VpnOptions) {
    this.tenants = new Tenants(options);
    this.actions = new Actions(this.tenants);
    this.logs = new Logs(this.tenants, options.clock);
    this.keeper = new Keeper(this.tenants);
    this.doctor = new Doctor(this.tenants, options.clock);
    this.#options = options;
  }

  /** What the daemon knows of tenants. Errors: `unavailable` in a command without a daemon. */
  async inventory(): Promise<Inventory> {
    return await (this.#inventory ??= this.#openInventory());
  }

  async #openInventory(): Promise<Inventory> {
    const { daemon, clock, settings } = this.#options;
    if (daemon === undefined) {
      throw new HoldfastError(
        "unavailable",
        "Cannot tell what was: this command asks the tenant without a daemon",
        {
          hint: "the daemon keeps the history: leave CLOUDCONNEXA_URL and CLOUDCONNEXA_CLOUD_ID out",
        },
      );
    }
    // Whoever uses the client alone needs no database.
    const { Inventory } = await import("./inventory.ts");
    return new Inventory({ ...daemon, tenants: this.tenants, clock, feedDays: settings.feed_days });
  }

  /** Compares a tenant with files, or with itself at another time. */
  async diff(
    { since, until, ...source }: Source & { since?: string | undefined; until?: string | undefined },
    caller: Caller,
  ): Promise<PlanView> {
    if (since === undefined) return await this.keeper.plan(source, caller);
    const steps = await (await this.inventory()).between(source.tenant, since, until);
    return { tenant: source.tenant ?? this.tenants.names[0] ?? "", steps, extra: [] };
  }

  /** What time asks: a look at every tenant. */
  async tick(): Promise<void> {
    await (await this.inventory()).syncAll(this.#stop.signal);
  }

  /** Things of a tenant, for one call. */
  async things(tenant: string | undefined, signal: AbortSignal): Promise<Things> {
    return new Things((await this.tenants.get(tenant)).client, signal);
  }

  async client(tenant: string | undefined): Promise<CloudConnexaClient> {
    return (await this.tenants.get(tenant)).client;
  }

  /** The configured tenants; nobody is asked. */
  listTenants(): { name: string; address: string; key_expires_at: string | null }[] {
    return this.tenants.names.map((name) => {
      const settings = this.tenants.settingsOf(name);
      return {
        name,
        address: settings?.url ? withoutUser(settings.url) : `https://${settings?.cloud_id}.api.openvpn.com`,
        key_expires_at: settings?.key_expires_at ?? null,
      };
    });
  }

  /** Errors: `not_found`. */
  async region(tenant: string | undefined, id: string, signal: AbortSignal): Promise<Region> {
    const regions = await (await this.client(tenant)).regions.listAll({ signal });
    const found = regions.find((region) => region.id === id);
    if (found !== undefined) return found;
    const meant = nearest(id, regions.map((region) => region.id));
    throw new HoldfastError("not_found", `Cannot find region "${id}"`, {
      hint: meant === undefined ? "see: holdfast vpn regions list" : `did you mean "${meant}"?`,
    });
  }

  async listSettings(tenant: string | undefined, signal: AbortSignal): Promise<SettingView[]> {
    const values = await (await this.client(tenant)).settings.readAll({ signal });
    return SETTING_NAMES.filter((name) => name in values)
      .map((name) => ({ name, value: values[name] ?? null, summary: SETTINGS[name].summary }));
  }

  async getSetting(tenant: string | undefined, name: string, signal: AbortSignal): Promise<SettingView> {
    const known = settingName(name);
    const value = await (await this.client(tenant)).settings.get(known, { signal });
    return { name, value: value ?? null, summary: SETTINGS[known].summary };
  }

  /** Sets a setting to a text, as people type it. */
  async setSetting(
    tenant: string | undefined,
    name: string,
    text: string,
    signal: AbortSignal,
  ): Promise<SettingView> {
    const known = settingName(name);
    const value = settingValue(known, text);
    await (await this.client(tenant)).settings.setUnknown(known, value, { signal });
    return { name, value, summary: SETTINGS[known].summary };
  }

  /** Forgets what is older (milliseconds); null keeps all. */
  async prune(
    { sessions, audit }: { sessions: number | null; audit: number | null },
  ): Promise<Record<string, number>> {
    const text = (ms: number | null) => ms === null ? null : iso(ms);
    return await (await this.inventory()).prune({ sessions: text(sessions), audit: text(audit) });
  }

  /** Ends what is under way, and connections. */
  async close(): Promise<void> {
    this.#stop.abort(new HoldfastError("unavailable", "Cannot go on: the program ends"));
    const inventory = await this.#inventory?.catch(() => undefined);
    await inventory?.idle();
    await this.tenants.close();
  }
}

/** Errors: `not_found`. */
function settingName(name: string): SettingName {
  const known = SETTING_NAMES.find((one) => one === name);
  if (known !== undefined) return known;
  const meant = nearest(name, SETTING_NAMES);
  throw new HoldfastError("not_found", `Cannot find setting "${name}"`, {
    hint: meant === undefined ? "see: holdfast vpn settings list" : `did you mean "${meant}"?`,
  });
}

/** The value a text stands for. Errors: `invalid`. */
function settingValue(name: SettingName, text: string): unknown {
  const spec: SettingSpec = SETTINGS[name];
  const result = spec.value.safeParse(spec.wire === "text" ? text : parsed(text));
  if (result.success) return result.data;
  throw new HoldfastError("invalid", `Cannot set "${name}": ${JSON.stringify(text)} is not what it takes`, {
    hint: spec.words === undefined ? 'give JSON: true, 3, ["a"], {...}' : `it takes ${spec.words.join(", ")}`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
