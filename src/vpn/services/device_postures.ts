/** Device postures: what a device must be like to get in. */
import type { Connection } from "../connection.ts";
import { DevicePosture, type DevicePostureRequest } from "../schemas/access.ts";
import { Collection } from "./collection.ts";

export type DevicePostures = Collection<DevicePosture, DevicePostureRequest>;

export function devicePostures(connection: Connection): DevicePostures {
  return new Collection<DevicePosture, DevicePostureRequest>(connection, {
    path: "/device-postures",
    one: "device posture",
    many: "device postures",
    item: DevicePosture,
  });
}
