/** Groups of users. */
import type { Connection } from "../connection.ts";
import { checkUserGroup } from "../rules.ts";
import { UserGroup, type UserGroupRequest } from "../schemas/people.ts";
import { Collection } from "./collection.ts";

export type UserGroups = Collection<UserGroup, UserGroupRequest>;

export function userGroups(connection: Connection): UserGroups {
  return new Collection<UserGroup, UserGroupRequest>(connection, {
    path: "/user-groups",
    one: "user group",
    many: "user groups",
    item: UserGroup,
    checkCreate: checkUserGroup,
    checkUpdate: checkUserGroup,
  });
}
