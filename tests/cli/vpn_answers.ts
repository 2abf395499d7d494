/** Answers about a CloudConnexa tenant, for the tables; ids of the stand-in are the same each time. */
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import type { Kind } from "../support/cloudconnexa_store.ts";
import { furnish } from "../vpn/fixture.ts";

const tenant = new FakeCloudConnexa();
furnish(tenant);

const KINDS: Record<string, Kind> = {
  "networks": "networks",
  "network-connectors": "networks/connectors",
  "network-routes": "networks/routes",
  "network-ip-services": "networks/ip-services",
  "network-applications": "networks/applications",
  "hosts": "hosts",
  "host-connectors": "hosts/connectors",
  "host-ip-services": "hosts/ip-services",
  "host-applications": "hosts/applications",
  "users": "users",
  "user-groups": "user-groups",
  "devices": "devices",
  "device-postures": "device-postures",
  "location-contexts": "location-contexts",
  "dns-records": "dns-records",
  "access-groups": "access-groups",
};

const at = "2030-01-14T01:00:00.000Z";

/** By operation. */
export const VPN_ANSWERS: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    Object.entries(KINDS).map(([word, kind]) => [
      `vpn.${word}.list`,
      tenant.store.all(kind).map((thing) => tenant.show(kind, thing)),
    ]),
  ),
  "vpn.sessions.list": [{
    sessionStartTime: at,
    status: "ACTIVE",
    userName: "ada@example.org",
    deviceName: "laptop",
    region: "eu-central-1",
    publicIp: "192.0.2.77",
    bytesIn: 123_456_789,
    bytesOut: 4096,
  }],
  "vpn.audit.list": [{
    timestamp: at,
    initiatorName: "ada@example.org",
    operation: "UPDATE",
    entityType: "NETWORK",
    entityName: "hq",
    description: "Changed the description of network hq",
  }],
  "vpn.dns-log.list": [{
    domain: "wiki.example.org",
    memberId: "ada@acme",
    allowedCount: 12,
    blockedCount: 0,
    failedCount: 1,
  }],
  "vpn.tenants.list": [{
    name: "default",
    address: "https://acme.api.openvpn.com",
    key_expires_at: "2030-06-30",
  }],
  "vpn.regions.list": tenant.regions,
  "vpn.settings.list": [
    { name: "wpc/topology", value: "FULL_MESH", summary: "Whether everybody reaches everything" },
    { name: "dns/zones", value: { zones: [] }, summary: "Zones and the servers that answer for them" },
  ],
};
