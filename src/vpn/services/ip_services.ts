/** IP services: what is offered under an address, in networks and on hosts. */
import type { Connection } from "../connection.ts";
import {
  HostIpService,
  type HostIpServiceRequest,
  NetworkIpService,
  type NetworkIpServiceRequest,
} from "../schemas/services.ts";
import { Parts } from "./parts.ts";

/** Both kinds of IP services; those of hosts have no routes since release 1.1.0. */
export interface IpServices {
  readonly network: Parts<NetworkIpService, NetworkIpServiceRequest>;
  readonly host: Parts<HostIpService, HostIpServiceRequest>;
}

export function ipServices(connection: Connection): IpServices {
  return {
    network: new Parts<NetworkIpService, NetworkIpServiceRequest>(connection, {
      path: "/networks/ip-services",
      parent: "networkId",
      one: "network IP service",
      many: "network IP services",
      item: NetworkIpService,
    }),
    host: new Parts<HostIpService, HostIpServiceRequest>(connection, {
      path: "/hosts/ip-services",
      parent: "hostId",
      one: "host IP service",
      many: "host IP services",
      item: HostIpService,
    }),
  };
}
