/** What is said when the patterns of a restore mean nothing: mostly they leave out where a path begins. */
import { HoldfastError } from "../../../lib/errors.ts";
import { globMatcher, type Matcher } from "./glob.ts";

/** Error code of a restore whose patterns match nothing. */
export const NOTHING_MATCHES = "nothing_matches";

const MAX_EXAMPLES = 2;

/** Collects paths that show what the ones of a backup look like, of all that patterns did not mean. */
export class Examples {
  readonly #isClose: Matcher;
  readonly #close: string[] = [];
  readonly #first: string[] = [];

  constructor(patterns: readonly string[]) {
    this.#isClose = globMatcher(patterns.map((pattern) => `**/${pattern.replace(/^(\.?\/)+/, "")}`));
  }

  add(path: string): void {
    if (path === "") return;
    if (this.#close.length < MAX_EXAMPLES && this.#isClose(path)) this.#close.push(path);
    if (this.#first.length < MAX_EXAMPLES) this.#first.push(path);
  }

  /** First those that the patterns mean anywhere in the backup. */
  get paths(): string[] {
    return [...new Set([...this.#close, ...this.#first])].slice(0, MAX_EXAMPLES);
  }
}

/** The error, with paths that are in the backup. */
export function nothingMatches(
  artifact: string,
  patterns: readonly string[],
  examples: readonly string[],
): HoldfastError {
  const names = patterns.map((pattern) => `"${pattern}"`).join(", ");
  // Names of files may hold whatever drives a terminal.
  const paths = examples.map((path) => JSON.stringify(path)).join(" and ");
  return new HoldfastError(
    "not_found",
    `Cannot restore from "${artifact}": nothing in it matches ${names}`,
    {
      code: NOTHING_MATCHES,
      hint: examples.length === 0
        ? "there is nothing in it"
        : `its paths begin at its root, such as ${paths}`,
    },
  );
}
