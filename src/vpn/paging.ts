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

/** Every item of a collection; what moved to a later page while it was read comes once. */
export async function* allPages<T extends { id: string }>(
  read: (page: number) => Promise<Page<T>>,
): AsyncGenerator<T> {
  const seen = new Set<string>();
  for (let page = 0;; page++) {
    const { items, total_pages } = await read(page);
    for (const item of items) {
      if (seen.has(item.id)) continue;
      seen.add(item.id);
      yield item;
    }
    // An empty page ends it as well: a count that is wrong must not be an endless loop.
    if (items.length === 0 || page + 1 >= total_pages) return;
  }
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
  let cursor = start;
  for (;;) {
    const batch = await read(cursor);
    yield batch;
    const { next_cursor } = batch;
    if (next_cursor === null) return;
    if (next_cursor === cursor) {
      throw new ApiError("Cannot read on: the API answered with the cursor it was asked with", {
        code: "cursor_loop",
      });
    }
    cursor = next_cursor;
  }
}

/** All of an iterable, in a list. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
