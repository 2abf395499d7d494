/**
 * Releases of VyOS, and how each writes what Holdfast configures.
 *
 * What a release *says* is its syntax; what a router *can* (a confirm timer, jobs in the background) is asked of it
 * and kept beside, because maintenance releases gain it without a new number.
 */

export const RELEASES = ["1.3", "1.4", "1.5", "rolling"] as const;
/** Releases whose syntax is known. */
export type Release = typeof RELEASES[number];

/** How a release is written to, and what a router of it can do. */
export interface Profile {
  readonly release: Release;
  /** Interface of a NAT rule: the value itself, or a node with `name`. */
  readonly interfaceNode: boolean;
  /** A NAT rule must name its interface. */
  readonly interfaceRequired: boolean;
  /** Leaf of a reservation that holds the MAC address. */
  readonly macLeaf: "mac" | "mac-address";
  /** Reservations have a description, subnets a number of their own. */
  readonly kea: boolean;
  /** `/configure` takes `confirm_time`. */
  readonly confirm: boolean;
  /** `/configure` can be told to work in the background. */
  readonly background: boolean;
}

/** What a router can beyond its syntax. */
export interface Abilities {
  confirm: boolean;
  background: boolean;
}

/** The profile of a release. Sources: the release's own definitions of `nat` and `service dhcp-server`. */
export function profileOf(release: Release, can: Abilities = { confirm: false, background: false }): Profile {
  const kea = release === "1.5" || release === "rolling";
  return {
    release,
    interfaceNode: release !== "1.3",
    interfaceRequired: release === "1.3",
    macLeaf: kea ? "mac" : "mac-address",
    kea,
    confirm: can.confirm,
    background: can.background,
  };
}

/** The release a version text means (`VyOS 1.4.0`, `1.5-rolling-202410210007`, `2026.02.01-0020-rolling`), or undefined. */
export function releaseOf(version: string): Release | undefined {
  const text = version.toLowerCase();
  // Images of the stream between 1.3 and 1.4 have the syntax of neither.
  if (/\b1\.[34]-rolling/.test(text)) return undefined;
  if (/\b1\.3\b|equuleus/.test(text)) return "1.3";
  if (/\b1\.4\b|sagitta/.test(text)) return "1.4";
  if (/\b1\.5-(rolling|stream)|\b20\d\d\.\d\d|\bcurrent\b/.test(text)) return "rolling";
  if (/\b1\.5\b|circinus/.test(text)) return "1.5";
  return undefined;
}
