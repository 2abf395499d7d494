/** Applications: what is offered under a domain, in networks and on hosts. */
import type { Connection } from "../connection.ts";
import {
  HostApplication,
  type HostApplicationRequest,
  NetworkApplication,
  type NetworkApplicationRequest,
} from "../schemas/services.ts";
import { Parts } from "./parts.ts";

/** Both kinds of applications; `exactMatch` is for those of networks only. */
export interface Applications {
  readonly network: Parts<NetworkApplication, NetworkApplicationRequest>;
  readonly host: Parts<HostApplication, HostApplicationRequest>;
}

export function applications(connection: Connection): Applications {
  return {
    network: new Parts<NetworkApplication, NetworkApplicationRequest>(connection, {
      path: "/networks/applications",
      parent: "networkId",
      one: "network application",
      many: "network applications",
      item: NetworkApplication,
    }),
    host: new Parts<HostApplication, HostApplicationRequest>(connection, {
      path: "/hosts/applications",
      parent: "hostId",
      one: "host application",
      many: "host applications",
      item: HostApplication,
    }),
  };
}
