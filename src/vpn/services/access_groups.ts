/** Access groups: who may reach what. */
import type { CallOptions, Connection } from "../connection.ts";
import { checkAccessGroup } from "../rules.ts";
import {
  AccessDestinationRequest,
  AccessGroup,
  type AccessGroupRequest,
  AccessSourceRequest,
} from "../schemas/access.ts";
import { Collection } from "./collection.ts";
import { requireId } from "./things.ts";

/** Which items of a side go: all of the type, of the type and parent, or the one child. */
export interface AccessMatch {
  type: string;
  parentId?: string | undefined;
  childId?: string | undefined;
}

type Side = "source" | "destination";

export class AccessGroups extends Collection<AccessGroup, AccessGroupRequest> {
  constructor(connection: Connection) {
    super(connection, {
      path: "/access-groups",
      one: "access group",
      many: "access groups",
      item: AccessGroup,
      checkCreate: checkAccessGroup,
      checkUpdate: checkAccessGroup,
    });
  }

  /** Adds who may reach the destinations; answers the whole group. */
  addSource(id: string, item: AccessSourceRequest, options: CallOptions = {}): Promise<AccessGroup> {
    return this.#add(id, "source", item, options);
  }

  /** Adds what may be reached; answers the whole group. */
  addDestination(
    id: string,
    item: AccessDestinationRequest,
    options: CallOptions = {},
  ): Promise<AccessGroup> {
    return this.#add(id, "destination", item, options);
  }

  /** Removes every source that matches; answers the whole group. */
  async removeSource(id: string, match: AccessMatch, options: CallOptions = {}): Promise<AccessGroup> {
    return await this.#remove(id, "source", match, options);
  }

  /** Removes every destination that matches; answers the whole group. */
  async removeDestination(id: string, match: AccessMatch, options: CallOptions = {}): Promise<AccessGroup> {
    return await this.#remove(id, "destination", match, options);
  }

  #add(id: string, side: Side, json: AccessSourceRequest, options: CallOptions): Promise<AccessGroup> {
    const action = `add a ${side} to access group "${id}"`;
    const path = `${this.onePath}/${side}`;
    return this.connection.json({ ...options, action, method: "POST", path, ids: { id }, json }, AccessGroup);
  }

  #remove(id: string, side: Side, match: AccessMatch, options: CallOptions): Promise<AccessGroup> {
    const action = `remove ${side}s from access group "${id}"`;
    // Without a type everything would match.
    requireId(match.type, action, "type");
    const path = `${this.onePath}/${side}`;
    const query = { ...match };
    return this.connection.json(
      { ...options, action, method: "DELETE", path, ids: { id }, query },
      AccessGroup,
    );
  }
}
