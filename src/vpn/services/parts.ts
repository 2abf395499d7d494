/** Collections whose things belong to a network or to a host: connectors, routes, IP services, applications. */
import type { CallOptions, Connection } from "../connection.ts";
import { allPages, collect, type Page } from "../paging.ts";
import { type CollectionSpec, MAX_PAGE_SIZE, type PageQuery, requireId, Things } from "./things.ts";

/** A page of a collection whose things belong to a network or a host. */
export interface PartQuery extends PageQuery {
  /** Only those of this network or host; default: of all. */
  parentId?: string | undefined;
}

/** What belongs to a network or a host. */
export class Parts<Item extends { id: string }, Create, Update = Create>
  extends Things<Item, Create, Update> {
  readonly #parent: "networkId" | "hostId";

  constructor(
    connection: Connection,
    spec: CollectionSpec<Item, Create, Update> & { parent: "networkId" | "hostId" },
  ) {
    super(connection, spec);
    this.#parent = spec.parent;
  }

  /** One page; of one network or host, or of all. */
  list({ parentId, ...query }: PartQuery = {}): Promise<Page<Item>> {
    return this.readPage(query, { [this.#parent]: parentId });
  }

  listAll(query: CallOptions & { parentId?: string | undefined } = {}): Promise<Item[]> {
    return collect(this.each(query));
  }

  each(query: CallOptions & { parentId?: string | undefined } = {}): AsyncGenerator<Item> {
    return allPages((page) => this.list({ page, size: MAX_PAGE_SIZE, ...query }));
  }

  get(id: string, options: CallOptions = {}): Promise<Item> {
    return this.read(id, options);
  }

  /** Adds one to a network or a host. */
  async create(parentId: string, body: Create, options: CallOptions = {}): Promise<Item> {
    requireId(parentId, `create ${this.spec.one}`, this.#parent);
    return await this.insert(body, options, { [this.#parent]: parentId });
  }

  /** Replaces it: what is left out may be cleared. */
  update(id: string, body: Update, options: CallOptions = {}): Promise<Item> {
    return this.replace(id, body, options);
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.remove(id, options);
  }
}
