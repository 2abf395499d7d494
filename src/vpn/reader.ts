/** Reads a whole tenant into a picture, in as few calls as there can be. */
import type { CloudConnexaClient } from "./client.ts";
import type { CallOptions } from "./connection.ts";
import {
  type Body,
  emptyPicture,
  type Entry,
  fixedReason,
  keyOf,
  mapRefs,
  ORDER,
  type Picture,
} from "./picture.ts";
import { requestOf } from "./requests.ts";
import { labelOf, type Thing, type Word } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import { FIELD_SINCE } from "./versions.ts";
import { SETTING_NAMES, SETTINGS, type SettingSpec } from "./schemas/settings.ts";

/** A thing and the id of what it belongs to. */
interface Part {
  thing: Thing;
  parent: string | null;
}

/** A tenant as it is: its picture, and the things behind it. */
export interface Actual extends Picture {
  /** Keys by id. */
  keys: Map<string, string>;
  /** Answers as they came, by key; they hold secrets. */
  things: Map<string, Thing>;
}

/** What comes inside an answer about another thing, where the API sends it. */
const INSIDE: Partial<Record<Word, { of: Word; field: string }>> = {
  "network-connectors": { of: "networks", field: "connectors" },
  "network-routes": { of: "networks", field: "routes" },
  "host-connectors": { of: "hosts", field: "connectors" },
};

/** What is read, and who is told how far it is: kinds of things and settings that were read, of how many. */
export interface ReadOptions {
  /** Default: with the settings. */
  settings?: boolean;
  onRead?: ((done: number, total: number) => void) | undefined;
}

/** Reads everything. Errors: those of the client; nothing half read is returned. */
export async function readTenant(
  client: CloudConnexaClient,
  options: CallOptions,
  { settings = true, onRead = () => {} }: ReadOptions = {},
): Promise<Actual> {
  const total = ORDER.length + (settings ? SETTING_NAMES.length : 0);
  const read = new Map<Word, Part[]>();
  for (const [done, word] of ORDER.entries()) {
    onRead(done, total);
    read.set(word, await readKind(client, word, read, options));
  }
  const actual = pictureOf(read);
  if (settings) {
    const values = await client.settings.readAll(options, (done) => onRead(ORDER.length + done, total));
    for (const name of SETTING_NAMES) {
      const spec: SettingSpec = SETTINGS[name];
      if (name in values && spec.readOnly !== true) actual.settings.set(name, values[name] ?? null);
    }
  }
  return actual;
}

async function readKind(
  client: CloudConnexaClient,
  word: Word,
  read: ReadonlyMap<Word, readonly Part[]>,
  options: CallOptions,
): Promise<Part[]> {
  const resource = resourceOf(word);
  const inside = INSIDE[word];
  if (inside !== undefined) {
    const parts: Part[] = [];
    for (const { thing } of read.get(inside.of) ?? []) {
      // Where an answer leaves them out they are asked for.
      const found = thing[inside.field];
      const things = Array.isArray(found) ? found : await resource.list(client, thing.id, options);
      parts.push(...things.map((one: Thing) => ({ thing: one, parent: thing.id })));
    }
    return parts;
  }
  const key = resource.parent?.key;
  return (await resource.list(client, undefined, options))
    .map((thing) => ({ thing, parent: key === undefined ? null : String(thing[key] ?? "") }));
}

function pictureOf(read: ReadonlyMap<Word, readonly Part[]>): Actual {
  const actual: Actual = { ...emptyPicture(), keys: new Map(), things: new Map() };
  for (const [word, parts] of read) {
    actual.words.add(word);
    // Of things with one name the order of ids decides which is the second.
    for (const { thing, parent } of [...parts].sort((a, b) => a.thing.id < b.thing.id ? -1 : 1)) {
      const parentKey = parent === null ? null : actual.keys.get(parent);
      // What belongs to something that was deleted meanwhile is gone with it.
      if (parentKey === undefined) continue;
      const name = labelOf(resourceOf(word), thing);
      const key = keyOf(word, parentKey, name, actual.entries);
      const entry: Entry = {
        word,
        key,
        name,
        parent: parentKey,
        body: {},
        id: thing.id,
        fixed: fixedReason(word, thing),
        place: null,
      };
      actual.entries.set(key, entry);
      actual.keys.set(thing.id, key);
      actual.things.set(key, thing);
    }
  }
  for (const [key, entry] of actual.entries) {
    entry.body = bodyOf(entry.word, actual.things.get(key), actual.keys);
  }
  return actual;
}

function bodyOf(word: Word, thing: Thing | undefined, keys: ReadonlyMap<string, string>): Body {
  if (thing === undefined) return {};
  // What is unset is told as such, so that somebody who sets it is noticed.
  const body = { ...unsetOf(word), ...requestOf(resourceOf(word), thing) };
  // States that people are in by what they do are nothing to wish for.
  if (word === "users" && body.status !== "SUSPENDED") delete body.status;
  return mapRefs(word, body, (id) => keys.get(id) ?? id);
}

const unsetFields = new Map<Word, Body>();

/** Fields of a kind that may be empty, empty; those of later releases are told where they are known only. */
function unsetOf(word: Word): Body {
  const known = unsetFields.get(word);
  if (known !== undefined) return known;
  const { shape } = resourceOf(word).update_schema;
  const body: Body = {};
  for (const [field, schema] of Object.entries(shape)) {
    if (field in FIELD_SINCE || word === "users") continue;
    for (const empty of ["", []]) if (schema.safeParse(empty).success) body[field] = empty;
  }
  unsetFields.set(word, body);
  return body;
}
