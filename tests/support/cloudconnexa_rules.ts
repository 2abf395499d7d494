/** What the fake tenant refuses and makes of bodies: the written rules and the unwritten ones. */
import { overlap, parseCidr } from "../../src/vpn/cidr.ts";
import { type FakeStore, type Kind, Refusal, type Thing } from "./cloudconnexa_store.ts";

export type Body = Record<string, unknown>;

/** What a rule is told besides the body. */
export interface RuleContext {
  store: FakeStore;
  version: string;
  ipv4Only: boolean;
  parent: Thing | undefined;
  /** The thing that is being replaced. */
  before: Thing | undefined;
}

const list = (value: unknown): Body[] => Array.isArray(value) ? value : [];
const texts = (value: unknown): string[] => Array.isArray(value) ? value.map(String) : [];

/** Fields an older release does not know: refused, so that nobody sends them there. */
const SINCE: Record<string, string> = {
  secondaryGroupIds: "1.2.0",
  tunnelBypass: "1.2.3",
  exactMatch: "1.2.3",
  autoInitiate: "1.2.3",
};
/** The same for answers. */
const ANSWERED_SINCE: Record<string, string> = {
  ...SINCE,
  licensed: "1.1.1",
  serverIp: "1.2.0",
  clientVersion: "1.2.0",
  primaryGroupName: "1.2.0",
  secondaryGroupNames: "1.2.0",
};
/** Certificates of IPsec are gone with 1.2.3. */
const UNTIL_1_2_0 = /^(caCertificate|peerCertificate|remoteGatewayCertificate)/;

/** Release numbers compare as texts: each part has one digit. */
export function isBefore(version: string, since: string): boolean {
  return version < since;
}

function refuseNewFields(body: unknown, version: string): void {
  if (Array.isArray(body)) return body.forEach((item) => refuseNewFields(item, version));
  if (typeof body !== "object" || body === null) return;
  for (const [key, value] of Object.entries(body)) {
    if (SINCE[key] !== undefined && isBefore(version, SINCE[key])) {
      throw new Refusal(key, `Unrecognized field "${key}"`, "UNRECOGNIZED");
    }
    refuseNewFields(value, version);
  }
}

/** An answer without what the tenant leaves out: hidden keys, newer fields, IPv6 where there is none. */
export function shown(value: unknown, version: string, ipv4Only: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => shown(item, version, ipv4Only));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, item]) =>
      item !== undefined && !key.startsWith("_") &&
      !(ANSWERED_SINCE[key] !== undefined && isBefore(version, ANSWERED_SINCE[key])) &&
      !(ipv4Only && /^(ipV6|ipv6|tunnelIpV6)/.test(key)) &&
      !(UNTIL_1_2_0.test(key) && !isBefore(version, "1.2.3"))
    ).map(([key, item]) => [key, shown(item, version, ipv4Only)]),
  );
}

/** The fields of a new or replaced thing. Throws `Refusal`. */
export function fieldsOf(kind: Kind, body: Body, context: RuleContext): Body {
  refuseNewFields(body, context.version);
  const before: Body = context.before ?? {};
  if (kind !== "networks/routes" && kind !== "dns-records" && kind !== "users" && !body.name) {
    throw new Refusal("name", "must not be blank", "NOT_BLANK");
  }
  switch (kind) {
    case "networks":
    case "hosts":
      return {
        ...defaultsOf(kind),
        ...pick(body, NETWORK),
        systemSubnets: before.systemSubnets ?? ["100.96.0.0/30"],
      };
    case "networks/routes":
      return route(body, context);
    case "networks/connectors":
    case "hosts/connectors":
      return connector(kind, body, context);
    case "networks/ip-services":
      return {
        ...service(body, context),
        type: body.type ?? "SERVICE_DESTINATION",
        routes: serviceRoutes(body, context),
      };
    case "hosts/ip-services":
      return service(body, context);
    case "networks/applications":
    case "hosts/applications":
      return { ...service(body, context), routes: domains(kind, body, context) };
    case "users":
      return user(body, context);
    case "user-groups":
      return group(body);
    case "devices":
      return device(body, context);
    case "device-postures":
      return { ...body };
    case "location-contexts":
      return location(body);
    case "dns-records":
      return dns(body);
    case "access-groups":
      return access(body, before);
  }
}

const NETWORK = [
  "name",
  "description",
  "egress",
  "internetAccess",
  "tunnelingProtocol",
  "gatewaysIds",
  "domain",
];

