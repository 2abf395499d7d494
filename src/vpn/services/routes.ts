/** Routes of networks; hosts have none, and domains are applications. */
import type { Connection } from "../connection.ts";
import { checkRoute } from "../rules.ts";
import { NetworkRoute, type NetworkRouteRequest } from "../schemas/networks.ts";
import { Parts } from "./parts.ts";

export type Routes = Parts<NetworkRoute, NetworkRouteRequest>;

/** A route by its id is one call, without looking through networks. */
export function routes(connection: Connection): Routes {
  return new Parts<NetworkRoute, NetworkRouteRequest>(connection, {
    path: "/networks/routes",
    parent: "networkId",
    one: "route",
    many: "routes",
    item: NetworkRoute,
    checkCreate: (route) => checkRoute(route),
    checkUpdate: (route) => checkRoute(route),
  });
}
