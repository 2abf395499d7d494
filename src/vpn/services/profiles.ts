/**
 * Profiles: what a connector or a device connects with. All of it is secret, and each call makes something new, so none of it
 * happens on a plain read.
 */
import type { CallOptions, Connection } from "../connection.ts";
import { requireId } from "./things.ts";

/** Whose connector. */
export type ConnectorKind = "network" | "host";
/** For which system a bundle is. */
export type BundleType = "DMG" | "MSI";

/** A device, named as the API wants it. */
export interface DeviceRef {
  userId: string;
  deviceId: string;
}

export class Profiles {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Makes the profile (.ovpn) of a connector. */
  ofConnector(kind: ConnectorKind, id: string, options: CallOptions = {}): Promise<string> {
    return this.#connection.text(connector(kind, id, "POST", "make the profile", "profile", options));
  }

  /** Makes a token that sets a connector up. */
  tokenOfConnector(kind: ConnectorKind, id: string, options: CallOptions = {}): Promise<string> {
    return this.#connection.text(
      connector(kind, id, "POST", "make a set-up token", "profile/encrypt", options),
    );
  }

  /** Address to download a program with the connector's profile from. */
  bundleOfConnector(
    kind: ConnectorKind,
    id: string,
    type: BundleType,
    options: CallOptions = {},
  ): Promise<string> {
    const call = connector(kind, id, "POST", "make a bundle", "profile/bundle", options);
    return this.#connection.text({ ...call, query: { type } });
  }

  /** Revokes the profile of a connector; releases differ in what they answer. */
  revokeOfConnector(kind: ConnectorKind, id: string, options: CallOptions = {}): Promise<void> {
    return this.#connection.done(connector(kind, id, "DELETE", "revoke the profile", "profile", options));
  }

  /** Makes the profile (.ovpn) of a device, for a region. */
  async ofDevice(
    { userId, deviceId }: DeviceRef,
    regionId: string,
    options: CallOptions = {},
  ): Promise<string> {
    const call = device({ userId, deviceId }, "POST", "make the profile", options);
    requireId(regionId, call.action, "regionId");
    return await this.#connection.text({ ...call, query: { ...call.query, regionId } });
  }

  async revokeOfDevice(ref: DeviceRef, options: CallOptions = {}): Promise<void> {
    await this.#connection.done(device(ref, "DELETE", "revoke the profile", options));
  }
}

function connector(
  kind: ConnectorKind,
  id: string,
  method: "POST" | "DELETE",
  verb: string,
  what: string,
  options: CallOptions,
) {
  return {
    ...options,
    action: `${verb} of ${kind} connector "${id}"`,
    method,
    path: `/${kind}s/connectors/{id}/${what}`,
    ids: { id },
  };
}

function device(
  { userId, deviceId }: DeviceRef,
  method: "POST" | "DELETE",
  verb: string,
  options: CallOptions,
) {
  const action = `${verb} of device "${deviceId}"`;
  requireId(userId, action, "userId");
  return {
    ...options,
    action,
    method,
    path: "/devices/{id}/profile",
    ids: { id: deviceId },
    query: { userId },
  };
}