function pick(body: Body, keys: readonly string[]): Body {
  return Object.fromEntries(keys.filter((key) => body[key] !== undefined).map((key) => [key, body[key]]));
}

function defaultsOf(kind: "networks" | "hosts"): Body {
  const both = { description: "", internetAccess: "SPLIT_TUNNEL_ON", gatewaysIds: [] };
  return kind === "hosts"
    ? { ...both, domain: "" }
    : { ...both, egress: false, tunnelingProtocol: "OPENVPN" };
}

/** A route of a network; no two of the tenant overlap. */
function route(body: Body, { store, before, parent }: RuleContext): Body {
  const value = String(body.value ?? "");
  const cidr = parseCidr(value);
  if (cidr === undefined) throw new Refusal("value", `${value} is not a subnet`);
  for (const other of store.all("networks/routes")) {
    const theirs = parseCidr(String(other.subnet));
    if (other.id !== before?.id && theirs !== undefined && overlap(cidr, theirs)) {
      throw new Refusal("value", `Subnet ${value} overlaps ${other.subnet}`, "OVERLAP");
    }
  }
  return {
    type: cidr.family === 4 ? "IP_V4" : "IP_V6",
    subnet: value,
    description: body.description ?? "",
    networkItemId: before?.networkItemId ?? parent?.id,
  };
}

function connector(kind: "networks/connectors" | "hosts/connectors", body: Body, context: RuleContext): Body {
  const { before, parent, store } = context;
  if (!body.vpnRegionId) throw new Refusal("vpnRegionId", "must not be blank", "NOT_BLANK");
  if (Object.values(body).includes("") && body.description !== "") throw new Refusal("body", "empty text");
  const networkItemId = before?.networkItemId ?? parent?.id;
  const common = {
    name: body.name,
    description: body.description ?? "",
    vpnRegionId: body.vpnRegionId,
    networkItemId,
    ipV4Address: before?.ipV4Address ?? "100.96.1.2/30",
    ipV6Address: before?.ipV6Address ?? "fd:0:0:8000::2/126",
    connectionStatus: before?.connectionStatus ?? "OFFLINE",
    licensed: true,
  };
  if (kind === "hosts/connectors") return { ...common, networkItemType: "HOST" };
  const network = store.find("networks", String(networkItemId));
  // Either alone makes an OpenVPN connector, without a word.
  const isIpSec = network?.tunnelingProtocol === "IPSEC" && body.ipSecConfig !== undefined;
  return {
    ...common,
    networkItemType: "NETWORK",
    tunnelingProtocol: isIpSec ? "IPSEC" : "OPENVPN",
    ...(isIpSec
      ? {
        ipSecConfig: {
          connectorState: "ACTIVE",
          serverId: "server-1",
          serverIp: "192.0.2.1",
          ...(typeof body.ipSecConfig === "object" ? body.ipSecConfig : {}),
        },
      }
      : {}),
  };
}

function service(body: Body, { before, parent, store }: RuleContext): Body {
  const networkItemId = String(before?.networkItemId ?? parent?.id);
  return {
    name: body.name,
    description: body.description ?? "",
    networkItemId,
    networkItemType: store.find("networks", networkItemId) === undefined ? "HOST" : "NETWORK",
    config: body.config ?? { serviceTypes: ["ANY"], customServiceTypes: [] },
  };
}

function serviceRoutes(body: Body, { store, before, parent }: RuleContext): Body[] {
  const network = String(before?.networkItemId ?? parent?.id);
  return list(body.routes).map(({ value }) => {
    const cidr = parseCidr(String(value));
    if (cidr === undefined) throw new Refusal("routes", `${value} is not a subnet`);
    const around = store.where("networks/routes", "networkItemId", network)
      .find((route) => overlap(cidr, parseCidr(String(route.subnet))!));
    return {
      id: store.newId(),
      ...(around === undefined ? {} : { parentRouteId: around.id }),
      type: cidr.family === 4 ? "IP_V4" : "IP_V6",
      subnet: value,
    };
  });
}

function domains(kind: string, body: Body, { store }: RuleContext): Body[] {
  return list(body.routes).map(({ value, allowEmbeddedIp, exactMatch }) => {
    if (exactMatch !== undefined && kind === "hosts/applications") {
      throw new Refusal("routes", 'Unrecognized field "exactMatch"', "UNRECOGNIZED");
    }
    return {
      id: store.newId(),
      type: "DOMAIN",
      domain: value,
      allowEmbeddedIp: allowEmbeddedIp ?? false,
      ...(kind === "networks/applications" ? { exactMatch: exactMatch ?? false } : {}),
    };
  });
}

