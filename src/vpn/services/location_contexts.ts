/** Location contexts: from where users get in. */
import type { Connection } from "../connection.ts";
import { checkLocationContext } from "../rules.ts";
import { LocationContext, type LocationContextRequest } from "../schemas/access.ts";
import { Collection } from "./collection.ts";

export type LocationContexts = Collection<LocationContext, LocationContextRequest>;

export function locationContexts(connection: Connection): LocationContexts {
  return new Collection<LocationContext, LocationContextRequest>(connection, {
    path: "/location-contexts",
    one: "location context",
    many: "location contexts",
    item: LocationContext,
    checkCreate: checkLocationContext,
    checkUpdate: checkLocationContext,
  });
}
