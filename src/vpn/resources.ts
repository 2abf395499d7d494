/**
 * The things of a tenant in one table: what they are called, how they are told apart, what can be asked of them.
 *
 * Commands, API, export and plan are made from its rows, so that a new kind of thing is one row.
 */
import { part, type Resource, whole, type Word } from "./resource.ts";
import {
  AccessGroup,
  AccessGroupRequest,
  DevicePosture,
  DevicePostureRequest,
  DnsRecord,
  DnsRecordRequest,
  LocationContext,
  LocationContextRequest,
} from "./schemas/access.ts";
import {
  Host,
  HostConnector,
  HostConnectorRequest,
  HostCreate,
  HostUpdate,
  Network,
  NetworkConnector,
  NetworkConnectorRequest,
  NetworkCreate,
  NetworkRoute,
  NetworkRouteRequest,
  NetworkUpdate,
} from "./schemas/networks.ts";
import {
  Device,
  DeviceRequest,
  User,
  UserCreate,
  UserGroup,
  UserGroupRequest,
  UserUpdate,
} from "./schemas/people.ts";
import {
  HostApplication,
  HostApplicationRequest,
  HostIpService,
  HostIpServiceRequest,
  NetworkApplication,
  NetworkApplicationRequest,
  NetworkIpService,
  NetworkIpServiceRequest,
} from "./schemas/services.ts";

const name = { key: "name" } as const;
const id = { key: "id" } as const;
const description = { key: "description" } as const;
const status = { key: "connectionStatus", title: "status" } as const;
const ofNetwork = { word: "networks", flag: "network", key: "networkItemId" } as const;
const ofHost = { word: "hosts", flag: "host", key: "networkItemId" } as const;
const connector = {
  labels: ["name"],
  columns: [
    name,
    { key: "vpnRegionId", title: "region" },
    status,
    { key: "ipV4Address", title: "address" },
    id,
  ],
  refs: {},
} as const;
const offered = {
  labels: ["name"],
  columns: [name, { key: "config.serviceTypes", title: "services" }, id],
  refs: {},
} as const;