function user(body: Body, { store, before }: RuleContext): Body {
  if (before?.role === "OWNER") throw new Refusal("role", "Owner can not be updated", "OWNER");
  if (before === undefined && !body.username) throw new Refusal("username", "must not be blank", "NOT_BLANK");
  if (!body.groupId) throw new Refusal("groupId", "must not be null", "NOT_NULL");
  if (store.find("user-groups", String(body.groupId)) === undefined) {
    throw new Refusal("groupId", "Group does not exist", "NOT_FOUND");
  }
  const username = before?.username ?? body.username;
  if (before === undefined && store.where("users", "username", username).length > 0) {
    throw new Refusal("username", "User already exists", "DUPLICATE");
  }
  return {
    username,
    firstName: body.firstName ?? "",
    lastName: body.lastName ?? "",
    email: body.email ?? "",
    groupId: body.groupId,
    secondaryGroupIds: body.secondaryGroupIds ?? [],
    status: body.status ?? before?.status ?? "INVITED",
    authType: "INTERNAL",
    role: body.role ?? "MEMBER",
    connectionStatus: before?.connectionStatus ?? "OFFLINE",
    licensed: true,
  };
}

function group(body: Body): Body {
  if (texts(body.vpnRegionIds).length === 0 && body.allRegionsIncluded !== true) {
    throw new Refusal("vpnRegionIds", "Regions must be given", "NOT_EMPTY");
  }
  return {
    vpnRegionIds: [],
    allRegionsIncluded: false,
    internetAccess: "SPLIT_TUNNEL_ON",
    maxDevice: 3,
    connectAuth: "NO_AUTH",
    systemSubnets: ["100.80.0.0/16"],
    gatewaysIds: [],
    ...body,
    ...("tunnelBypass" in body ? {} : { tunnelBypass: { ipv4Subnets: [] } }),
  };
}

function device(body: Body, { store, parent, before }: RuleContext): Body {
  const group = store.find("user-groups", String(parent?.groupId));
  const has = store.where("devices", "userId", parent?.id).length;
  if (before === undefined && has >= Number(group?.maxDevice ?? 3)) {
    throw new Refusal("device", "Device limit is exceeded", "LIMIT");
  }
  return {
    userId: parent?.id,
    clientUUID: body.clientUUID ?? before?.clientUUID ?? store.newId(),
    name: body.name,
    description: body.description ?? "",
    ipV4Address: "100.80.0.2",
    ipV6Address: "fd:0:0:4000::2",
    platform: before?.platform ?? { os: "linux", version: "6.1", clientVersion: "3.9" },
    connectionStatus: before?.connectionStatus ?? "OFFLINE",
  };
}

function location(body: Body): Body {
  if (body.defaultCheck === undefined) throw new Refusal("defaultCheck", "must not be null", "NOT_NULL");
  if (body.ipCheck === undefined && body.countryCheck === undefined) {
    throw new Refusal("ipCheck", "One of the checks must be given", "NOT_NULL");
  }
  if (body.ipCheck !== undefined) {
    const ips = list(Reflect.get(Object(body.ipCheck), "ips"));
    if (ips.length === 0) throw new Refusal("ipCheck.ips", "must not be empty", "NOT_EMPTY");
    for (const { ip } of ips) {
      if (parseCidr(String(ip)) === undefined) throw new Refusal("ipCheck.ips", `${ip} is not in CIDR form`);
    }
  }
  return { description: "", userGroupsIds: [], ...body };
}

function dns(body: Body): Body {
  if (!body.domain) throw new Refusal("domain", "must not be blank", "NOT_BLANK");
  if (texts(body.ipv4Addresses).length + texts(body.ipv6Addresses).length === 0) {
    throw new Refusal("ipv4Addresses", "An address must be given", "NOT_EMPTY");
  }
  return { description: "", ipv4Addresses: [], ipv6Addresses: [], ...body };
}

function access(body: Body, before: Body): Body {
  for (const side of ["source", "destination"]) {
    const items = list(body[side]);
    if (items.length === 0) throw new Refusal(side, "must not be empty", "NOT_EMPTY");
    for (const item of items) {
      if (item.allCovered === undefined) throw new Refusal(side, "allCovered must not be null", "NOT_NULL");
    }
  }
  return { description: "", ...body, defaultGroup: before.defaultGroup ?? false };
}
