/** Collections whose things belong to no other. */
import type { CallOptions } from "../connection.ts";
import { allPages, collect, type Page } from "../paging.ts";
import { MAX_PAGE_SIZE, type PageQuery, Things } from "./things.ts";

/** A collection whose things belong to no other. Errors: those of `errors.ts`, and the signal's reason. */
export class Collection<Item extends { id: string }, Create, Update = Create>
  extends Things<Item, Create, Update> {
  /** One page. */
  list(query: PageQuery = {}): Promise<Page<Item>> {
    return this.readPage(query);
  }

  /** Every thing, in as few calls as there can be. */
  listAll(options: CallOptions = {}): Promise<Item[]> {
    return collect(this.each(options));
  }

  /** Every thing; pages are read as they are needed. */
  each(options: CallOptions = {}): AsyncGenerator<Item> {
    return allPages((page) => this.list({ page, size: MAX_PAGE_SIZE, ...options }));
  }

  get(id: string, options: CallOptions = {}): Promise<Item> {
    return this.read(id, options);
  }

  create(body: Create, options: CallOptions = {}): Promise<Item> {
    return this.insert(body, options);
  }

  /** Replaces it: what is left out may be cleared. */
  update(id: string, body: Update, options: CallOptions = {}): Promise<Item> {
    return this.replace(id, body, options);
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.remove(id, options);
  }
}
