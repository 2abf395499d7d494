/** Connectors of networks and of hosts, and what is done with them; what gives out a credential is in `profiles.ts`. */
import type { CallOptions, Connection } from "../connection.ts";
import { withoutEmptyTexts } from "../rules.ts";
import {
  HostConnector,
  type HostConnectorRequest,
  NetworkConnector,
  type NetworkConnectorRequest,
} from "../schemas/networks.ts";
import { Parts } from "./parts.ts";

/** Connectors of networks. A read of an OpenVPN connector does not say whether it is suspended. */
export class NetworkConnectors extends Parts<NetworkConnector, NetworkConnectorRequest> {
  constructor(connection: Connection) {
    super(connection, {
      path: "/networks/connectors",
      parent: "networkId",
      one: "network connector",
      many: "network connectors",
      item: NetworkConnector,
      prepare: withoutEmptyTexts,
    });
  }

  /** Release 1.2.0. */
  activate(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "activate", id, options, "1.2.0");
  }

  /** Release 1.2.0. */
  suspend(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "suspend", id, options, "1.2.0");
  }

  /** Connects an IPsec connector; others are refused with 400. */
  startIpSec(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("POST", "ipsec/start", id, options);
  }

  /** Disconnects an IPsec connector; others are refused with 400. */
  stopIpSec(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("POST", "ipsec/stop", id, options);
  }
}

/** Connectors of hosts; they know no IPsec. */
export class HostConnectors extends Parts<HostConnector, HostConnectorRequest> {
  constructor(connection: Connection) {
    super(connection, {
      path: "/hosts/connectors",
      parent: "hostId",
      one: "host connector",
      many: "host connectors",
      item: HostConnector,
      prepare: withoutEmptyTexts,
    });
  }

  /** Release 1.2.0. */
  activate(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "activate", id, options, "1.2.0");
  }

  /** Release 1.2.0. */
  suspend(id: string, options: CallOptions = {}): Promise<void> {
    return this.act("PUT", "suspend", id, options, "1.2.0");
  }
}

/** Both kinds of connectors. */
export interface Connectors {
  readonly network: NetworkConnectors;
  readonly host: HostConnectors;
}
