/** What is offered in networks and on hosts: IP services and applications. */
import { z } from "zod";
import { count, flag, optionalFlag, optionalText, text, texts, word, WORDS } from "./fields.ts";

const name = z.string().min(1).describe("Name");
const description = optionalText("Description");

const RangeRequest = z.strictObject({
  value: z.int().optional().describe("One number"),
  lowerValue: z.int().optional().describe("First of a range"),
  upperValue: z.int().optional().describe("Last of a range"),
});

const ConfigRequest = z.strictObject({
  serviceTypes: z.array(z.string()).optional().describe(`Kinds: ${WORDS.serviceType.join(", ")}`),
  customServiceTypes: z.array(z.strictObject({
    protocol: word(WORDS.protocol, "Protocol"),
    port: z.array(RangeRequest).optional().describe("Ports"),
    icmpType: z.array(RangeRequest).optional().describe("ICMP types"),
  })).optional().describe("Own ports and protocols"),
});
const config = ConfigRequest.optional().describe("What it lets through");

const Range = z.object({ value: count, lowerValue: count, upperValue: count });
const Config = z.object({
  serviceTypes: texts,
  customServiceTypes: z.array(z.object({
    protocol: text,
    port: z.array(Range).nullish(),
    icmpType: z.array(Range).nullish(),
  })).nullish(),
});

export const HostIpServiceRequest = z.strictObject({ name, description, config });
export type HostIpServiceRequest = z.input<typeof HostIpServiceRequest>;

export const NetworkIpServiceRequest = HostIpServiceRequest.extend({
  type: word(WORDS.ipServiceType, "Whether it is a source or a destination"),
  routes: z.array(z.strictObject({ value: z.string().min(1).describe("Subnet in CIDR form") })).optional()
    .describe("Subnets it is in"),
});
export type NetworkIpServiceRequest = z.input<typeof NetworkIpServiceRequest>;

const answered = {
  id: z.string(),
  name: text,
  description: text,
  networkItemId: text,
  networkItemType: text,
  config: Config.nullish(),
};

export const HostIpService = z.object(answered);
export type HostIpService = z.output<typeof HostIpService>;

export const NetworkIpService = z.object({
  ...answered,
  type: text,
  routes: z.array(z.object({ id: text, parentRouteId: text, type: text, subnet: text })).nullish(),
});
export type NetworkIpService = z.output<typeof NetworkIpService>;

const HostDomain = z.strictObject({
  value: z.string().min(1).describe("Domain name"),
  allowEmbeddedIp: optionalFlag("Let names with addresses in them through"),
});

/** `exactMatch` is known for applications of networks only. */
const NetworkDomain = HostDomain.extend({
  exactMatch: optionalFlag("Without the names below it (release 1.2.3)"),
});

export const HostApplicationRequest = z.strictObject({
  name,
  description,
  routes: z.array(HostDomain).optional().describe("Domains it answers under"),
  config,
});
export type HostApplicationRequest = z.input<typeof HostApplicationRequest>;

export const NetworkApplicationRequest = z.strictObject({
  name,
  description,
  routes: z.array(NetworkDomain).optional().describe("Domains it answers under"),
  config,
});
export type NetworkApplicationRequest = z.input<typeof NetworkApplicationRequest>;

const domain = { id: text, type: text, domain: text, allowEmbeddedIp: flag };

export const HostApplication = z.object({ ...answered, routes: z.array(z.object(domain)).nullish() });
export type HostApplication = z.output<typeof HostApplication>;

export const NetworkApplication = z.object({
  ...answered,
  routes: z.array(z.object({ ...domain, exactMatch: flag })).nullish(),
});
export type NetworkApplication = z.output<typeof NetworkApplication>;
