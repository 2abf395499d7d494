/** Reading collections to their end: by pages from 0, or by cursors. */
import { ApiError } from "./errors.ts";

/** One page of a collection. */
export interface Page<T> {
  items: T[];
  /** From 0. */
  page: number;
  total_pages: number;
  total_items: number;
}

/** A page as the API answers it. */
export interface PageAnswer<T> {
  content: T[];
  totalElements?: number | null | undefined;
  totalPages?: number | null | undefined;
  page?: number | null | undefined;
}

/** What a page is, in the words of this client. */
export function pageOf<T>(answer: PageAnswer<T>, asked: number): Page<T> {
  return {
    items: answer.content,
    page: answer.page ?? asked,
    total_pages: answer.totalPages ?? (answer.content.length === 0 ? 0 : asked + 1),
    total_items: answer.totalElements ?? answer.content.length,
  };
}

/** No collection has more pages; an API that brings new items for ever would fill the memory. */
const MOST_PAGES = 5000;

/** Every item of a collection; what moved to a later page while it was read comes once. Errors: those of reading, and `ApiError` for no end. */
export async function* allPages<T extends { id: string }>(
  read: (page: number) => Promise<Page<T>>,
): AsyncGenerator<T> {
  const seen = new Set<string>();
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, total_pages } = await read(page);
    const before = seen.size;
    for (const item of items) {
      if (seen.has(item.id)) continue;
      seen.add(item.id);
      yield item;
    }
    // A page of nothing new ends it as well: a count that is wrong must not be an endless loop.
    if (seen.size === before || page + 1 >= total_pages) return;
  }
  throw endless(`it does not end after ${MOST_PAGES} pages`);
}

/** Every entry of pages whose entries have no id. Errors: as {@linkcode allPages}. */
export async function* pagesInTurn<T>(read: (page: number) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, total_pages } = await read(page);
    yield* items;
    if (items.length === 0 || page + 1 >= total_pages) return;
  }
  throw endless(`it does not end after ${MOST_PAGES} pages`);
}

function endless(reason: string): ApiError {
  return new ApiError(`Cannot read on: ${reason}`, {
    code: "endless",
    hint: "is that address really a CloudConnexa tenant, and no proxy in front of it?",
  });
}

/** One batch of a log. */
export interface Batch<T> {
  items: T[];
  /** Leads to the next batch; null at the end. */
  next_cursor: string | null;
}

/** Every batch from a cursor on, or from the start. */
export async function* allBatches<T>(
  read: (cursor: string | undefined) => Promise<Batch<T>>,
  start?: string,
): AsyncGenerator<Batch<T>> {
  const asked = new Set(start === undefined ? [] : [start]);
  for (let cursor = start;;) {
    const batch = await read(cursor);
    yield batch;
    const { next_cursor } = batch;
    if (next_cursor === null) return;
    if (asked.has(next_cursor)) {
      throw new ApiError("Cannot read on: the API answered with a cursor it was asked with already", {
        code: "cursor_loop",
      });
    }
    asked.add(cursor = next_cursor);
  }
}

/** All of an iterable, in a list. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
