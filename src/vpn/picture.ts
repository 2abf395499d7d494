/**
 * A tenant as a picture: its things by a key that is made of names, with keys where the API has ids. Two pictures can be
 * compared, whether one was read from the tenant or from files, and whatever ids the things have.
 */
import type { Thing, Word } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import type { SettingName } from "./schemas/settings.ts";

/** Fields of a request, with keys in place of ids. */
export type Body = Record<string, unknown>;

/** One thing of a picture. */
export interface Entry {
  word: Word;
  /** `networks/hq/connectors/hq-1`. */
  key: string;
  name: string;
  /** Key of what it belongs to. */
  parent: string | null;
  body: Body;
  /** In the tenant; null in files. */
  id: string | null;
  /** Why it cannot be changed or deleted through the API; null when it can. */
  fixed: string | null;
  /** `networks.yaml:12`; null in the tenant. */
  place: string | null;
}

/** A tenant, whole or in part. */
export interface Picture {
  entries: Map<string, Entry>;
  settings: Map<SettingName, unknown>;
  /** Kinds it tells of; of others it has no opinion. */
  words: Set<Word>;
}

/** The order in which things can be created: each kind after those it refers to. */
export const ORDER: readonly Word[] = [
  "networks",
  "hosts",
  "network-connectors",
  "host-connectors",
  "network-routes",
  "network-ip-services",
  "host-ip-services",
  "network-applications",
  "host-applications",
  "user-groups",
  "users",
  "devices",
  "dns-records",
  "device-postures",
  "location-contexts",
  "access-groups",
];

/** What parts of a thing are called inside it. */
export const PART_NAMES: Partial<Record<Word, string>> = {
  "network-connectors": "connectors",
  "host-connectors": "connectors",
  "network-routes": "routes",
  "network-ip-services": "ip-services",
  "host-ip-services": "ip-services",
  "network-applications": "applications",
  "host-applications": "applications",
  devices: "devices",
};

/** An empty picture. */
export function emptyPicture(): Picture {
  return { entries: new Map(), settings: new Map(), words: new Set() };
}

/** The key of a thing; the second one of a name is `name#2`. */
export function keyOf(
  word: Word,
  parent: string | null,
  name: string,
  taken: ReadonlyMap<string, unknown>,
): string {
  const start = parent === null ? word : `${parent}/${PART_NAMES[word] ?? word}`;
  const key = `${start}/${escapeName(name)}`;
  if (!taken.has(key)) return key;
  for (let n = 2;; n++) if (!taken.has(`${key}#${n}`)) return `${key}#${n}`;
}

/** A slash in a name would be read as the start of a part. */
export function escapeName(name: string): string {
  return name.replaceAll("%", "%25").replaceAll("/", "%2F");
}

/** References in a body, mapped; `kind` is what the field refers to, undefined where the value itself says it. */
export function mapRefs(word: Word, body: Body, map: (ref: string, kind: Word | undefined) => unknown): Body {
  const result = { ...body };
  for (const [field, kind] of Object.entries(resourceOf(word).refs)) {
    const value = body[field];
    if (typeof value === "string" && value !== "") result[field] = map(value, kind);
    if (Array.isArray(value)) result[field] = value.map((ref) => map(String(ref), kind));
  }
  if (word !== "access-groups") return result;
  for (const side of ["source", "destination"]) {
    const items = body[side];
    if (!Array.isArray(items)) continue;
    result[side] = items.map((item: Body) => ({
      ...item,
      ...(typeof item.parent === "string" ? { parent: map(item.parent, undefined) } : {}),
      ...(Array.isArray(item.children)
        ? { children: item.children.map((child) => map(String(child), undefined)) }
        : {}),
    }));
  }
  return result;
}

/** Why a thing of a tenant cannot be changed; null when it can. */
export function fixedReason(word: Word, thing: Thing): string | null {
  if (word === "users" && thing.role === "OWNER") {
    return "the owner of a tenant cannot be changed through the API";
  }
  if (word === "access-groups" && thing.defaultGroup === true) {
    return "the default access group stays as it is";
  }
  return null;
}

/** True when what is wanted is there already: fields that are not told may be anything, order does not count. */
export function satisfied(wanted: unknown, actual: unknown): boolean {
  if (isUnset(wanted)) return isUnset(actual) || wanted === undefined;
  if (Array.isArray(wanted)) {
    const rest = Array.isArray(actual) ? [...actual] : [];
    if (rest.length !== wanted.length) return false;
    return wanted.every((item) => {
      const at = rest.findIndex((other) => satisfied(item, other));
      if (at < 0) return false;
      rest.splice(at, 1);
      return true;
    });
  }
  if (typeof wanted === "object" && wanted !== null) {
    return Object.entries(wanted).every(([key, value]) => satisfied(value, fieldOf(actual, key)));
  }
  return wanted === actual || (wanted === false && isUnset(actual));
}

/** True for a value that says nothing. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === "" ||
    (Array.isArray(value) && value.length === 0);
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