/** The table. */
export const RESOURCES: readonly Resource[] = [
  whole(
    {
      word: "networks",
      one: "network",
      many: "networks",
      labels: ["name"],
      item: Network,
      columns: [
        name,
        { key: "internetAccess", title: "internet" },
        { key: "tunnelingProtocol", title: "tunnel" },
        description,
        id,
      ],
      refs: { gatewaysIds: "networks" },
      takes: "its connectors, routes, IP services and applications",
      example: "--name hq --connector hq-1:eu-central-1",
    },
    NetworkCreate,
    NetworkUpdate,
    (client) => client.networks,
  ),
  part(
    {
      word: "network-connectors",
      one: "network connector",
      many: "network connectors",
      parent: ofNetwork,
      item: NetworkConnector,
      ...connector,
      example: "--network hq --name hq-2 --vpn-region-id eu-central-1",
    },
    NetworkConnectorRequest,
    (client) => client.connectors.network,
  ),
  part(
    {
      word: "network-routes",
      one: "route",
      many: "routes of networks",
      labels: ["subnet"],
      parent: { ...ofNetwork, key: undefined },
      item: NetworkRoute,
      columns: [{ key: "subnet" }, description, id],
      refs: {},
      example: "--network hq --value 10.20.0.0/24",
    },
    NetworkRouteRequest,
    (client) => client.routes,
  ),
  part(
    {
      word: "network-ip-services",
      one: "IP service",
      many: "IP services of networks",
      parent: ofNetwork,
      item: NetworkIpService,
      ...offered,
      example:
        `--network hq --name wiki --routes '{"value": "10.20.0.9/32"}' --services '{"serviceTypes": ["HTTPS"]}'`,
    },
    NetworkIpServiceRequest,
    (client) => client.ipServices.network,
  ),
  part(
    {
      word: "network-applications",
      one: "application",
      many: "applications of networks",
      parent: ofNetwork,
      item: NetworkApplication,
      ...offered,
      example:
        `--network hq --name intranet --routes '{"value": "intranet.example.org"}' --services '{"serviceTypes": ["HTTPS"]}'`,
    },
    NetworkApplicationRequest,
    (client) => client.applications.network,
  ),
  whole(
    {
      word: "hosts",
      one: "host",
      many: "hosts",
      labels: ["name"],
      item: Host,
      columns: [name, { key: "domain" }, { key: "internetAccess", title: "internet" }, description, id],
      refs: { gatewaysIds: "networks" },
      takes: "its connectors, IP services and applications",
      example: "--name db --connector db-1:us-east-1",
    },
    HostCreate,
    HostUpdate,
    (client) => client.hosts,
  ),
  part(
    {
      word: "host-connectors",
      one: "host connector",
      many: "host connectors",
      parent: ofHost,
      item: HostConnector,
      ...connector,
      example: "--host db --name db-2 --vpn-region-id us-east-1",
    },
    HostConnectorRequest,
    (client) => client.connectors.host,
  ),
  part(
    {
      word: "host-ip-services",
      one: "IP service",
      many: "IP services of hosts",
      parent: ofHost,
      item: HostIpService,
      ...offered,
      example: `--host db --name sql --services '{"serviceTypes": ["CUSTOM"]}'`,
    },
    HostIpServiceRequest,
    (client) => client.ipServices.host,
  ),
  part(
    {
      word: "host-applications",
      one: "application",
      many: "applications of hosts",
      parent: ofHost,
      item: HostApplication,
      ...offered,
      example:
        `--host db --name admin --routes '{"value": "admin.example.org"}' --services '{"serviceTypes": ["HTTPS"]}'`,
    },
    HostApplicationRequest,
    (client) => client.applications.host,
  ),
  whole(
    {
      word: "users",
      one: "user",
      many: "users",
      labels: ["username", "email"],
      item: User,
      columns: [{ key: "username" }, { key: "email" }, { key: "role" }, { key: "status" }, {
        ...status,
        title: "connection",
      }, id],
      refs: { groupId: "user-groups", secondaryGroupIds: "user-groups" },
      takes: "the user's devices",
      example: "--username ada@example.org --email ada@example.org --group-id engineers",
    },
    UserCreate,
    UserUpdate,
    (client) => client.users,
  ),
  whole(
    {
      word: "user-groups",
      one: "user group",
      many: "user groups",
      labels: ["name"],
      item: UserGroup,
      columns: [
        name,
        { key: "internetAccess", title: "internet" },
        { key: "maxDevice", title: "devices", align: "right" },
        { key: "connectAuth", title: "auth" },
        id,
      ],
      refs: { gatewaysIds: "networks" },
      example: "--name engineers --all-regions-included",
    },
    UserGroupRequest,
    UserGroupRequest,
    (client) => client.userGroups,
  ),
  {
    word: "devices",
    one: "device",
    many: "devices",
    labels: ["name"],
    parent: { word: "users", flag: "user", key: "userId" },
    item: Device,
    columns: [
      name,
      { key: "platform.os", title: "system" },
      status,
      { key: "ipV4Address", title: "address" },
      id,
    ],
    refs: {},
    example: "--user ada@example.org --name laptop",
    create_schema: DeviceRequest,
    update_schema: DeviceRequest,
    list: (client, userId, options) => client.devices.listAll({ ...options, userId }),
    probe: (client, options) => client.devices.list({ ...options, size: 1 }),
    get: (client, id, userId, options) => client.devices.get(userId, id, options),
    create: (client, body, userId, options) =>
      client.devices.create(userId, DeviceRequest.parse(body), options),
    update: (client, id, body, userId, options) =>
      client.devices.update(userId, id, DeviceRequest.parse(body), options),
    delete: (client, id, userId, options) => client.devices.delete(userId, id, options),
  },
  whole(
    {
      word: "device-postures",
      one: "device posture",
      many: "device postures",
      labels: ["name"],
      item: DevicePosture,
      columns: [name, description, id],
      refs: { userGroupsIds: "user-groups" },
      example: `--name managed --linux '{"allowed": true}'`,
    },
    DevicePostureRequest,
    DevicePostureRequest,
    (client) => client.devicePostures,
  ),
  whole(
    {
      word: "location-contexts",
      one: "location context",
      many: "location contexts",
      labels: ["name"],
      item: LocationContext,
      columns: [name, description, id],
      refs: { userGroupsIds: "user-groups" },
      example:
        `--name office --default-check '{"allowed": false}' --country-check '{"allowed": true, "countries": ["FR"]}'`,
    },
    LocationContextRequest,
    LocationContextRequest,
    (client) => client.locationContexts,
  ),
  whole(
    {
      word: "dns-records",
      one: "DNS record",
      many: "DNS records",
      labels: ["domain"],
      item: DnsRecord,
      columns: [{ key: "domain" }, { key: "ipv4Addresses", title: "IPv4" }, {
        key: "ipv6Addresses",
        title: "IPv6",
      }, id],
      refs: {},
      example: "--domain wiki.example.org --ipv4-addresses 10.20.0.9",
    },
    DnsRecordRequest,
    DnsRecordRequest,
    (client) => client.dnsRecords,
  ),
  whole(
    {
      word: "access-groups",
      one: "access group",
      many: "access groups",
      labels: ["name"],
      item: AccessGroup,
      columns: [name, { key: "defaultGroup", title: "default", format: "boolean" }, description, id],
      refs: {},
      example:
        `--name everybody --source '{"type": "USER_GROUP", "allCovered": true}' --destination '{"type": "NETWORK_SERVICE", "allCovered": true}'`,
    },
    AccessGroupRequest,
    AccessGroupRequest,
    (client) => client.accessGroups,
  ),
];

const BY_WORD = new Map(RESOURCES.map((resource) => [resource.word, resource]));

/** The row of a kind. */
export function resourceOf(word: Word): Resource {
  return BY_WORD.get(word)!;
}
