/**
 * Comparing what the README says with what a command printed.
 *
 * Equal means equal but for what differs from run to run:
 *
 * - `...` stands for anything in a line, and alone in a line for any number of lines
 * - instants, sizes, durations, process ids, request ids, tokens, short hexadecimal words and numbers of bytes or seconds
 *   in JSON fit any other of their kind
 * - ids, hashes, names of artifacts and copies, API keys and the set-up code fit any other of their kind, but the same
 *   one everywhere: what a command was shown as in one place it has to be in the next
 * - runs of spaces are one space, because the widths of columns follow their cells
 */

/** Kinds of text that are the same thing under another name in each run. */
const NAMES = [
  "hf_[A-Za-z0-9]+_[\\w-]+",
  "[A-Za-z][\\w-]*-\\d{8}T\\d{6}Z-[0-9a-f]{8}",
  "\\b\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d-\\d{3}Z",
  "\\b[0-9A-HJ-NP-Z]{4}(?:-[0-9A-HJ-NP-Z]{4}){3}\\b",
  "\\b[0-9a-f]{64}\\b",
  "\\b[0-9a-f]{16}\\b",
];

/** Kinds of text that mean nothing beyond their kind. */
const MEASURES = [
  "\\beyJ[\\w.-]{20,}",
  "\\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\b",
  "\\b\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|[+-]\\d\\d:\\d\\d)",
  '"\\w+_(?:bytes|seconds|ms)": ?\\d+(?:\\.\\d+)?',
  "\\b\\d+(?:\\.\\d+)? (?:B|KiB|MiB|GiB|TiB)\\b",
  "\\b\\d+(?:\\.\\d+)?(?: ?ms|s)\\b",
  "\\b(?:pid|process) \\d+\\b",
  "\\b[0-9a-f]{12}\\b",
  "\\b[0-9a-f]{8}\\b",
];

const ANYTHING = "...";
const VOLATILE = new RegExp(
  [...NAMES, ...MEASURES].map((kind) => `(${kind})`).join("|") + "|\\.\\.\\.| +",
  "g",
);
const NAME = new RegExp(NAMES.map((kind) => `(${kind})`).join("|"), "g");

/** Which name of the README is which name of this run. */
export class Names {
  readonly #inRun = new Map<string, string>();
  readonly #inReadme = new Map<string, string>();
  /** The newest name of each kind that this run showed. */
  readonly #newest = new Map<number, string>();

  /** Binds names, all or none; false when one of them is bound to another one already. */
  bind(pairs: readonly (readonly [readme: string, run: string])[]): boolean {
    const inRun = new Map(pairs);
    const inReadme = new Map(pairs.map(([readme, run]) => [run, readme]));
    const fits = pairs.every(([readme, run]) =>
      inRun.get(readme) === run && inReadme.get(run) === readme &&
      (this.#inRun.get(readme) ?? run) === run && (this.#inReadme.get(run) ?? readme) === readme
    );
    if (!fits) return false;
    for (const [readme, run] of pairs) {
      this.#inRun.set(readme, run);
      this.#inReadme.set(run, readme);
    }
    return true;
  }

  /** Remembers what this run showed. */
  see(lines: readonly string[]): void {
    for (const match of lines.join("\n").matchAll(NAME)) this.#newest.set(kindOf(match), match[0]);
  }

  /** A command of the README with the names of this run. Throws for a name that nothing has shown before. */
  forRun(command: string): string {
    return command.replaceAll(NAME, (name) => {
      const run = this.#inRun.get(name);
      if (run === undefined) throw new Error(`the README uses "${name}", which no output before it shows`);
      return run;
    });
  }

  /** A command whose unknown names are taken for the newest of their kind: what an author most likely meant. */
  guess(command: string): string {
    return command.replaceAll(NAME, (name, ...rest) => {
      if (this.#inRun.has(name)) return name;
      const newest = this.#newest.get(rest.findIndex((group) => group === name));
      return newest === undefined ? name : this.#inReadme.get(newest) ?? newest;
    });
  }

  /** Output of this run as the README shall show it: known names stay, new ones are kept as they are. */
  forReadme(lines: readonly string[]): string[] {
    return lines.map((line) =>
      line.replaceAll(NAME, (run) => {
        const known = this.#inReadme.get(run);
        if (known === undefined) this.bind([[run, run]]);
        return known ?? run;
      })
    );
  }
}

function kindOf(match: RegExpExecArray): number {
  return match.slice(1).findIndex((group) => group !== undefined);
}

/** True when the output is what the README says; binds its names then. */
export function matches(said: readonly string[], printed: readonly string[], names: Names): boolean {
  const pairs = pairsOf(said, printed);
  return pairs !== undefined && names.bind(pairs);
}

/** Binds the names of those lines that still are what the README says, so that a changed output keeps its names. */
export function bindWhatFits(said: readonly string[], printed: readonly string[], names: Names): void {
  let next = 0;
  for (const line of said) {
    if (line.trim() === ANYTHING) continue;
    const index = printed.findIndex((candidate, i) =>
      i >= next && pairsOfLine(line, candidate) !== undefined
    );
    if (index < 0) continue;
    names.bind(pairsOfLine(line, printed[index]!) ?? []);
    next = index + 1;
  }
}

type Pair = readonly [readme: string, run: string];

/** The names that stand at the same places, or undefined where the texts differ. */
function pairsOf(said: readonly string[], printed: readonly string[]): Pair[] | undefined {
  const [first, ...rest] = said;
  if (first === undefined) return printed.length === 0 ? [] : undefined;
  if (first.trim() === ANYTHING) {
    for (let skip = 0; skip <= printed.length; skip++) {
      const found = pairsOf(rest, printed.slice(skip));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const [line, ...others] = printed;
  if (line === undefined) return undefined;
  const here = pairsOfLine(first, line);
  const after = here && pairsOf(rest, others);
  return after && [...here, ...after];
}

function pairsOfLine(said: string, printed: string): Pair[] | undefined {
  const names: string[] = [];
  let pattern = "";
  let end = 0;
  for (const match of said.trimEnd().matchAll(VOLATILE)) {
    pattern += escape(said.slice(end, match.index));
    end = match.index + match[0].length;
    const kind = kindOf(match);
    if (match[0] === ANYTHING) pattern += ".*";
    else if (kind < 0) pattern += " +";
    else if (kind < NAMES.length) {
      names.push(match[0]);
      pattern += `(${NAMES[kind]})`;
    } else pattern += MEASURES[kind - NAMES.length];
  }
  pattern += escape(said.trimEnd().slice(end));
  const found = new RegExp(`^${pattern}$`).exec(printed.trimEnd());
  return found === null ? undefined : names.map((name, i): Pair => [name, found[i + 1]!]);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
