/** Time as something given: slices never call `Date.now()`, tests hand them a clock they can move. */

/** A source of the current instant and of delays. */
export interface Clock {
  /** Milliseconds since the epoch, wall clock. */
  now(): number;
  /** Resolves after `ms` milliseconds, or rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest time of one timer, in milliseconds: a longer one ends at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The real clock. Its timers do not keep the process alive longer than what waits on them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      let left = ms;
      let timer: ReturnType<typeof setTimeout>;
      const wait = () => {
        const step = Math.min(left, LONGEST_TIMER_MS);
        timer = setTimeout(() => {
          left -= step;
          if (left > 0) return wait();
          signal?.removeEventListener("abort", onAbort);
          resolve();
        }, step);
      };
      wait();
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

/** An instant as Holdfast writes it: UTC ISO 8601 with milliseconds and `Z`. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
