/** Hosts; connectors may be given at creation only. */
import type { Connection } from "../connection.ts";
import { checkHostCreate, withoutEmptyTexts } from "../rules.ts";
import { Host, type HostCreate, type HostUpdate } from "../schemas/networks.ts";
import { Collection } from "./collection.ts";

export type Hosts = Collection<Host, HostCreate, HostUpdate>;

export function hosts(connection: Connection): Hosts {
  return new Collection<Host, HostCreate, HostUpdate>(connection, {
    path: "/hosts",
    one: "host",
    many: "hosts",
    item: Host,
    checkCreate: checkHostCreate,
    prepare: withoutEmptyTexts,
  });
}
