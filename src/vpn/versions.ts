/**
 * Releases of the API. Its address only ever says `/api/v1`; which release a tenant runs is told nowhere, so it is found out
 * by asking for calls that came with each.
 */

/** Releases that brought calls or fields, in rising order. */
export const VERSIONS = ["1.0", "1.1.0", "1.1.1", "1.1.6", "1.2.0", "1.2.3"] as const;
export type Version = typeof VERSIONS[number];

/** True when release `a` has what came with `b`. */
export function isAtLeast(a: Version, b: Version): boolean {
  return VERSIONS.indexOf(a) >= VERSIONS.indexOf(b);
}

/** What to ask to know a release, newest first; a 404 says that it is an older one. */
export const PROBES: readonly { version: Version; path: string; query?: Record<string, string | number> }[] =
  [
    { version: "1.2.3", path: "/settings/wpc/ip-allocation-mode" },
    { version: "1.2.0", path: "/settings/wpc/routes-advanced-configuration-enabled" },
    { version: "1.1.6", path: "/audit-log", query: { size: 1 } },
    { version: "1.1.1", path: "/access-visibility/enabled" },
  ];

/** What a tenant runs that knows none of the probes: 1.1.0 brought reads of single things only. */
export const OLDEST: Version = "1.1.0";

/** Fields that came later; sent to an older release they would be refused or dropped. */
export const FIELD_SINCE: Readonly<Record<string, Version>> = {
  secondaryGroupIds: "1.2.0",
  tunnelBypass: "1.2.3",
  exactMatch: "1.2.3",
  autoInitiate: "1.2.3",
};

/** Paths of fields in a body that a release does not know yet: `routes[0].exactMatch`. */
export function fieldsTooNew(body: unknown, version: Version, path = ""): { path: string; since: Version }[] {
  if (Array.isArray(body)) return body.flatMap((item, i) => fieldsTooNew(item, version, `${path}[${i}]`));
  if (typeof body !== "object" || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    const since = FIELD_SINCE[key];
    if (value !== undefined && since !== undefined && !isAtLeast(version, since)) {
      return [{ path: inner, since }];
    }
    return fieldsTooNew(value, version, inner);
  });
}
