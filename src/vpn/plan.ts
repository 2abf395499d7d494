/** From what should be to what is to be done: pure, in an order in which each step can succeed. */
import { type Body, type Entry, isUnset, mapRefs, ORDER, type Picture, satisfied } from "./picture.ts";
import type { Actual } from "./reader.ts";
import type { Word } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import { isSecret, withSecretsOf } from "./secrets.ts";

/** One field that changes. */
export interface Change {
  field: string;
  from: unknown;
  to: unknown;
}

/** One call to be made. */
export interface Step {
  action: "create" | "update" | "delete" | "set";
  /** `networks`; `settings` for settings. */
  kind: Word | "settings";
  key: string;
  name: string;
  id: string | null;
  parent: string | null;
  /** What is sent, keys in place of ids; it may hold secrets. */
  body: Body;
  /** What that changes, without secrets. */
  changes: Change[];
  /** Why it cannot be done; null when it can. */
  blocked: string | null;
}

/** What is to be done, and what is in the tenant and not in the picture. */
export interface Plan {
  steps: Step[];
  extra: string[];
}

/** Compares. With `remove` what is not wanted is deleted, else it stays and is told. */
export function planTenant(desired: Picture, actual: Actual, { remove }: { remove: boolean }): Plan {
  const steps: Step[] = [];
  const later: Step[] = [];
  for (const word of ORDER) {
    for (const entry of desired.entries.values()) {
      if (entry.word !== word) continue;
      const there = actual.entries.get(entry.key);
      if (there === undefined) {
        const { step, rest } = creation(entry, actual);
        steps.push(step);
        if (rest !== undefined) later.push(rest);
      } else {
        const step = change(entry, there, actual);
        if (step !== undefined) (refersToNew(step, actual) ? later : steps).push(step);
      }
    }
  }
  const unwanted = [...actual.entries.values()].filter((entry) =>
    desired.words.has(entry.word) && !desired.entries.has(entry.key) && entry.fixed === null &&
    // With what it belongs to it goes by itself.
    !(entry.parent !== null && isUnwanted(entry.parent, desired, actual))
  );
  const deletions = remove
    ? unwanted.map(deletion).sort((a, b) => ORDER.indexOf(wordOf(b)) - ORDER.indexOf(wordOf(a)))
    : [];
  // A route that goes makes room for one that comes; everything else is deleted when nothing needs it any more.
  const first = deletions.filter(({ kind }) => kind === "network-routes");
  const last = deletions.filter(({ kind }) => kind !== "network-routes");
  return {
    steps: [...first, ...steps, ...later, ...settingSteps(desired, actual), ...last],
    extra: unwanted.map(({ key }) => key),
  };
}

/** True when a change names what has to be created first. */
function refersToNew({ kind, body }: Step, actual: Actual): boolean {
  let isNew = false;
  if (kind !== "settings") {
    mapRefs(kind, body, (ref) => isNew ||= ref.includes("/") && !actual.entries.has(ref));
  }
  return isNew;
}

function isUnwanted(key: string, desired: Picture, actual: Actual): boolean {
  return !desired.entries.has(key) && actual.entries.get(key)?.fixed === null;
}

function wordOf({ kind }: Step): Word {
  return kind === "settings" ? "networks" : kind;
}

const IPSEC_SECRET =
  "its pre-shared key is missing, which exports leave out: write it into the file, or export with --secrets";

/** A creation, and what can only be said once everything is there. */
function creation(entry: Entry, actual: Actual): { step: Step; rest?: Step } {
  const { word, key, name, parent } = entry;
  const known = new Set(Object.keys(resourceOf(word).create_schema.shape));
  const body: Body = {};
  const waiting: Body = {};
  for (const [field, value] of Object.entries(entry.body)) {
    if (isUnset(value)) continue;
    const waits = !known.has(field) || (field === "gatewaysIds" && !allThere(value, actual));
    (waits ? waiting : body)[field] = value;
  }
  const step: Step = {
    action: "create",
    kind: word,
    key,
    name,
    id: null,
    parent,
    body,
    changes: Object.entries(body).map(([field, to]) => ({ field, from: null, to: shown(to) })),
    blocked: lacksKey(body) ? IPSEC_SECRET : null,
  };
  if (Object.values(waiting).every((value) => satisfied(value, undefined))) return { step };
  const changes = Object.entries(waiting).map(([field, to]) => ({ field, from: null, to: shown(to) }));
  return {
    step,
    rest: { ...step, action: "update", body: updatable(word, withoutUnset(entry.body, {})), changes },
  };
}

/** Networks may send traffic through each other in circles: what is not there yet is said later. */
function allThere(keys: unknown, actual: Actual): boolean {
  return Array.isArray(keys) && keys.every((key) => actual.entries.has(String(key)));
}

function lacksKey({ ipSecConfig }: Body): boolean {
  if (typeof ipSecConfig !== "object" || ipSecConfig === null) return false;
  return Reflect.get(ipSecConfig, "authenticationType") === "SHARED_SECRET" &&
    !Reflect.get(ipSecConfig, "preSharedKey");
}

function change(entry: Entry, there: Entry, actual: Actual): Step | undefined {
  const wanted = Object.entries(entry.body).filter(([field, value]) => !satisfied(value, there.body[field]));
  if (wanted.length === 0) return undefined;
  const { word, key, name, parent } = entry;
  const status = actual.things.get(key)?.status;
  const merged: Body = {
    ...there.body,
    // A replacement that leaves the state out may clear it.
    ...(word === "users" && typeof status === "string" ? { status } : {}),
    ...Object.fromEntries(
      Object.entries(entry.body).map(([field, value]) => [field, withSecretsOf(value, there.body[field])]),
    ),
  };
  return {
    action: "update",
    kind: word,
    key,
    name,
    id: there.id,
    parent,
    body: updatable(word, withoutUnset(merged, there.body)),
    changes: wanted.map(([field, to]) => ({ field, from: shown(there.body[field] ?? null), to: shown(to) })),
    blocked: there.fixed,
  };
}

/** Only what is to be cleared is sent empty. */
function withoutUnset(body: Body, before: Body): Body {
  return Object.fromEntries(
    Object.entries(body).filter(([field, value]) => !isUnset(value) || !isUnset(before[field])),
  );
}

function updatable(word: Word, body: Body): Body {
  const known = new Set(Object.keys(resourceOf(word).update_schema.shape));
  return Object.fromEntries(Object.entries(body).filter(([field]) => known.has(field)));
}

function deletion({ word, key, name, id, parent }: Entry): Step {
  return { action: "delete", kind: word, key, name, id, parent, body: {}, changes: [], blocked: null };
}

function settingSteps(desired: Picture, actual: Actual): Step[] {
  return [...desired.settings].filter(([name, value]) =>
    !satisfied(value, actual.settings.get(name)) && value !== null
  )
    .map(([name, value]) => ({
      action: "set",
      kind: "settings",
      key: `settings/${name}`,
      name,
      id: null,
      parent: null,
      body: { value },
      changes: [{ field: name, from: actual.settings.get(name) ?? null, to: value }],
      blocked: actual.settings.has(name) ? null : "the tenant's release of the API does not know it",
    }));
}

/** A value with its secrets struck out: that one changes may be known, not what it is. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key) ? "***" : shown(item)]),
  );
}
