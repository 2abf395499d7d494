/** Every method of the client that calls the API, in a table: with the operation it stands for. */
import type { CloudConnexaClient } from "../../src/vpn/mod.ts";
import { SETTING_NAMES, SETTINGS } from "../../src/vpn/schemas/settings.ts";

/** Ids of things there are. */
export interface Ids {
  network: string;
  networkConnector: string;
  ipSecConnector: string;
  route: string;
  networkService: string;
  networkApplication: string;
  host: string;
  hostConnector: string;
  hostService: string;
  hostApplication: string;
  user: string;
  group: string;
  emptyGroup: string;
  device: string;
  posture: string;
  location: string;
  record: string;
  access: string;
}

/** One method: the operation of the API it calls, and a call of it. */
export interface ClientCall {
  operation: string;
  call(client: CloudConnexaClient, ids: Ids): Promise<unknown>;
}

type Service = {
  list(query?: { page?: number; size?: number }): Promise<unknown>;
  get(id: string): Promise<unknown>;
  delete(id: string): Promise<void>;
};

const row = (operation: string, call: ClientCall["call"]): ClientCall => ({ operation, call });

/** The four calls that look alike everywhere; reads first, so that deletions come last. */
function crud(
  path: string,
  of: (client: CloudConnexaClient) => Service,
  id: (ids: Ids) => string,
  create: ClientCall["call"],
  update: ClientCall["call"],
): ClientCall[] {
  return [
    row(`GET /${path}`, (client) => of(client).list({ size: 5 })),
    row(`GET /${path}/{id}`, (client, ids) => of(client).get(id(ids))),
    row(`POST /${path}`, create),
    row(`PUT /${path}/{id}`, update),
    row(`DELETE /${path}/{id}`, (client, ids) => of(client).delete(id(ids))),
  ];
}

const config = { serviceTypes: ["HTTP"], customServiceTypes: [{ protocol: "TCP", port: [{ value: 8080 }] }] };
const IPSEC = {
  platform: "OTHER",
  authenticationType: "SHARED_SECRET",
  remoteSitePublicIp: "192.0.2.9",
  preSharedKey: "a-shared-key",
  ikeProtocol: {
    protocolVersion: "IKE_V2",
    phase1: {
      encryptionAlgorithms: ["AES256"],
      integrityAlgorithms: ["SHA2_256"],
      diffieHellmanGroups: ["G_14"],
      lifetimeSec: 3600,
    },
    phase2: {
      encryptionAlgorithms: ["AES256"],
      integrityAlgorithms: ["SHA2_256"],
      diffieHellmanGroups: ["G_14"],
      lifetimeSec: 3600,
    },
    rekey: { marginTimeSec: 270, fuzzPercent: 100, replayWindowSize: 1024 },
    deadPeerDetection: { timeoutSec: 30, deadPeerHandling: "RESTART" },
    startupAction: "START",
  },
};

const profiles = (["network", "host"] as const).flatMap((kind) => {
  const id = (ids: Ids) => kind === "network" ? ids.networkConnector : ids.hostConnector;
  const path = `/${kind}s/connectors/{id}`;
  return [
    row(`POST ${path}/profile`, (client, ids) => client.profiles.ofConnector(kind, id(ids))),
    row(`POST ${path}/profile/encrypt`, (client, ids) => client.profiles.tokenOfConnector(kind, id(ids))),
    row(
      `POST ${path}/profile/bundle`,
      (client, ids) => client.profiles.bundleOfConnector(kind, id(ids), "MSI"),
    ),
    row(`DELETE ${path}/profile`, (client, ids) => client.profiles.revokeOfConnector(kind, id(ids))),
    row(`PUT ${path}/suspend`, (client, ids) => client.connectors[kind].suspend(id(ids))),
    row(`PUT ${path}/activate`, (client, ids) => client.connectors[kind].activate(id(ids))),
  ];
});

