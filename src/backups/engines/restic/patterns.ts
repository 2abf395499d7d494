/**
 * Our glob patterns in restic's words, so that it restores little more than is asked for.
 *
 * What comes back is still judged by our own matcher; a pattern that selects too little would lose files, so what cannot
 * be said in restic's words selects everything.
 */

/** Patterns for `--include`; undefined when only all will do. */
export function includesFor(patterns: readonly string[]): string[] | undefined {
  const all = patterns.flatMap((pattern) => choices(pattern) ?? [undefined]);
  const translated = all.map((pattern) => pattern === undefined ? undefined : translate(pattern));
  return translated.some((pattern) => pattern === undefined)
    ? undefined
    : translated.filter((text) => text !== undefined);
}

/** `{a,b}` is either, which restic does not know. */
function choices(pattern: string): string[] | undefined {
  const found = /\{([^{}]*)\}/.exec(pattern);
  if (found === null) return /[{}]/.test(pattern) ? undefined : [pattern];
  const [whole, inner = ""] = found;
  const all = inner.split(",").map((choice) =>
    choices(pattern.slice(0, found.index) + choice + pattern.slice(found.index + whole.length))
  );
  return all.some((some) => some === undefined) ? undefined : all.flatMap((some) => some ?? []);
}

function translate(pattern: string): string | undefined {
  // Sets and escapes differ in their corners, and `**` inside a name means something else.
  if (/[[\]\\]/.test(pattern) || /[^/]\*\*|\*\*[^/]/.test(pattern)) return undefined;
  const bare = pattern.replace(/^(\.?\/)+|\/+$/g, "");
  if (bare === "") return undefined;
  return pattern.replace(/\/+$/, "").includes("/") ? `/${bare}` : bare;
}
