/** A furnished tenant and a client for it. */
import type { Clock } from "../../src/lib/clock.ts";
import { CloudConnexaClient, type CloudConnexaOptions } from "../../src/vpn/mod.ts";
import { FakeCloudConnexa, type FakeOptions } from "../support/cloudconnexa.ts";
import type { Ids } from "./calls.ts";

/** Where the vendor's descriptions lie on machines that have them. */
export const SPECS = new URL("../../../shared/specs/", import.meta.url);

/** A client of a fake tenant; `random` is fixed so that waits are the same each time. */
export function clientOf(
  tenant: FakeCloudConnexa,
  options: Partial<CloudConnexaOptions> = {},
): CloudConnexaClient {
  return new CloudConnexaClient({
    cloudId: "acme",
    clientId: tenant.door.clientId,
    clientSecret: tenant.door.clientSecret,
    fetch: tenant.fetch,
    random: () => 0,
    ...options,
  });
}

/** A tenant and its client on one clock. */
export function tenantAndClient(
  { clock, ...fake }: FakeOptions = {},
  options: Partial<CloudConnexaOptions> = {},
): { tenant: FakeCloudConnexa; client: CloudConnexaClient } {
  const tenant = new FakeCloudConnexa(clock === undefined ? fake : { ...fake, clock });
  return { tenant, client: clientOf(tenant, { ...(clock === undefined ? {} : { clock }), ...options }) };
}

/** Puts one thing of each kind into a tenant. */
export function furnish(tenant: FakeCloudConnexa): Ids {
  const network = tenant.create("networks", {
    name: "hq",
    description: "office",
    internetAccess: "SPLIT_TUNNEL_ON",
    routes: [{ value: "10.201.0.0/16", description: "lan" }],
    connectors: [{ name: "hq-1", vpnRegionId: "eu-central-1" }],
  });
  const vault = tenant.create("networks", {
    name: "vault",
    tunnelingProtocol: "IPSEC",
    connectors: [{
      name: "vault-1",
      vpnRegionId: "eu-central-1",
      ipSecConfig: {
        platform: "OTHER",
        authenticationType: "SHARED_SECRET",
        remoteSitePublicIp: "192.0.2.9",
        preSharedKey: "a-shared-key",
      },
    }],
  });
  const host = tenant.create("hosts", {
    name: "db",
    connectors: [{ name: "db-1", vpnRegionId: "us-east-1" }],
  });
  const group = tenant.create("user-groups", { name: "engineers", allRegionsIncluded: true });
  const user = tenant.create("users", {
    username: "ada@example.org",
    email: "ada@example.org",
    firstName: "Ada",
    lastName: "Example",
    groupId: group.id,
    devices: [{ name: "laptop" }],
  });
  const config = { serviceTypes: ["HTTPS"], customServiceTypes: [] };
  const service = tenant.create("networks/ip-services", {
    name: "wiki",
    routes: [{ value: "10.201.7.0/24" }],
    config,
  }, network.id);
  const { store } = tenant;
  return {
    network: network.id,
    networkConnector: store.where("networks/connectors", "networkItemId", network.id)[0]!.id,
    ipSecConnector: store.where("networks/connectors", "networkItemId", vault.id)[0]!.id,
    route: store.all("networks/routes")[0]!.id,
    networkService: service.id,
    networkApplication: tenant.create("networks/applications", {
      name: "intranet",
      routes: [{ value: "intranet.example" }],
      config,
    }, network.id).id,
    host: host.id,
    hostConnector: store.all("hosts/connectors")[0]!.id,
    hostService: tenant.create("hosts/ip-services", { name: "sql", config }, host.id).id,
    hostApplication: tenant.create("hosts/applications", {
      name: "admin",
      routes: [{ value: "admin.example" }],
      config,
    }, host.id).id,
    user: user.id,
    group: group.id,
    emptyGroup: tenant.create("user-groups", { name: "guests", vpnRegionIds: ["us-east-1"] }).id,
    device: store.all("devices")[0]!.id,
    posture: tenant.create("device-postures", { name: "managed", linux: { allowed: true } }).id,
    location: tenant.create("location-contexts", {
      name: "office",
      userGroupsIds: [group.id],
      ipCheck: { allowed: true, ips: [{ ip: "192.0.2.0/24", description: "office" }] },
      defaultCheck: { allowed: false },
    }).id,
    record: tenant.create("dns-records", { domain: "a.example", ipv4Addresses: ["192.0.2.1"] }).id,
    access: tenant.create("access-groups", {
      name: "engineers to wiki",
      source: [{ type: "USER_GROUP", allCovered: false, children: [group.id] }, {
        type: "HOST",
        allCovered: true,
      }],
      destination: [
        { type: "NETWORK_SERVICE", allCovered: false, parent: network.id, children: [service.id] },
        { type: "HOST_SERVICE", allCovered: true },
      ],
    }).id,
  };
}

/** The text of a description, or undefined where it is absent. */
export function description(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(name, SPECS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A clock on which whoever sleeps wakes at once, and time has passed: hours of waiting in milliseconds. */
export class LeapingClock implements Clock {
  #now: number;
  /** Milliseconds slept, one entry per sleep. */
  readonly slept: number[] = [];

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#now += ms;
    this.slept.push(ms);
    return Promise.resolve();
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
