/**
 * Reading a list to its true end.
 *
 * `total` is not believed: servers have been seen to count wrongly, to cap a page below what was asked for, and to ignore `skip`.
 * The end is an empty page, or one that brings nothing new. While one page is looked at the next is on its way.
 */
import { HoldfastError } from "../lib/errors.ts";
import { id, type Raw, rowsOf } from "./decode.ts";

/** Asks for one page. */
export type PageCall = (page: { skip: number; limit: number }, signal: AbortSignal) => Promise<Raw>;

/** No list is longer; a server that brings new rows for ever would fill the memory. */
const MOST_ROWS = 2_000_000;

/** The rows of a list, page by page, each once. Errors: the call's, and `upstream` for a list that does not end. */
export async function* pages(
  call: PageCall,
  limit: number,
  signal: AbortSignal,
  most: number = MOST_ROWS,
): AsyncGenerator<Raw[], void, undefined> {
  const seen = new Set<string>();
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const ask = (skip: number) => {
    const page = call({ skip, limit }, either);
    // It is awaited later, or not at all when the reader leaves.
    page.catch(() => {});
    return page;
  };
  try {
    let next = ask(0);
    for (let skip = 0;;) {
      const { data } = await next;
      const rows = rowsOf(data);
      skip += Array.isArray(data) ? data.length : 0;
      const fresh = rows.filter((row) => {
        const key = id(row, "id") ?? JSON.stringify(row);
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
      if (fresh.length === 0) return;
      if (seen.size > most) {
        throw new HoldfastError("upstream", `Cannot read the list: it does not end after ${most} rows`, {
          hint:
            "ask for less with --since; is that address really a Veeam server, and no proxy in front of it?",
        });
      }
      next = ask(skip);
      yield fresh;
    }
  } finally {
    stop.abort();
  }
}
