/**
 * Which paths a list of glob patterns means; the one rule behind `excludes` and restore patterns.
 *
 * `*` and `?` stay within one name, `**` crosses directories, `[a-z]` and `[!a-z]` are sets, `{a,b}` is either.
 * A pattern without a slash means that name anywhere (`*.tmp`, `node_modules`); one with a slash is anchored at
 * the root it is matched against. What matches a directory covers everything below it.
 */
import { HoldfastError } from "../../../lib/errors.ts";

/** Says whether a path (no leading slash, `/` between names) or a directory above it is meant. */
export type Matcher = (path: string) => boolean;

/** One matcher for all `patterns`; an empty list matches nothing. Errors: `invalid` for what is no pattern. */
export function globMatcher(patterns: readonly string[]): Matcher {
  if (patterns.length === 0) return () => false;
  const expression = new RegExp(patterns.map(checkedSource).join("|"), "su");
  return (path) => expression.test(path);
}

/** The names of an entry as one path, as patterns mean it. */
export function plainPath(path: string): string {
  return path.split("/").filter((name) => name !== "" && name !== ".").join("/");
}

function checkedSource(pattern: string): string {
  const text = source(pattern);
  try {
    new RegExp(text, "su");
    return text;
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot use pattern "${pattern}": it is no glob`, {
      hint: "a set such as [a-z] runs upwards; \\[ means the bracket itself",
      cause: error,
    });
  }
}

function source(pattern: string): string {
  const anchored = pattern.replace(/\/+$/, "").includes("/");
  const body = pattern.replace(/^(\.?\/)+|\/+$/g, "");
  // The part behind the match makes a directory cover what it holds.
  return `${anchored ? "^" : "(?:^|/)"}${translate(body)}(?:$|/)`;
}

function translate(glob: string): string {
  let out = "";
  for (let i = 0; i < glob.length; i++) {
    const rest = glob.slice(i);
    const char = glob[i]!;
    const set = /^\[(!|\^)?(\]?[^\]]*)\]/.exec(rest);
    const choice = /^\{([^{}]*)\}/.exec(rest);
    if (rest.startsWith("**/")) [out, i] = [out + "(?:[^/]+/)*", i + 2];
    else if (rest.startsWith("**")) [out, i] = [out + ".*", i + 1];
    else if (char === "*") out += "[^/]*";
    else if (char === "?") out += "[^/]";
    else if (set !== null) {
      out += `(?!/)[${set[1] === undefined ? "" : "^"}${set[2]!.replace(/[\\\]\[^]/g, "\\$&")}]`;
      i += set[0].length - 1;
    } else if (choice !== null) {
      out += `(?:${choice[1]!.split(",").map(translate).join("|")})`;
      i += choice[0].length - 1;
    } else if (char === "\\" && i + 1 < glob.length) out += escape(glob[++i]!);
    else if (rest.codePointAt(0)! > 0xffff) [out, i] = [out + rest.slice(0, 2), i + 1];
    else out += escape(char);
  }
  return out;
}

function escape(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? "\\" + char : char;
}
