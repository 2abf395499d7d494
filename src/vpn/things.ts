/** Things of a tenant, found by id or by name. */
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { CloudConnexaClient } from "./client.ts";
import type { CallOptions } from "./connection.ts";
import { CloudConnexaError, NotFoundError, ValidationError } from "./errors.ts";
import { requestOf } from "./requests.ts";
import { labelOf, type Resource, type Thing, type Word } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import { withoutSecrets } from "./secrets.ts";

/** How somebody names a thing. */
export interface ThingRef {
  /** Id or name. */
  ref: string;
  /** Id or name of what it belongs to, where that is needed to tell it apart. */
  parent?: string | undefined;
}

/** A thing and the id of what it belongs to. */
interface Found {
  thing: Thing;
  parent: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Things of one tenant; answers hold no secrets. Errors: those of the client, `not_found`, `conflict` for names that several have. */
export class Things {
  readonly #client: CloudConnexaClient;
  readonly #options: CallOptions;

  constructor(client: CloudConnexaClient, signal: AbortSignal) {
    this.#client = client;
    this.#options = { signal };
  }

  async list(resource: Resource, parent: string | undefined): Promise<Thing[]> {
    return withoutSecrets(await this.#all(resource, parent));
  }

  async get(resource: Resource, named: ThingRef): Promise<Thing> {
    return withoutSecrets((await this.find(resource, named)).thing);
  }

  async create(
    resource: Resource,
    body: Record<string, unknown>,
    parent: string | undefined,
  ): Promise<Thing> {
    const parentId = resource.parent === undefined ? "" : await this.idOf(resource.parent.word, parent ?? "");
    const json = await this.#withIds(resource, body);
    return withoutSecrets(await resource.create(this.#client, json, parentId, this.#options));
  }

  /** Changes the fields that are given; the API replaces, so the others are sent as they are. */
  async update(resource: Resource, named: ThingRef, changes: Record<string, unknown>): Promise<Thing> {
    const { thing, parent } = await this.find(resource, named);
    if (thing.role === "OWNER") {
      throw new ValidationError(
        `Cannot update user "${
          labelOf(resource, thing)
        }": the owner of a tenant cannot be changed through the API`,
        { hint: "change the owner in the portal" },
      );
    }
    const own = new Set(Object.keys(resource.update_schema.shape));
    const before = Object.fromEntries(
      Object.entries(requestOf(resource, thing)).filter(([key]) => own.has(key)),
    );
    const json = { ...before, ...await this.#withIds(resource, changes) };
    return withoutSecrets(await resource.update(this.#client, thing.id, json, parent, this.#options));
  }

  async delete(resource: Resource, named: ThingRef): Promise<void> {
    const { thing, parent } = await this.find(resource, named);
    await resource.delete(this.#client, thing.id, parent, this.#options);
  }

  /** The id behind an id or a name. */
  async idOf(word: Word, ref: string): Promise<string> {
    return UUID.test(ref) ? ref : (await this.find(resourceOf(word), { ref })).thing.id;
  }

  /** The one thing that is meant. An id is read directly, a name means reading the list. */
  async find(resource: Resource, { ref, parent }: ThingRef): Promise<Found> {
    const parentId = parent === undefined ? undefined : await this.#parentId(resource, parent);
    const needsParent = resource.word === "devices" && parentId === undefined;
    if (UUID.test(ref) && !needsParent) return await this.#byId(resource, ref, parentId ?? "");
    const all = await this.#all(resource, parent === undefined ? undefined : parentId);
    const [thing, ...more] = matches(resource, all, ref);
    if (thing === undefined) throw missing(resource, ref, all);
    if (more.length > 0) {
      const ids = [thing, ...more].map(({ id }) => id).join(", ");
      throw new HoldfastError("conflict", `Cannot choose a ${resource.one}: several are called "${ref}"`, {
        hint: resource.parent === undefined || parent !== undefined
          ? `say which by its id: ${ids}`
          : `say which with --${resource.parent.flag}, or by its id: ${ids}`,
      });
    }
    const key = resource.parent?.key;
    return { thing, parent: parentId ?? String(key === undefined ? "" : thing[key] ?? "") };
  }

  async #byId(resource: Resource, id: string, parent: string): Promise<Found> {
    try {
      return { thing: await resource.get(this.#client, id, parent, this.#options), parent };
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      throw new HoldfastError("not_found", `Cannot find ${resource.one} "${id}"`, {
        cause: error,
        hint: `see: holdfast vpn ${resource.word} list`,
      });
    }
  }

  #all(resource: Resource, parentId: string | undefined): Promise<Thing[]> {
    return resource.list(this.#client, parentId, this.#options);
  }

  async #parentId({ parent, word }: Resource, ref: string): Promise<string> {
    if (parent === undefined) {
      throw new CloudConnexaError("invalid", `Cannot look for ${word}: they belong to nothing`);
    }
    return await this.idOf(parent.word, ref);
  }

  /** Names of other things become their ids. */
  async #withIds({ refs }: Resource, body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const result = { ...body };
    for (const [field, word] of Object.entries(refs)) {
      const value = body[field];
      if (typeof value === "string" && value !== "") result[field] = await this.idOf(word, value);
      if (Array.isArray(value)) {
        const ids = [];
        for (const ref of value) ids.push(await this.idOf(word, String(ref)));
        result[field] = ids;
      }
    }
    return result;
  }
}

/** Exact names first; then those that differ in case only. */
function matches({ labels }: Resource, all: readonly Thing[], ref: string): Thing[] {
  const called = (same: (label: string) => boolean) =>
    all.filter((thing) => labels.some((label) => same(String(thing[label] ?? ""))));
  const ids = all.filter(({ id }) => id === ref);
  if (ids.length > 0) return ids;
  const exact = called((label) => label === ref);
  return exact.length > 0 ? exact : called((label) => label.toLowerCase() === ref.toLowerCase());
}

function missing(resource: Resource, ref: string, all: readonly Thing[]): HoldfastError {
  const meant = nearest(ref, all.map((thing) => labelOf(resource, thing)));
  return new HoldfastError("not_found", `Cannot find ${resource.one} "${ref}"`, {
    hint: meant === undefined ? `see: holdfast vpn ${resource.word} list` : `did you mean "${meant}"?`,
  });
}
