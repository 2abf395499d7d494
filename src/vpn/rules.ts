/**
 * What the API refuses although its description does not say so, checked before a call is spent on it.
 *
 * Seen by others against live tenants, or limits of the vendor's Terraform provider (lengths). Each problem says what to do.
 */
import { isIP } from "node:net";
import { overlap, parseCidr } from "./cidr.ts";
import type { AccessGroupRequest, DnsRecordRequest, LocationContextRequest } from "./schemas/access.ts";
import type { HostCreate, NetworkCreate, NetworkRouteRequest } from "./schemas/networks.ts";
import type { DeviceRequest, UserCreate, UserGroupRequest, UserUpdate } from "./schemas/people.ts";

/** One thing wrong with a body: where, and what to do about it. */
export interface RuleProblem {
  path: string;
  message: string;
}

/** Longest texts that are known to work. */
export const MAX_LENGTHS = {
  description: 120,
  username: 120,
  firstName: 20,
  lastName: 20,
  groupName: 40,
  deviceName: 32,
} as const;

/** The sums over one call to Cyber Shield. */
export const MAX_DOMAINS = 1000;
export const MAX_DOMAIN_LENGTH = 150;

function length(path: string, value: string | undefined, most: number): RuleProblem[] {
  if (value === undefined || value.length <= most) return [];
  return [{ path, message: `is ${value.length} characters long, at most ${most} are accepted` }];
}

export function checkDevice(device: DeviceRequest, path = ""): RuleProblem[] {
  return [
    ...length(`${path}name`, device.name, MAX_LENGTHS.deviceName),
    ...length(`${path}description`, device.description, MAX_LENGTHS.description),
  ];
}

export function checkUserUpdate(user: Omit<UserUpdate, "status">): RuleProblem[] {
  return [
    ...length("firstName", user.firstName, MAX_LENGTHS.firstName),
    ...length("lastName", user.lastName, MAX_LENGTHS.lastName),
  ];
}

export function checkUserCreate(user: UserCreate): RuleProblem[] {
  return [
    ...(user.groupId ? [] : [{ path: "groupId", message: "is needed: a user belongs to a group" }]),
    ...length("username", user.username, MAX_LENGTHS.username),
    ...checkUserUpdate(user),
    ...(user.devices ?? []).flatMap((device, i) => checkDevice(device, `devices[${i}].`)),
  ];
}

export function checkUserGroup(group: UserGroupRequest): RuleProblem[] {
  const problems = length("name", group.name, MAX_LENGTHS.groupName);
  if (group.allRegionsIncluded !== true && (group.vpnRegionIds ?? []).length === 0) {
    problems.push({ path: "vpnRegionIds", message: "is needed, or allRegionsIncluded" });
  }
  if (/^(saml|ldap)$/i.test(group.connectAuth ?? "")) {
    problems.push({
      path: "connectAuth",
      message: "says how often members log in; SAML and LDAP are set up in the portal only",
    });
  }
  return problems;
}

export function checkAccessGroup(group: AccessGroupRequest): RuleProblem[] {
  return (["source", "destination"] as const).flatMap((side) => {
    const items = group[side] ?? [];
    if (items.length === 0) return [{ path: side, message: "must not be empty" }];
    return items.flatMap((item, i) =>
      item.allCovered === undefined
        ? [{ path: `${side}[${i}].allCovered`, message: "is needed, true or false" }]
        : []
    );
  });
}

export function checkLocationContext(context: LocationContextRequest): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const { ipCheck, countryCheck, defaultCheck } = context;
  if (defaultCheck === undefined) problems.push({ path: "defaultCheck", message: "is needed" });
  if (ipCheck === undefined && countryCheck === undefined) {
    problems.push({ path: "ipCheck", message: "is needed, or countryCheck" });
  }
  if (ipCheck?.ips.length === 0) {
    problems.push({ path: "ipCheck.ips", message: "must not be empty; leave out ipCheck" });
  }
  ipCheck?.ips.forEach(({ ip }, i) => {
    if (parseCidr(ip) === undefined) {
      const single = isIP(ip) === 0 ? "such as 10.10.0.0/16" : `: ${ip}/${isIP(ip) === 6 ? 128 : 32}`;
      problems.push({
        path: `ipCheck.ips[${i}].ip`,
        message: `must be in CIDR form ${single}`.replace(" :", ":"),
      });
    }
  });
  return problems;
}

