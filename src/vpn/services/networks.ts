/** Networks; routes and connectors may be given at creation, an update has neither. */
import type { Connection } from "../connection.ts";
import { checkNetworkCreate, withoutEmptyTexts } from "../rules.ts";
import { Network, type NetworkCreate, type NetworkUpdate } from "../schemas/networks.ts";
import { Collection } from "./collection.ts";

export type Networks = Collection<Network, NetworkCreate, NetworkUpdate>;

/** Deleting a network removes its connectors, routes, services and applications too. */
export function networks(connection: Connection): Networks {
  return new Collection<Network, NetworkCreate, NetworkUpdate>(connection, {
    path: "/networks",
    one: "network",
    many: "networks",
    item: Network,
    checkCreate: checkNetworkCreate,
    prepare: withoutEmptyTexts,
  });
}
