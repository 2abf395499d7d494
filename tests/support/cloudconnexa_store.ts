/** What the fake tenant holds: things by kind, with the ids it gave them. */

/** A thing as the API has it, with what it does not show in keys that begin with `_`. */
export type Thing = { id: string } & Record<string, unknown>;

/** Kinds, by their paths. */
export const KINDS = [
  "networks",
  "networks/routes",
  "networks/connectors",
  "networks/ip-services",
  "networks/applications",
  "hosts",
  "hosts/connectors",
  "hosts/ip-services",
  "hosts/applications",
  "users",
  "user-groups",
  "devices",
  "device-postures",
  "location-contexts",
  "dns-records",
  "access-groups",
] as const;
export type Kind = typeof KINDS[number];

/** A refusal, in the API's shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly about: string;
  readonly code: string;

  constructor(about: string, message: string, code = "INVALID", status = 400) {
    super(message);
    this.status = status;
    this.about = about;
    this.code = code;
  }

  get body(): Record<string, unknown> {
    return {
      errorDetails: { [this.about]: [{ errorCode: this.code, message: this.message, params: {} }] },
      errorMessage: this.message,
      statusError: this.status === 404 ? "NOT_FOUND" : "BAD_REQUEST",
    };
  }
}

/** The things. */
export class FakeStore {
  readonly #kinds = new Map<Kind, Map<string, Thing>>(KINDS.map((kind) => [kind, new Map()]));
  #made = 0;

  /** An id nobody has; as the API's, but in order. */
  newId(): string {
    return `00000000-0000-4000-8000-${(++this.#made).toString(16).padStart(12, "0")}`;
  }

  all(kind: Kind): Thing[] {
    return [...this.#kinds.get(kind)!.values()];
  }

  /** Things whose key has a value: connectors of a network. */
  where(kind: Kind, key: string, value: unknown): Thing[] {
    return this.all(kind).filter((thing) => thing[key] === value);
  }

  find(kind: Kind, id: string): Thing | undefined {
    return this.#kinds.get(kind)!.get(id);
  }

  get(kind: Kind, id: string): Thing {
    const thing = this.find(kind, id);
    if (thing === undefined) throw new Refusal("id", `No ${kind} with id ${id}`, "NOT_FOUND", 404);
    return thing;
  }

  add(kind: Kind, fields: Record<string, unknown>): Thing {
    const thing: Thing = { id: this.newId(), ...fields };
    this.#kinds.get(kind)!.set(thing.id, thing);
    return thing;
  }

  replace(kind: Kind, id: string, fields: Record<string, unknown>): Thing {
    const thing: Thing = { ...fields, id };
    this.#kinds.get(kind)!.set(id, thing);
    return thing;
  }

  delete(kind: Kind, id: string): void {
    this.get(kind, id);
    this.#kinds.get(kind)!.delete(id);
    const parts = (["connectors", "routes", "ip-services", "applications"] as const).flatMap((part) =>
      KINDS.filter((one) => one === `${kind}/${part}`)
    );
    for (const part of parts) {
      for (const thing of this.where(part, "networkItemId", id)) this.#kinds.get(part)!.delete(thing.id);
    }
    if (kind === "users") {
      for (const device of this.where("devices", "userId", id)) this.#kinds.get("devices")!.delete(device.id);
    }
  }

  /** Forgets everything but the owner and what everybody has. */
  wipe(): void {
    for (const [kind, things] of this.#kinds) {
      for (const thing of [...things.values()]) {
        const stays = kind === "users" && thing.role === "OWNER" ||
          kind === "user-groups" && thing._default === true ||
          kind === "access-groups" && thing.defaultGroup === true;
        if (!stays) things.delete(thing.id);
      }
    }
  }
}
