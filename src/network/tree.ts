/**
 * Configuration as a router gives and takes it: a tree, and the commands that make one tree of another.
 *
 * `showConfig` writes a leaf with one value as text, one with several as a list, one without a value and an empty
 * node both as `{}`. Nodes that only hold others are left behind empty when their last leaf goes, so they count as absent.
 */

/** A node of the configuration. */
export interface Tree {
  readonly [name: string]: Tree | string | readonly string[];
}

/** One command of a `/configure` request. */
export interface Command {
  op: "set" | "delete";
  path: string[];
  value?: string;
}

/** Nodes below a rule or a reservation that mean nothing when they are empty. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "destination",
  "source",
  "translation",
  "inbound-interface",
  "outbound-interface",
  "option",
  "options",
  "group",
]);

/** Leaves whose text may be written in either case. */
const CASELESS: ReadonlySet<string> = new Set(["mac", "mac-address"]);

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The node at a path, undefined where there is none. */
export function treeAt(tree: Tree | undefined, path: readonly string[]): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const name of path) {
    const next: unknown = node !== undefined && Object.hasOwn(node, name) ? node[name] : undefined;
    if (!isTree(next)) return undefined;
    node = next;
  }
  return node;
}

/** The text of a leaf; undefined when it has none or several. */
export function leafAt(tree: Tree | undefined, path: readonly string[]): string | undefined {
  const node = treeAt(tree, path.slice(0, -1));
  const value = node?.[path.at(-1) ?? ""];
  return typeof value === "string" ? value : undefined;
}

/** The texts of a leaf that may have several. */
export function leavesAt(tree: Tree | undefined, path: readonly string[]): string[] {
  const value = treeAt(tree, path.slice(0, -1))?.[path.at(-1) ?? ""];
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

/** Made once: making one costs more than a thousand comparisons. */
const collator = new Intl.Collator("en", { numeric: true });

/** Instances of a tag node, in the order of their numbers or names. */
export function instancesAt(tree: Tree | undefined, path: readonly string[]): [string, Tree][] {
  const entries = Object.entries(treeAt(tree, path) ?? {}).flatMap(([name, node]): [string, Tree][] =>
    isTree(node) ? [[name, node]] : []
  );
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => collator.compare(a, b));
}

/** The same tree without empty containers. */
export function prune(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, value]): [string, Tree[string]][] => {
      const kept = isTree(value) ? prune(value) : value;
      const empty = isTree(kept) && Object.keys(kept).length === 0 && CONTAINERS.has(name);
      return empty ? [] : [[name, kept]];
    }),
  );
}

/** True when both mean the same to a router. */
export function sameTree(a: Tree | null, b: Tree | null): boolean {
  return a !== null && b !== null && equal(a, b) || diffTrees([], a, b).length === 0;
}

/** Equal word for word, which most are; cheaper than asking what they mean. */
function equal(a: Tree, b: Tree): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => {
    const [one, other] = [a[name]!, b[name]];
    return one === other || (isTree(one) && isTree(other) && equal(one, other));
  });
}

/** Commands that make `after` of `before` at a path; deletes first. Null is "not there". */
export function diffTrees(path: readonly string[], before: Tree | null, after: Tree | null): Command[] {
  if (after === null) return before === null ? [] : [{ op: "delete", path: [...path] }];
  const [deletes, sets]: [Command[], Command[]] = [[], []];
  diffInto(path, before === null ? null : prune(before), prune(after), deletes, sets);
  return [...deletes, ...sets];
}

function diffInto(
  path: readonly string[],
  before: Tree | null,
  after: Tree,
  deletes: Command[],
  sets: Command[],
): void {
  const names = Object.keys(after);
  if (names.length === 0 && before === null) sets.push({ op: "set", path: [...path] });
  for (const name of Object.keys(before ?? {})) {
    if (!Object.hasOwn(after, name)) deletes.push({ op: "delete", path: [...path, name] });
  }
  for (const name of names) {
    const [old, now, at] = [before?.[name], after[name]!, [...path, name]];
    if (isTree(now)) {
      if (old !== undefined && !isTree(old)) deletes.push({ op: "delete", path: at });
      diffInto(at, isTree(old) ? old : null, now, deletes, sets);
    } else diffLeaf(at, old, now, deletes, sets);
  }
}

function diffLeaf(
  path: string[],
  old: Tree[string] | undefined,
  now: string | readonly string[],
  deletes: Command[],
  sets: Command[],
): void {
  const same = CASELESS.has(path.at(-1)!) ? (text: string) => text.toLowerCase() : (text: string) => text;
  const had = typeof old === "string" ? [old] : Array.isArray(old) ? old.map(String) : [];
  const wants = typeof now === "string" ? [now] : now;
  if (isTree(old)) deletes.push({ op: "delete", path });
  // Setting a leaf of one value replaces it; of a list each value goes and comes by itself.
  const single = had.length <= 1 && wants.length === 1;
  for (const value of had) {
    if (!single && !wants.some((want) => same(want) === same(value))) {
      deletes.push({ op: "delete", path, value });
    }
  }
  for (const value of wants) {
    if (!had.some((known) => same(known) === same(value))) sets.push({ op: "set", path, value });
  }
}

/** A command as people write it on a router. */
export function commandText({ op, path, value }: Command): string {
  const words = [...path, ...(value === undefined ? [] : [value])];
  return [op, ...words.map((word) => /^[\w./:,!*-]+$/.test(word) ? word : `'${word}'`)].join(" ");
}

/** True when a text can stand as a value or a name: what a router's shell would take apart is refused before. */
export function isSafeText(text: string): boolean {
  return !/['"`$\\\p{Cc}]/u.test(text);
}
