/** Networks with their connectors and routes, and hosts with theirs. */
import { z } from "zod";
import { flag, optionalFlag, optionalText, optionalTexts, text, texts, word, WORDS } from "./fields.ts";
import { IpSecConfig, IpSecConfigRequest } from "./ipsec.ts";

const name = z.string().min(1).describe("Name");
const description = optionalText("Description");
const gatewaysIds = optionalTexts("Networks its internet traffic leaves through; an empty list clears it");
const internetAccess = word(WORDS.internetAccess, "How it reaches the internet");

export const NetworkRouteRequest = z.strictObject({
  value: z.string().min(1).describe("Subnet in CIDR form"),
  description,
});
export type NetworkRouteRequest = z.input<typeof NetworkRouteRequest>;

export const NetworkRoute = z.object({ id: z.string(), type: text, subnet: text, description: text });
export type NetworkRoute = z.output<typeof NetworkRoute>;

export const HostConnectorRequest = z.strictObject({
  name,
  description,
  vpnRegionId: z.string().min(1).describe("Region it connects to, see: vpn regions list"),
});
export type HostConnectorRequest = z.input<typeof HostConnectorRequest>;

export const NetworkConnectorRequest = HostConnectorRequest.extend({
  ipSecConfig: IpSecConfigRequest.optional().describe("IPsec, when its network uses it"),
});
export type NetworkConnectorRequest = z.input<typeof NetworkConnectorRequest>;

export const HostConnector = z.object({
  id: z.string(),
  networkItemId: text,
  networkItemType: text,
  name: text,
  description: text,
  vpnRegionId: text,
  ipV4Address: text,
  ipV6Address: text,
  connectionStatus: text,
  licensed: flag,
});
export type HostConnector = z.output<typeof HostConnector>;

export const NetworkConnector = HostConnector.extend({
  tunnelingProtocol: text,
  ipSecConfig: IpSecConfig.nullish(),
});
export type NetworkConnector = z.output<typeof NetworkConnector>;

export const NetworkUpdate = z.strictObject({
  name,
  description,
  egress: optionalFlag("Internet traffic may leave through it"),
  internetAccess,
  tunnelingProtocol: word(WORDS.tunnelingProtocol, "How its connectors connect"),
  gatewaysIds,
});
export type NetworkUpdate = z.input<typeof NetworkUpdate>;

export const NetworkCreate = NetworkUpdate.extend({
  routes: z.array(NetworkRouteRequest).optional().describe("Subnets behind it"),
  connectors: z.array(NetworkConnectorRequest).optional().describe("Connectors to create with it"),
});
export type NetworkCreate = z.input<typeof NetworkCreate>;

export const Network = z.object({
  id: z.string(),
  name: text,
  description: text,
  egress: flag,
  internetAccess: text,
  routes: z.array(NetworkRoute).nullish(),
  connectors: z.array(NetworkConnector).nullish(),
  systemSubnets: texts,
  tunnelingProtocol: text,
  gatewaysIds: texts,
});
export type Network = z.output<typeof Network>;

export const HostUpdate = z.strictObject({
  name,
  description,
  internetAccess,
  domain: optionalText("Domain name it is reached under"),
  gatewaysIds,
});
export type HostUpdate = z.input<typeof HostUpdate>;

export const HostCreate = HostUpdate.extend({
  connectors: z.array(HostConnectorRequest).optional().describe("Connectors to create with it"),
});
export type HostCreate = z.input<typeof HostCreate>;

export const Host = z.object({
  id: z.string(),
  name: text,
  description: text,
  internetAccess: text,
  domain: text,
  connectors: z.array(HostConnector).nullish(),
  systemSubnets: texts,
  gatewaysIds: texts,
});
export type Host = z.output<typeof Host>;
