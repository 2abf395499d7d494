/** What a row of the table of things is: what they are called, how they are told apart, what can be asked of them. */
import type { z } from "zod";
import type { ColumnSpec } from "../lib/operation.ts";
import type { CloudConnexaClient } from "./client.ts";
import type { CallOptions } from "./connection.ts";

/** A thing as the API answers it. */
export type Thing = { id: string } & Record<string, unknown>;

/** Kinds of things, by their word on the command line and in paths. */
export const WORDS = [
  "networks",
  "network-connectors",
  "network-routes",
  "network-ip-services",
  "network-applications",
  "hosts",
  "host-connectors",
  "host-ip-services",
  "host-applications",
  "users",
  "user-groups",
  "devices",
  "device-postures",
  "location-contexts",
  "dns-records",
  "access-groups",
] as const;
export type Word = typeof WORDS[number];

/** Calls about things of one kind. `parent` is the id of what they belong to; "" where they belong to nothing. */
export interface Calls {
  list(client: CloudConnexaClient, parent: string | undefined, options: CallOptions): Promise<Thing[]>;
  /** The smallest read there is, to see whether it is allowed. */
  probe(client: CloudConnexaClient, options: CallOptions): Promise<unknown>;
  get(client: CloudConnexaClient, id: string, parent: string, options: CallOptions): Promise<Thing>;
  create(client: CloudConnexaClient, body: unknown, parent: string, options: CallOptions): Promise<Thing>;
  update(
    client: CloudConnexaClient,
    id: string,
    body: unknown,
    parent: string,
    options: CallOptions,
  ): Promise<Thing>;
  delete(client: CloudConnexaClient, id: string, parent: string, options: CallOptions): Promise<void>;
}

/** What belongs to another thing. */
export interface Parent {
  word: Word;
  /** The field and flag that names it: `network`. */
  flag: "network" | "host" | "user";
  /** Where a thing holds its parent's id; undefined where answers do not say. */
  key: "networkItemId" | "userId" | undefined;
}

/** One kind of thing. */
export interface Resource extends Calls {
  word: Word;
  one: string;
  many: string;
  /** Fields a person may call it by, the one that exports and plans use first. */
  labels: readonly [string, ...string[]];
  parent?: Parent;
  create_schema: z.ZodObject;
  update_schema: z.ZodObject;
  item: z.ZodType<Thing>;
  columns: readonly ColumnSpec[];
  /** Fields that hold ids of other things. */
  refs: Readonly<Record<string, Word>>;
  /** What a deletion takes with it. */
  takes?: string;
  /** An example of what follows `create`. */
  example: string;
}

/** As much of the client's services as the table uses. */
interface Service<Create, Update> {
  list(query: CallOptions & { size: number }): Promise<unknown>;
  listAll(options: CallOptions): Promise<Thing[]>;
  get(id: string, options: CallOptions): Promise<Thing>;
  create(body: Create, options: CallOptions): Promise<Thing>;
  update(id: string, body: Update, options: CallOptions): Promise<Thing>;
  delete(id: string, options: CallOptions): Promise<void>;
}

interface PartService<Create, Update> extends Omit<Service<Create, Update>, "listAll" | "create"> {
  listAll(options: CallOptions & { parentId?: string | undefined }): Promise<Thing[]>;
  create(parentId: string, body: Create, options: CallOptions): Promise<Thing>;
}

type About = Omit<Resource, keyof Calls | "create_schema" | "update_schema">;

/** A row about things that belong to nothing. */
export function whole<Create extends z.ZodObject, Update extends z.ZodObject>(
  about: About,
  create: Create,
  update: Update,
  of: (client: CloudConnexaClient) => Service<z.output<Create>, z.output<Update>>,
): Resource {
  return {
    ...about,
    create_schema: create,
    update_schema: update,
    list: (client, _, options) => of(client).listAll(options),
    probe: (client, options) => of(client).list({ ...options, size: 1 }),
    get: (client, id, _, options) => of(client).get(id, options),
    create: (client, body, _, options) => of(client).create(create.parse(body), options),
    update: (client, id, body, _, options) => of(client).update(id, update.parse(body), options),
    delete: (client, id, _, options) => of(client).delete(id, options),
  };
}

/** A row about things that belong to a network or a host. */
export function part<Request extends z.ZodObject>(
  about: About & { parent: Parent },
  request: Request,
  of: (client: CloudConnexaClient) => PartService<z.output<Request>, z.output<Request>>,
): Resource {
  return {
    ...about,
    create_schema: request,
    update_schema: request,
    list: (client, parentId, options) => of(client).listAll({ ...options, parentId }),
    probe: (client, options) => of(client).list({ ...options, size: 1 }),
    get: (client, id, _, options) => of(client).get(id, options),
    create: (client, body, parent, options) => of(client).create(parent, request.parse(body), options),
    update: (client, id, body, _, options) => of(client).update(id, request.parse(body), options),
    delete: (client, id, _, options) => of(client).delete(id, options),
  };
}

/** What a thing is called; its id where it has no name. */
export function labelOf({ labels }: Pick<Resource, "labels">, thing: Thing): string {
  const label = thing[labels[0]];
  return typeof label === "string" && label !== "" ? label : thing.id;
}
