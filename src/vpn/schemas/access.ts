/** Who may reach what, from where, with which devices; and names in the tenant's DNS. */
import { z } from "zod";
import { flag, optionalText, optionalTexts, text, texts, word, WORDS } from "./fields.ts";

const name = z.string().min(1).describe("Name");
const description = optionalText("Description");
const userGroupsIds = optionalTexts("Groups it is for");
const allowed = z.boolean().describe("Let in what fits");

const item = (types: readonly string[]) => ({
  type: z.string().min(1).describe(`Kind: ${types.join(", ")}`),
  allCovered: z.boolean().optional().describe("All of the kind, or all of the parent"),
  parent: optionalText("The network or host"),
  children: optionalTexts("The groups, services or applications"),
});

export const AccessSourceRequest = z.strictObject(item(WORDS.sourceType));
export type AccessSourceRequest = z.input<typeof AccessSourceRequest>;
export const AccessDestinationRequest = z.strictObject(item(WORDS.destinationType));
export type AccessDestinationRequest = z.input<typeof AccessDestinationRequest>;

export const AccessGroupRequest = z.strictObject({
  name,
  description,
  source: z.array(AccessSourceRequest).optional().describe("Who may reach the destinations"),
  destination: z.array(AccessDestinationRequest).optional().describe("What the sources may reach"),
});
export type AccessGroupRequest = z.input<typeof AccessGroupRequest>;

const AccessItem = z.object({ type: text, allCovered: flag, parent: text, children: texts });

export const AccessGroup = z.object({
  id: z.string(),
  name: text,
  description: text,
  // The vendor's page says text, its sample is a boolean.
  defaultGroup: z.union([z.boolean(), z.string().transform((word) => word.toLowerCase() === "true")])
    .nullish(),
  source: z.array(AccessItem).nullish(),
  destination: z.array(AccessItem).nullish(),
});
export type AccessGroup = z.output<typeof AccessGroup>;

export const LocationContextRequest = z.strictObject({
  name,
  description,
  userGroupsIds,
  ipCheck: z.strictObject({
    allowed,
    ips: z.array(z.strictObject({
      ip: z.string().min(1).describe("Address or network in CIDR form"),
      description,
    })).describe("Addresses"),
  }).optional().describe("Check of the address a user comes from"),
  countryCheck: z.strictObject({
    allowed,
    countries: z.array(z.string()).describe("Countries, by their two-letter codes"),
  }).optional().describe("Check of the country a user comes from"),
  defaultCheck: z.strictObject({ allowed }).optional().describe("What counts when no check fits"),
});
export type LocationContextRequest = z.input<typeof LocationContextRequest>;

export const LocationContext = z.object({
  id: z.string(),
  name: text,
  description: text,
  userGroupsIds: texts,
  ipCheck: z.object({
    allowed: flag,
    ips: z.array(z.object({ ip: text, description: text })).nullish(),
  }).nullish(),
  countryCheck: z.object({ allowed: flag, countries: texts }).nullish(),
  defaultCheck: z.object({ allowed: flag }).nullish(),
});
export type LocationContext = z.output<typeof LocationContext>;

const version = z.strictObject({
  version: optionalText("Version of the system"),
  condition: word(WORDS.versionCondition, "How it is compared"),
}).optional().describe("Version of the system");
const antiviruses = optionalTexts(`Virus scanners that count: ${WORDS.antivirus.join(", ")}`);
const certificate = optionalText("Certificate the device must have");
const simple = (system: string) =>
  z.strictObject({ allowed: allowed.optional() }).optional().describe(`Devices with ${system}`);

export const DevicePostureRequest = z.strictObject({
  name,
  description,
  userGroupsIds,
  windows: z.strictObject({
    allowed: allowed.optional(),
    version,
    antiviruses,
    diskEncryption: z.strictObject({
      type: word(WORDS.diskEncryption, "What is encrypted"),
      volume: optionalText("The volume"),
    }).optional().describe("Encryption of disks"),
    certificate,
  }).optional().describe("Devices with Windows"),
  macos: z.strictObject({
    allowed: allowed.optional(),
    version,
    antiviruses,
    diskEncrypted: z.boolean().optional().describe("The disk must be encrypted"),
    certificate,
  }).optional().describe("Devices with macOS"),
  linux: simple("Linux"),
  android: simple("Android"),
  ios: simple("iOS"),
});
export type DevicePostureRequest = z.input<typeof DevicePostureRequest>;

const seen = {
  allowed: flag,
  version: z.object({ version: text, condition: text }).nullish(),
  antiviruses: texts,
  certificate: text,
};
const simpleAnswer = z.object({ allowed: flag }).nullish();

export const DevicePosture = z.object({
  id: z.string(),
  name: text,
  description: text,
  userGroupsIds: texts,
  windows: z.object({ ...seen, diskEncryption: z.object({ type: text, volume: text }).nullish() }).nullish(),
  macos: z.object({ ...seen, diskEncrypted: flag }).nullish(),
  linux: simpleAnswer,
  android: simpleAnswer,
  ios: simpleAnswer,
});
export type DevicePosture = z.output<typeof DevicePosture>;

export const DnsRecordRequest = z.strictObject({
  domain: z.string().min(1).describe("Domain name"),
  description,
  ipv4Addresses: optionalTexts("IPv4 addresses it stands for"),
  ipv6Addresses: optionalTexts("IPv6 addresses it stands for"),
});
export type DnsRecordRequest = z.input<typeof DnsRecordRequest>;

export const DnsRecord = z.object({
  id: z.string(),
  domain: text,
  description: text,
  ipv4Addresses: texts,
  ipv6Addresses: texts,
});
export type DnsRecord = z.output<typeof DnsRecord>;
