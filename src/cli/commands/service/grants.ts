/** What a unit must be given so that the daemon can read its sources and write its destinations, and nothing more. */
import { isAbsolute, normalize } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";

/** Directories `ProtectHome=` hides. */
export const HOMES = ["/home", "/root", "/run/user"] as const;
/** Directories `PrivateTmp=` replaces by empty ones. */
export const TEMPORARY = ["/tmp", "/var/tmp"] as const;

/** What a person wants the daemon to reach. */
export interface Wanted {
  sources: readonly string[];
  writes: readonly string[];
  restoreOwners: boolean;
}

/** Settings of the unit that follow. */
export interface Grants {
  protectHome: "tmpfs" | "read-only" | "no";
  readOnly: string[];
  readWrite: string[];
  bindReadOnly: string[];
  bind: string[];
  capabilities: string[];
}

/** The grants for what is wanted. Errors: `invalid` for a path that is not absolute. */
export function grantsFor(wanted: Wanted): Grants {
  const sources = wanted.sources.map(clean);
  const writes = wanted.writes.map(clean);
  // A source or destination that holds the homes themselves cannot be bound in from behind an empty file system.
  const homesWritten = writes.some((path) => HOMES.some((home) => isWithin(home, path)));
  const homesRead = sources.some((path) => HOMES.some((home) => isWithin(home, path)));
  const hidden = homesWritten || homesRead ? [...TEMPORARY] : [...HOMES, ...TEMPORARY];
  const isHidden = (path: string) => hidden.some((directory) => isWithin(path, directory));
  const capabilities = new Set<string>();
  // Files of every owner are read; the daemon is still not root and can change none of them.
  if (sources.length > 0) capabilities.add("CAP_DAC_READ_SEARCH");
  if (wanted.restoreOwners) {
    for (const name of ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_DAC_OVERRIDE"]) capabilities.add(name);
  }
  return {
    protectHome: homesWritten ? "no" : homesRead ? "read-only" : "tmpfs",
    // The whole host is read-only already, and its own device files and the like are better left alone.
    readOnly: unique(sources.filter((path) => path !== "/" && !isHidden(path) && !writes.includes(path))),
    readWrite: unique(writes.filter((path) => !isHidden(path))),
    bindReadOnly: unique(sources.filter((path) => isHidden(path) && !writes.includes(path))),
    bind: unique(writes.filter(isHidden)),
    capabilities: [...capabilities],
  };
}

function clean(path: string): string {
  if (!isAbsolute(path)) {
    throw new HoldfastError("invalid", `Cannot grant "${path}": it is not an absolute path`);
  }
  const normal = normalize(path);
  return normal === "/" ? normal : normal.replace(/\/+$/, "");
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)].sort();
}

/** True when `path` is `directory` or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
