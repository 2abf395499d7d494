/**
 * A client for the whole API of OpenVPN CloudConnexa, releases 1.1.0 to 1.2.3.
 *
 * It speaks the vendor's words, so that what is written about the API elsewhere holds here too.
 */
import { type CallOptions, Connection, type ConnectionOptions } from "./connection.ts";
import { NotFoundError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { AccessGroups } from "./services/access_groups.ts";
import { AccessVisibility } from "./services/access_visibility.ts";
import { Account } from "./services/account.ts";
import { type Applications, applications } from "./services/applications.ts";
import { AuditLogs } from "./services/audit_logs.ts";
import { Connections } from "./services/connections.ts";
import { type Connectors, HostConnectors, NetworkConnectors } from "./services/connectors.ts";
import { CyberShield } from "./services/cyber_shield.ts";
import { type DevicePostures, devicePostures } from "./services/device_postures.ts";
import { Devices } from "./services/devices.ts";
import { DnsLog } from "./services/dns_log.ts";
import { type DnsRecords, dnsRecords } from "./services/dns_records.ts";
import { type Hosts, hosts } from "./services/hosts.ts";
import { type IpServices, ipServices } from "./services/ip_services.ts";
import { type LocationContexts, locationContexts } from "./services/location_contexts.ts";
import { type Networks, networks } from "./services/networks.ts";
import { Profiles } from "./services/profiles.ts";
import { Regions } from "./services/regions.ts";
import { type Routes, routes } from "./services/routes.ts";
import { Settings } from "./services/settings.ts";
import { type UserGroups, userGroups } from "./services/user_groups.ts";
import { Users } from "./services/users.ts";
import { OLDEST, PROBES, type Version } from "./versions.ts";

/**
 * What makes a client: the tenant (`cloudId`, or `url`), the key, and how to behave.
 *
 * There is nothing to set for signing requests: this API has no request signing. Nor has it webhooks, SCIM (that is an
 * endpoint of its own), log streaming or a way to end sessions.
 */
export type CloudConnexaOptions = ConnectionOptions;

/**
 * A tenant.
 *
 * - Services come into being when they are first used; nothing is called before.
 * - One token serves all calls and is renewed shortly before it ends (12 hours), once for all who wait, and after a 401.
 * - Calls are paced by the limits that answers tell, reads and writes apart; 429 and 503 are tried again, within
 *   `retryBudgetMs`. Each method takes a `signal` that ends it, waits included.
 * - An update replaces the thing: send all of it.
 *
 * ```ts
 * import { CloudConnexaClient } from "./src/vpn/mod.ts";
 *
 * await using client = new CloudConnexaClient({
 *   cloudId: "acme",
 *   clientId: Deno.env.get("CLOUDCONNEXA_CLIENT_ID") ?? "",
 *   clientSecret: Deno.env.get("CLOUDCONNEXA_CLIENT_SECRET") ?? "",
 * });
 * for await (const network of client.networks.each()) {
 *   console.log(network.name, network.connectors?.map((connector) => connector.connectionStatus));
 * }
 * ```
 */
export class CloudConnexaClient implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #networks: () => Networks;
  readonly #connectors: () => Connectors;
  readonly #routes: () => Routes;
  readonly #hosts: () => Hosts;
  readonly #ipServices: () => IpServices;
  readonly #applications: () => Applications;
  readonly #users: () => Users;
  readonly #userGroups: () => UserGroups;
  readonly #devices: () => Devices;
  readonly #devicePostures: () => DevicePostures;
  readonly #locationContexts: () => LocationContexts;
  readonly #dnsRecords: () => DnsRecords;
  readonly #accessGroups: () => AccessGroups;
  readonly #regions: () => Regions;
  readonly #connections: () => Connections;
  readonly #auditLogs: () => AuditLogs;
  readonly #dnsLog: () => DnsLog;
  readonly #accessVisibility: () => AccessVisibility;
  readonly #cyberShield: () => CyberShield;
  readonly #account: () => Account;
  readonly #settings: () => Settings;
  readonly #profiles: () => Profiles;

  /** Errors: `ValidationError` for an address that is none, or an empty key; nothing is called. */
  constructor(options: CloudConnexaOptions) {
    const connection = new Connection(options);
    this.#connection = connection;
    this.#networks = lazy(() => networks(connection));
    this.#connectors = lazy(() => ({
      network: new NetworkConnectors(connection),
      host: new HostConnectors(connection),
    }));
    this.#routes = lazy(() => routes(connection));
    this.#hosts = lazy(() => hosts(connection));
    this.#ipServices = lazy(() => ipServices(connection));
    this.#applications = lazy(() => applications(connection));
    this.#users = lazy(() => new Users(connection));
    this.#userGroups = lazy(() => userGroups(connection));
    this.#devices = lazy(() => new Devices(connection));
    this.#devicePostures = lazy(() => devicePostures(connection));
    this.#locationContexts = lazy(() => locationContexts(connection));
    this.#dnsRecords = lazy(() => dnsRecords(connection));
    this.#accessGroups = lazy(() => new AccessGroups(connection));
    this.#regions = lazy(() => new Regions(connection));
    this.#connections = lazy(() => new Connections(connection));
    this.#auditLogs = lazy(() => new AuditLogs(connection));
    this.#dnsLog = lazy(() => new DnsLog(connection));
    this.#accessVisibility = lazy(() => new AccessVisibility(connection));
    this.#cyberShield = lazy(() => new CyberShield(connection));
    this.#account = lazy(() => new Account(connection));
    this.#settings = lazy(() => new Settings(connection));
    this.#profiles = lazy(() => new Profiles(connection));
  }

  get networks(): Networks {
    return this.#networks();
  }

  /** Connectors of networks and of hosts. */
  get connectors(): Connectors {
    return this.#connectors();
  }

  /** Routes of networks. */
  get routes(): Routes {
    return this.#routes();
  }

  get hosts(): Hosts {
    return this.#hosts();
  }

  /** IP services of networks and of hosts. */
  get ipServices(): IpServices {
    return this.#ipServices();
  }

  /** Applications of networks and of hosts. */
  get applications(): Applications {
    return this.#applications();
  }

  get users(): Users {
    return this.#users();
  }

  get userGroups(): UserGroups {
    return this.#userGroups();
  }

  get devices(): Devices {
    return this.#devices();
  }

  get devicePostures(): DevicePostures {
    return this.#devicePostures();
  }

  get locationContexts(): LocationContexts {
    return this.#locationContexts();
  }

  get dnsRecords(): DnsRecords {
    return this.#dnsRecords();
  }

  get accessGroups(): AccessGroups {
    return this.#accessGroups();
  }

  get regions(): Regions {
    return this.#regions();
  }

  /** Sessions. */
  get connections(): Connections {
    return this.#connections();
  }

  get auditLogs(): AuditLogs {
    return this.#auditLogs();
  }

  get dnsLog(): DnsLog {
    return this.#dnsLog();
  }

  get accessVisibility(): AccessVisibility {
    return this.#accessVisibility();
  }

  get cyberShield(): CyberShield {
    return this.#cyberShield();
  }

  get account(): Account {
    return this.#account();
  }

  get settings(): Settings {
    return this.#settings();
  }

  /** Profiles, set-up tokens and bundles of connectors and devices: secrets. */
  get profiles(): Profiles {
    return this.#profiles();
  }

  /** The release the tenant runs, as it was stated or found out; undefined while it is not known. */
  get version(): Version | undefined {
    return this.#connection.version;
  }

  /**
   * Finds out which release the tenant runs, by asking for what came with each; at most four calls. Calls and fields that are
   * newer are refused by this client from then on, with the reason. Errors: as any call, other than 404.
   */
  async detectVersion(options: CallOptions = {}): Promise<Version> {
    this.#connection.version = undefined;
    let found: Version = OLDEST;
    for (const { version, path, query = {} } of PROBES) {
      if (await this.#exists(path, query, options)) {
        found = version;
        break;
      }
    }
    this.#connection.version = found;
    return found;
  }

  async #exists(
    path: string,
    query: Record<string, string | number>,
    options: CallOptions,
  ): Promise<boolean> {
    try {
      await this.#connection.done({
        ...options,
        action: "find out the release of the API",
        method: "GET",
        path,
        query,
      });
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  /** The limits as answers told them last; null before the first answer. */
  get limits(): { read: Limits | null; write: Limits | null; shared: boolean } {
    return this.#connection.limiter.seen;
  }

  /** What the tenant is called in messages. */
  get name(): string {
    return this.#connection.tenant;
  }

  /** Closes connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}

/** Made when it is first asked for. */
function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
