/** Where things are when nobody says: directories of the host and of the user. */
import { join } from "node:path";

/** What decides about the places. */
export interface Host {
  env: Record<string, string>;
  /** Home directory; default `$HOME`. */
  home?: string | undefined;
  /** Who runs the process; null where the system has no such numbers. Default: asked from the system. */
  uid?: number | null | undefined;
}

/** The file of the whole host. */
export const SYSTEM_FILE = "/etc/holdfast/config.yaml";

/** The home directory, if there is one. */
export function homeOf({ env, home }: Host): string | undefined {
  return home ?? (env.HOME || env.USERPROFILE || undefined);
}

/** The number of the user that runs the process. */
export function uidOf({ uid }: Host): number | null {
  return uid === undefined ? Deno.uid() : uid;
}

/** `$XDG_CONFIG_HOME/holdfast/config.yaml`, by default in `~/.config` (XDG Base Directory Specification). */
export function userFile(host: Host): string | undefined {
  return inHome(host, host.env.XDG_CONFIG_HOME, ".config", "config.yaml");
}

/** Data directory: `$STATE_DIRECTORY` (systemd), `/var/lib/holdfast` for root, else `$XDG_STATE_HOME/holdfast`. */
export function dataDir(host: Host): string | undefined {
  // systemd lists several directories with colons between; ours is the first.
  const [state] = (host.env.STATE_DIRECTORY ?? "").split(":");
  if (state) return state;
  return uidOf(host) === 0 ? "/var/lib/holdfast" : inHome(host, host.env.XDG_STATE_HOME, ".local/state");
}

/** What commands remember without a daemon: `$XDG_STATE_HOME/holdfast`, for root too. */
export function stateDir(host: Host): string | undefined {
  return inHome(host, host.env.XDG_STATE_HOME, ".local/state");
}

/** Where `config init` writes: the system file for root, else the user's. */
export function initFile(host: Host): string | undefined {
  return uidOf(host) === 0 ? SYSTEM_FILE : userFile(host);
}

function inHome(
  host: Host,
  xdg: string | undefined,
  fallback: string,
  ...rest: string[]
): string | undefined {
  const home = homeOf(host);
  // The specification says to ignore relative values.
  const root = xdg?.startsWith("/") ? xdg : home === undefined ? undefined : join(home, fallback);
  return root === undefined ? undefined : join(root, "holdfast", ...rest);
}
