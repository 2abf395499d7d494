/** From what the layers say to values that are judged, nested, and known by their origin. */
import { messageOf } from "../lib/errors.ts";
import { readSecret } from "./files.ts";
import type { Given, Problem } from "./given.ts";
import type { ConfigLeaf } from "./leaves.ts";
import { judge, place } from "./value.ts";

/** The strongest value of each setting. A secret given in words and in a file at one place is a problem. */
export function strongest(given: readonly Given[], problems: Problem[]): Map<string, Given> {
  const winners = new Map<string, Given>();
  for (const one of given) {
    const before = winners.get(one.path);
    if (before?.layer.name === one.layer.name && before.inFile !== one.inFile) {
      const message = `${one.path} is given in words and in a file (${before.layer.source}): keep one`;
      problems.push({ path: one.path, source: one.layer.source, message });
    }
    winners.set(one.path, one);
  }
  return winners;
}

/** The values by setting. What is refused, also if a stronger layer overrides it, becomes a problem and has no value. */
export function judgeAll(
  given: readonly Given[],
  winners: ReadonlyMap<string, Given>,
  home: string | undefined,
  problems: Problem[],
): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const one of given) {
    const wins = winners.get(one.path) === one;
    // The file of a secret that does not count may rightly be gone or out of reach.
    if (one.inFile && !wins) continue;
    const { leaf, path, base, layer: { source } } = one;
    try {
      const judged = judge(leaf, written(one, home), { base, home });
      if ("message" in judged) problems.push({ path, source, message: `${path} ${judged.message}` });
      else if (wins) values.set(path, judged.value);
    } catch (error) {
      problems.push({ path, source, message: `${path} ${messageOf(error)}` });
    }
  }
  return values;
}

function written({ inFile, value, base }: Given, home: string | undefined): unknown {
  if (!inFile) return value;
  if (typeof value !== "string" || value === "") {
    throw new TypeError("must be the name of a file that holds the secret");
  }
  return readSecret(place(value, { base, home }));
}

/** `{"api.listen": 1}` as `{api: {listen: 1}}`. */
export function nest(
  values: ReadonlyMap<string, unknown>,
  leaves: readonly ConfigLeaf[],
): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  const sections = leaves.filter((leaf) => !leaf.path.includes("*")).map((leaf) => leaf.path);
  for (const path of [...sections, ...values.keys()]) {
    const words = path.split(".");
    const last = words.pop()!;
    let section = root;
    for (const word of words) section = childOf(section, word);
    if (values.has(path)) section[last] = values.get(path);
  }
  return root;
}

function childOf(section: Record<string, unknown>, word: string): Record<string, unknown> {
  const existing = section[word];
  if (isRecord(existing)) return existing;
  const created: Record<string, unknown> = {};
  section[word] = created;
  return created;
}

/** The value at a key of a configuration. */
export function valueAt(config: unknown, path: string): unknown {
  return path.split(".").reduce((value: unknown, word) => isRecord(value) ? value[word] : undefined, config);
}

/** The settings a configuration has, with the names of its upstreams in place of `*`. */
export function settingsOf(
  leaves: readonly ConfigLeaf[],
  config: unknown,
): { leaf: ConfigLeaf; path: string }[] {
  return leaves.flatMap((leaf) => {
    const [before, after] = leaf.path.split(".*.");
    if (before === undefined || after === undefined) return [{ leaf, path: leaf.path }];
    const named = valueAt(config, before);
    return Object.keys(isRecord(named) ? named : {}).map((name) => ({
      leaf,
      path: `${before}.${name}.${after}`,
    }));
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
