/**
 * Which paths a list of glob patterns means; the one rule behind `excludes` and restore patterns.
 *
 * `*` and `?` stay within one name, `**` crosses directories, `[a-z]` and `[!a-z]` are sets, `{a,b}` is either.
 * A pattern without a slash means that name anywhere (`*.tmp`, `node_modules`); one with a slash is anchored at
 * the root it is matched against. What matches a directory covers everything below it.
 *
 * Patterns come over the network and are tried on the daemon's own thread, so they are no regular expressions: those
 * try every way to share a name among the stars of `a*a*a*a*b`. Here no star begins twice at one place.
 */
import { HoldfastError } from "../../../lib/errors.ts";

/** Says whether a path (no leading slash, `/` between names) or a directory above it is meant. */
export type Matcher = (path: string) => boolean;

/** A path of more characters does not exist: PATH_MAX of Linux. */
const LONGEST_PATTERN = 4096;
/** Every `{a,b}` of a pattern multiplies them. */
const MOST_VARIANTS = 1024;

/** One matcher for all `patterns`; an empty list matches nothing. Errors: `invalid` for what is no pattern. */
export function globMatcher(patterns: readonly string[]): Matcher {
  const globs = patterns.flatMap(parsePattern);
  return (path) => globs.some((glob) => matches(glob, path));
}

/** The names of an entry as one path, as patterns mean it. */
export function plainPath(path: string): string {
  return path.split("/").filter((name) => name !== "" && name !== ".").join("/");
}

type Star = "star" | "any" | "names";

/** A piece of a pattern: a text as it is, one character, or as much as may be. */
type Piece =
  | { kind: "text"; text: string }
  | { kind: "one"; isMeant: (char: string) => boolean }
  /** `*`, `**` and `**` with the slash behind it: within a name, across names, whole names. */
  | { kind: Star };

interface Glob {
  /** True when it begins at the root, false when at any name. */
  anchored: boolean;
  pieces: readonly Piece[];
}

/** A pattern without choices for each way to choose. */
function parsePattern(pattern: string): Glob[] {
  if (pattern.length > LONGEST_PATTERN) {
    throw noGlob(`${pattern.slice(0, 40)}...`, `it has more than ${LONGEST_PATTERN} characters`);
  }
  const anchored = pattern.replace(/\/+$/, "").includes("/");
  const body = pattern.replace(/^(\.?\/)+|\/+$/g, "");
  return parse(body, pattern).map((pieces) => ({ anchored, pieces: joined(pieces) }));
}

function parse(glob: string, whole: string): Piece[][] {
  let variants: Piece[][] = [[]];
  for (let i = 0; i < glob.length;) {
    const [length, choices] = pieceAt(glob, i, whole);
    if (variants.length * choices.length > MOST_VARIANTS) {
      throw noGlob(whole, `its {a,b} are more than ${MOST_VARIANTS} patterns`);
    }
    variants = variants.flatMap((before) => choices.map((pieces) => [...before, ...pieces]));
    i += length;
  }
  return variants;
}

/** How much of `glob` the piece at `i` takes, and what it is: one list of pieces for each choice. */
function pieceAt(glob: string, i: number, whole: string): [length: number, choices: Piece[][]] {
  const rest = glob.slice(i);
  const one = (length: number, piece: Piece): [number, Piece[][]] => [length, [[piece]]];
  if (rest.startsWith("**/")) return one(3, { kind: "names" });
  if (rest.startsWith("**")) return one(2, { kind: "any" });
  if (rest[0] === "*") return one(1, { kind: "star" });
  if (rest[0] === "?") return one(1, { kind: "one", isMeant: () => true });
  const set = /^\[(!|\^)?(\]?[^\]]*)\]/.exec(rest);
  if (set !== null) {
    return one(set[0].length, { kind: "one", isMeant: setOf(set[2]!, set[1] !== undefined, whole) });
  }
  const choice = /^\{([^{}]*)\}/.exec(rest);
  if (choice !== null) {
    return [choice[0].length, choice[1]!.split(",").flatMap((glob) => parse(glob, whole))];
  }
  if (rest[0] === "\\" && rest.length > 1) return one(2, { kind: "text", text: rest[1]! });
  return one(1, { kind: "text", text: rest[0]! });
}

