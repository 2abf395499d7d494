/** What can be done with things of any kind; each kind is a row of a table. */
import type { z } from "zod";
import type { CallOptions, Connection } from "../connection.ts";
import { ValidationError } from "../errors.ts";
import { type Page, pageOf } from "../paging.ts";
import type { RuleProblem } from "../rules.ts";
import { pageOf as pageSchema } from "../schemas/fields.ts";
import type { Version } from "../versions.ts";

/** Which page of a collection. */
export interface PageQuery extends CallOptions {
  /** From 0; default 0. */
  page?: number | undefined;
  /** Items on it, 1 to 1000; default 100. */
  size?: number | undefined;
}

/** A row of the table of collections. */
export interface CollectionSpec<Item, Create, Update> {
  /** Below `/api/v1`. */
  path: string;
  /** For messages: `network`, `networks`. */
  one: string;
  many: string;
  item: z.ZodType<Item>;
  /** What the API refuses without its description saying so, in a new thing and in one that is there. */
  checkCreate?: (body: Create) => RuleProblem[];
  checkUpdate?: (body: Update) => RuleProblem[];
  /** The body as it is sent; default: as it is given. */
  prepare?: (body: Create | Update) => unknown;
}

/** The API's own limit. */
export const MAX_PAGE_SIZE = 1000;
const DEFAULT_PAGE_SIZE = 100;

/** What can be done with the things of a collection that are there. */
export class Things<Item extends { id: string }, Create, Update> {
  protected readonly connection: Connection;
  protected readonly spec: CollectionSpec<Item, Create, Update>;
  readonly #pageSchema;

  constructor(connection: Connection, spec: CollectionSpec<Item, Create, Update>) {
    this.connection = connection;
    this.spec = spec;
    this.#pageSchema = pageSchema(spec.item);
  }

  protected async readPage(
    { page = 0, size = DEFAULT_PAGE_SIZE, signal }: PageQuery,
    filter: Record<string, string | undefined> = {},
  ): Promise<Page<Item>> {
    const action = `list ${this.spec.many}`;
    checkPage(action, page, size, 1, MAX_PAGE_SIZE);
    const query = { page, size, ...filter };
    const answer = await this.connection.json(
      { signal, action, method: "GET", path: this.spec.path, query },
      this.#pageSchema,
    );
    return pageOf(answer, page);
  }

  protected read(id: string, options: CallOptions, query: Record<string, string> = {}): Promise<Item> {
    const action = `read ${this.spec.one} "${id}"`;
    return this.connection.json(
      { ...options, action, method: "GET", path: this.onePath, ids: { id }, query },
      this.spec.item,
    );
  }

  protected async insert(
    body: Create,
    options: CallOptions,
    query: Record<string, string> = {},
  ): Promise<Item> {
    const action = `create ${this.spec.one}`;
    refuse(action, this.spec.checkCreate?.(body) ?? []);
    const json = this.spec.prepare?.(body) ?? body;
    return await this.connection.json(
      { ...options, action, method: "POST", path: this.spec.path, query, json },
      this.spec.item,
    );
  }

  protected async replace(
    id: string,
    body: Update,
    options: CallOptions,
    query: Record<string, string> = {},
  ): Promise<Item> {
    const action = `update ${this.spec.one} "${id}"`;
    refuse(action, this.spec.checkUpdate?.(body) ?? []);
    const json = this.spec.prepare?.(body) ?? body;
    return await this.connection.json(
      { ...options, action, method: "PUT", path: this.onePath, ids: { id }, query, json },
      this.spec.item,
    );
  }

  protected remove(id: string, options: CallOptions, query: Record<string, string> = {}): Promise<void> {
    const action = `delete ${this.spec.one} "${id}"`;
    return this.connection.done({
      ...options,
      action,
      method: "DELETE",
      path: this.onePath,
      ids: { id },
      query,
    });
  }

  /** An action on one thing, which answers nothing. */
  protected act(
    method: "POST" | "PUT",
    verb: string,
    id: string,
    options: CallOptions,
    since?: Version,
  ): Promise<void> {
    const action = `${verb.replaceAll(/[-/]/g, " ")} ${this.spec.one} "${id}"`;
    const path = `${this.onePath}/${verb}`;
    return this.connection.done({ ...options, action, method, path, ids: { id }, since });
  }

  protected get onePath(): string {
    return `${this.spec.path}/{id}`;
  }
}

/** Errors: `ValidationError` for an empty id, before any call. */
export function requireId(id: string, action: string, what: string): void {
  if (id === "") throw new ValidationError(`Cannot ${action}: ${what} is empty`);
}

/** Refuses a body with problems. Errors: `ValidationError` that lists them all. */
export function refuse(action: string, problems: readonly RuleProblem[]): void {
  const [first, ...more] = problems;
  if (first === undefined) return;
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  throw new ValidationError(`Cannot ${action}: ${first.path} ${first.message}${others}`, {
    errors: [...problems],
  });
}

/** Refuses pages the API would refuse. Errors: `ValidationError`. */
export function checkPage(action: string, page: number, size: number, least: number, most: number): void {
  if (!Number.isInteger(page) || page < 0) {
    throw new ValidationError(`Cannot ${action}: page ${page} is not a whole number from 0`);
  }
  if (!Number.isInteger(size) || size < least || size > most) {
    throw new ValidationError(`Cannot ${action}: size ${size} is not between ${least} and ${most}`);
  }
}
