/** Settings of a tenant: one value behind each path. Their table is what client, commands, export and plan go by. */
import { z } from "zod";
import type { Version } from "../versions.ts";
import { text, texts, WORDS } from "./fields.ts";

const Mappings = z.object({
  fallbackGroupId: text,
  mappings: z.array(z.object({
    groupId: text,
    idpGroupNames: texts,
    sortingOrder: z.number().nullish(),
  })).nullish(),
});

const CustomServers = z.object({ primaryIpV4: text, secondaryIpV4: text });
const Zones = z.object({ zones: z.array(z.object({ name: text, addresses: texts })).nullish() });
const RoutingSubnet = z.object({ ipV4Address: text, ipV6Address: text });
const Subnet = z.object({ ipV4Address: texts, ipV6Address: texts });

const bool = z.boolean();
const int = z.int();
const raw = z.string();

/** How a setting's value travels: JSON, or a bare word (`text`). */
type Wire = "json" | "text";

/** What there is to know of a setting. */
export interface SettingSpec<S extends z.ZodType = z.ZodType> {
  wire: Wire;
  value: S;
  summary: string;
  /** Words it takes, where it takes only some. */
  words?: readonly string[];
  since?: Version;
  readOnly?: boolean;
  /** May be unset, which is answered with an empty body. */
  unset?: boolean;
}

function setting<S extends z.ZodType>(spec: SettingSpec<S>): SettingSpec<S> {
  return spec;
}

/** Every setting, by its path below `/settings`. */
export const SETTINGS = {
  "auth/trusted-devices-allowed": setting({
    wire: "json",
    value: bool,
    summary: "Users may trust a device and skip the second factor on it",
  }),
  "auth/two-factor-auth": setting({
    wire: "json",
    value: bool,
    summary: "Users log in with a second factor",
  }),
  "auth/saml/group-mappings": setting({
    wire: "json",
    value: Mappings,
    readOnly: true,
    summary: "Which groups of the SAML provider are which groups here",
  }),
  "auth/ldap/group-mappings": setting({
    wire: "json",
    value: Mappings,
    readOnly: true,
    summary: "Which groups of the directory (LDAP) are which groups here",
  }),
  "dns/custom-servers": setting({
    wire: "json",
    value: CustomServers,
    unset: true,
    summary: "DNS servers of the tenant's own",
  }),
  "dns/default-suffix": setting({
    wire: "text",
    value: raw,
    summary: "Domain that short names are completed with",
  }),
  "dns/proxy-enabled": setting({
    wire: "json",
    value: bool,
    summary: "DNS questions go through the tenant's proxy",
  }),
  "dns/zones": setting({
    wire: "json",
    value: Zones,
    summary: "Zones and the servers that answer for them",
  }),
  "user/connect-auth": setting({
    wire: "text",
    value: raw,
    words: WORDS.connectAuth,
    summary: "How often users log in",
  }),
  "user/device-allowance": setting({
    wire: "json",
    value: int,
    summary: "Default of the most devices a user may have",
  }),
  "user/device-allowance-force-update": setting({
    wire: "json",
    value: bool,
    summary: "Changes of that default reach the groups there are",
  }),
  "user/device-enforcement": setting({
    wire: "text",
    value: raw,
    words: ["OFF", "LEARN_AND_ENFORCE", "ENFORCE"],
    summary: "Users connect with devices that are known only",
  }),
  "user/profile-distribution": setting({
    wire: "text",
    value: raw,
    words: ["AUTOMATIC", "MANUAL"],
    summary: "How users get their profiles",
  }),
  "users/connection-timeout": setting({
    wire: "json",
    value: int,
    summary: "When idle connections end",
  }),
  "wpc/client-options": setting({
    wire: "json",
    value: z.array(z.string()),
    summary: "Options that clients are sent",
  }),
  "wpc/default-region": setting({
    wire: "text",
    value: raw,
    summary: "Region that counts where none is chosen",
  }),
  "wpc/domain-routing-subnet": setting({
    wire: "json",
    value: RoutingSubnet,
    summary: "Subnets for routing by domain",
  }),
  "wpc/subnet": setting({
    wire: "json",
    value: Subnet,
    summary: "Subnets of the tenant",
  }),
  "wpc/snat": setting({
    wire: "json",
    value: bool,
    summary: "Traffic leaves networks under the connector's address",
  }),
  "wpc/topology": setting({
    wire: "text",
    value: raw,
    words: ["FULL_MESH", "CUSTOM"],
    summary: "Whether everybody reaches everything",
  }),
  "wpc/routes-advanced-configuration-enabled": setting({
    wire: "json",
    value: bool,
    since: "1.2.0",
    summary: "Routes can be configured in detail",
  }),
  "wpc/ip-allocation-mode": setting({
    wire: "text",
    value: raw,
    words: ["BOTH", "IP_V4_ONLY"],
    since: "1.2.3",
    summary: "Which kinds of addresses the tenant hands out",
  }),
} as const;

/** `wpc/topology`. */
export type SettingName = keyof typeof SETTINGS;
/** What stands behind a setting; undefined where it may be unset and is. */
export type SettingValue<Name extends SettingName> = z.output<typeof SETTINGS[Name]["value"]>;

/** The settings by name. */
export const SETTING_NAMES = Object.keys(SETTINGS).filter((name): name is SettingName =>
  Object.hasOwn(SETTINGS, name)
);
