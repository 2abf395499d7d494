/** What a usual size is: median and median absolute deviation over good backups. Pure. */

/** Good backups that must be known before a size can be unusual. */
export const LEARNED_AFTER = 10;
/** The newest so many are looked at. */
export const HISTORY = 30;

/** Scaled so that it equals the standard deviation of normally distributed values. */
const NORMAL = 1.4826;
/** Sizes that never differ would make every byte unusual: the deviation is taken as at least this part of the median. */
const LEAST_PART = 0.05;
const UNUSUAL_DEVIATIONS = 5;

/** How a value compares with those before. */
export type Judged =
  | { known: false; seen: number; needed: number }
  | { known: true; median: number; deviations: number; unusual: boolean };

/** The middle of some numbers; of an even number of them the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Compares a size with those of earlier good backups. */
export function judgeSize(size: number, history: readonly number[]): Judged {
  if (history.length < LEARNED_AFTER) return { known: false, seen: history.length, needed: LEARNED_AFTER };
  const middle = median(history);
  const mad = median(history.map((value) => Math.abs(value - middle)));
  const deviation = Math.max(mad * NORMAL, middle * LEAST_PART, 1);
  const deviations = (size - middle) / deviation;
  return { known: true, median: middle, deviations, unusual: Math.abs(deviations) > UNUSUAL_DEVIATIONS };
}

/** Days until a disk is full, from samples in order of time: a straight line by least squares; null when it does not fill. */
export function daysToFull(samples: readonly { at: number; used: number; total: number }[]): number | null {
  const last = samples.at(-1);
  const first = samples[0];
  if (last === undefined || first === undefined || last.at - first.at < LEAST_SPAN_MS) return null;
  const meanAt = mean(samples.map(({ at }) => at));
  const meanUsed = mean(samples.map(({ used }) => used));
  const spread = mean(samples.map(({ at }) => (at - meanAt) ** 2));
  const together = mean(samples.map(({ at, used }) => (at - meanAt) * (used - meanUsed)));
  const perMs = together / spread;
  // Less than a thousandth of the disk in a year is no growth.
  if (perMs <= 0 || perMs * 31_536_000_000 < last.total / 1000) return null;
  return (last.total - last.used) / perMs / 86_400_000;
}

/** A day of history, before which growth is noise. */
const LEAST_SPAN_MS = 86_400_000;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