function setOf(chars: string, negated: boolean, whole: string): (char: string) => boolean {
  const text = chars.replace(/[\\\]\[^]/g, "\\$&");
  try {
    const set = new RegExp(`^[${negated ? "^" : ""}${text}]$`, "su");
    return (char) => set.test(char);
  } catch (error) {
    throw noGlob(whole, "it is no glob", error);
  }
}

function noGlob(pattern: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError("invalid", `Cannot use pattern "${pattern}": ${reason}`, {
    hint: "a set such as [a-z] runs upwards; \\[ means the bracket itself",
    cause,
  });
}

/** Texts that follow one another as one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (piece.kind === "text" && last?.kind === "text") out[out.length - 1] = joinedTexts(last, piece);
    else out.push(piece);
  }
  return out;
}

function joinedTexts(a: { text: string }, b: { text: string }): Piece {
  return { kind: "text", text: a.text + b.text };
}

/**
 * Follows one way through the pattern, and keeps where each star could have taken more for when that fails: a piece and a
 * place in the path, and none of those twice.
 */
function matches({ anchored, pieces }: Glob, path: string): boolean {
  let tried: Set<number> | undefined;
  const others: number[] = [];
  for (let start = 0; start !== -1; start = anchored ? -1 : nextName(path, start)) {
    let [piece, at] = [0, start];
    while (true) {
      const next = pieces[piece];
      if (next === undefined) {
        if (at === path.length || path[at] === "/") return true;
        at = -1;
      } else if (next.kind === "text") at = path.startsWith(next.text, at) ? at + next.text.length : -1;
      else if (next.kind === "one") at = afterOne(next.isMeant, path, at);
      else {
        const state = piece * (path.length + 1) + at;
        at = tried?.has(state) ? -1 : firstEnd(next.kind, pieces[piece + 1], path, at);
        (tried ??= new Set()).add(state);
        const more = at === -1 ? -1 : afterMore(next.kind, path, at);
        if (more !== -1) others.push(piece, more);
      }
      if (at !== -1) piece++;
      else if (others.length === 0) break;
      else [at, piece] = [others.pop()!, others.pop()!];
    }
  }
  return false;
}

function nextName(path: string, at: number): number {
  const slash = path.indexOf("/", at);
  return slash === -1 ? -1 : slash + 1;
}

/** Behind the character at `at`, or -1 when it is not meant. */
function afterOne(isMeant: (char: string) => boolean, path: string, at: number): number {
  const char = at < path.length ? String.fromCodePoint(path.codePointAt(at)!) : "/";
  return char !== "/" && isMeant(char) ? at + char.length : -1;
}

/** The first place from `at` on where a star may end, because what follows could be there; -1 when there is none. */
function firstEnd(kind: Star, following: Piece | undefined, path: string, at: number): number {
  if (following !== undefined && following.kind !== "text") return at;
  if (kind === "names") {
    const text = following?.text ?? "";
    while (at !== -1 && !path.startsWith(text, at)) at = afterMore(kind, path, at);
    return at;
  }
  const slash = path.indexOf("/", at);
  const end = slash === -1 ? path.length : slash;
  if (following === undefined) return end;
  const found = path.indexOf(following.text, at);
  return kind === "star" && found > end ? -1 : found;
}

/** Where a star that could end at `at` is when it takes one step more; -1 when it cannot. */
function afterMore(kind: Star, path: string, at: number): number {
  if (at >= path.length || (path[at] === "/" && kind !== "any")) return -1;
  if (kind === "names") return nextName(path, at);
  return at + String.fromCodePoint(path.codePointAt(at)!).length;
}
