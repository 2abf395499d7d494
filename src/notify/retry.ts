/** When a delivery that failed is tried again. */

/** First wait, in milliseconds; each further one is twice as long. */
const FIRST_MS = 60_000;
/** No wait is longer. */
const LONGEST_MS = 3_600_000;
/** Refusals of one message before it is given up: about half an hour, in which a wrong setting can be mended. */
export const MAX_REFUSALS = 6;
/** What a service may ask to wait at most. */
const LONGEST_ASKED_MS = 86_400_000;

/**
 * Milliseconds to wait after the given number of failures in a row, or what the service asked for. `random` in
 * [0, 1) spreads messages that failed together by a fifth either way.
 */
export function retryDelay(failures: number, askedSeconds: number | undefined, random: number): number {
  if (askedSeconds !== undefined) return Math.min(LONGEST_ASKED_MS, askedSeconds * 1000) * (1 + random / 10);
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(30, failures - 1));
  return Math.round(wait * (0.8 + random * 0.4));
}