export function checkDnsRecord(record: DnsRecordRequest): RuleProblem[] {
  const { ipv4Addresses = [], ipv6Addresses = [] } = record;
  if (ipv4Addresses.length + ipv6Addresses.length === 0) {
    return [{ path: "ipv4Addresses", message: "is needed, or ipv6Addresses: a record has an address" }];
  }
  const wrong = (path: string, addresses: readonly string[], family: number) =>
    addresses.flatMap((address, i) =>
      isIP(address) === family
        ? []
        : [{ path: `${path}[${i}]`, message: `"${address}" is no IPv${family} address` }]
    );
  return [...wrong("ipv4Addresses", ipv4Addresses, 4), ...wrong("ipv6Addresses", ipv6Addresses, 6)];
}

/** A route, beside the subnets the tenant has routes for already. */
export function checkRoute(
  { value, description }: NetworkRouteRequest,
  others: readonly string[] = [],
  path = "",
): RuleProblem[] {
  const cidr = parseCidr(value);
  const where = `${path}value`;
  if (cidr === undefined) {
    const hint = isIP(value) === 0 && /[a-z]/i.test(value) && !value.includes(":")
      ? "; domains are applications since release 1.0"
      : "";
    return [{ path: where, message: `"${value}" is no subnet in CIDR form${hint}` }];
  }
  const problems = length(`${path}description`, description, MAX_LENGTHS.description);
  const clash = others.find((other) => {
    const theirs = parseCidr(other);
    return theirs !== undefined && overlap(cidr, theirs);
  });
  if (clash !== undefined) {
    problems.push({ path: where, message: `${value} overlaps ${clash}, which has a route already` });
  }
  return problems;
}

export function checkNetworkCreate(network: NetworkCreate): RuleProblem[] {
  const { routes = [], connectors = [], tunnelingProtocol } = network;
  const values = routes.map((route) => route.value);
  const isIpSec = tunnelingProtocol === "IPSEC";
  return [
    ...length("description", network.description, MAX_LENGTHS.description),
    ...routes.flatMap((route, i) => checkRoute(route, values.slice(0, i), `routes[${i}].`)),
    ...connectors.flatMap((connector, i) =>
      checkConnectorFits(connector.ipSecConfig !== undefined, isIpSec, `connectors[${i}].`)
    ),
  ];
}

/** An IPsec connector needs both: its network's protocol and its own settings; with one alone an OpenVPN connector results. */
export function checkConnectorFits(
  hasConfig: boolean,
  networkIsIpSec: boolean,
  path = "",
): RuleProblem[] {
  if (hasConfig === networkIsIpSec) return [];
  return [
    hasConfig
      ? { path: `${path}ipSecConfig`, message: "needs a network with tunnelingProtocol IPSEC" }
      : { path: `${path}ipSecConfig`, message: "is needed in a network with tunnelingProtocol IPSEC" },
  ];
}

export function checkHostCreate(host: HostCreate): RuleProblem[] {
  return length("description", host.description, MAX_LENGTHS.description);
}

export function checkDomains(
  domains: readonly { domain: string; comment?: string | undefined }[],
): RuleProblem[] {
  if (domains.length === 0) return [{ path: "domains", message: "must not be empty" }];
  if (domains.length > MAX_DOMAINS) {
    return [{ path: "domains", message: `are ${domains.length}, at most ${MAX_DOMAINS} go in one call` }];
  }
  return domains.flatMap(({ domain, comment = "" }, i) =>
    domain.length + comment.length > MAX_DOMAIN_LENGTH
      ? [{
        path: `domains[${i}]`,
        message: `domain and comment are longer than ${MAX_DOMAIN_LENGTH} characters together`,
      }]
      : domain.trim() === ""
      ? [{ path: `domains[${i}]`, message: "is empty" }]
      : []
  );
}

/** A body without empty texts inside its nested objects, which were refused; at the top they clear a field. */
export function withoutEmptyTexts(body: unknown, top = true): unknown {
  if (Array.isArray(body)) return body.map((item) => withoutEmptyTexts(item, false));
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== undefined && (top || value !== ""))
      .map(([key, value]) => [key, withoutEmptyTexts(value, false)]),
  );
}