/** Values that settings are set to. */
const VALUES: Record<string, unknown> = {
  "dns/custom-servers": { primaryIpV4: "192.0.2.53", secondaryIpV4: "192.0.2.54" },
  "dns/default-suffix": "acme.example",
  "dns/zones": { zones: [{ name: "acme.example", addresses: ["192.0.2.53"] }] },
  "user/connect-auth": "EVERY_TIME",
  "user/device-allowance": 4,
  "user/device-enforcement": "LEARN_AND_ENFORCE",
  "user/profile-distribution": "MANUAL",
  "users/connection-timeout": 30,
  "wpc/client-options": ["dhcp-option DNS 192.0.2.53"],
  "wpc/default-region": "us-east-1",
  "wpc/domain-routing-subnet": { ipV4Address: "100.64.0.0/12", ipV6Address: "fd:0:0:4000::/50" },
  "wpc/subnet": { ipV4Address: ["100.96.0.0/11"], ipV6Address: ["fd:0:0:8000::/49"] },
  "wpc/topology": "CUSTOM",
  "wpc/ip-allocation-mode": "BOTH",
};

const settings = SETTING_NAMES.flatMap((name) => [
  row(`GET /settings/${name}`, (client) => client.settings.get(name)),
  ...("readOnly" in SETTINGS[name] && SETTINGS[name].readOnly === true
    ? []
    : [row(`PUT /settings/${name}`, (client) => client.settings.set(name, VALUES[name] ?? true))]),
]);

/** Things to reach: no service of its own has to be there. */
const everything = { type: "USER_GROUP", allCovered: true };

