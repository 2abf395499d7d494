/** One measured figure, with what it is measured against where the goal is a ratio. */
export interface BenchResult {
  name: string;
  value: number;
  unit: string;
  /** In words: `at most 2x`, `under 150 ms`. */
  goal?: string;
  /** The same thing done by the plainest program there is, measured in the same run, in the same unit. */
  baseline?: number;
  /** `value / baseline`. */
  ratio?: number;
  /** Whether the goal was reached. */
  met?: boolean;
}

/** The middle of the values: one slow start of a busy machine does not count. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError("Cannot take the median: there are no values");
  return middle;
}
