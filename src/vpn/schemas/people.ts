/** Users, their groups and their devices. */
import { z } from "zod";
import {
  count,
  flag,
  optionalFlag,
  optionalText,
  optionalTexts,
  text,
  texts,
  word,
  WORDS,
} from "./fields.ts";

export const DeviceRequest = z.strictObject({
  name: z.string().min(1).describe("Name"),
  description: optionalText("Description"),
  clientUUID: optionalText("Id of the client program on it"),
});
export type DeviceRequest = z.input<typeof DeviceRequest>;

export const Device = z.object({
  id: z.string(),
  userId: text,
  clientUUID: text,
  name: text,
  description: text,
  ipV4Address: text,
  ipV6Address: text,
  platform: z.object({ os: text, version: text, clientVersion: text }).nullish(),
  connectionStatus: text,
});
export type Device = z.output<typeof Device>;

const person = {
  firstName: optionalText("First name"),
  lastName: optionalText("Last name"),
  email: optionalText("Mail address"),
  groupId: optionalText("Group"),
  secondaryGroupIds: optionalTexts("Further groups (release 1.2.0)"),
  role: word(WORDS.role, "What the user may do in the portal"),
};

export const UserCreate = z.strictObject({
  username: z.string().min(1).describe("Name to log in with; it cannot be changed"),
  ...person,
  devices: z.array(DeviceRequest).optional().describe("Devices to create with the user"),
});
export type UserCreate = z.input<typeof UserCreate>;

export const UserUpdate = z.strictObject({
  ...person,
  status: word(WORDS.userStatus, "State of the account"),
});
export type UserUpdate = z.input<typeof UserUpdate>;

export const User = z.object({
  id: z.string(),
  firstName: text,
  lastName: text,
  username: text,
  email: text,
  groupId: text,
  secondaryGroupIds: texts,
  status: text,
  authType: text,
  role: text,
  devices: z.array(Device).nullish(),
  connectionStatus: text,
  licensed: flag,
});
export type User = z.output<typeof User>;

export const UserGroupRequest = z.strictObject({
  name: z.string().min(1).describe("Name"),
  vpnRegionIds: optionalTexts("Regions its members may connect to"),
  allRegionsIncluded: optionalFlag("All regions, those to come too"),
  internetAccess: word(WORDS.internetAccess, "How its members reach the internet"),
  maxDevice: z.int().min(1).optional().describe("Most devices a member may have"),
  connectAuth: word(WORDS.connectAuth, "How often members log in"),
  gatewaysIds: optionalTexts("Networks internet traffic leaves through; an empty list clears it"),
  tunnelBypass: z.strictObject({
    ipv4Subnets: optionalTexts("Subnets that stay outside the tunnel"),
  }).optional().describe("What stays outside the tunnel (release 1.2.3)"),
});
export type UserGroupRequest = z.input<typeof UserGroupRequest>;

export const UserGroup = z.object({
  id: z.string(),
  name: text,
  vpnRegionIds: texts,
  allRegionsIncluded: flag,
  internetAccess: text,
  maxDevice: count,
  connectAuth: text,
  systemSubnets: texts,
  gatewaysIds: texts,
  tunnelBypass: z.object({ ipv4Subnets: texts }).nullish(),
});
export type UserGroup = z.output<typeof UserGroup>;