/** The table. */
export const CALLS: readonly ClientCall[] = [
  ...settings,
  row("GET /regions", (client) => client.regions.listAll()),
  row("GET /sessions", (client) => client.connections.list({ size: 10 })),
  row("GET /audit-log", (client) => client.auditLogs.list({ size: 10 })),
  row("POST /account/cloud-id", (client) => client.account.createCloudId("acme-2")),
  row(
    "GET /dns-log/user-dns-resolutions/page",
    (client) => client.dnsLog.list({ startHour: "2026-01-05T10:00:00Z" }),
  ),
  row("PUT /dns-log/user-dns-resolutions/enable", (client) => client.dnsLog.enable()),
  row("PUT /dns-log/user-dns-resolutions/disable", (client) => client.dnsLog.disable()),
  row("GET /dns-log/user-dns-resolutions/enabled", (client) => client.dnsLog.isEnabled()),
  row("PUT /access-visibility/enable", (client) => client.accessVisibility.enable()),
  row("PUT /access-visibility/disable", (client) => client.accessVisibility.disable()),
  row("GET /access-visibility/enabled", (client) => client.accessVisibility.isEnabled()),
  ...(["allow", "block"] as const).flatMap((list) => [
    row(
      `POST /cybershield/${list}-list-add-domains`,
      (client) => client.cyberShield.add(list, [{ domain: "bad.example", comment: "seen" }]),
    ),
    row(
      `POST /cybershield/${list}-list-remove-domains`,
      (client) => client.cyberShield.remove(list, ["bad.example"]),
    ),
  ]),
  row(
    "POST /networks/connectors/{id}/ipsec/start",
    (client, ids) => client.connectors.network.startIpSec(ids.ipSecConnector),
  ),
  row(
    "POST /networks/connectors/{id}/ipsec/stop",
    (client, ids) => client.connectors.network.stopIpSec(ids.ipSecConnector),
  ),
  ...profiles,
  row("PUT /users/{id}/suspend", (client, ids) => client.users.suspend(ids.user)),
  row("PUT /users/{id}/activate", (client, ids) => client.users.activate(ids.user)),
  row("POST /users/{id}/reset-mfa", (client, ids) => client.users.resetMfa(ids.user)),
  row("POST /users/{id}/resend-invitation", (client, ids) => client.users.resendInvitation(ids.user)),
  row("POST /users/{id}/force-password-change", (client, ids) => client.users.forcePasswordChange(ids.user)),
  row(
    "POST /access-groups/{id}/source",
    (client, ids) => client.accessGroups.addSource(ids.access, everything),
  ),
  row(
    "DELETE /access-groups/{id}/source",
    (client, ids) => client.accessGroups.removeSource(ids.access, { type: "HOST" }),
  ),
  row(
    "POST /access-groups/{id}/destination",
    (client, ids) => client.accessGroups.addDestination(ids.access, everything),
  ),
  row(
    "DELETE /access-groups/{id}/destination",
    (client, ids) => client.accessGroups.removeDestination(ids.access, { type: "HOST_SERVICE" }),
  ),
  row("GET /devices", (client) => client.devices.list({ size: 5 })),
  row("GET /devices/{id}", (client, ids) => client.devices.get(ids.user, ids.device)),
  row("POST /devices", (client, ids) => client.devices.create(ids.user, { name: "laptop-2" })),
  row(
    "PUT /devices/{id}",
    (client, ids) => client.devices.update(ids.user, ids.device, { name: "laptop-3" }),
  ),
  row(
    "POST /devices/{id}/profile",
    (client, ids) => client.profiles.ofDevice({ userId: ids.user, deviceId: ids.device }, "eu-central-1"),
  ),
  row(
    "DELETE /devices/{id}/profile",
    (client, ids) => client.profiles.revokeOfDevice({ userId: ids.user, deviceId: ids.device }),
  ),
  row("DELETE /devices/{id}", (client, ids) => client.devices.delete(ids.user, ids.device)),
  ...crud(
    "access-groups",
    (client) => client.accessGroups,
    (ids) => ids.access,
    (client) =>
      client.accessGroups.create({ name: "all to all", source: [everything], destination: [everything] }),
    (client, ids) =>
      client.accessGroups.update(ids.access, { name: "x", source: [everything], destination: [everything] }),
  ),
  ...crud(
    "dns-records",
    (client) => client.dnsRecords,
    (ids) => ids.record,
    (client) => client.dnsRecords.create({ domain: "b.example", ipv4Addresses: ["192.0.2.2"] }),
    (client, ids) =>
      client.dnsRecords.update(ids.record, { domain: "c.example", ipv6Addresses: ["2001:db8::1"] }),
  ),
  ...crud(
    "location-contexts",
    (client) => client.locationContexts,
    (ids) => ids.location,
    (client, ids) =>
      client.locationContexts.create({
        name: "EU",
        userGroupsIds: [ids.group],
        ipCheck: { allowed: true, ips: [{ ip: "10.10.0.0/16", description: "lan" }] },
        countryCheck: { allowed: true, countries: ["DE", "FR"] },
        defaultCheck: { allowed: false },
      }),
    (client, ids) =>
      client.locationContexts.update(ids.location, {
        name: "EU",
        countryCheck: { allowed: true, countries: ["DE"] },
        defaultCheck: { allowed: false },
      }),
  ),
  ...crud(
    "device-postures",
    (client) => client.devicePostures,
    (ids) => ids.posture,
    (client) =>
      client.devicePostures.create({
        name: "managed",
        windows: {
          allowed: true,
          version: { version: "10", condition: "GTE" },
          antiviruses: ["MICROSOFT_DEFENDER"],
          diskEncryption: { type: "FULL_DISK" },
        },
        linux: { allowed: false },
      }),
    (client, ids) => client.devicePostures.update(ids.posture, { name: "managed", macos: { allowed: true } }),
  ),
  ...crud(
    "users",
    (client) => client.users,
    (ids) => ids.user,
    (client, ids) =>
      client.users.create({
        username: "grace",
        email: "grace@example.org",
        firstName: "Grace",
        lastName: "Example",
        groupId: ids.group,
        role: "MEMBER",
        devices: [{ name: "phone" }],
      }),
    (client, ids) => client.users.update(ids.user, { firstName: "Ada", groupId: ids.group, role: "ADMIN" }),
  ),
  ...crud(
    "user-groups",
    (client) => client.userGroups,
    (ids) => ids.emptyGroup,
    (client) => client.userGroups.create({ name: "ops", allRegionsIncluded: true, maxDevice: 2 }),
    (client, ids) =>
      client.userGroups.update(ids.emptyGroup, { name: "engineers", vpnRegionIds: ["eu-central-1"] }),
  ),
  ...crud(
    "networks/applications",
    (client) => client.applications.network,
    (ids) => ids.networkApplication,
    (client, ids) =>
      client.applications.network.create(ids.network, {
        name: "crm",
        routes: [{ value: "crm.example" }],
        config,
      }),
    (client, ids) =>
      client.applications.network.update(ids.networkApplication, {
        name: "crm",
        routes: [{ value: "crm2.example", allowEmbeddedIp: true }],
        config,
      }),
  ),
  ...crud(
    "networks/ip-services",
    (client) => client.ipServices.network,
    (ids) => ids.networkService,
    (client, ids) =>
      client.ipServices.network.create(ids.network, {
        name: "all",
        type: "IP_SOURCE",
        routes: [{ value: "10.201.7.0/24" }],
        config: { serviceTypes: ["ANY"] },
      }),
    (client, ids) =>
      client.ipServices.network.update(ids.networkService, {
        name: "wiki",
        type: "SERVICE_DESTINATION",
        routes: [{ value: "10.201.7.9/32" }],
        config,
      }),
  ),
  ...crud(
    "networks/routes",
    (client) => client.routes,
    (ids) => ids.route,
    (client, ids) => client.routes.create(ids.network, { value: "10.202.0.0/24", description: "lan" }),
    (client, ids) => client.routes.update(ids.route, { value: "10.203.0.0/24" }),
  ),
  ...crud(
    "networks/connectors",
    (client) => client.connectors.network,
    (ids) => ids.networkConnector,
    (client, ids) =>
      client.connectors.network.create(ids.network, { name: "hq-2", vpnRegionId: "eu-central-1" }),
    (client, ids) =>
      client.connectors.network.update(ids.networkConnector, { name: "hq-1b", vpnRegionId: "it-mxp" }),
  ),
  ...crud(
    "hosts/applications",
    (client) => client.applications.host,
    (ids) => ids.hostApplication,
    (client, ids) =>
      client.applications.host.create(ids.host, { name: "app", routes: [{ value: "app.example" }], config }),
    (client, ids) =>
      client.applications.host.update(ids.hostApplication, {
        name: "app",
        routes: [{ value: "app2.example" }],
        config,
      }),
  ),
  ...crud(
    "hosts/ip-services",
    (client) => client.ipServices.host,
    (ids) => ids.hostService,
    (client, ids) => client.ipServices.host.create(ids.host, { name: "web", config }),
    (client, ids) => client.ipServices.host.update(ids.hostService, { name: "web", config }),
  ),
  ...crud(
    "hosts/connectors",
    (client) => client.connectors.host,
    (ids) => ids.hostConnector,
    (client, ids) => client.connectors.host.create(ids.host, { name: "db-2", vpnRegionId: "us-east-1" }),
    (client, ids) =>
      client.connectors.host.update(ids.hostConnector, { name: "db-1", vpnRegionId: "us-east-1" }),
  ),
  ...crud(
    "networks",
    (client) => client.networks,
    (ids) => ids.network,
    (client) =>
      client.networks.create({
        name: "vault",
        tunnelingProtocol: "IPSEC",
        internetAccess: "SPLIT_TUNNEL_ON",
        connectors: [{ name: "vault-1", vpnRegionId: "eu-central-1", ipSecConfig: IPSEC }],
      }),
    (client, ids) => client.networks.update(ids.network, { name: "hq", egress: true, gatewaysIds: [] }),
  ),
  ...crud(
    "hosts",
    (client) => client.hosts,
    (ids) => ids.host,
    (client) =>
      client.hosts.create({ name: "web", connectors: [{ name: "web-1", vpnRegionId: "us-east-1" }] }),
    (client, ids) => client.hosts.update(ids.host, { name: "db", domain: "db.example" }),
  ),
];
