/** How far long work is, and the stream of it, which ends with the result. */

/** A moment of work under way; totals are absent while they are unknown. */
export interface Progress {
  phase: string;
  done_bytes: number;
  total_bytes?: number;
  done_items: number;
  total_items?: number;
}

/** What watching work yields; the last event is the result. */
export type WorkEvent<Result> = { type: "progress" } & Progress | { type: "result"; result: Result };

/**
 * Begins work and yields how far it is, only the newest to a reader that is slow, then its result, or throws what it
 * throws. `abandon` is called when the reader goes away, and has to end the work.
 */
export function watchWork<Result>(
  work: (report: (update: Progress) => void) => Promise<Result>,
  abandon: () => void,
): AsyncIterable<WorkEvent<Result>> {
  let newest: Progress | undefined;
  let [over, told] = [false, false];
  let news = Promise.withResolvers<void>();
  const working = work((update) => {
    newest = update;
    news.resolve();
  });
  const end = () => {
    over = true;
    news.resolve();
  };
  const settled = working.then(end, end);
  // No generator: one that waits for news could not be ended before there are some.
  const iterator: AsyncIterator<WorkEvent<Result>, undefined> = {
    async next() {
      if (told) return { done: true, value: undefined };
      while (newest === undefined && !over) {
        await news.promise;
        news = Promise.withResolvers();
      }
      if (newest !== undefined) {
        const update = newest;
        newest = undefined;
        return { done: false, value: { type: "progress", ...update } };
      }
      told = true;
      return { done: false, value: { type: "result", result: await working } };
    },
    async return() {
      told = true;
      abandon();
      await settled;
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
